"""The rows of a ledger → its entries by address, with as little of them in memory as can be.

What the files say too is kept once, in the words of the files. Relations that are nothing but their two ends, which
most rows are, stay text: one row for each block that they stand in, read when somebody asks for one of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.errors import DamagedValue
from reconciler.ledger.codec import NOTHING, UNREADABLE, from_row, origin_text, origin_value, quoted
from reconciler.model.resource import Desired, EntryState, LedgerEntry, Provenance
from reconciler.model.values import Address, Origin
from reconciler.planner.kept import Entries, Held
from reconciler.planner.quiet import UnchangedRelations, remote_id_of
from reconciler.planner.ties import TIES, DeclaredRelations, Ends, RelationKind, RelationRows, rows_of, singles


class WrittenRow(NamedTuple):
    """When and how the rows of a block were written; they are written together, so one of these serves very many."""

    provenance: str
    since: float
    run: int
    managed_since: int
    end_first: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing in it is damaged."""
        return self.provenance in _PROVENANCES and (type(self.since), type(self.run), type(self.managed_since)) == (
            float,
            int,
            int,
        )


class RecordedRow(NamedTuple):
    """The relations of one block; ``facts`` has a line for each: its id, and where it stood in the files."""

    ends: Ends
    facts: str
    written: WrittenRow

    @property
    def settled(self) -> None:
        """The files have others."""

    def lines(self) -> list[str]:
        """What ``facts`` has of each."""
        return self.facts.split("\n")

    def remote_ids(self) -> list[str]:
        """What each goes by in the account."""
        return [line.partition("\t")[0] for line in self.lines()]

    def make(self, tie: RelationKind, owner: Address, index: int) -> LedgerEntry:
        """The same as an entry."""
        remote_id, _, origin = self.lines()[index].partition("\t")
        return _entry(tie, owner, self.ends[index], self.written, remote_id, origin_value(origin))


class UnchangedRow(NamedTuple):
    """The same where the files have these very relations: once it is ``settled``, nothing more is made of it.

    ``places`` has a line for each, where they stood, unless they stand there still.
    """

    settled: UnchangedRelations
    written: WrittenRow
    places: str | None

    @property
    def ends(self) -> Ends:
        """The other ends, in the order of the files."""
        return self.settled.ends

    def remote_ids(self) -> list[str]:
        """What each goes by in the account."""
        return [remote_id_of(self.settled.owner_id, each) for each in self.settled.end_ids]

    def lines(self) -> list[str]:
        """What :class:`Recorded` has of each."""
        places = self.places.split("\n") if self.places else map(origin_text, self.settled.wanted.places)
        return [f"{remote_id}\t{place}" for remote_id, place in zip(self.remote_ids(), places, strict=True)]

    def make(self, tie: RelationKind, owner: Address, index: int) -> LedgerEntry:
        """The same as an entry."""
        place = origin_value(self.places.split("\n")[index]) if self.places else self.settled.wanted.places[index]
        return _entry(tie, owner, self.ends[index], self.written, self.remote_ids()[index], place)


def _entry(
    tie: RelationKind, owner: Address, end: Address, written: WrittenRow, remote_id: str, origin: Origin
) -> LedgerEntry:
    provenance, since, run, managed_since, end_first = written
    return LedgerEntry(
        tie.address(owner, end),
        remote_id,
        tie.attrs(owner, end),
        depends_on=(end, owner) if end_first else (owner, end),
        origin=origin,
        provenance=Provenance(provenance),
        part_of=owner,
        since=since,
        run=run,
        managed_since=managed_since,
    )


