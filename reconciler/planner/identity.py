"""Identifies live items: by remote id, ledger, renames and natural key.

Items of a kind without parents, in this order:

id bound by ``id:`` or known to the ledger            that resource, or the one that it is renamed to
natural key that a desired resource has               that one
natural key that a ``renamed_from`` names             the one that is renamed
natural key that nobody else has                      the natural address
anything else (a second one of the same name)         kind/#id

Items that are read one parent at a time, whose natural key may not tell them apart; nobody can create them:

bound by ``id:``                                      that one
recorded in the ledger                                that one, even if another one came since
of those that go by the name                          the only one that differs; two are an error that names both
all that go by the name are equal already             the first
none                                                  an error with the names that there are, unless it was managed:
                                                      then it is gone
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.errors import Problem
from reconciler.kinds.base import Item, Kind
from reconciler.model.did_you_mean import near
from reconciler.model.resource import Desired, LedgerEntry
from reconciler.model.values import Address, Attrs, Ref, Secret, lookalike, unescape
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.matched_state import Entries


@dataclass
class NamedItems:
    """``keys`` in the order of the items; ``moved`` maps new keys to those in the ledger.

    ``ambiguous`` has the ids of live items that share a key; ``remarks`` tell which ``renamed_from`` was ignored.
    """

    keys: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: dict[str, str] = field(default_factory=dict)


def name_live(
    kind: Kind, desired: Mapping[str, Desired], entries: Entries, items: Sequence[DecodedItem]
) -> NamedItems:
    """Return the key of every item of a kind without parents; ``desired`` has its resources by key."""
    return _Naming(kind, desired, entries, items).run()


class _Naming:
    def __init__(
        self, kind: Kind, desired: Mapping[str, Desired], entries: Entries, items: Sequence[DecodedItem]
    ) -> None:
        self.kind, self.desired, self.items = kind, desired, items
        self.all_entries, self.entries = entries, entries.keys_of(kind.name)
        handled = any(key.startswith("@") for key in desired)
        self.wanted = {self._natural(each): each for each in desired.values()} if handled else desired
        self.found: list[str | None] = [None] * len(items)
        self.taken: set[str] = set()
        self.names = NamedItems()

    def _natural(self, desired: Desired) -> str:
        """The natural key of a desired resource; equal to its key unless it has a handle."""
        return self.kind.address(desired.attrs).key if desired.key.startswith("@") else desired.key

    def run(self) -> NamedItems:
        moving = self._moving()
        self._claim_by_id(moving)
        self._claim_by_key(moving)
        if self.kind.writable and self.kind.alternates:
            self._claim_by_alternate()
        if self.kind.by_id:
            self._refuse_lookalikes()
        self.names.keys = [key for key in self.found if key is not None]
        return self.names

    def _moving(self) -> dict[str, str]:
        """Former key by desired key, for every ``renamed_from`` that has not been carried out."""
        asked = {key: each for key, each in self.desired.items() if each.former}
        if not asked:
            return {}
        known = {*self.entries, *(item.key for item in self.items)}
        moving = {
            key: each.former.key
            for key, each in asked.items()
            if each.former and each.former.key in known and not self._happened(each)
        }
        stays = {natural: each.key for natural, each in self.wanted.items()}
        while kept := [new for new, old in moving.items() if stays.get(old, new) not in {new, *moving}]:
            for key in kept:  # the former name is that of another one, which keeps it
                self._remark(key, moving.pop(key), "the old name is still declared")
        self._refuse_forks(moving)
        for key, former in moving.items():
            if key in known and key not in moving.values():
                self._problem(
                    key, f'both "{former}" and "{key}" exist', "remove `renamed_from`, or delete one of them"
                )
        return moving

    def _refuse_forks(self, moving: Mapping[str, str]) -> None:
        """Raise for two resources with the same ``renamed_from``."""
        heirs: dict[str, str] = {}
        for key in sorted(moving):
            first = heirs.setdefault(moving[key], key)
            if first != key:
                what = f'"{unescape(moving[key])}" is the `renamed_from` of "{unescape(first)}" too'
                self._problem(key, what, "remove one of the two `renamed_from`")

    def _happened(self, desired: Desired) -> bool:
        entry = self.all_entries.get(desired.address)
        return entry is not None and entry.former == desired.former

    def _claim_by_id(self, moving: Mapping[str, str]) -> None:
        bound = {each.bound_id: key for key, each in self.desired.items() if each.bound_id}
        owned = self.all_entries.keys_by_id(self.kind.name) if self.kind.by_id else {}
        new_name = {former: key for key, former in moving.items()}
        if not bound and not owned:
            return
        elsewhere = {key: remote_id for remote_id, key in bound.items()}
        for index, item in enumerate(self.items):
            entry = owned.get(item.remote_id)
            key = bound.get(item.remote_id) or (entry and new_name.get(entry, entry))
            if key is None or elsewhere.get(key, item.remote_id) != item.remote_id:
                continue
            key = self._heir(key, item)
            self._give(index, key)
            if entry and entry != key:
                self.names.moved[key] = entry
        for remote_id, key in bound.items():
            if key not in self.taken:
                what = f"no {self.kind.name} with id {remote_id} in this account"
                self._problem(key, what, "correct or remove `id`")

    def _heir(self, key: str, item: DecodedItem) -> str:
        """The managed, no longer declared resource that has the natural key of a desired one, if any."""
        if key in self.desired:
            return key
        heir = self.wanted.get(item.key)
        return heir.key if heir and heir.key not in self.entries else key

    def _claim_by_key(self, moving: Mapping[str, str]) -> None:
        heirs = {former: key for key, former in moving.items()}
        groups: dict[str, list[int]] = {}
        for index, item in enumerate(self.items):
            if self.found[index] is None:
                groups.setdefault(item.key, []).append(index)
        for natural, group in groups.items():
            key = self._claimant(natural, heirs.get(natural), moving)
            if key in self.taken or len(group) > 1:
                self._leave_nameless(natural, group, None if key in self.taken else self.desired.get(key))
            else:
                self._give(group[0], key)

    def _claimant(self, natural: str, heir: str | None, moving: Mapping[str, str]) -> str:
        """The desired resource of that name, unless it is renamed from another one and this one gets another name."""
        want = self.wanted.get(natural)
        if want is None:
            return heir or natural
        if heir and want.key in moving:
            if not _is_circle(want.key, moving):
                return heir
            self._remark(want.key, moving[want.key], "it is unknown whether the two were swapped already")
        return want.key

    def _leave_nameless(self, natural: str, group: Iterable[int], needed_by: Desired | None) -> None:
        ids = [self.items[index].remote_id for index in group]
        for index in group:
            self._give(index, self.kind.by_remote_id(self.items[index].remote_id).key)
        if len(ids) > 1:
            self.names.ambiguous[natural] = ids
            if needed_by:
                what = f'the account has {len(ids)} named "{natural}": ids {", ".join(ids)}'
                self._problem(needed_by.key, what, f"add `id: {ids[0]}` to choose one")

    def _claim_by_alternate(self) -> None:
        """Match by a second unique property: a webhook with the same url and another name is the same webhook."""
        unmatched = [each for key, each in self.desired.items() if key not in self.taken]
        free = {i for i, key in enumerate(self.found) if key not in self.desired and key not in self.entries}
        for alternate in self.kind.alternates:
            by_value = {self.items[index].attrs.get(alternate): index for index in free}
            for each in unmatched:
                value = each.attrs.get(alternate)
                index = by_value.get(value.value if isinstance(value, Secret) else value)
                if index is not None and each.key not in self.entries:
                    self._give(index, each.key)

    def _refuse_lookalikes(self) -> None:
        """Refuse to create a resource whose name differs from a live one only by case or compatibility form.

        The server may treat such names as equal. Managed ones existed next to each other before; for people even
        these are refused, because the other address could be another person's.
        """
        missing = [each for each in self.wanted.values() if each.key not in self.taken]
        new = [each for each in missing if self.kind.person or each.key not in self.entries]
        if not new:
            return
        declared: dict[str, list[Desired]] = {}
        for each in self.wanted.values():
            declared.setdefault(self._alike(each.attrs), []).append(each)
        live = self._live_by_lookalike(new)
        refused: set[str] = set()
        for each in sorted(new, key=lambda one: one.origin, reverse=True):
            alike = self._alike(each.attrs)
            others = [other for other in declared[alike] if other is not each and other.key not in refused]
            if others:
                self._refuse_beside(each, min(others, key=lambda other: other.origin))
                refused.add(each.key)
            elif len(declared[alike]) == 1 and (rows := live.get(alike)) and (self.kind.person or len(rows) == 1):
                self._refuse_other_spelling(each, self.items[rows[0]])

    def _alike(self, attrs: Attrs) -> str:
        return lookalike(str(attrs[self.kind.key[0]]))

    def _live_by_lookalike(self, new: Iterable[Desired]) -> dict[str, list[int]]:
        """Items by the look-alike form of their names, without ASCII addresses, which are compared exactly."""
        name = self.kind.key[0]
        plain = self.kind.person and all(str(each.attrs[name]).isascii() for each in new)
        found: dict[str, list[int]] = {}
        for index, item in enumerate(self.items):
            if not (plain and str(item.attrs[name]).isascii()):
                found.setdefault(self._alike(item.attrs), []).append(index)
        return found

    def _refuse_beside(self, each: Desired, other: Desired) -> None:
        name = self.kind.key[0]
        what = f'"{each.attrs[name]}" would be created beside "{other.attrs[name]}" ({other.origin}), which differs'
        hint = f'write "{other.attrs[name]}" here too, or remove one of the two'
        if self.kind.person:
            hint += "; if they are two people, create the missing contact in Systeme.io first"
        self._problem(each.key, f"{what} from it only in case or form", hint)

    def _refuse_other_spelling(self, each: Desired, item: DecodedItem) -> None:
        name, text = self.kind.key[0], item.attrs[self.kind.key[0]]
        if text == each.attrs[name]:
            return  # a managed resource has this very name by now, and keeps its id
        what, hint = f'the account has "{text}", in another case', f"write `{name}: {text}`, or rename that one first"
        if self.kind.person:
            other = f'the account has "{text}" (id {item.remote_id})'
            what = f'{other}, which differs from "{each.attrs[name]}" only in case or form'
            same, two = (
                f"for the same person write `{name}: {text}`",
                "for another one create the contact in Systeme.io",
            )
            hint = f"{same}; {two} first"
        self._problem(each.key, what, hint)

    def _give(self, index: int, key: str) -> None:
        self.found[index] = key
        self.taken.add(key)

    def _remark(self, key: str, former: str, why: str) -> None:
        self.names.remarks[key] = f"renamed_from {unescape(former)} is ignored: {why}"

    def _problem(self, key: str, what: str, hint: str) -> None:
        address = Address(self.kind.name, key)
        self.names.problems.append(Problem(str(self.desired[key].origin), f"{address}: {what}", hint))


def _is_circle(start: str, moving: Mapping[str, str]) -> bool:
    """Whether the renames form a cycle; without a ledger a swap would be repeated in every run."""
    seen, at = {start}, moving.get(start)
    while at is not None and at not in seen:
        seen.add(at)
        at = moving.get(at)
    return at is not None


class LiveItem(NamedTuple):
    """One live relation: id, attributes with references, and the raw item where it is needed."""

    remote_id: str
    attrs: Attrs
    item: Item


@dataclass
class PickedItems(NamedItems):
    """Like :class:`NamedItems`, for items read per parent; ``rows`` use the names in the files."""

    rows: list[LiveItem] = field(default_factory=list)


def pick(
    kind: Kind,
    desired: Mapping[str, Desired],
    entries: Mapping[str, LedgerEntry],
    rows: Iterable[LiveItem],
    live: Container[Address],
) -> PickedItems:
    """Return the key of every item read per parent; a declared item gets the name used in the files."""
    return _Picking(kind, desired, entries, rows, live).run()


class _Picking:
    def __init__(
        self,
        kind: Kind,
        desired: Mapping[str, Desired],
        entries: Mapping[str, LedgerEntry],
        rows: Iterable[LiveItem],
        live: Container[Address],
    ) -> None:
        self.kind, self.desired, self.entries, self.live = kind, desired, entries, live
        self.role, self.name = kind.parents[0].name, kind.key[-1]
        self.given: dict[int, str] = {}
        self.picked = PickedItems(rows=list(rows))
        self.rows = self.picked.rows
        self.by_parent: dict[object, list[int]] = {}
        for index, row in enumerate(self.rows):
            self.by_parent.setdefault(row.attrs[self.role], []).append(index)

    def run(self) -> PickedItems:
        waiting = [each for each in self.desired.values() if not self._by_id(each, each.bound_id)]
        waiting = [each for each in waiting if each.bound_id or not self._by_id(each, self._owned_id(each.key))]
        for each in waiting:
            self._by_name(each)
        self._leave_to_the_ledger()
        for index, row in enumerate(self.rows):
            self.picked.keys.append(self.given.get(index) or self.kind.address(row.attrs).key)
        return self.picked

    def _owned_id(self, key: str) -> str | None:
        return self.entries[key].remote_id if key in self.entries else None

    def _siblings(self, desired: Desired) -> list[int]:
        return self.by_parent.get(desired.attrs[self.role], [])

    def _by_id(self, desired: Desired, remote_id: str | None) -> bool:
        found = [index for index in self._siblings(desired) if self.rows[index].remote_id == remote_id]
        if not found or found[0] in self.given:
            return False
        self._give(found[0], desired)
        return True

    def _by_name(self, desired: Desired) -> None:
        if desired.bound_id:
            self._miss(desired)
            return
        named = [index for index in self._siblings(desired) if self._is_called(index, desired)]
        free = [index for index in named if index not in self.given]
        open_ones = [index for index in free if not self._is_so(index, desired)]
        if len(open_ones) > 1:
            ids = sorted(self.rows[index].remote_id for index in open_ones)
            what = f"{desired.address}: there are {len(ids)} of that {self.name}: ids {', '.join(ids)}"
            self._problem(desired, what, f"say which: `id: {ids[0]}`")
        elif free:
            self._give((open_ones or free)[0], desired)
        elif named:
            other = Address(self.kind.name, self.given[named[0]])
            self._problem(desired, f"{desired.address} is declared twice; also as {other}", "keep one")
        else:
            self._miss(desired)

    def _is_called(self, index: int, desired: Desired) -> bool:
        return desired.attrs.get(self.name) in self._names(index)

    def _names(self, index: int) -> tuple[str, ...]:
        row = self.rows[index]
        return self.kind.reference_names(row.item) if self.kind.reference_names else (str(row.attrs.get(self.name)),)

    def _is_so(self, index: int, desired: Desired) -> bool:
        """Whether the live attributes match the desired ones, without the key and one-time options."""
        shown = self.rows[index].attrs
        telling = (name for name in desired.attrs if name not in self.kind.key and not self.kind.field(name).one_time)
        return all(shown.get(name) == desired.attrs[name] for name in telling)

    def _give(self, index: int, desired: Desired) -> None:
        row = self.rows[index]
        if (name := desired.attrs.get(self.name)) is not None:
            if not self._is_called(index, desired):
                what = f"{desired.address}: its {self.name} is not {name}, but {row.attrs.get(self.name)}"
                self._problem(desired, what, "correct one of the two")
            else:
                self.rows[index] = row._replace(attrs={**row.attrs, self.name: name})
        self.given[index] = desired.key
        self._follow(row.remote_id, desired.key)
        self._remark(index, desired)

    def _follow(self, remote_id: str, key: str) -> None:
        """Record that a managed resource has a new name in the files."""
        owner = next((known for known, each in self.entries.items() if each.remote_id == remote_id), None)
        if owner and owner not in self.desired and key not in self.entries:
            self.picked.moved[key] = owner

    def _remark(self, index: int, desired: Desired) -> None:
        """Note other live resources of that name with other values; they are not changed."""
        if desired.bound_id or desired.key not in self.entries:
            return
        others = [other for other in self._siblings(desired) if other != index and self._is_called(other, desired)]
        ids = [self.rows[other].remote_id for other in others if not self._is_so(other, desired)]
        if ids and self._is_so(index, desired):
            hint = f"declare it with `id: {ids[0]}` if it is meant"
            self.picked.remarks[desired.key] = f"another one has come since, id {', '.join(ids)}, and stays; {hint}"

    def _leave_to_the_ledger(self) -> None:
        """Keep the ledger's key of a managed item that is no longer declared."""
        numbers = {row.remote_id: index for index, row in enumerate(self.rows)}
        for key, entry in self.entries.items():
            index = numbers.get(entry.remote_id or "")
            if index is None or index in self.given or key in self.desired:
                continue
            self.given[index] = key
            if (name := entry.applied.get(self.name)) in self._names(index):
                row = self.rows[index]
                self.rows[index] = row._replace(attrs={**row.attrs, self.name: name})

    def _miss(self, desired: Desired) -> None:
        """Report a desired item that was not found, unless it is managed and so known to be gone."""
        if desired.key in self.entries:
            return
        parent, word = desired.attrs[self.role], self.kind.name.replace("_", " ")
        assert isinstance(parent, Ref)
        if parent.target not in self.live:
            what = f"{desired.address}: the {self.role} is not in the account yet, so there is no {word} of theirs"
            self._problem(desired, what, "remove it, or declare it once it is there")
            return
        if desired.bound_id:
            wanted, known = desired.bound_id, [self.rows[index].remote_id for index in self._siblings(desired)]
        else:
            wanted = str(desired.attrs.get(self.name))
            known = [name for index in self._siblings(desired) for name in self._names(index)]
        what = f'{desired.address}: the {self.role} has no {word} "{wanted}"'
        names = near(wanted, known) or ", ".join(f'"{name}"' for name in sorted(set(known))[:5])
        self._problem(desired, what, f"there is {names}" if names else "there is none at all")

    def _problem(self, desired: Desired, what: str, hint: str) -> None:
        self.picked.problems.append(Problem(str(desired.origin), what, hint))
