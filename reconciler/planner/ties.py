"""Relations that are nothing but their two ends, kept by the block they stand in, and made resources when asked for.

A contact with three tags is then one row of three addresses instead of three resources, on each side of a plan:

    files    contact/ann@example.com   tag/VIP, tag/Gold    and the line of each
    ledger   contact/ann@example.com   tag/VIP, tag/Gold    and what was recorded of each
    plan     contact/ann@example.com   tag/VIP, tag/Gold    and the ids of each

An account has more of them than of everything else, and most are as they should be. Whoever reads one of these
mappings finds resources in it like any others; a row makes them on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, Sequence, ValuesView
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Kind
from reconciler.model.resource import Desired
from reconciler.model.values import Address, Attrs, Origin, Ref

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
#: The other ends of the relations in one block, in its order.
Ends = tuple[Address, ...]


class RelationKind(NamedTuple):
    """A kind of such relations: ``owner`` and ``end`` name its two fields, the first that of the block's resource.

    ``place`` counts the kinds of them that one owner has.
    """

    kind: Kind
    owner: str
    end: str
    place: int = 0

    @property
    def name(self) -> str:
        """The name of the kind."""
        return self.kind.name

    def kind_of(self, role: str) -> str:
        """The kind of what stands at one end."""
        return self.kind.field(role).ref or ""

    def address(self, owner: Address, end: Address) -> Address:
        """The address that :meth:`Kind.address` gives: both keys are escaped already."""
        return Address(self.kind.name, f"{owner.key}/{end.key}")

    def ends_of(self, address: Address) -> tuple[Address, Address]:
        """The inverse of :meth:`address`."""
        owner, _, end = address.key.partition("/")
        return Address(self.kind_of(self.owner), owner), Address(self.kind_of(self.end), end)

    def attrs(self, owner: Address, end: Address) -> Attrs:
        """All there is to say about one."""
        return {self.end: Ref(end), self.owner: Ref(owner)}


def _tie(kind: Kind) -> RelationKind | None:
    sugar, ends = kind.sugar, {field.name for field in kind.fields}
    if not isinstance(kind.source, Embedded) or sugar is None or sugar.preset or ends != set(kind.key):
        return None
    owner, end = kind.key[0], kind.key[-1]
    is_tie = len(kind.parents) == 2 and kind.field(owner).ref == kind.source.parent == sugar.parent
    is_tie = is_tie and sugar.fills == end and kind.field(end).answer == "id" and not kind.remote_id
    return (
        RelationKind(kind, owner, end)
        if is_tie and all(KINDS[each.ref or ""].section for each in kind.parents)
        else None
    )


def _ties() -> Iterator[RelationKind]:
    owned: dict[str, int] = {}
    for tie in filter(None, map(_tie, KINDS.values())):
        owner = tie.kind_of(tie.owner)
        owned[owner] = owned.get(owner, -1) + 1
        yield tie._replace(place=owned[owner])


#: Kinds of relations that are nothing but their two ends, by name.
TIES: Mapping[str, RelationKind] = {tie.name: tie for tie in _ties()}


class RelationRow(Protocol[T_co]):
    """The relations of one block; ``make`` gives the resource that stands at ``index``."""

    @property
    def ends(self) -> Ends: ...

    def make(self, tie: RelationKind, owner: Address, index: int) -> T_co: ...


class RelationRows(Mapping[Address, T], Generic[T]):
    """By address: ``single`` resources as they are, and ``rows`` of relations, by kind and by whose they are."""

    __slots__ = ("rows", "single")

    def __init__(
        self, single: MutableMapping[Address, T], rows: Mapping[str, Mapping[Address, RelationRow[T]]]
    ) -> None:
        self.single, self.rows = single, rows

    def __getitem__(self, address: Address) -> T:
        if (found := self.single.get(address)) is not None:
            return found
        if not (rows := self.rows.get(address.kind)):
            raise KeyError(address)
        owner, end = TIES[address.kind].ends_of(address)
        row = rows.get(owner)
        if row is None or end not in row.ends:
            raise KeyError(address)
        return row.make(TIES[address.kind], owner, row.ends.index(end))

    def __contains__(self, address: object) -> bool:
        if address in self.single:
            return True
        if not isinstance(address, Address) or not (rows := self.rows.get(address.kind)):
            return False
        owner, end = TIES[address.kind].ends_of(address)
        return owner in rows and end in rows[owner].ends

    def __iter__(self) -> Iterator[Address]:
        yield from self.single
        for kind, rows in self.rows.items():
            for owner, row in rows.items():
                yield from (TIES[kind].address(owner, end) for end in row.ends)

    def __len__(self) -> int:
        return len(self.single) + sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many relations the rows hold, by kind."""
        return {kind: sum(len(row.ends) for row in rows.values()) for kind, rows in self.rows.items()}

    def made(self) -> Iterator[T]:
        """The relations of all rows, made one after another."""
        for kind, rows in self.rows.items():
            for owner, row in rows.items():
                yield from (row.make(TIES[kind], owner, index) for index in range(len(row.ends)))

    def values(self) -> ValuesView[T]:
        """All of them; none is looked up for it."""
        return _RelationValues(self)

    def items(self) -> ItemsView[Address, T]:
        """The same with their addresses."""
        return _RelationItems(self)


