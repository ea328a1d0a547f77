"""An account and two states of its files; going from the first to the second takes writes of every kind and verb."""

from __future__ import annotations

from typing import Any

from reconciler.emulator import Account
from reconciler.emulator.snapshots import freeze

ENVIRON = {"OLD_SECRET": "the old one", "NEW_SECRET": "the new one"}

#: What is there before us. Names of tags need not be unique, so that a tag made twice is seen and not refused;
#: memberships show at the third look only.
SEED: dict[str, Any] = {
    "unique_tags": False,
    "membership_delay": 2,
    "tags": ["Unmanaged", "Unmanaged too", "Found"],
    "contact_fields": [{"slug": "theirs", "name": "Theirs"}, {"slug": "found", "name": "Found"}],
    "courses": [{"name": "Yoga", "modules": ["M1", "M2"]}, {"name": "Zen", "modules": ["N1"]}],
    "communities": [{"name": "Club"}, {"name": "Den"}],
    "contacts": [
        {"email": "unmanaged@example.com", "fields": {"theirs": "kept"}, "tags": ["Unmanaged"]},
        {"email": "found@example.com", "fields": {"first_name": "Someone"}, "tags": ["Unmanaged", "Found"]},
    ],
    "enrollments": [
        {"contact": "unmanaged@example.com", "course": "Yoga"},
        {"contact": "found@example.com", "course": "Zen"},
    ],
    "memberships": [{"contact": "unmanaged@example.com", "community": "Den"}],
    "webhooks": [
        {
            "name": "Unmanaged hook",
            "url": "https://unmanaged.example.com/",
            "secret": "theirs",
            "events": ["SALE_NEW"],
        },
        {"name": "Found hook", "url": "https://found.example.com/", "secret": "theirs", "events": ["SALE_NEW"]},
        {"name": "Found, to move", "url": "https://found-1.example.com/", "secret": "theirs", "events": ["SALE_NEW"]},
    ],
}

_HOOK = "{name: %s, url: 'https://%s.example.com/', secret: {env: %s}, events: [%s]%s}"
_CAREFUL = ", lifecycle: {create_before_destroy: true}"


def _hook(name: str, host: str, secret: str, events: str = "SALE_NEW", more: str = "") -> str:
    return "- " + _HOOK % (name, host, secret, events, more)


def _section(name: str, rows: list[str]) -> str:
    return f"{name}:\n" + "".join(f"  {row}\n" for row in rows)


#: What was applied before: what the second state updates, renames, replaces and removes.
BEFORE = "".join(
    [
        _section("tags", ["- Ours", "- Going", "- Before", "- Left", "- Right", "- One", "- Two"]),
        _section("contact_fields", ["- {slug: kept, name: Kept}", "- {slug: going, name: Going}"]),
        _section(
            "contacts",
            [
                (
                    "- {email: ann@example.com, first_name: Ann, fields: {kept: a}, "
                    "tags: [Ours, Left, One], courses: [Yoga]}"
                ),
                (
                    "- {email: bob@example.com, first_name: Bob, fields: {kept: b, going: x}, "
                    "tags: [Ours, Right, Two, Going]}"
                ),
                "- {email: cid@example.com, locale: fr, tags: [Before], courses: [Zen]}",
                "- {email: going@example.com, tags: [Ours], courses: [Yoga]}",
            ],
        ),
        _section("memberships", ["- {community: Club, contacts: [ann@example.com, bob@example.com]}"]),
        _section(
            "webhooks",
            [
                _hook("Changing", "changing", "OLD_SECRET"),
                _hook("Moving", "moving-1", "OLD_SECRET"),
                _hook("Careful", "careful-1", "OLD_SECRET", more=_CAREFUL),
                _hook("Leaving", "leaving", "OLD_SECRET"),
            ],
        ),
    ]
)

_NEW_PEOPLE = [f"new{number}@example.com" for number in range(6)]

