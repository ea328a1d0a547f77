"""The rows of a ledger → its entries by address, with as little of them in memory as can be.

What the files say too is kept once, in the words of the files. Relations that are nothing but their two ends, which
most rows are, stay text: one row for each block that they stand in, read when somebody asks for one of them.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.engine.ties import TIES, Ends, Shelf, Tie, singles
from reconciler.kinds import KINDS
from reconciler.ledger.rows import attrs_text, from_row, origin_value, quoted
from reconciler.model.resource import Desired, Entry, EntryState, Provenance
from reconciler.model.values import Address


class Recorded(NamedTuple):
    """The relations of one block; ``facts`` has a line for each: what its row says beyond its two ends."""

    ends: Ends
    facts: str

    def remote_ids(self) -> list[str]:
        """What each goes by in the account."""
        return [line.partition("\t")[0] for line in self.facts.split("\n")]

    def make(self, tie: Tie, owner: Address, index: int) -> Entry:
        """The same as an entry."""
        end = self.ends[index]
        remote_id, origin, provenance, since, run, end_first = self.facts.split("\n")[index].split("\t")
        return Entry(
            tie.address(owner, end), remote_id, tie.attrs(owner, end),
            depends_on=(end, owner) if end_first else (owner, end),
            origin=origin_value(origin), provenance=Provenance(provenance), part_of=owner,
            since=float(since), run=int(run),
        )  # fmt: skip


def entries_of(found: Iterable[Any], like: Mapping[Address, Desired]) -> Mapping[Address, Entry]:
    """All entries by address; ``like`` is what the files say.

    The cyclic collector pauses: it would walk the growing heap again and again, which takes as long as the work
    itself, and finds nothing, because rows make no cycles.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        loading = _Loading(singles(like))
        for row in found:
            loading.add(row)
        return Shelf(loading.single, loading.rows) if loading.rows else loading.single
    finally:
        if paused:
            gc.enable()


class _Loading:
    def __init__(self, like: Mapping[Address, Desired]) -> None:
        self.like = like
        self.single: dict[Address, Entry] = {}
        self.rows: dict[str, dict[Address, Recorded]] = {}
        self._forms = {name: _Form(tie) for name, tie in TIES.items()}
        self._ends: dict[tuple[str, str], Address] = {}
        self._same: dict[Ends, Ends] = {}

    def add(self, row: Any) -> None:
        kind, key = row[0], row[1]
        form = self._forms.get(kind)
        if form is not None and (facts := form.facts(row)):
            self._tie(form.tie, key, facts)
            return
        want = self.like.get(Address(kind, key))
        entry = from_row(row) if want is None else _shared(from_row(row), want)
        self.single[entry.address] = entry

    def _tie(self, tie: Tie, key: str, facts: str) -> None:
        owner, end = tie.ends_of(Address(tie.name, key))
        known = self._ends.get(end)
        if known is None:
            known = self._ends[end] = self._named(end)
        rows = self.rows.setdefault(tie.name, {})
        row = rows.get(owner)
        if row is None:
            rows[self._named(owner)] = Recorded(self._shared_ends((known,)), facts)
        else:
            rows[owner] = Recorded(self._shared_ends((*row.ends, known)), f"{row.facts}\n{facts}")

    def _named(self, address: Address) -> Address:
        """The very object that the files have."""
        want = self.like.get(address)
        return want.address if want else address

    def _shared_ends(self, ends: Ends) -> Ends:
        return self._same.setdefault(ends, ends)


class _Form:
    """How the rows of one kind look that say nothing but the two ends."""

    def __init__(self, tie: Tie) -> None:
        self.tie = tie
        self._owner, self._end = tie.kind_of(tie.owner), tie.kind_of(tie.end)
        self._owner_first = tie.owner < tie.end

    def facts(self, row: Any) -> str:
        """A line of what the row says beyond its two ends, or nothing where it is not of that form."""
        (_, key, remote_id, applied, answered, digests, depends_on, origin, lifecycle, provenance, former, part_of,
         state, since, run) = row  # fmt: skip
        plain = answered == _NOTHING and state == EntryState.SETTLED.value
        if not plain or digests or lifecycle or former or not remote_id:
            return ""
        owner, slash, end = key.partition("/")
        whose, what = f'"{self._owner}/{quoted(owner)}"', f'"{self._end}/{quoted(end)}"'
        ours, other = f'"{self.tie.owner}":{{"$ref":{whose}}}', f'"{self.tie.end}":{{"$ref":{what}}}'
        said = f"{{{ours},{other}}}" if self._owner_first else f"{{{other},{ours}}}"
        if applied != said or part_of != f"[{whose}]" or not slash or not origin:
            return ""
        end_first = depends_on == f"[{what},{whose}]"
        if not end_first and depends_on != f"[{whose},{what}]":
            return ""
        line = f"{remote_id}\t{origin}\t{provenance}\t{since!r}\t{run}\t{'1' if end_first else ''}"
        return line if _LINE.fullmatch(line) else ""


#: In the column ``answered``: the account shows nothing otherwise than it was sent.
_NOTHING = attrs_text({})
_LINE = re.compile(
    rf"[^\t\n]+\t\d+:\d+:[^\t\n]*\t({'|'.join(each.value for each in Provenance)})\t\d+\.\d+\t\d+\t1?", re.ASCII
)


def _shared(entry: Entry, want: Desired) -> Entry:
    """The same entry; what the files say in the same words is held once."""
    if entry.applied != want.attrs:
        return entry
    attrs, targets = want.attrs, KINDS[want.address.kind].refers_to(want.attrs)
    return Entry(
        want.address, entry.remote_id, attrs, attrs if entry.answered is entry.applied else entry.answered,
        entry.digests, targets if targets == entry.depends_on else entry.depends_on,
        want.origin if want.origin == entry.origin else entry.origin, entry.lifecycle, entry.provenance, entry.former,
        entry.part_of, entry.state, entry.since, entry.run,
    )  # fmt: skip
