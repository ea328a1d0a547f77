"""The table of all operations of the API, and the look-up of one by method and native path."""

from __future__ import annotations

import re
from urllib.parse import unquote

from reconciler.emulator import community, contacts, payments, school, tags, webhooks
from reconciler.emulator.answers import Refusal, not_found, problem
from reconciler.emulator.calls import Operation

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/api/contacts"): contacts.list_contacts,
    ("POST", "/api/contacts"): contacts.create_contact,
    ("GET", "/api/contacts/{id}"): contacts.get_contact,
    ("PATCH", "/api/contacts/{id}"): contacts.update_contact,
    ("DELETE", "/api/contacts/{id}"): contacts.delete_contact,
    ("POST", "/api/contacts/{id}/tags"): contacts.assign_tag,
    ("DELETE", "/api/contacts/{id}/tags/{tagId}"): contacts.unassign_tag,
    ("GET", "/api/tags"): tags.list_tags,
    ("POST", "/api/tags"): tags.create_tag,
    ("GET", "/api/tags/{id}"): tags.get_tag,
    ("PUT", "/api/tags/{id}"): tags.rename_tag,
    ("DELETE", "/api/tags/{id}"): tags.delete_tag,
    ("GET", "/api/contact_fields"): tags.list_fields,
    ("POST", "/api/contact_fields"): tags.create_field,
    ("PATCH", "/api/contact_fields/{slug}"): tags.relabel_field,
    ("DELETE", "/api/contact_fields/{slug}"): tags.delete_field,
    ("GET", "/api/school/courses"): school.list_courses,
    ("GET", "/api/school/course-modules"): school.list_modules,
    ("POST", "/api/school/courses/{courseId}/enrollments"): school.create_enrollment,
    ("GET", "/api/school/enrollments"): school.list_enrollments,
    ("DELETE", "/api/school/enrollments/{id}"): school.delete_enrollment,
    ("GET", "/api/community/communities"): community.list_communities,
    ("POST", "/api/community/communities/{communityId}/memberships"): community.create_membership,
    ("GET", "/api/community/memberships"): community.list_memberships,
    ("DELETE", "/api/community/memberships/{id}"): community.delete_membership,
    ("GET", "/api/payment/subscriptions"): payments.list_subscriptions,
    ("POST", "/api/payment/subscriptions/{id}/cancel"): payments.cancel_subscription,
    ("GET", "/api/webhooks"): webhooks.list_webhooks,
    ("POST", "/api/webhooks"): webhooks.create_webhook,
    ("GET", "/api/webhooks/{id}"): webhooks.get_webhook,
    ("PATCH", "/api/webhooks/{id}"): webhooks.update_webhook,
    ("DELETE", "/api/webhooks/{id}"): webhooks.delete_webhook,
}


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "([^/]+)", template))


_BY_TEMPLATE: dict[str, dict[str, Operation]] = {}
for (_method, _template), _operation in OPERATIONS.items():
    _BY_TEMPLATE.setdefault(_template, {})[_method] = _operation
_PATTERNS = [(_pattern(template), methods) for template, methods in _BY_TEMPLATE.items() if "{" in template]


def find(method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    """The operation and its path arguments; 404 for an unknown path, 405 for an unknown method."""
    methods, args = _methods(path)
    operation = methods.get(method)
    if operation is None:
        allowed = {"Allow": ", ".join(sorted(methods))}
        raise Refusal(problem(405, f"Method {method} is not allowed here.", allowed))
    return operation, args


def _methods(path: str) -> tuple[dict[str, Operation], tuple[str, ...]]:
    fixed = _BY_TEMPLATE.get(path)
    if fixed is not None and "{" not in path:
        return fixed, ()
    for pattern, methods in _PATTERNS:
        if match := pattern.fullmatch(path):
            return methods, tuple(unquote(part) for part in match.groups())
    raise not_found()
