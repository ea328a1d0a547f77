"""Live resources of one kind → the addresses that they go by, from ids, ledger, renames and natural keys.

live id bound by ``id:`` or known to the ledger       the address of that resource, or of its new name
natural key that a desired resource has               the address of that one
natural key that a ``renamed_from`` names             the address of the one that is renamed
natural key that nobody else has                      the natural address
anything else (a second one of the same name)         kind/#id

The items of every collection → rows: remote id, attributes with references, and the answer where it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import GatewayError, Problem
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Item, Kind, PerParent
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.model.resource import EMPTY, Desired, LedgerEntry
from reconciler.model.values import Address, Attrs, Ref, Secret, lookalike, unescape
from reconciler.planner.decoding import DecodedItem, decode, referred
from reconciler.planner.kept import held
from reconciler.planner.quiet import UnchangedRelations, remote_id_of
from reconciler.planner.ties import TIES, RelationKind

#: One live one: remote id, attributes, the raw item.
Row = tuple[str, Attrs, Item]


@dataclass
class NamedItems:
    """``addresses`` in the order of the rows; ``moved`` maps new addresses to those that the ledger has.

    ``remarks`` say which ``renamed_from`` was not followed.
    """

    addresses: list[Address] = field(default_factory=list)
    moved: dict[Address, Address] = field(default_factory=dict)
    ambiguous: dict[Address, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: dict[Address, str] = field(default_factory=dict)


def name_live(
    kind: Kind, desired: Mapping[Address, Desired], entries: Mapping[Address, LedgerEntry], rows: Sequence[Row]
) -> NamedItems:
    """Name every row of one kind without parents; ``desired`` and ``entries`` are those of that kind."""
    return _Naming(kind, desired, entries, rows).run()


class _Naming:
    def __init__(
        self,
        kind: Kind,
        desired: Mapping[Address, Desired],
        entries: Mapping[Address, LedgerEntry],
        rows: Sequence[Row],
    ) -> None:
        self.kind, self.desired, self.entries, self.rows = kind, desired, entries, rows
        self.natural = [self._named(kind.address(attrs)) for _, attrs, _ in rows]
        handled = any(address.key.startswith("@") for address in desired)
        self.wanted = {self._natural(each): each for each in desired.values()} if handled else desired
        self.found: list[Address | None] = [None] * len(rows)
        self.taken: set[Address] = set()
        self.names = NamedItems()

    def _named(self, address: Address) -> Address:
        """The very object that the files have."""
        want = self.desired.get(address)
        return want.address if want else address

    def _natural(self, desired: Desired) -> Address:
        """The natural address of a desired one; its own address unless it has a handle."""
        return self.kind.address(desired.attrs) if desired.address.key.startswith("@") else desired.address

    def run(self) -> NamedItems:
        moving = self._moving()
        self._claim_by_id(moving)
        self._claim_by_key(moving)
        if self.kind.writable and self.kind.alternates:
            self._claim_by_alternate()
        if self.kind.by_id:
            self._refuse_lookalikes()
        self.names.addresses = [address for address in self.found if address is not None]
        return self.names

    def _moving(self) -> dict[Address, Address]:
        """Desired address → former address, for every ``renamed_from`` that has not happened yet."""
        if not any(each.former for each in self.desired.values()):
            return {}
        known = {*self.entries, *self.natural}
        moving = {
            each.address: each.former
            for each in self.desired.values()
            if each.former in known and not self._happened(each)
        }
        stays = {natural: each.address for natural, each in self.wanted.items()}
        while settled := [new for new, old in moving.items() if stays.get(old, new) not in {new, *moving}]:
            for address in settled:  # the former name is that of another one, which keeps it
                self._remark(address, moving.pop(address), "the old name is still declared")
        self._refuse_forks(moving)
        for address, former in moving.items():
            if address in known and address not in moving.values():
                self._problem(
                    address,
                    f'both "{former.key}" and "{address.key}" exist',
                    "remove `renamed_from`, or delete one of them",
                )
        return moving

    def _refuse_forks(self, moving: Mapping[Address, Address]) -> None:
        """One can only become one."""
        heirs: dict[Address, Address] = {}
        for address in sorted(moving):
            first = heirs.setdefault(moving[address], address)
            if first != address:
                what = f'"{unescape(moving[address].key)}" is the `renamed_from` of "{unescape(first.key)}" too'
                self._problem(address, what, "remove one of the two `renamed_from`")

    def _happened(self, desired: Desired) -> bool:
        entry = self.entries.get(desired.address)
        return entry is not None and entry.former == desired.former

    def _claim_by_id(self, moving: Mapping[Address, Address]) -> None:
        bound = {each.bound_id: each.address for each in self.desired.values() if each.bound_id}
        owned = {e.remote_id: e.address for e in held(self.entries).values() if self.kind.by_id and e.remote_id}
        new_name = {former: address for address, former in moving.items()}
        if not bound and not owned:
            return
        elsewhere = {address: remote_id for remote_id, address in bound.items()}
        for index, (remote_id, _, _) in enumerate(self.rows):
            entry = owned.get(remote_id)
            address = bound.get(remote_id) or (entry and new_name.get(entry, entry))
            if address is None or elsewhere.get(address, remote_id) != remote_id:
                continue
            address = self._heir(address, index)
            self._give(index, address)
            if entry and entry != address:
                self.names.moved[address] = entry
        for remote_id, address in bound.items():
            if address not in self.taken:
                what = f"no {self.kind.name} with id {remote_id} in this account"
                self._problem(address, what, "correct or remove `id`")

    def _heir(self, address: Address, index: int) -> Address:
        """An owned one that the files no longer name may carry the natural key of one that they do."""
        if address in self.desired:
            return address
        heir = self.wanted.get(self.natural[index])
        return heir.address if heir and heir.address not in self.entries else address

    def _claim_by_key(self, moving: Mapping[Address, Address]) -> None:
        heirs = {former: address for address, former in moving.items()}
        groups: dict[Address, list[int]] = {}
        for index, natural in enumerate(self.natural):
            if self.found[index] is None:
                groups.setdefault(natural, []).append(index)
        for natural, group in groups.items():
            address = self._claimant(natural, heirs.get(natural), moving)
            if address in self.taken or len(group) > 1:
                self._leave_nameless(natural, group, None if address in self.taken else self.desired.get(address))
            else:
                self._give(group[0], address)

    def _claimant(self, natural: Address, heir: Address | None, moving: Mapping[Address, Address]) -> Address:
        """The one in the files of that name, unless it is to come from elsewhere and this one gets another name."""
        want = self.wanted.get(natural)
        if want is None:
            return heir or natural
        if heir and want.address in moving:
            if not _is_circle(want.address, moving):
                return heir
            self._remark(want.address, moving[want.address], "it is unknown whether the two were swapped already")
        return want.address

    def _leave_nameless(self, natural: Address, group: Iterable[int], needed_by: Desired | None) -> None:
        ids = [self.rows[index][0] for index in group]
        for index in group:
            self._give(index, self.kind.by_remote_id(self.rows[index][0]))
        if len(ids) > 1:
            self.names.ambiguous[natural] = ids
            if needed_by:
                what = f'the account has {len(ids)} named "{natural.key}": ids {", ".join(ids)}'
                self._problem(needed_by.address, what, f"add `id: {ids[0]}` to choose one")

    def _claim_by_alternate(self) -> None:
        """A webhook's url is unique too: one under another name is the same webhook."""
        unmatched = [each for each in self.desired.values() if each.address not in self.taken]
        known = {*self.desired, *self.entries}
        free = {index for index, address in enumerate(self.found) if address not in known}
        for alternate in self.kind.alternates:
            by_value = {self.rows[index][1].get(alternate): index for index in free}
            for each in unmatched:
                value = each.attrs.get(alternate)
                index = by_value.get(value.value if isinstance(value, Secret) else value)
                if index is not None and each.address not in self.entries:
                    self._give(index, each.address)

    def _refuse_lookalikes(self) -> None:
        """Refuses to create one beside another whose name differs in case or form only.

        The server may take such names for one. Those that the ledger has were there beside each other; of people
        even they count, because the other one could be somebody else.
        """
        missing = [each for each in self.wanted.values() if each.address not in self.taken]
        new = [each for each in missing if self.kind.person or each.address not in self.entries]
        if not new:
            return
        declared: dict[str, list[Desired]] = {}
        for each in self.wanted.values():
            declared.setdefault(self._alike(each.attrs), []).append(each)
        live = self._live_by_lookalike(new)
        refused: set[Address] = set()
        for each in sorted(new, key=lambda one: one.origin, reverse=True):
            alike = self._alike(each.attrs)
            others = [other for other in declared[alike] if other is not each and other.address not in refused]
            if others:
                self._refuse_beside(each, min(others, key=lambda other: other.origin))
                refused.add(each.address)
            elif len(declared[alike]) == 1 and (rows := live.get(alike)) and (self.kind.person or len(rows) == 1):
                self._refuse_other_spelling(each, self.rows[rows[0]])

    def _alike(self, attrs: Attrs) -> str:
        return lookalike(str(attrs[self.kind.key[0]]))

    def _live_by_lookalike(self, new: Iterable[Desired]) -> dict[str, list[int]]:
        """Rows by the look-alike form of their names; two ASCII addresses that look alike are one anyway."""
        name = self.kind.key[0]
        plain = self.kind.person and all(str(each.attrs[name]).isascii() for each in new)
        found: dict[str, list[int]] = {}
        for index, (_, attrs, _) in enumerate(self.rows):
            if not (plain and str(attrs[name]).isascii()):
                found.setdefault(self._alike(attrs), []).append(index)
        return found

    def _refuse_beside(self, each: Desired, other: Desired) -> None:
        name = self.kind.key[0]
        what = f'"{each.attrs[name]}" would be created beside "{other.attrs[name]}" ({other.origin}), which differs'
        hint = f'write "{other.attrs[name]}" here too, or remove one of the two'
        if self.kind.person:
            hint += "; if they are two people, create the missing contact in Systeme.io first"
        self._problem(each.address, f"{what} from it only in case or form", hint)

    def _refuse_other_spelling(self, each: Desired, row: Row) -> None:
        name, text = self.kind.key[0], row[1][self.kind.key[0]]
        what, hint = f'the account has "{text}", in another case', f"write `{name}: {text}`, or rename that one first"
        if self.kind.person:
            other = f'the account has "{text}" (id {row[0]})'
            what = f'{other}, which differs from "{each.attrs[name]}" only in case or form'
            same, two = (
                f"for the same person write `{name}: {text}`",
                "for another one create the contact in Systeme.io",
            )
            hint = f"{same}; {two} first"
        self._problem(each.address, what, hint)

    def _give(self, index: int, address: Address) -> None:
        self.found[index] = address
        self.taken.add(address)

    def _remark(self, address: Address, former: Address, why: str) -> None:
        self.names.remarks[address] = f"renamed_from {unescape(former.key)} is ignored: {why}"

    def _problem(self, address: Address, what: str, hint: str) -> None:
        self.names.problems.append(Problem(str(self.desired[address].origin), f"{address}: {what}", hint))