def entries_of(found: Iterable[Any], like: Mapping[Address, Desired]) -> Mapping[Address, LedgerEntry]:
    """All entries by address; ``like`` is what the files say.

    The cyclic collector pauses: it would walk the growing heap again and again, which takes as long as the work
    itself, and finds nothing, because rows make no cycles.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        return _entries_of(found, like)
    finally:
        if paused:
            gc.enable()


def _entries_of(found: Iterable[Any], like: Mapping[Address, Desired]) -> Mapping[Address, LedgerEntry]:
    single: dict[Address, Held] = {}
    blocks = {name: _Blocks(tie, like, single) for name, tie in TIES.items()}
    alone = singles(like)
    for row in found:
        kind = row[0]
        try:
            if kind in blocks and blocks[kind].take(row):
                continue
        except UNREADABLE:
            raise DamagedValue from None
        entry = from_row(row, alone.get(Address(kind, row[1])))
        single[entry.address] = entry
    rows = {name: each.end() for name, each in blocks.items()}
    entries = Entries(single)
    return RelationRows(entries, rows) if any(rows.values()) else entries


class _Blocks:
    """The rows of one kind that say nothing but two ends, gathered by whose they are; those mostly come together."""

    def __init__(self, tie: RelationKind, like: Mapping[Address, Desired], single: Mapping[Address, Held]) -> None:
        self._tie, self._like, self._single = tie, singles(like), single
        self._wanted: Mapping[Address, DeclaredRelations] = rows_of(like).get(tie.name, {})
        self._rows: dict[Address, RecordedRow | UnchangedRow] = {}
        self._same_ids: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._same: dict[Ends, Ends] = {}
        self._written: dict[WrittenRow, WrittenRow] = {}
        self._known: dict[str, tuple[Address, str, str]] = {}
        self._key = ""
        self._how: WrittenRow | None = None
        self._begin("")

    def take(self, row: Any) -> bool:
        """Whether the row is of that form, and was taken."""
        (
            _,
            key,
            remote_id,
            applied,
            answered,
            digests,
            depends_on,
            origin,
            lifecycle,
            provenance,
            former,
            part_of,
            state,
            since,
            run,
            managed_since,
        ) = row
        plain = answered == NOTHING and state == EntryState.SETTLED.value
        if not plain or digests or lifecycle or former or not remote_id:
            return False
        owner, _, end = key.partition("/")
        if owner != self._key:
            self._begin(owner)
        address, what, said = self._known.get(end) or self._end(end)
        if applied != f"{{{self._said},{said}}}" and applied != f"{{{said},{self._said}}}":
            return False
        end_first = depends_on == f"[{what},{self._whose}]"
        if part_of != f"[{self._whose}]" or not (end_first or depends_on == f"[{self._whose},{what}]"):
            return False
        return self._add(
            address, f"{remote_id}\t{origin}", WrittenRow(provenance, since, run, managed_since, end_first)
        )

    def _add(self, end: Address, fact: str, written: WrittenRow) -> bool:
        """A row that was written otherwise than the rest of its block stays alone."""
        if not _FACT.fullmatch(fact) or (self._facts and written != self._how):
            return False
        if not self._facts:
            if not written.is_whole:
                return False
            self._how = self._written.setdefault(written, written)
        self._ends.append(end)
        self._facts.append(fact)
        return True

    def _begin(self, owner: str) -> None:
        """Go on to another block, which may have been begun before."""
        self._close()
        self._key, kind = owner, self._tie.kind_of(self._tie.owner)
        self._whose = f'"{kind}/{quoted(owner)}"'
        self._said = f'"{self._tie.owner}":{{"$ref":{self._whose}}}'
        begun = self._rows.get(Address(kind, owner))
        self._ends: list[Address] = list(begun.ends) if begun else []
        self._facts: list[str] = begun.lines() if begun else []
        self._how = begun.written if begun else None

    def _close(self) -> None:
        if self._key and self._how:
            ends = tuple(self._ends)
            owner = self._named(Address(self._tie.kind_of(self._tie.owner), self._key))
            kept = self._kept(owner, self._how)
            row = kept or RecordedRow(self._same.setdefault(ends, ends), "\n".join(self._facts), self._how)
            self._rows[owner] = row

    def _kept(self, owner: Address, how: WrittenRow) -> UnchangedRow | None:
        """The row, if the files have the same relations, and each goes by the ids of its two ends."""
        want = self._wanted.get(owner)
        facts = dict(zip(self._ends, self._facts, strict=True))
        if want is None or facts.keys() != set(want.ends):
            return None
        told = [facts[end].partition("\t") for end in want.ends]
        owner_id = told[0][0].partition("/")[0]
        ids = tuple([remote_id.partition("/")[2] for remote_id, _, _ in told])
        if any(remote_id != remote_id_of(owner_id, each) for (remote_id, _, _), each in zip(told, ids, strict=True)):
            return None
        alone = self._single.get(owner)
        if alone and alone.remote_id == owner_id:
            owner_id = alone.remote_id  # the same text, held once
        stands = all(origin == origin_text(place) for (_, _, origin), place in zip(told, want.places, strict=True))
        places = None if stands else "\n".join([origin for _, _, origin in told])
        return UnchangedRow(UnchangedRelations(want, owner_id, self._same_ids.setdefault(ids, ids)), how, places)

    def end(self) -> dict[Address, RecordedRow | UnchangedRow]:
        """All of them."""
        self._close()
        return self._rows

    def _end(self, end: str) -> tuple[Address, str, str]:
        """The address of an end, and how it is written."""
        kind = self._tie.kind_of(self._tie.end)
        what = f'"{kind}/{quoted(end)}"'
        known = self._known[end] = self._named(Address(kind, end)), what, f'"{self._tie.end}":{{"$ref":{what}}}'
        return known

    def _named(self, address: Address) -> Address:
        """The very object that the files have."""
        want = self._like.get(address)
        return want.address if want else address


_PROVENANCES = frozenset(each.value for each in Provenance)
_FACT = re.compile(r"[^\t\n]+\t\d+:\d+:[^\t\n]*", re.ASCII)
