"""Ledger entries that say what the files say → what the files do not know of them, until somebody asks for one.

On a quiet day nearly every entry is of that form. Whoever reads :class:`Entries` finds entries like any others; what
only compares asks for :func:`held`, and nothing is made for it.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.resource import EMPTY, Desired, EntryState, LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Origin
from reconciler.planner.ties import OfKind


class CompactEntry(NamedTuple):
    """An entry that was written as ``desired`` is still, and that the account then showed in the same words.

    ``made`` holds the provenance, the run that last wrote it and the one since which it is managed; one tuple serves
    very many entries. ``origin`` is where the files had it then, where that is another place than now.
    """

    desired: Desired
    remote_id: str | None
    made: tuple[Provenance, int, int]
    since: float
    origin: Origin | None

    @property
    def address(self) -> Address:
        """That of the entry."""
        return self.desired.address

    @property
    def applied(self) -> Attrs:
        """What was last written."""
        return self.desired.attrs

    @property
    def state(self) -> EntryState:
        """What is pending is not kept like this."""
        return EntryState.SETTLED

    def make(self) -> LedgerEntry:
        """The entry."""
        desired, remote_id, (provenance, run, managed_since), since, origin = self
        return LedgerEntry(
            desired.address,
            remote_id,
            desired.attrs,
            depends_on=depends_on(desired),
            origin=origin or desired.origin,
            provenance=provenance,
            since=since,
            run=run,
            managed_since=managed_since,
        )


def depends_on(desired: Desired) -> tuple[Address, ...]:
    """What the entry of one that was written so depends on."""
    return KINDS[desired.address.kind].refers_to(desired.attrs)


#: An entry in either form; both have address, remote_id, applied and state.
Held = LedgerEntry | CompactEntry


class Entries(MutableMapping[Address, LedgerEntry]):
    """Entries by address; those that are only kept are made on the way, again for everybody who asks.

    What it was made from is not copied before something changes, and is never changed.
    """

    __slots__ = ("_held", "_own")

    def __init__(self, entries: Mapping[Address, Held] = EMPTY) -> None:
        self._held: Mapping[Address, Held] = held(entries)
        self._own: dict[Address, Held] | None = None

    def _changing(self) -> dict[Address, Held]:
        if self._own is None:
            self._held = self._own = dict(self._held)
        return self._own

    @property
    def held(self) -> Mapping[Address, Held]:
        """All of them, in the form in which they are held."""
        return self._held

    def __getitem__(self, address: Address) -> LedgerEntry:
        return _made(self._held[address])

    def __setitem__(self, address: Address, entry: LedgerEntry) -> None:
        self._changing()[address] = entry

    def __delitem__(self, address: Address) -> None:
        del self._changing()[address]

    def __contains__(self, address: object) -> bool:
        return address in self._held

    def __iter__(self) -> Iterator[Address]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def values(self) -> ValuesView[LedgerEntry]:
        """All of them; none is looked up for it."""
        return _EntryValues(self)

    def items(self) -> ItemsView[Address, LedgerEntry]:
        """The same with their addresses."""
        return _EntryItems(self)


class _EntryValues(ValuesView[LedgerEntry]):
    _mapping: Entries

    def __iter__(self) -> Iterator[LedgerEntry]:
        return map(_made, self._mapping.held.values())


class _EntryItems(ItemsView[Address, LedgerEntry]):
    _mapping: Entries

    def __iter__(self) -> Iterator[tuple[Address, LedgerEntry]]:
        return ((address, _made(each)) for address, each in self._mapping.held.items())


def _made(each: Held) -> LedgerEntry:
    return each.make() if isinstance(each, CompactEntry) else each


def held(entries: Mapping[Address, Held]) -> Mapping[Address, Held]:
    """The same in the form in which they are held."""
    if isinstance(entries, OfKind):
        return OfKind(held(entries.whole), entries.own)
    return entries.held if isinstance(entries, Entries) else entries
