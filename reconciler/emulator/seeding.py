"""Adds the rows of a seed, plain data with natural names, to an account; the vendor's checks do not apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from reconciler.emulator.rows import (
    Community,
    Contact,
    ContactField,
    Course,
    Enrollment,
    Event,
    Membership,
    Module,
    PricePlan,
    Subscription,
    Tag,
    Webhook,
)
from reconciler.emulator.state import State
from reconciler.emulator.webhooks import default_version

Item = Mapping[str, Any]  # one entry of a seed, straight from JSON or YAML


def seed(state: State, content: Mapping[str, Any]) -> None:
    """Adds what a seed lists. Raises ValueError for unknown sections, keys and names."""
    if unknown := set(content) - set(SECTIONS):
        raise ValueError(f"unknown in a seed: {', '.join(sorted(unknown))}; sections are {', '.join(SECTIONS)}")
    tag_ids = {tag.name: tag.id for tag in state.tags.rows.values()}
    for section, (allowed, add) in SECTIONS.items():
        for entry in content.get(section) or ():
            item = {"name": entry} if isinstance(entry, str) else entry
            if not allowed.issuperset(item):
                unknown = set(item) - allowed
                raise ValueError(f"unknown in an item of {section}: {', '.join(sorted(unknown))}")
            add(state, item, tag_ids)
    state.rendered.clear()


TagIds = dict[str, int]


def _add_tag(state: State, item: Item, tags: TagIds) -> None:
    number = item.get("id") or state.tags.new_id()
    name = item["name"]
    state.tags.put(Tag(number, name, item.get("created_at") or state.stamp()))
    tags.setdefault(name, number)


def _add_field(state: State, item: Item, tags: TagIds) -> None:
    """A built-in slug only takes a new label."""
    slug = item["slug"]
    if slug in state.fields:
        state.fields[slug].label = item["name"]
    else:
        state.fields[slug] = ContactField(slug, item["name"], False)


def _add_contact(state: State, item: Item, tags: TagIds) -> None:
    """Tags that do not exist yet are made; a field must exist."""
    email, values = item["email"], item.get("fields") or {}
    if state.mailbox(email) in state.emails:
        raise ValueError(f"there are two contacts {email!r}")
    if not values.keys() <= state.fields.keys():
        raise ValueError(f"no contact field for {', '.join(sorted(set(values) - set(state.fields)))} of {email!r}")
    for name in item.get("tags") or ():
        if name not in tags:
            _add_tag(state, {"name": name}, tags)
    state.add_contact(
        Contact(
            item.get("id") or state.contacts.new_id(),
            email,
            item.get("registered_at") or state.stamp(),
            item.get("locale") or state.options.default_locale,
            item.get("source_url"),
            bool(item.get("unsubscribed")),
            bool(item.get("bounced")),
            bool(item.get("needs_confirmation")),
            {slug: str(value) for slug, value in values.items() if value not in (None, "")},
            list(dict.fromkeys(tags[name] for name in item.get("tags") or ())),
        )
    )


def _add_course(state: State, item: Item, tags: TagIds) -> None:
    modules = []
    for entry in item.get("modules") or ():
        given: Item = {"name": entry} if isinstance(entry, str) else entry
        modules.append(Module(given.get("id") or state.new_module_id(), given["name"]))
    state.courses.put(
        Course(
            item.get("id") or state.courses.new_id(),
            item["name"],
            item.get("path") or _path(item["name"]),
            item.get("locale") or "en",
            item.get("domain"),
            item.get("active", True),
            modules,
        )
    )


def _add_community(state: State, item: Item, tags: TagIds) -> None:
    number, name = item.get("id") or state.communities.new_id(), item["name"]
    domain = item.get("domain") or "community.example.com"
    state.communities.put(Community(number, name, domain, item.get("path") or _path(name)))


def _path(name: str) -> str:
    return "-".join(name.lower().split())


def _add_enrollment(state: State, item: Item, tags: TagIds) -> None:
    course = _named(state.courses.rows.values(), item["course"], "course")
    modules = [_module(course, name) for name in item.get("modules") or ()]
    number = item.get("id") or state.enrollments.new_id()
    access = item.get("access") or ("partial_access" if modules else "full_access")
    state.enrollments.put(Enrollment(number, _contact(state, item), course.id, access, modules))


def _module(course: Course, name: str | int) -> int:
    for module in course.modules:
        if name in (module.name, module.id):
            return module.id
    raise ValueError(f"the course {course.name!r} has no module {name!r}")


def _add_membership(state: State, item: Item, tags: TagIds) -> None:
    community = _named(state.communities.rows.values(), item["community"], "community").id
    contact = _contact(state, item)
    if "id" in item:
        state.memberships.put(Membership(item["id"], contact, community))
    else:
        state.join(contact, community, item.get("pending", 0))


def _contact(state: State, item: Item) -> int:
    contact = state.contact_by_email(item["contact"])
    if contact is None:
        raise ValueError(f"there is no contact {item['contact']!r}")
    return contact.id


def _named(rows: Iterable[Any], key: str | int, kind: str) -> Any:
    """A course or community by name, path or id."""
    for row in rows:
        if key in (row.name, row.path, row.id):
            return row
    raise ValueError(f"there is no {kind} {key!r}")


def _add_webhook(state: State, item: Item, tags: TagIds) -> None:
    events = [Event(state.new_uuid(), name, default_version(name)) for name in item.get("events") or ()]
    for name in item.get("disabled_events") or ():
        events.append(Event(state.new_uuid(), name, default_version(name), state.stamp(), "USER_CANCELED"))
    number = item.get("id") or state.new_uuid()
    secret, active = item.get("secret") or "secret", item.get("active", True)
    state.webhooks[number] = Webhook(number, item["name"], item["url"], secret, active, events)


def _add_subscription(state: State, item: Item, tags: TagIds) -> None:
    plan = None if item.get("plan") is None else _plan(state, item).id
    state.subscriptions.put(
        Subscription(
            item.get("id") or state.subscriptions.new_id(),
            _contact(state, item),
            plan,
            item.get("status") or "active",
            item.get("created_at") or state.stamp(),
            item.get("completed_at"),
            item.get("cancelled_at"),
        )
    )


def _plan(state: State, item: Item) -> PricePlan:
    """The price plan of that name and inner name: subscriptions share it."""
    name, inner_name = item["plan"], item.get("inner_name") or item["plan"]
    for plan in state.plans.rows.values():
        if (plan.name, plan.inner_name) == (name, inner_name):
            return plan
    return state.plans.put(
        PricePlan(
            state.plans.new_id(),
            name,
            inner_name,
            item.get("amount", 1900),
            item.get("currency") or "eur",
            item.get("interval") or "month",
            item.get("interval_count", 1),
            item.get("trial_days", 0),
            item.get("payments"),
        )
    )


def _keys(row: type, *more: str) -> frozenset[str]:
    """The attributes of a row, and what else a seed may say of it."""
    return frozenset({*(each.name for each in fields(row)), *more})


# In an order in which each section finds what it names.
SECTIONS: dict[str, tuple[frozenset[str], Callable[[State, Item, TagIds], None]]] = {
    "tags": (_keys(Tag), _add_tag),
    "contact_fields": (frozenset({"slug", "name"}), _add_field),
    "contacts": (_keys(Contact), _add_contact),
    "courses": (_keys(Course), _add_course),
    "communities": (_keys(Community), _add_community),
    "enrollments": (_keys(Enrollment), _add_enrollment),
    "memberships": (_keys(Membership, "pending"), _add_membership),
    "webhooks": (_keys(Webhook, "disabled_events"), _add_webhook),
    "subscriptions": (
        _keys(Subscription) | _keys(PricePlan, "inner_name") - {"name"},
        _add_subscription,
    ),
}
