"""The four records of a resource: declared (as written), desired, live, and its ledger entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence, ValuesView
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from reconciler.model.csv_rows import CsvRows
from reconciler.model.values import Address, Attrs, Origin

T = TypeVar("T")
EMPTY: Mapping[Any, Any] = MappingProxyType({})


class Lifecycle(NamedTuple):
    """The ``lifecycle`` of a resource; the ledger keeps it, so it outlives the block that declares it."""

    prevent_destroy: bool = False
    ignore: frozenset[str] = frozenset()
    create_before_destroy: bool = False


NO_LIFECYCLE = Lifecycle()


class Declared(NamedTuple):
    """One item of a section as the files have it: typed and validated, with references not yet resolved.

    ``raw`` None stands for an empty section: it declares that there are no such resources, while a section that is
    absent declares nothing. ``rows`` are those of the CSV source of the item.
    """

    section: str
    raw: Any
    origin: Origin
    rows: CsvRows | None = None


class _Options(NamedTuple):
    """Attributes that few resources have; most resources share one value."""

    lifecycle: Lifecycle = NO_LIFECYCLE
    former: Address | None = None
    bound_id: str | None = None
    leaves_out: tuple[str, ...] = ()


_options = lru_cache(maxsize=1 << 10)(_Options)
_NO_OPTIONS = _Options()


#: File and position: ``line << 32 | column << 1``, counted from 1; the lowest bit has no meaning.
Place = tuple[str, int]


def place_of(origin: Origin) -> Place:
    """The place of an origin."""
    return origin.file, origin.line << 32 | origin.column << 1


class Desired:
    """The desired state of one resource.

    ``former`` is the address that ``renamed_from`` names, ``bound_id`` the ``id`` given, ``part_of`` the resource
    inside whose block a relation was written (``tags:`` of a contact). ``leaves_out`` names the kinds of relations
    whose short form the block does not have: these are not managed, while an empty list means that there are none.

    A project may have hundreds of thousands of these objects, so address and origin are not stored but computed.
    """

    __slots__ = ("_file", "_options", "_place", "attrs", "key", "kind", "part_of")

    def __init__(
        self,
        address: Address,
        attrs: Attrs,
        origin: Origin,
        lifecycle: Lifecycle = NO_LIFECYCLE,
        former: Address | None = None,
        bound_id: str | None = None,
        part_of: Address | None = None,
        leaves_out: tuple[str, ...] = (),
    ) -> None:
        self.kind, self.key = address
        self.attrs = attrs
        self._file, line, column = origin
        self._place = line << 32 | column << 1
        self.part_of = part_of
        plain = lifecycle is NO_LIFECYCLE and former is None and bound_id is None and not leaves_out
        self._options = _NO_OPTIONS if plain else _options(lifecycle, former, bound_id, leaves_out)

    @classmethod
    def related(cls, kind: str, key: str, attrs: Attrs, place: Place, part_of: Address) -> Desired:
        """A relation without options, made in less time: neither address nor origin is needed for it."""
        made = cls.__new__(cls)
        made.kind, made.key, made.attrs, made.part_of, made._options = kind, key, attrs, part_of, _NO_OPTIONS
        made._file, made._place = place
        return made

    @property
    def address(self) -> Address:
        """The address."""
        return Address(self.kind, self.key)

    @property
    def origin(self) -> Origin:
        """Position of the declaration."""
        return Origin(self._file, self._place >> 32, (self._place & 0xFFFFFFFF) >> 1)

    @property
    def place(self) -> Place:
        """The position of the declaration as a place."""
        return self._file, self._place

    @property
    def lifecycle(self) -> Lifecycle:
        """The declared ``lifecycle``."""
        return self._options.lifecycle

    @property
    def former(self) -> Address | None:
        """The address that ``renamed_from`` names."""
        return self._options.former

    @property
    def bound_id(self) -> str | None:
        """The ``id`` given."""
        return self._options.bound_id

    @property
    def leaves_out(self) -> tuple[str, ...]:
        """The kinds of relations that its block has no key for."""
        return self._options.leaves_out

    def replaced(self, **values: Any) -> Desired:
        """A copy with other values for some arguments of the constructor."""
        return Desired(**{name: getattr(self, name) for name in _ARGUMENTS} | values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Desired) and all(getattr(self, n) == getattr(other, n) for n in _ARGUMENTS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Desired({', '.join(f'{name}={getattr(self, name)!r}' for name in _ARGUMENTS)})"


_ARGUMENTS = ("address", "attrs", "origin", "lifecycle", "former", "bound_id", "part_of", "leaves_out")


@dataclass(frozen=True, slots=True)
class Live:
    """One resource of the account. ``remote_id`` is text for every kind; attributes are decoded by the kind."""

    address: Address
    remote_id: str
    attrs: Attrs


class Resources(MutableMapping[Address, T]):
    """Resources by address, in one dictionary by key for each kind."""

    __slots__ = ("_kinds",)

    def __init__(self, resources: Mapping[Address, T] = EMPTY) -> None:
        self._kinds: dict[str, dict[str, T]] = {}
        for (kind, key), each in resources.items():
            self.of(kind)[key] = each

    @classmethod
    def by_kind(cls, resources: Mapping[Address, T]) -> Resources[T]:
        """The resources as this class; the same object if it is one already."""
        return resources if isinstance(resources, Resources) else cls(resources)

    def of(self, kind: str) -> dict[str, T]:
        """The resources of one kind, by key."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = {}
        return found

    def counts(self) -> Counter[str]:
        """Number of resources by kind."""
        return Counter({kind: len(those) for kind, those in self._kinds.items() if those})

    def copy(self) -> Resources[T]:
        """A copy; changes of it do not change this object."""
        twin: Resources[T] = Resources()
        twin._kinds = {kind: dict(those) for kind, those in self._kinds.items()}
        return twin

    def shallow(self) -> Resources[T]:
        """A copy that shares the dictionary of each kind; call :meth:`own` before you change a kind of it."""
        twin: Resources[T] = Resources()
        twin._kinds = dict(self._kinds)
        return twin

    def own(self, kind: str) -> dict[str, T]:
        """Replace the dictionary of one kind by a copy and return it, to be changed."""
        self._kinds[kind] = dict(self.of(kind))
        return self._kinds[kind]

    def __getitem__(self, address: Address) -> T:
        kind, key = address
        try:
            return self._kinds[kind][key]
        except KeyError:
            raise KeyError(address) from None

    def __setitem__(self, address: Address, resource: T) -> None:
        self.of(address.kind)[address.key] = resource

    def __delitem__(self, address: Address) -> None:
        del self._kinds[address.kind][address.key]

    def __contains__(self, address: object) -> bool:
        return isinstance(address, Address) and address.key in self._kinds.get(address.kind, EMPTY)

    def __iter__(self) -> Iterator[Address]:
        return (Address(kind, key) for kind, those in self._kinds.items() for key in those)

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def values(self) -> ValuesView[T]:
        """All resources, without a look-up for each."""
        return ResourceValues(self)

    def each(self) -> Iterator[T]:
        """All resources, kind by kind."""
        return (each for those in self._kinds.values() for each in those.values())


