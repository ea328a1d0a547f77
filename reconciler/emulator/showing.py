"""An account as plain data for people and assertions: natural names, sorted, in the shape of a seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.emulator.rows import Contact, Enrollment, Subscription, Webhook
from reconciler.emulator.state import BUILT_IN, State

Shown = dict[str, Any]


def shown(state: State, times: bool = False) -> Shown:
    """Everything the account holds, secrets included; moments only when `times` asks for them."""
    return {
        "tags": sorted(tag.name for tag in state.tags.rows.values()),
        "contact_fields": _fields(state),
        "contacts": [_contact(state, row, times) for row in _by_email(state)],
        "courses": [_course(state, number) for number in state.courses.ids.ids],
        "communities": [
            {"name": row.name, "domain": row.domain, "path": row.path}
            for row in sorted(state.communities.rows.values(), key=lambda row: row.name)
        ],
        "enrollments": _sorted(_enrollment(state, row) for row in state.enrollments.rows.values()),
        "memberships": _memberships(state),
        "webhooks": [_webhook(row) for row in sorted(state.webhooks.values(), key=lambda row: row.name)],
        "subscriptions": _sorted(_subscription(state, row, times) for row in state.subscriptions.rows.values()),
    }


def _sorted(items: Iterable[Shown]) -> list[Shown]:
    return sorted(items, key=lambda item: [str(value) for value in item.values()])


def _fields(state: State) -> list[Shown]:
    """The account's own fields, and built-in ones that carry another label than at first."""
    labels = {**BUILT_IN, "last_name": BUILT_IN["surname"]}
    rows = (row for row in state.fields.values() if not row.built_in or labels.get(row.slug) != row.label)
    return [{"slug": row.slug, "name": row.label} for row in sorted(rows, key=lambda row: row.slug)]


def _by_email(state: State) -> list[Contact]:
    return sorted(state.contacts.rows.values(), key=lambda row: row.email.lower())


def _contact(state: State, row: Contact, times: bool) -> Shown:
    item: Shown = {
        "email": row.email,
        "locale": row.locale,
        "fields": dict(sorted(row.fields.items())),
        "tags": sorted(state.tags.rows[number].name for number in row.tags),
    }
    flags = {
        "unsubscribed": row.unsubscribed,
        "bounced": row.bounced,
        "needs_confirmation": row.needs_confirmation,
        "source_url": row.source_url,
        "registered_at": row.registered_at if times else None,
    }
    return item | {key: value for key, value in flags.items() if value}


def _course(state: State, number: int) -> Shown:
    row = state.courses.rows[number]
    item: Shown = {"name": row.name, "path": row.path, "modules": [module.name for module in row.modules]}
    odd = {"domain": row.domain, "locale": None if row.locale == "en" else row.locale}
    return item | {key: value for key, value in odd.items() if value} | ({} if row.active else {"active": False})


def _enrollment(state: State, row: Enrollment) -> Shown:
    course = state.courses.rows[row.course]
    names = {module.id: module.name for module in course.modules}
    item: Shown = {
        "contact": state.contacts.rows[row.contact].email,
        "course": course.name,
        "access": row.access,
    }
    return item | ({"modules": [names[number] for number in row.modules]} if row.modules else {})


def _memberships(state: State) -> list[Shown]:
    seen = [(row.contact, row.community, 0) for row in state.memberships.rows.values()]
    waiting = [(row.contact, row.community, row.reads) for row in state.pending]
    return _sorted(
        {
            "contact": state.contacts.rows[contact].email,
            "community": state.communities.rows[community].name,
        }
        | ({"pending": reads} if reads else {})
        for contact, community, reads in seen + waiting
    )


def _webhook(row: Webhook) -> Shown:
    item: Shown = {
        "name": row.name,
        "url": row.url,
        "secret": row.secret,
        "events": sorted(event.event for event in row.events if event.disabled_at is None),
        "active": row.active,
    }
    disabled = sorted(event.event for event in row.events if event.disabled_at is not None)
    return item | ({"disabled_events": disabled} if disabled else {})


def _subscription(state: State, row: Subscription, times: bool) -> Shown:
    plan = None if row.plan is None else state.plans.rows[row.plan]
    item: Shown = {
        "contact": state.contacts.rows[row.contact].email,
        "plan": plan and plan.name,
        "inner_name": plan and plan.inner_name,
        "amount": plan and plan.amount,
        "status": row.status,
    }
    moments = {
        "created_at": row.created_at if times else None,
        "completed_at": row.completed_at,
        "cancelled_at": row.cancelled_at,
    }
    return item | {key: value for key, value in moments.items() if value}


# Remote ids


def ids(state: State) -> dict[str, dict[str, Any]]:
    """Remote ids by natural name; of two with one name the newer is `name#id`."""
    emails = {row.id: row.email for row in state.contacts.rows.values()}
    courses, groups = state.courses.rows, state.communities.rows
    plans = {row.id: row.name for row in state.plans.rows.values()}
    return {
        "tags": _named((row.name, row.id) for row in state.tags.rows.values()),
        "contacts": {email: number for number, email in emails.items()},
        "courses": _named((row.name, row.id) for row in courses.values()),
        "modules": _named(
            (f"{row.name}/{module.name}", module.id) for row in courses.values() for module in row.modules
        ),
        "communities": _named((row.name, row.id) for row in groups.values()),
        "enrollments": _named(
            (f"{emails[row.contact]}/{courses[row.course].name}", row.id) for row in state.enrollments.rows.values()
        ),
        "memberships": _named(
            (f"{emails[row.contact]}/{groups[row.community].name}", row.id) for row in state.memberships.rows.values()
        ),
        "subscriptions": _named(
            (f"{emails[row.contact]}/{plans.get(row.plan or 0, '')}", row.id)
            for row in state.subscriptions.rows.values()
        ),
        "webhooks": _named((row.name, row.id) for row in state.webhooks.values()),
    }


def _named(pairs: Iterable[tuple[str, int | str]]) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    for name, number in pairs:
        found[f"{name}#{number}" if name in found else name] = number
    return found