def _is_circle(start: Address, moving: Mapping[Address, Address]) -> bool:
    """Whether following the former names leads back: who swaps without a ledger would swap again and again."""
    seen, at = {start}, moving.get(start)
    while at is not None and at not in seen:
        seen.add(at)
        at = moving.get(at)
    return at is not None


#: Kinds that others refer to, or are read inside of.
TARGETS = frozenset(
    {each.ref for kind in KINDS.values() for each in kind.fields if each.ref}
    | {kind.source.parent for kind in KINDS.values() if isinstance(kind.source, Embedded | PerParent)}
)


class LiveItems:
    """``items`` are those of each kind, understood or as they came; ``named`` is filled as names are found."""

    def __init__(self, items: Mapping[str, Iterable[Item]], dialect: Dialect) -> None:
        self.dialect = dialect
        self.items = {
            name: [_understood(KINDS[name], each, dialect) for each in those] for name, those in items.items()
        }
        self.named: dict[str, dict[str, Address]] = {name: {} for name in KINDS}

    def __contains__(self, kind: str) -> bool:
        return kind in self.items

    def shown(self, kind: str) -> Iterable[DecodedItem]:
        """The items of one collection."""
        return self.items.get(kind, ())

    def refer(self, kind: str, remote_id: str) -> Ref:
        """The reference to what has that id: by its address where that is known."""
        return Ref(self.named[kind].get(remote_id) or KINDS[kind].by_remote_id(remote_id))

    def of(self, kind: Kind, settled: Mapping[Address, UnchangedRelations] = EMPTY) -> Iterator[Row]:
        """Every live one of a kind but those that are settled."""
        if isinstance(kind.source, Embedded):
            tie = TIES.get(kind.name)
            yield from self._tied(tie, kind.source, settled) if tie else self._embedded(kind, kind.source)
            return
        for item in self.shown(kind.name):
            refs = referred(kind, item.refs, self.refer) if item.refs else None
            yield item.remote_id, {**item.attrs, **refs} if refs else item.attrs, item.item

    def _embedded(self, kind: Kind, source: Embedded) -> Iterator[Row]:
        (role,) = (each.name for each in kind.parents if each.ref == source.parent)
        owners = self.named[source.parent]
        wire = wire_of(kind, self.dialect)
        for parent in self.shown(source.parent):
            for item in parent.item.get(source.wire) or ():
                attrs = decode(kind, item, wire, self.refer)
                if "id" not in item:
                    raise GatewayError(f"the account shows a {source.parent} whose {source.wire} have no id")
                attrs[role] = Ref(owners[parent.remote_id])
                yield (str(item["id"]) if kind.remote_id else f"{parent.remote_id}/{item['id']}"), attrs, item

    def _tied(
        self, tie: RelationKind, source: Embedded, settled: Mapping[Address, UnchangedRelations]
    ) -> Iterator[Row]:
        """Unmanaged ones are not settled, whosesoever they are."""
        owners, target = self.named[source.parent], tie.kind_of(tie.end)
        for parent in self.shown(source.parent):
            owner, ids = owners[parent.remote_id], parent.ties[tie.place]
            done = settled.get(owner)
            if done is not None and len(done.ends) == len(ids):
                continue
            for end_id in ids:
                end = self.refer(target, end_id)
                if done is None or end.target not in done.ends:
                    yield remote_id_of(parent.remote_id, end_id), {tie.end: end, tie.owner: Ref(owner)}, EMPTY


def _understood(kind: Kind, item: Item, dialect: Dialect) -> DecodedItem:
    return item if isinstance(item, DecodedItem) else DecodedItem(kind, item, wire_of(kind, dialect))