#: What is asked for now. Left and Right swap their names, One takes Two's while Two takes another one.
AFTER = "".join(
    [
        _section(
            "tags",
            [
                "- Ours",
                "- Found",
                "- {name: After, renamed_from: Before}",
                "- {name: Left, renamed_from: Right}",
                "- {name: Right, renamed_from: Left}",
                "- {name: Two, renamed_from: One}",
                "- {name: Three, renamed_from: Two}",
                "- New 1",
                "- New 2",
                "- New 3",
            ],
        ),
        _section(
            "contact_fields",
            [
                "- {slug: kept, name: Kept longer}",
                "- {slug: found, name: Ours now}",
                "- {slug: new_one, name: New one}",
                "- {slug: new_two, name: New two}",
            ],
        ),
        _section(
            "contacts",
            [
                (
                    "- {email: ann@example.com, first_name: Anne, fields: {kept: A, new_one: n}, "
                    "tags: [Left, Two, New 1]}"
                ),
                (
                    "- {email: bob@example.com, first_name: Bob, fields: {kept: null, new_two: m}, "
                    "tags: [Ours, Right, Three]}"
                ),
                "- {email: cid@example.com, locale: en, tags: [After, New 2], courses: [Zen]}",
                "- {email: found@example.com, first_name: Sam, tags: [Found, New 3]}",
                *(
                    (
                        f"- {{email: {email}, first_name: N{number}, fields: {{new_one: v{number}}}, "
                        f"tags: [New 1, Ours]}}"
                    )
                    for number, email in enumerate(_NEW_PEOPLE)
                ),
            ],
        ),
        _section(
            "enrollments",
            [
                "- {course: Yoga, access: partial_access, modules: [M2], contacts: [ann@example.com]}",
                (
                    "- {course: Zen, access: dripping_content, "
                    "contacts: [bob@example.com, new0@example.com, new1@example.com]}"
                ),
                "- {course: Zen, access: dripping_content, contacts: [found@example.com]}",
            ],
        ),
        _section(
            "memberships",
            [
                "- {community: Club, contacts: [ann@example.com, new0@example.com, new1@example.com]}",
                "- {community: Den, contacts: [found@example.com, new2@example.com]}",
            ],
        ),
        _section(
            "webhooks",
            [
                _hook("Changing", "changing", "NEW_SECRET", "SALE_NEW, CONTACT_CREATED"),
                _hook("Moving", "moving-2", "OLD_SECRET"),
                _hook("Careful", "careful-2", "OLD_SECRET", more=_CAREFUL),
                _hook("Found hook", "found", "NEW_SECRET", "SALE_CANCELED"),
                _hook("Found, to move", "found-2", "NEW_SECRET", more=_CAREFUL).replace(
                    "Found, to move", "'Found, to move'"
                ),
                _hook("New hook", "new", "NEW_SECRET"),
            ],
        ),
    ]
)

SETTINGS = "format: 1\nprune: {contact: created}\n"
ALLOW = ("--allow", "deletes", "--allow", "updates", "--allow", "contacts=1")


def unmanaged(state: dict[str, Any]) -> dict[str, Any]:
    """What is not ours and stays as it is, whatever happens."""
    return {
        "tags": [name for name in state["tags"] if name.startswith("Unmanaged")],
        "fields": [row for row in state["contact_fields"] if row["slug"] == "theirs"],
        "contacts": [row for row in state["contacts"] if row["email"] == "unmanaged@example.com"],
        "found": ["Unmanaged" in row["tags"] for row in state["contacts"] if row["email"] == "found@example.com"],
        "enrollments": [row for row in state["enrollments"] if row["contact"] == "unmanaged@example.com"],
        "memberships": [row for row in state["memberships"] if row["contact"] == "unmanaged@example.com"],
        "webhooks": [row for row in state["webhooks"] if row["name"] == "Unmanaged hook"],
    }


def ever_made(account: Account) -> dict[str, int]:
    """How many of each sort with numbers the account has made since it exists; the others have unique names."""
    return {name: table["next"] for name, table in freeze(account.content)["tables"].items()}
