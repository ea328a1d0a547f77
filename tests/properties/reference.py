"""A second, naive reading of the rules: what an account must hold after an apply, and how few writes lead there.

It shares no code with the planner. Identity is by id where the API gives one that survives a rename (tags, contacts,
webhooks), by natural name elsewhere.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator import Account
from tests.properties.bench import ENVIRON, World

Key = tuple[str, ...]
PRUNE = {
    "tag": "created",
    "contact_field": "created",
    "webhook": "created",
    "contact": "none",
    "tagging": "owned",
    "enrollment": "owned",
    "membership": "owned",
}
FRIENDLY = {"first_name": "first_name", "last_name": "surname"}


@dataclass
class Owned:
    """One thing that is ours: its id, whether we made it, what we said, and whether a contact's block said it."""

    number: Any
    made: bool
    said: dict[str, Any] = field(default_factory=dict)
    inside: bool = False


@dataclass
class Snapshot:
    """The account by names, with ids."""

    tags: dict[str, Any]
    fields: dict[str, str]
    contacts: dict[str, World]
    taggings: set[Key]
    enrollments: dict[Key, World]
    memberships: set[Key]
    hooks: dict[str, World]
    ids: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, account: Account) -> Snapshot:
        state, ids = account.state(), account.ids()
        contacts = {each["email"]: each for each in state["contacts"]}
        hooks = {each["name"]: each for each in state["webhooks"]}
        return cls(
            dict(ids["tags"]),
            {each["slug"]: each["name"] for each in state["contact_fields"]},
            {e: {"locale": each["locale"], "fields": each["fields"]} for e, each in contacts.items()},
            {(email, tag) for email, each in contacts.items() for tag in each["tags"]},
            {(e["contact"], e["course"]): _access(e) for e in state["enrollments"]},
            {(m["contact"], m["community"]) for m in state["memberships"]},
            {name: {k: v for k, v in hook.items() if k != "disabled_events"} for name, hook in hooks.items()},
            ids,
        )

    def content(self) -> dict[str, Any]:
        """All of it but the ids."""
        return {**{name: value for name, value in vars(self).items() if name != "ids"}, "tags": set(self.tags)}


def _access(row: World) -> World:
    return {"access": row["access"], "modules": sorted(row.get("modules") or ())}


class Reference:
    """Carries ownership from apply to apply."""

    def __init__(self) -> None:
        self.owned: dict[Key, Owned] = {}

    def apply(self, world: World, live: Snapshot, prune: dict[str, str]) -> tuple[dict[str, Any], int]:
        """What the account must hold afterwards, and the least number of writes."""
        run = _Run(self.owned, world, live, {**PRUNE, **prune})
        run.go()
        self.owned = run.kept
        return run.after.content(), run.writes


