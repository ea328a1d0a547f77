"""The three sides of every resource after matching; where they agree, only the remote id is kept.

files, ledger and account                     kept of ledger row and live item
──────────────────────────────────────────────────────────────────────────────────────────────────────
ledger equals desired                         remote id, run and time of the row
account equals desired, ledger too or no row  the same; the resource counts as agreed
anything else                                 the row, the item

Usually nearly everything agrees. :class:`Entries` and :class:`LiveResources` behave like ordinary mappings: reduced
values are rebuilt on access.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, MutableMapping, ValuesView
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.errors import Problem
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Kind
from reconciler.model.resource import EMPTY, Desired, LedgerEntry, Live, Provenance, Resources, ResourceValues
from reconciler.model.values import Address, Attrs


class Written(NamedTuple):
    """Provenance, run and time of a ledger row; shared by rows of one run."""

    provenance: Provenance
    since: float
    run: int
    managed_since: int


class Agreed(NamedTuple):
    """The reduced form of a resource. ``remote_id`` is None if it consists of the ids of the parents (see DERIVED).

    ``written`` is None without a ledger row.
    """

    remote_id: str | None
    written: Written | None = None


#: Reduced resources by kind and key.
Reduced = dict[str, dict[str, Agreed]]


def _ends(kind: Kind) -> tuple[int, int] | None:
    """Positions in the key of the resource that contains relations of this kind, and of their target."""
    is_bare = len(kind.fields) == len(kind.parents) == len(kind.key)
    if kind.remote_id or not isinstance(kind.source, Embedded) or not is_bare:
        return None
    owner = [index for index, field in enumerate(kind.parents) if field.ref == kind.source.parent]
    end = [index for index, field in enumerate(kind.parents) if field.answer_key == "id" and index not in owner]
    return (owner[0], end[0]) if len(owner) == len(end) == 1 else None


#: Relations that are nothing but their two ends: their remote ids are those of the ends.
DERIVED = {kind.name: ends for kind in KINDS.values() if (ends := _ends(kind))}
_END_KINDS = {
    name: (KINDS[name].parents[owner].ref or "", KINDS[name].parents[end].ref or "")
    for name, (owner, end) in DERIVED.items()
}


def remote_id_of(owner_id: str, end_id: str) -> str:
    """The remote id of a relation that has none of its own."""
    return f"{owner_id}/{end_id}"


def ends_of(kind: str, key: str) -> tuple[Address, Address]:
    """The two ends of a relation of a kind of DERIVED."""
    (owner, end), (owner_kind, end_kind) = DERIVED[kind], _END_KINDS[kind]
    parts = key.split("/")
    return Address(owner_kind, parts[owner]), Address(end_kind, parts[end])


def entry_of(desired: Desired, remote_id: str | None, written: Written) -> LedgerEntry:
    """The ledger entry of a resource that the account shows as desired."""
    return LedgerEntry(
        desired.address,
        remote_id,
        desired.attrs,
        depends_on=KINDS[desired.kind].refers_to(desired.attrs),
        origin=desired.origin,
        lifecycle=desired.lifecycle,
        provenance=written.provenance,
        former=desired.former,
        part_of=desired.part_of,
        since=written.since,
        run=written.run,
        managed_since=written.managed_since,
    )


class _Ids(ABC):
    """Remote ids by address, also those that consist of the ids of the two ends."""

    __slots__ = ()

    @abstractmethod
    def id_at(self, kind: str, key: str) -> str | None:
        """The remote id, or None."""

    def id_of(self, address: Address) -> str | None:
        """The remote id, or None."""
        return self.id_at(*address)

    def derived(self, kind: str, key: str) -> str | None:
        """The remote id that the ids of the two ends of a relation make, for a kind of DERIVED."""
        (owner, end), (owner_kind, end_kind) = DERIVED[kind], _END_KINDS[kind]
        parts = key.split("/")
        owner_id, end_id = self.id_at(owner_kind, parts[owner]), self.id_at(end_kind, parts[end])
        return None if owner_id is None or end_id is None else remote_id_of(owner_id, end_id)


class Entries(MutableMapping[Address, LedgerEntry], _Ids):
    """Ledger entries by address: ``rows`` equal the desired resources, all others are kept whole.

    A copy shares its data with the original until it is changed.
    """

    __slots__ = ("_desired", "_left", "_shared", "kept", "rows")

    def __init__(
        self, kept: Mapping[Address, LedgerEntry] = EMPTY, desired: Resources[Desired] | None = None
    ) -> None:
        self.kept: Resources[LedgerEntry] = Resources.by_kind(kept)
        self.rows: Reduced = {}
        self._desired: Resources[Desired] = Resources() if desired is None else desired
        self._left: dict[Address, str | None] = {}
        self._shared = False

    @classmethod
    def of(cls, entries: Mapping[Address, LedgerEntry]) -> Entries:
        """A copy that can be changed independently."""
        if not isinstance(entries, Entries):
            return cls(Resources(entries))
        twin = cls(entries.kept, entries._desired)
        twin.rows, twin._shared = entries.rows, True
        return twin

    def reduced(self, kind: str) -> dict[str, Agreed]:
        """The mutable mapping of the rows of one kind that equal their desired resources."""
        return self.rows.setdefault(kind, {})

    def row(self, kind: str) -> Mapping[str, Agreed]:
        """The reduced rows of one kind, by key."""
        return self.rows.get(kind, EMPTY)

    def id_at(self, kind: str, key: str) -> str | None:
        rows = self.rows.get(kind)
        row = rows.get(key) if rows else None
        if row is not None:
            return self.derived(kind, key) if row.remote_id is None else row.remote_id
        entry = self.kept.of(kind).get(key)
        return entry.remote_id if entry else self._left.get(Address(kind, key))

    def keys_of(self, kind: str) -> Collection[str]:
        """The keys of one kind."""
        rows, kept = self.row(kind), self.kept.of(kind)
        return {*rows, *kept} if rows and kept else rows or kept

    def addresses(self, kind: str) -> list[Address]:
        """The addresses of one kind."""
        return [Address(kind, key) for key in self.keys_of(kind)]

    def applied(self, address: Address) -> Attrs:
        """The applied attributes."""
        reduced = address.key in self.row(address.kind)
        return self._desired[address].attrs if reduced else self.kept[address].applied

    def expand(self, address: Address) -> None:
        """Store the entry whole, because its desired resource gets another address."""
        if address.key in self.row(address.kind):
            self[address] = self[address]

    def keys_by_id(self, kind: str) -> dict[str, str]:
        """Keys by remote id, for a kind with ids of its own."""
        found = {entry.remote_id: key for key, entry in self.kept.of(kind).items() if entry.remote_id}
        found.update((row.remote_id, key) for key, row in self.row(kind).items() if row.remote_id)
        return found

    def counts(self) -> dict[str, int]:
        """Number of entries by kind."""
        counted = self.kept.counts()
        counted.update({kind: len(rows) for kind, rows in self.rows.items() if rows})
        return dict(counted)

    def _changing(self) -> None:
        if self._shared:
            self.kept, self._shared = self.kept.copy(), False
            self.rows = {kind: dict(rows) for kind, rows in self.rows.items()}

    def _made(self, kind: str, key: str, row: Agreed) -> LedgerEntry:
        assert row.written is not None
        remote_id = self.derived(kind, key) if row.remote_id is None else row.remote_id
        return entry_of(self._desired.of(kind)[key], remote_id, row.written)

    def __getitem__(self, address: Address) -> LedgerEntry:
        row = self.row(address.kind).get(address.key)
        return self.kept[address] if row is None else self._made(*address, row)

    def __setitem__(self, address: Address, entry: LedgerEntry) -> None:
        self._changing()
        self.rows.get(address.kind, {}).pop(address.key, None)
        self.kept[address] = entry

    def __delitem__(self, address: Address) -> None:
        remote_id = self.id_of(address)
        self._changing()
        if self.rows.get(address.kind, {}).pop(address.key, None) is None:
            del self.kept[address]
        self._left[address] = remote_id

    def __contains__(self, address: object) -> bool:
        return isinstance(address, Address) and (address.key in self.row(address.kind) or address in self.kept)

    def __iter__(self) -> Iterator[Address]:
        yield from self.kept
        yield from (Address(kind, key) for kind, rows in self.rows.items() for key in rows)

    def __len__(self) -> int:
        return len(self.kept) + sum(map(len, self.rows.values()))

    def values(self) -> ValuesView[LedgerEntry]:
        """All of them; none is looked up for it."""
        return ResourceValues(self)

    def each(self) -> Iterator[LedgerEntry]:
        """All of them."""
        yield from self.kept.each()
        yield from (self._made(kind, key, row) for kind, rows in self.rows.items() for key, row in rows.items())


class LiveResources(Mapping[Address, Live], _Ids):
    """Live resources by address: ``agreed`` ones equal the desired ones, all others are kept as read."""

    __slots__ = ("_desired", "agreed", "kept")

    def __init__(self, desired: Resources[Desired] | None = None, kept: Mapping[Address, Live] = EMPTY) -> None:
        self.kept: Resources[Live] = Resources(kept)
        self.agreed: Reduced = {}
        self._desired: Resources[Desired] = Resources() if desired is None else desired

    def agree(self, kind: str) -> dict[str, Agreed]:
        """The mutable mapping of agreed resources of one kind."""
        return self.agreed.setdefault(kind, {})

    def id_at(self, kind: str, key: str) -> str | None:
        found = self.agreed.get(kind, EMPTY).get(key)
        if found is not None:
            return self.derived(kind, key) if found.remote_id is None else found.remote_id
        live = self.kept.of(kind).get(key)
        return live.remote_id if live else None

    def _made(self, kind: str, key: str) -> Live:
        address = Address(kind, key)
        return Live(address, self.id_of(address) or "", self._desired.of(kind)[key].attrs)

    def __getitem__(self, address: Address) -> Live:
        is_reduced = address.key in self.agreed.get(address.kind, EMPTY)
        return self._made(*address) if is_reduced else self.kept[address]

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, Address):
            return False
        return address.key in self.agreed.get(address.kind, EMPTY) or address in self.kept

    def __iter__(self) -> Iterator[Address]:
        yield from self.kept
        yield from (Address(kind, key) for kind, those in self.agreed.items() for key in those)

    def __len__(self) -> int:
        return len(self.kept) + sum(map(len, self.agreed.values()))

    def values(self) -> ValuesView[Live]:
        """All of them; none is looked up for it."""
        return ResourceValues(self)

    def each(self) -> Iterator[Live]:
        """All of them."""
        yield from self.kept.each()
        yield from (self._made(kind, key) for kind, those in self.agreed.items() for key in those)


class Ids(Mapping[Address, str]):
    """Remote ids of all live resources, by address."""

    __slots__ = ("_live",)

    def __init__(self, live: LiveResources) -> None:
        self._live = live

    def __getitem__(self, address: Address) -> str:
        found = self._live.id_of(address)
        if found is None:
            raise KeyError(address)
        return found

    def __iter__(self) -> Iterator[Address]:
        return iter(self._live)

    def __len__(self) -> int:
        return len(self._live)


@dataclass
class MatchedState:
    """The three sides. ``aliases`` maps other names of live resources to addresses, ``moved`` new addresses to old.

    ``slugs`` are the account's contact fields, if they were read. ``remarks`` are notes for plans. ``secrets`` are
    the secret values that the account shows.
    """

    desired: Resources[Desired]
    entries: Entries
    live: LiveResources
    moved: dict[Address, Address] = field(default_factory=dict)
    aliases: dict[Address, Address] = field(default_factory=dict)
    ambiguous: dict[Address, list[str]] = field(default_factory=dict)
    slugs: frozenset[str] = frozenset()
    remarks: dict[Address, str] = field(default_factory=dict)
    secrets: dict[Address, Attrs] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ids(self) -> Mapping[Address, str]:
        """The remote ids of all live resources."""
        return Ids(self.live)

    def is_agreed(self, address: Address) -> bool:
        """Whether files, account and ledger agree; includes adoptions without changes."""
        return address.key in self.agreed(address.kind)

    def agreed(self, kind: str) -> Mapping[str, Agreed]:
        """The agreed resources of one kind, by key; includes adoptions without changes."""
        return self.live.agreed.get(kind, {})
