"""A resource seen from its four sides: declared (as written), desired, live, and recorded in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

from reconciler.model.csv_rows import CsvRows
from reconciler.model.values import Address, Attrs, Origin

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class Lifecycle(NamedTuple):
    """What the user said about how a resource may be treated; the ledger keeps it, so it outlives its block."""

    prevent_destroy: bool = False
    ignore: frozenset[str] = frozenset()
    create_before_destroy: bool = False


UNGUARDED = Lifecycle()


class Declared(NamedTuple):
    """One item of one section as the files have it: typed, validated, not yet understood.

    ``raw`` None stands for a section that is there and empty: "none of these", which is not "not mentioned".
    ``rows`` are those of the block's csv.
    """

    section: str
    raw: Any
    origin: Origin
    rows: CsvRows | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """What the files ask for.

    ``former`` is the address that ``renamed_from`` names, ``bound_id`` the ``id`` given, ``part_of`` the resource
    inside whose block a relation was written (``tags:`` of a contact).
    """

    address: Address
    attrs: Attrs
    origin: Origin
    lifecycle: Lifecycle = UNGUARDED
    former: Address | None = None
    bound_id: str | None = None
    part_of: Address | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What the account has. ``remote_id`` is text for every kind; attributes went through its decode."""

    address: Address
    remote_id: str
    attrs: Attrs


class Ids(Mapping[Address, str]):
    """Address → remote id, of everything live."""

    __slots__ = ("_live",)

    def __init__(self, live: Mapping[Address, Live]) -> None:
        self._live = live

    def __getitem__(self, address: Address) -> str:
        return self._live[address].remote_id

    def __iter__(self) -> Iterator[Address]:
        return iter(self._live)

    def __len__(self) -> int:
        return len(self._live)


class Provenance(Enum):
    """How a resource became ours: we made it, or we took it over."""

    CREATED = "created"
    ADOPTED = "adopted"


class EntryState(Enum):
    """SETTLED: done and answered. PENDING: accepted (202), not yet seen in the account."""

    SETTLED = "settled"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the ledger: what we last wrote (``applied``), what the server then showed (``answered``).

    ``former`` is the ``renamed_from`` that has been carried out: said once, done once.
    ``digests`` holds a keyed digest for each write-only secret instead of its value. ``since`` is seconds of
    the epoch of the last change of ``state``; ``run`` the number of the run that last wrote it, ``managed_since``
    that of the run that created or adopted it.
    """

    address: Address
    remote_id: str | None
    applied: Attrs = field(default_factory=lambda: EMPTY)
    answered: Attrs = field(default_factory=lambda: EMPTY)
    digests: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    depends_on: tuple[Address, ...] = ()
    origin: Origin | None = None
    lifecycle: Lifecycle = UNGUARDED
    provenance: Provenance = Provenance.CREATED
    former: Address | None = None
    part_of: Address | None = None
    state: EntryState = EntryState.SETTLED
    since: float = 0.0
    run: int = 0
    managed_since: int = 0


#: The verb of an intent to make something that was not there.
CREATING = "create"


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was announced and whose outcome is not recorded: sent or not, nobody knows yet.

    ``verb`` is that of the step, or CREATING. ``before`` is the entry's address-keyed image of what the write was
    about to overwrite. ``sent`` holds the readable values that a create was to send.
    """

    address: Address
    verb: str
    run: int
    before: Attrs = field(default_factory=lambda: EMPTY)
    sent: Attrs = field(default_factory=lambda: EMPTY)

    def made(self, shown: Attrs) -> bool:
        """Whether an object that shows these values may be the one that the create was to make."""
        return self.verb == CREATING and all(shown[name] == v for name, v in self.sent.items() if name in shown)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything the ledger knows; ``account`` is its connection id, ``serial`` counts its writes.

    ``sizes`` is how many items each collection of the account had when it was last read whole, by kind.
    """

    lineage: str = ""
    serial: int = 0
    account: str | None = None
    entries: Mapping[Address, LedgerEntry] = field(default_factory=lambda: EMPTY)
    intents: Mapping[Address, Intent] = field(default_factory=lambda: EMPTY)
    sizes: Mapping[str, int] = field(default_factory=lambda: EMPTY)


class Unmanaged(Set[tuple[Address, str]]):
    """Pairs of a resource and a kind, kept by all kinds that go with it: nearly every person has the same ones."""

    __slots__ = ("_by_kinds",)

    def __init__(self, by_kinds: Mapping[tuple[str, ...], Set[Address]]) -> None:
        self._by_kinds = by_kinds

    def __contains__(self, pair: object) -> bool:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            return False
        return any(pair[1] in kinds and pair[0] in those for kinds, those in self._by_kinds.items())

    def __iter__(self) -> Iterator[tuple[Address, str]]:
        return ((address, kind) for kinds, those in self._by_kinds.items() for address in those for kind in kinds)

    def __len__(self) -> int:
        return sum(len(kinds) * len(those) for kinds, those in self._by_kinds.items())


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All that the files ask for, understood.

    ``kinds`` are those that the files mention, if only by an empty list. ``unmanaged`` holds (resource, kind)
    where a block leaves out the short form of that kind: its relations are not managed, which is not "none".
    ``exact`` has, for (kind of relation, resource), the line that declares its relations as authoritative.
    ``csv_references`` has, for (target, CSV file), the places in YAML that name the target for every row of the file.
    """

    resources: Mapping[Address, Desired] = field(default_factory=lambda: EMPTY)
    kinds: frozenset[str] = frozenset()
    unmanaged: Set[tuple[Address, str]] = frozenset()
    exact: Mapping[tuple[str, Address], Origin] = field(default_factory=lambda: EMPTY)
    csv_references: Mapping[tuple[Address, str], Sequence[Origin]] = field(default_factory=lambda: EMPTY)
