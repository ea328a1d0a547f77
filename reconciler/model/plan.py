"""The plan: actions, their causes, changes field by field, and the value that holds them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from heapq import merge
from operator import eq
from typing import Any, NamedTuple

from reconciler.model.resource import EMPTY, NO_LIFECYCLE, Lifecycle
from reconciler.model.values import Address, Attrs, Origin, Value


class Action(Enum):
    """The one list of verbs in the whole product."""

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    NO_CHANGE = "no_change"


class Cause(Enum):
    """Why a change is there. It explains; no request and no plan equality depends on it."""

    NEW = "new"
    EDITED = "edited"
    DRIFTED = "drifted"
    BOTH = "both"
    RELEASED = "released"
    MISSING = "missing"
    REMOVED = "removed"
    ROTATED = "rotated"
    GONE_WITH = "gone_with"
    UNLISTED = "unlisted"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: live value before, value after; a sensitive one never shows either. ``note`` is for the reader."""

    path: str
    before: Value
    after: Value
    cause: Cause = field(compare=False)
    sensitive: bool = False
    note: str = field(default="", compare=False)


class Loss(NamedTuple):
    """Number of contacts that lose a deleted tag or field value, and the part of them that is not in the ledger.

    ``least``: not every contact was read, so there may be more.
    """

    people: int
    unmanaged: int
    least: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One resource with its planned action.

    ``attrs`` is the whole desired state (empty for DELETE and FORGET), ``before`` what is live or was applied.
    ``former`` and ``part_of`` are those of :class:`~reconciler.model.resource.Desired`.
    ``depends_on`` names what it refers to, ``detached_from`` what it referred to and no longer does, ``cascades`` the
    resources related to a deleted one, as read with it (the tags of a contact). ``blocked`` is the reason why policy
    forbids it. ``moved_from`` is the address that the ledger has it under. ``note`` is one sentence for the reader.
    ``loss`` says from how many people a deletion takes something. Two changes are equal if they would do the same:
    notes and positions do not count.
    """

    address: Address
    action: Action
    cause: Cause | None = field(default=None, compare=False)
    fields: tuple[FieldChange, ...] = ()
    attrs: Attrs = field(default_factory=lambda: EMPTY)
    before: Attrs = field(default_factory=lambda: EMPTY, compare=False)
    remote_id: str | None = None
    depends_on: tuple[Address, ...] = field(default=(), compare=False)
    detached_from: tuple[Address, ...] = field(default=(), compare=False)
    cascades: tuple[Address, ...] = field(default=(), compare=False)
    blocked: str | None = None
    moved_from: Address | None = None
    former: Address | None = None
    part_of: Address | None = field(default=None, compare=False)
    effects: tuple[str, ...] = field(default=(), compare=False)
    note: str = field(default="", compare=False)
    origin: Origin | None = field(default=None, compare=False)
    lifecycle: Lifecycle = field(default=NO_LIFECYCLE, compare=False)
    loss: Loss | None = field(default=None, compare=False)


class AgreedChanges(Collection[Change]):
    """Changes of resources whose files and account agree: NO_CHANGE, and ADOPT without a field to write.

    A plan may have hundreds of thousands of them, so they are not stored: ``make`` creates them on each iteration, in
    address order, those of one action or all. ``find`` creates a single one. ``counts`` is by kind and action.
    """

    __slots__ = ("_make", "counts", "find")

    def __init__(
        self,
        counts: Mapping[tuple[str, Action], int],
        make: Callable[[Action | None], Iterator[Change]],
        find: Callable[[Address], Change | None],
    ) -> None:
        self.counts, self._make, self.find = counts, make, find

    def of(self, action: Action) -> Iterator[Change]:
        """The changes with this action."""
        return self._make(action) if self.count(action) else iter(())

    def count(self, action: Action) -> int:
        """Number of changes with this action."""
        return sum(number for (_, each), number in self.counts.items() if each is action)

    def __iter__(self) -> Iterator[Change]:
        return self._make(None)

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __contains__(self, change: object) -> bool:
        return any(each == change for each in self)


class Changes(Sequence[Change]):
    """Changes in address order: ``agreed`` ones, and ``own``, which differ or have a note."""

    __slots__ = ("agreed", "own")

    def __init__(self, own: tuple[Change, ...], agreed: AgreedChanges) -> None:
        self.own, self.agreed = own, agreed

    def __iter__(self) -> Iterator[Change]:
        return _merged(self.own, self.agreed)

    def __len__(self) -> int:
        return len(self.own) + len(self.agreed)

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


def _merged(*parts: Iterable[Change]) -> Iterator[Change]:
    return merge(*parts, key=lambda change: change.address)


class EffectiveChanges(Collection[Change]):
    """The changes that alter account or ledger: ``own``, and those that are adopted as they are."""

    __slots__ = ("agreed", "own")

    def __init__(self, own: tuple[Change, ...], agreed: AgreedChanges) -> None:
        self.own, self.agreed = own, agreed

    def __iter__(self) -> Iterator[Change]:
        return _merged(self.own, self.agreed.of(Action.ADOPT))

    def __len__(self) -> int:
        return len(self.own) + self.agreed.count(Action.ADOPT)

    def __contains__(self, change: object) -> bool:
        return any(each == change for each in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


def differing(changes: Iterable[Change]) -> Iterable[Change]:
    """The changes of resources whose files and account differ, or that have a note."""
    if isinstance(changes, Changes | EffectiveChanges):
        return changes.own
    return changes


def without_unchanged(changes: Iterable[Change]) -> Iterable[Change]:
    """The changes without those NO_CHANGE ones for which files and account agree."""
    return EffectiveChanges(changes.own, changes.agreed) if isinstance(changes, Changes) else changes


def count_agreed(changes: Iterable[Change]) -> Counter[tuple[str, Action]]:
    """Number of changes that :func:`differing` leaves out, by kind and action."""
    if isinstance(changes, Changes):
        return Counter(changes.agreed.counts)
    if isinstance(changes, EffectiveChanges):
        counts = changes.agreed.counts
        return Counter({each: number for each, number in counts.items() if each[1] is Action.ADOPT})
    return Counter()


def count_changes(changes: Iterable[Change]) -> Counter[tuple[str, Action]]:
    """Number of changes by kind and action."""
    return count_agreed(changes) + Counter((each.address.kind, each.action) for each in differing(changes))


class Base(NamedTuple):
    """The state that a plan was made from: account, ledger lineage and serial, dialect.

    ``connections`` is the number of active connections of which the account is the oldest; 0 if it was configured.
    """

    account: str | None
    lineage: str
    serial: int
    dialect: str
    connections: int = 0


@dataclass(frozen=True)
class Plan:
    """The changes in address order, NO_CHANGE and blocked ones included, with what they rest on.

    ``unmanaged`` counts, by kind, live resources that are neither declared nor managed. ``ids`` gives the remote id
    of every live resource that a request may have to name. ``partial``: --target or --exclude cut the plan.
    ``routes`` says, by kind, how it was read where it was not read whole: unmanaged ones are then not all counted.
    ``bystanders`` counts people who lose something by a deletion and are named by no change.
    """

    base: Base = field(compare=False)
    changes: Sequence[Change]
    unmanaged: Mapping[str, int] = field(default_factory=lambda: EMPTY, compare=False)
    ids: Mapping[Address, str] = field(default_factory=lambda: EMPTY, compare=False)
    reads: int = field(default=0, compare=False)
    routes: Mapping[str, str] = field(default_factory=lambda: EMPTY, compare=False)
    partial: bool = False
    bystanders: int = field(default=0, compare=False)

    @cached_property
    def effective(self) -> Collection[Change]:
        """The changes to carry out: not blocked, and altering the account or the ledger."""
        own = tuple(c for c in differing(self.changes) if not c.blocked and is_effective(c))
        agreed = self.changes.agreed if isinstance(self.changes, Changes) else None
        return EffectiveChanges(own, agreed) if agreed and agreed.count(Action.ADOPT) else own

    @cached_property
    def blocked(self) -> tuple[Change, ...]:
        """The changes that policy forbids."""
        return tuple(c for c in differing(self.changes) if c.blocked)


def is_effective(change: Change) -> bool:
    """Whether carrying out the change would alter the account or the ledger."""
    return change.action is not Action.NO_CHANGE or change.moved_from is not None


class Verb(Enum):
    """The effect of a step on its resource: reach the desired state, delete it, or rename it out of the way."""

    __hash__ = object.__hash__  # a member is one object; steps are looked up millions of times

    MAKE = "make"
    DROP = "drop"
    PARK = "park"


class Step(NamedTuple):
    """A node of the graph: a key, never a payload."""

    address: Address
    verb: Verb
