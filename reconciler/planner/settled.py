"""Blocks of relations on three sides → those that agree, which stay rows, and the others as resources like any other.

A block is settled when files, ledger and account name the same relations under the same ids, and nothing at either
end of them goes, moves or is another one now. Then there is nothing to decide about them, and nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from reconciler.model.resource import Desired, DesiredState, Ledger, LedgerEntry
from reconciler.model.values import Address
from reconciler.planner.decoding import DecodedItem, Refer
from reconciler.planner.kept import held
from reconciler.planner.quiet import UnchangedRelations, remote_id_of
from reconciler.planner.ties import DeclaredRelations, Ends, RelationKind, rows_of

T = TypeVar("T")


class RecordedRelations(Protocol):
    """The relations of one block, as a ledger has them."""

    @property
    def ends(self) -> Ends:
        """The other ends."""

    @property
    def settled(self) -> UnchangedRelations | None:
        """The same relations as they are in the files, where they are held like that."""

    def remote_ids(self) -> list[str]:
        """What each goes by in the account, in the same order."""


class RelationEnds:
    """What is known of the two ends: who is declared, who is recorded, and who goes by another name now."""

    def __init__(
        self,
        desired: Mapping[Address, Desired],
        entries: Mapping[Address, LedgerEntry],
        moved: Mapping[Address, Address],
    ) -> None:
        self._desired, self._entries = desired, held(entries)
        self._moving = {*moved, *moved.values()}
        self._stays: dict[Address, bool] = {}

    def is_ours(self, owner: Address, remote_id: str) -> bool:
        """Whether the block belongs to the very one that the ledger knows."""
        entry = self._entries.get(owner)
        return (
            entry is not None
            and entry.remote_id == remote_id
            and owner in self._desired
            and owner not in self._moving
        )

    def stays(self, end: Address) -> bool:
        """Whether nothing happens to what stands at the other end."""
        known = self._stays.get(end)
        if known is None:
            leaves = end in self._entries and end not in self._desired
            known = self._stays[end] = not leaves and end not in self._moving
        return known


def settled_blocks(
    tie: RelationKind,
    state: DesiredState,
    ledger: Ledger,
    items: Iterable[DecodedItem],
    owners: Mapping[str, Address],
    refer: Refer,
    sides: RelationEnds,
) -> dict[Address, UnchangedRelations]:
    """The blocks of one kind that agree, by whose they are."""
    wanted, recorded = rows_of(state.resources).get(tie.name, {}), rows_of(ledger.entries).get(tie.name, {})
    if not wanted or not recorded or any(address.kind == tie.name for address in ledger.intents):
        return {}
    settled: dict[Address, UnchangedRelations] = {}
    kind = tie.kind_of(tie.end)
    ends_of: dict[tuple[str, ...], Ends] = {}
    for item in items:
        ids, owner = item.ties[tie.place], owners[item.remote_id]
        want, row = wanted.get(owner), recorded.get(owner)
        if want is None or row is None or not sides.is_ours(owner, item.remote_id):
            continue
        if (ends := ends_of.get(ids)) is None:
            ends = ends_of[ids] = tuple([refer(kind, each).target for each in ids])
        found = _agreed(want, item.remote_id, ends, ids)
        if found and all(map(sides.stays, want.ends)) and _is_recorded(found, row):
            settled[owner] = row.settled if found == row.settled else found
    return settled


def _agreed(want: DeclaredRelations, owner_id: str, ends: Ends, ids: tuple[str, ...]) -> UnchangedRelations | None:
    """Files and account; the ids come into the order of the files, and those of unmanaged ones are left out."""
    if want.ends == ends:
        return UnchangedRelations(want, owner_id, ids)
    by_end = dict(zip(ends, ids, strict=True))
    if len(by_end) < len(ids) or not by_end.keys() >= set(want.ends):
        return None
    return UnchangedRelations(want, owner_id, tuple([by_end[end] for end in want.ends]))


def _is_recorded(found: UnchangedRelations, row: RecordedRelations) -> bool:
    if found == row.settled:
        return True
    ids = [remote_id_of(found.owner_id, each) for each in found.end_ids]
    return dict(zip(row.ends, row.remote_ids(), strict=True)) == dict(zip(found.ends, ids, strict=True))


def unsettled(
    resources: Mapping[Address, T], tie: RelationKind, settled: Mapping[Address, UnchangedRelations]
) -> Iterator[T]:
    """The resources of all other blocks."""
    for owner, row in rows_of(resources).get(tie.name, {}).items():
        if owner not in settled:
            yield from (row.make(tie, owner, index) for index in range(len(row.ends)))
