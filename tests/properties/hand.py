"""What somebody does in the account without us."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from reconciler.emulator import Account
from tests.properties.worlds import (
    CLUBS,
    COURSES,
    EMAILS,
    EVENTS,
    HOOKS,
    LABELS,
    LOCALES,
    SLUGS,
    TAGS,
    VALUES,
    address,
)


def do(account: Account, edits: list[tuple[str, int, int]]) -> None:
    """Carry the edits out; what the account refuses does not happen."""
    for what, which, how in edits:
        with suppress(ValueError, KeyError):
            _do(account, what, which, how)


def _pick(items: list[Any], index: int) -> Any:
    return items[index % len(items)]


def _do(account: Account, what: str, which: int, how: int) -> None:
    ids = account.ids()
    email, tag = _pick(EMAILS, which), _pick(TAGS, how)
    match what.split():
        case ["tag"]:
            account.edit("POST", f"/api/contacts/{ids['contacts'][email]}/tags", {"tagId": ids["tags"][tag]})
        case ["untag"]:
            account.edit("DELETE", f"/api/contacts/{ids['contacts'][email]}/tags/{ids['tags'][tag]}")
        case ["new", "tag"]:
            account.edit("POST", "/api/tags", {"name": tag})
        case ["drop", "tag"]:
            account.edit("DELETE", f"/api/tags/{ids['tags'][tag]}")
        case ["remake", "tag"]:
            account.edit("DELETE", f"/api/tags/{ids['tags'][tag]}")
            account.edit("POST", "/api/tags", {"name": tag})
        case ["rename", "tag"]:
            account.edit("PUT", f"/api/tags/{ids['tags'][_pick(TAGS, which)]}", {"name": tag})
        case ["relabel"]:
            account.edit("PATCH", f"/api/contact_fields/{_pick(SLUGS, which)}", {"fieldName": _pick(LABELS, how)})
        case ["drop", "field"]:
            account.edit("DELETE", f"/api/contact_fields/{_pick(SLUGS, which)}")
        case _:
            _do_people(account, ids, what, which, how)


def _do_people(account: Account, ids: dict[str, dict[str, Any]], what: str, which: int, how: int) -> None:
    email, course, club = _pick(EMAILS, which), _pick(list(COURSES), how), _pick(CLUBS, how)
    match what.split():
        case ["value" | "clear"]:
            value = _pick(VALUES, how) if what == "value" else None
            slug = _pick([*SLUGS, "first_name", "surname"], how)
            rows = [{"slug": slug, "value": value}]
            account.edit("PATCH", f"/api/contacts/{ids['contacts'][email]}", {"fields": rows})
        case ["locale"]:
            account.edit("PATCH", f"/api/contacts/{ids['contacts'][email]}", {"locale": _pick(LOCALES, how)})
        case ["new", "contact"]:
            account.edit("POST", "/api/contacts", {"email": email})
        case ["drop", "contact"]:
            account.edit("DELETE", f"/api/contacts/{ids['contacts'][email]}")
        case ["remake", "contact"]:
            account.edit("DELETE", f"/api/contacts/{ids['contacts'][email]}")
            account.edit("POST", "/api/contacts", {"email": email})
        case ["expel"]:
            account.edit("DELETE", f"/api/school/enrollments/{ids['enrollments'][f'{email}/{course}']}")
        case ["enroll"]:
            body = {"contactId": ids["contacts"][email], "accessType": "full_access"}
            account.edit("POST", f"/api/school/courses/{ids['courses'][course]}/enrollments", body)
        case ["leave"]:
            account.edit("DELETE", f"/api/community/memberships/{ids['memberships'][f'{email}/{club}']}")
        case ["join"]:
            body = {"contactId": ids["contacts"][email]}
            account.edit("POST", f"/api/community/communities/{ids['communities'][club]}/memberships", body)
        case _:
            _do_hooks(account, ids, what, which, how)


def _do_hooks(account: Account, ids: dict[str, dict[str, Any]], what: str, which: int, how: int) -> None:
    hook = _pick(HOOKS, which)
    path = f"/api/webhooks/{ids['webhooks'].get(hook)}"
    known = {
        "name": hook,
        "secret": next((w["secret"] for w in account.state()["webhooks"] if w["name"] == hook), ""),
    }
    match what.split():
        case ["pause", "hook"]:
            account.edit("PATCH", path, {**known, "active": bool(how % 2)})
        case ["events"]:
            account.edit("PATCH", path, {**known, "subscriptions": EVENTS[: how % 3 + 1]})
        case ["drop", "hook"]:
            account.edit("DELETE", path)
        case ["new", "hook"]:
            body = {"name": hook, "url": address(hook, 1), "secret": "by hand", "subscriptions": EVENTS[:1]}
            account.edit("POST", "/api/webhooks", body)
        case other:
            raise AssertionError(f"nobody knows how to {other}")