class _Run:
    def __init__(self, owned: dict[Key, Owned], world: World, live: Snapshot, prune: dict[str, str]) -> None:
        self.owned, self.world, self.live, self.prune = dict(owned), world, live, prune
        self.after = deepcopy(live)
        self.kept: dict[Key, Owned] = {}
        self.writes = 0
        self.gone_contacts: set[str] = set()

    def go(self) -> None:
        self.tags()
        self.fields()
        self.contacts()
        self.taggings()
        self.enrollments()
        self.memberships()
        self.hooks()
        self.goodbye()

    def may_drop(self, kind: str, owned: Owned) -> bool:
        return self.prune[kind] == "owned" or (self.prune[kind] == "created" and owned.made)

    def keep(self, key: Key, number: Any, was_there: bool, said: Any = None, inside: bool = False) -> None:
        """Ours before and still the same: as it was; else made by us if it was not there."""
        old = self.owned.get(key)
        same = old is not None and was_there and (number is None or number == old.number)
        made = old.made if old and same else not was_there
        self.kept[key] = Owned(number, made, said or {}, inside)

    # Roots

    def tags(self) -> None:
        names = {number: name for name, number in self.live.tags.items()}
        want = [each["name"] for each in self.world.get("tags", ())]
        self._carry_renames(names, want)
        claimed = {old.number for key, old in self.owned.items() if key[0] == "tag" and key[1] in want}
        for name in want:
            old = self.owned.get(("tag", name))
            number = old.number if old and old.number in names else self.live.tags.get(name)
            if number in claimed and not (old and old.number == number):
                number = None  # that one gets back the name by which it is ours
            if number is None:
                self.writes += 1
                self._new_tag(name)
            elif names[number] != name:
                self.writes += 1
                self._rename_tag(names[number], name)
            self.keep(("tag", name), number, number is not None)
        for key, old in self.owned.items():
            if key[0] == "tag" and key[1] not in want and old.number in names and self.may_drop("tag", old):
                self.writes += 1
                self._drop_tag(names[old.number])

    def _carry_renames(self, names: dict[Any, str], want: list[str]) -> None:
        """``renamed_from``, and one of ours that somebody gave the name of a wanted one."""
        renames = {
            each["renamed_from"]: each["name"] for each in self.world.get("tags", ()) if "renamed_from" in each
        }
        for key, old in list(self.owned.items()):
            if key[0] != "tag":
                continue
            new = renames.get(key[1])
            if new is None and key[1] not in want and names.get(old.number) in want:
                new = names[old.number]
            if new is None or ("tag", new) in self.owned:
                continue
            self.owned[("tag", new)] = self.owned.pop(key)
            for other in [k for k in self.owned if k[0] == "tagging" and k[2] == key[1]]:
                self.owned[("tagging", other[1], new)] = self.owned.pop(other)
        for former, new in renames.items():
            if former in self.live.tags and new not in self.live.tags and ("tag", new) not in self.owned:
                self.owned[("tag", new)] = Owned(self.live.tags[former], False)

    def _new_tag(self, name: str) -> None:
        self.after.tags[name] = None

    def _rename_tag(self, old: str, new: str) -> None:
        self.after.tags[new] = self.after.tags.pop(old)
        for email, tag in list(self.after.taggings):
            if tag == old:
                self.after.taggings -= {(email, old)}
                self.after.taggings |= {(email, new)}

    def _drop_tag(self, name: str) -> None:
        del self.after.tags[name]
        self.after.taggings = {(email, tag) for email, tag in self.after.taggings if tag != name}

    def fields(self) -> None:
        want = {each["slug"]: each["name"] for each in self.world.get("contact_fields", ())}
        for slug, label in want.items():
            self.writes += self.live.fields.get(slug) != label
            self.after.fields[slug] = label
            self.keep(("contact_field", slug), None, slug in self.live.fields)
        for key, old in self.owned.items():
            if key[0] != "contact_field" or key[1] in want or key[1] not in self.live.fields:
                continue
            if self.may_drop("contact_field", old):
                self.writes += 1
                del self.after.fields[key[1]]
                for contact in self.after.contacts.values():
                    contact["fields"].pop(key[1], None)

    def contacts(self) -> None:
        want = {each["email"]: each for each in self.world.get("contacts", ())}
        numbers = self.live.ids["contacts"]
        for email, item in want.items():
            there = self.live.contacts.get(email)
            row = self.after.contacts.setdefault(email, {"locale": "en", "fields": {}})
            values = {FRIENDLY[name]: item[name] or None for name in FRIENDLY if name in item}
            values |= {slug: value or None for slug, value in item.get("fields", {}).items()}
            new = {slug: value for slug, value in {**row["fields"], **values}.items() if value}
            locale = item.get("locale", row["locale"])
            self.writes += there is None or (row["fields"], row["locale"]) != (new, locale)
            row["fields"], row["locale"] = new, locale
            self.keep(("contact", email), numbers.get(email), there is not None)
        for key, old in self.owned.items():
            ours = key[0] == "contact" and key[1] not in want and numbers.get(key[1]) == old.number
            if ours and self.may_drop("contact", old):
                self.writes += 1
                self.gone_contacts.add(key[1])

    def goodbye(self) -> None:
        """Deleted people take everything along, at no call."""
        gone = self.gone_contacts
        for email in gone:
            del self.after.contacts[email]
        self.after.taggings = {key for key in self.after.taggings if key[0] not in gone}
        self.after.memberships = {key for key in self.after.memberships if key[0] not in gone}
        self.after.enrollments = {key: row for key, row in self.after.enrollments.items() if key[0] not in gone}

    # Relations

    def is_let_go(self, email: str, sugar: str, old: Owned) -> bool:
        """Said inside a block that no longer speaks of it, or is no longer there: nothing is sent."""
        block = next((each for each in self.world.get("contacts", ()) if each["email"] == email), None)
        return old.inside and (block is None or sugar not in block)

    def taggings(self) -> None:
        want = {(each["email"], tag) for each in self.world.get("contacts", ()) for tag in each.get("tags", ())}
        there = set(self.after.taggings)
        for email, tag in want:
            self.writes += (email, tag) not in there
            self.after.taggings.add((email, tag))
            self.keep(("tagging", email, tag), None, (email, tag) in there, inside=True)
        for key, old in self.owned.items():
            email, tag = key[1], key[-1]
            if (
                key[0] != "tagging"
                or (email, tag) in want
                or (email, tag) not in there
                or email in self.gone_contacts
            ):
                continue
            if not self.is_let_go(email, "tags", old) and self.may_drop("tagging", old):
                self.writes += 1
                self.after.taggings.remove((email, tag))

    def enrollments(self) -> None:
        want = {(e["contact"], e["course"]): (_access(e), "modules" in e, False) for e in self._rows("enrollments")}
        for each in self.world.get("contacts", ()):
            for course in each.get("courses", ()):
                want[each["email"], course] = ({"access": "full_access", "modules": []}, False, True)
        for pair, (item, names_modules, inside) in want.items():
            there, old = self.live.enrollments.get(pair), self.owned.get(("enrollment", *pair))
            other = bool(names_modules and old and old.said.get("modules") not in (None, item["modules"]))
            replaced = there is not None and (there["access"] != item["access"] or other)
            self.writes += 1 if there is None else 2 if replaced else 0
            if there is None or replaced:
                self.after.enrollments[pair] = item
            said = item if names_modules else {"access": item["access"]}
            self.keep(("enrollment", *pair), None, there is not None and not replaced, said, inside)
        self._drop_pairs("enrollment", "courses", set(want), self.live.enrollments, self.after.enrollments)

    def memberships(self) -> None:
        want = {(each["contact"], each["community"]) for each in self._rows("memberships")}
        there = set(self.live.memberships)
        self.writes += len(want - there)
        self.after.memberships |= want
        for pair in want:
            self.keep(("membership", *pair), None, pair in there)
        after = dict.fromkeys(self.after.memberships)
        self._drop_pairs("membership", "", want, dict.fromkeys(there), after)
        self.after.memberships = set(after)

    def _drop_pairs(
        self, kind: str, sugar: str, want: set[Any], there: dict[Any, Any], after: dict[Any, Any]
    ) -> None:
        for key, old in self.owned.items():
            pair = (key[1], key[-1])
            if key[0] != kind or pair in want or pair not in there or key[1] in self.gone_contacts:
                continue
            if not self.is_let_go(key[1], sugar, old) and self.may_drop(kind, old):
                self.writes += 1
                del after[pair]

    def _rows(self, section: str) -> list[World]:
        return list(self.world.get(section, ()))

    # Webhooks

    def hooks(self) -> None:
        want = {each["name"]: each for each in self.world.get("webhooks", ())}
        numbers = self.live.ids["webhooks"]
        for name, item in want.items():
            there = self.live.hooks.get(name)
            old = self.owned.get(("webhook", name))
            old = old if old and old.number == numbers.get(name) else None
            replaced = there is not None and there["url"] != item["url"]
            self.after.hooks[name] = self._hook(item, None if replaced else there, old)
            if there is None or replaced:
                self.writes += 2 if replaced else 1
                self.keep(("webhook", name), None, False, item)
                continue
            rotated = old is None or ENVIRON[old.said["secret"]["env"]] != ENVIRON[item["secret"]["env"]]
            changed = {**there, "secret": ""} != {**self.after.hooks[name], "secret": ""}
            self.writes += rotated or changed
            if not rotated and not changed:
                self.after.hooks[name] = there
            self.keep(("webhook", name), numbers[name], True, item)
        for key, old in self.owned.items():
            ours = key[0] == "webhook" and key[1] not in want and numbers.get(key[1]) == old.number
            if ours and self.may_drop("webhook", old):
                self.writes += 1
                del self.after.hooks[key[1]]

    def _hook(self, item: World, there: World | None, old: Owned | None) -> World:
        """``active`` that the files no longer name returns to what it is at first."""
        active = there["active"] if there else True
        if old and "active" in old.said and "active" not in item:
            active = True
        return {
            "name": item["name"],
            "url": item["url"],
            "secret": ENVIRON[item["secret"]["env"]],
            "events": sorted(item["events"]),
            "active": item.get("active", active),
        }


def adopt_ids(reference: Reference, account: Account) -> None:
    """What was made in this run has its id by now."""
    ids = account.ids()
    for key, owned in reference.owned.items():
        table = {"tag": "tags", "contact": "contacts", "webhook": "webhooks"}.get(key[0])
        if table:
            owned.number = ids[table][key[1]]