def by_kind(addresses: Iterable[Address]) -> dict[str, list[Address]]:
    """Those of each kind, in their order."""
    sorted_out: dict[str, list[Address]] = {}
    for address in addresses:
        sorted_out.setdefault(address.kind, []).append(address)
    return sorted_out


class OfKind(Mapping[Address, T], Generic[T]):
    """Those of one kind among others; ``own`` are theirs, and only addresses of that kind are asked for."""

    __slots__ = ("own", "whole")

    def __init__(self, whole: Mapping[Address, T], own: Sequence[Address]) -> None:
        self.whole, self.own = whole, own

    def __getitem__(self, address: Address) -> T:
        return self.whole[address]

    def __contains__(self, address: object) -> bool:
        return address in self.whole

    def __iter__(self) -> Iterator[Address]:
        return iter(self.own)

    def __len__(self) -> int:
        return len(self.own)


class _RelationValues(ValuesView[T]):
    _mapping: RelationRows[T]

    def __iter__(self) -> Iterator[T]:
        yield from self._mapping.single.values()
        yield from self._mapping.made()


class _RelationItems(ItemsView[Address, T]):
    _mapping: RelationRows[T]

    def __iter__(self) -> Iterator[tuple[Address, T]]:
        yield from zip(self._mapping, self._mapping.values(), strict=True)


def singles(resources: Mapping[Address, T]) -> Mapping[Address, T]:
    """Those that are kept one by one: everything that can have fields, secrets or a guard of its own."""
    return resources.single if isinstance(resources, RelationRows) else resources


def rows_of(resources: Mapping[Address, Any]) -> Mapping[str, Mapping[Address, Any]]:
    """The rows of relations, by kind and by whose they are."""
    return resources.rows if isinstance(resources, RelationRows) else {}


def counts(resources: Mapping[Address, Any]) -> Counter[str]:
    """How many there are, by kind."""
    found = Counter(address.kind for address in singles(resources))
    return found + Counter(resources.counts()) if isinstance(resources, RelationRows) else found


def of_kind(resources: Mapping[Address, T], kind: str) -> Iterator[tuple[Address, T]]:
    """Those of one kind; the rows of others are left alone."""
    if kind in TIES:
        return ((address, each) for address, each in resources.items() if address.kind == kind)
    alone = singles(resources)
    return ((address, alone[address]) for address in alone if address.kind == kind)


def ends_in_rows(resources: Mapping[Address, Any]) -> Iterable[Address]:
    """Everything that the relations in rows refer to, once."""
    rows = [row for rows in rows_of(resources).values() for row in rows.items()]
    different = dict.fromkeys(row.ends for _, row in rows)
    return dict.fromkeys([*(owner for owner, _ in rows), *(end for ends in different for end in ends)])


class DeclaredRelations(NamedTuple):
    """The relations that one block of the files declares, and where each is written."""

    ends: Ends
    places: Sequence[Origin]

    def make(self, tie: RelationKind, owner: Address, index: int) -> Desired:
        """The same as a resource."""
        end = self.ends[index]
        return Desired(tie.address(owner, end), tie.attrs(owner, end), self.places[index], part_of=owner)