class ResourceValues(ValuesView[T]):
    """The values of :class:`Resources`, iterated without a look-up for each."""

    _mapping: Any

    def __iter__(self) -> Iterator[T]:
        each: Iterator[T] = self._mapping.each()
        return each


class Provenance(Enum):
    """Why a resource is managed: reconciler created it, or adopted it."""

    CREATED = "created"
    ADOPTED = "adopted"


class EntryState(Enum):
    """SETTLED: confirmed by the account. PENDING: accepted (202), not visible in the account yet."""

    SETTLED = "settled"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the ledger: the values last written (``applied``) and those the server answered (``answered``).

    ``former`` is the ``renamed_from`` that has been carried out, so that it is not carried out again.
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
    lifecycle: Lifecycle = NO_LIFECYCLE
    provenance: Provenance = Provenance.CREATED
    former: Address | None = None
    part_of: Address | None = None
    state: EntryState = EntryState.SETTLED
    since: float = 0.0
    run: int = 0
    managed_since: int = 0


#: The verb of an intent to create a resource.
CREATING = "create"


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was recorded before it was sent and whose outcome is not recorded: it may have happened or not.

    ``verb`` is that of the step, or CREATING. ``before`` holds the values that the write was to replace, ``sent`` the
    readable values that a create was to send.
    """

    address: Address
    verb: str
    run: int
    before: Attrs = field(default_factory=lambda: EMPTY)
    sent: Attrs = field(default_factory=lambda: EMPTY)

    def may_have_created(self, shown: Attrs) -> bool:
        """Whether a live resource with these values may be the one that the create was to make."""
        return self.verb == CREATING and all(shown[name] == v for name, v in self.sent.items() if name in shown)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The content of the ledger; ``account`` is its connection id, ``serial`` counts its writes.

    ``sizes`` is how many items each collection of the account had when it was last read whole, by kind.
    """

    lineage: str = ""
    serial: int = 0
    account: str | None = None
    entries: Mapping[Address, LedgerEntry] = field(default_factory=lambda: EMPTY)
    intents: Mapping[Address, Intent] = field(default_factory=lambda: EMPTY)
    sizes: Mapping[str, int] = field(default_factory=lambda: EMPTY)


class OtherLedgers:
    """Resources that other ledgers of the same account manage, by the name of the ledger."""

    def __init__(self) -> None:
        self._addresses: dict[Address, str] = {}
        self._ids: dict[tuple[str, str], str] = {}

    def add(self, address: Address, remote_id: str | None, ledger: str) -> None:
        """Add one entry of another ledger."""
        self._addresses[address] = ledger
        if remote_id is not None:
            self._ids[address.kind, remote_id] = ledger

    def manager(self, address: Address, remote_id: str | None) -> str | None:
        """The ledger that manages this resource; None where there is none."""
        return self._ids.get((address.kind, remote_id or "")) or self._addresses.get(address)

    def __bool__(self) -> bool:
        return bool(self._addresses)


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state: every declared resource by address.

    ``kinds`` are those that the files mention, if only by an empty list. ``authoritative`` has, for (kind of
    relation, resource), the line that declares its relations as authoritative. ``csv_references`` has, for (target,
    CSV file), the places in YAML that name the target for every row of the file; ``csv_blocks`` has, for (kind, CSV
    file), the places in YAML that name the file.
    """

    resources: Mapping[Address, Desired] = field(default_factory=lambda: EMPTY)
    kinds: frozenset[str] = frozenset()
    authoritative: Mapping[tuple[str, Address], Origin] = field(default_factory=lambda: EMPTY)
    csv_references: Mapping[tuple[Address, str], Sequence[Origin]] = field(default_factory=lambda: EMPTY)
    csv_blocks: Mapping[tuple[str, str], Sequence[Origin]] = field(default_factory=lambda: EMPTY)
