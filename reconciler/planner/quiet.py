"""What is as it should be → changes that say that nothing is to be done, made on the way whenever somebody looks.

On a quiet day that is everything, so nothing is kept for it beyond what files and account hold anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from heapq import merge
from typing import NamedTuple

from reconciler.model.plan import Action, Change
from reconciler.model.resource import UNGUARDED, Desired, EntryState, Live
from reconciler.model.values import Address, Attrs
from reconciler.planner.kept import CompactEntry, Held
from reconciler.planner.ties import TIES, DeclaredRelations, Ends, RelationKind

#: Relations that are settled, by kind and by whose they are.
Blocks = Mapping[str, Mapping[Address, "UnchangedRelations"]]


class UnchangedRelations(NamedTuple):
    """The relations of one block that are the same in files, ledger and account, with what the account calls them."""

    wanted: DeclaredRelations
    owner_id: str
    end_ids: tuple[str, ...]

    @property
    def ends(self) -> Ends:
        """The other ends, in the order of the files."""
        return self.wanted.ends

    def make(self, tie: RelationKind, owner: Address, index: int) -> Change:
        """The change that says that nothing is to be done."""
        end = self.ends[index]
        attrs, remote_id = tie.attrs(owner, end), remote_id_of(self.owner_id, self.end_ids[index])
        return Change(
            tie.address(owner, end),
            Action.NO_CHANGE,
            attrs=attrs,
            before=attrs,
            remote_id=remote_id,
            origin=self.wanted.places[index],
            part_of=owner,
        )


class UnchangedResources(Collection[Change]):
    """A change for each, in address order: for the relations of ``blocks`` and for what ``stays`` as it is live."""

    def __init__(self, blocks: Blocks, stays: Sequence[Desired], live: Mapping[Address, Live]) -> None:
        self._blocks, self._stays, self._live = blocks, stays, live

    def __iter__(self) -> Iterator[Change]:
        return merge(self._single(), self._relations(), key=lambda change: change.address)

    def _single(self) -> Iterator[Change]:
        for desired in sorted(self._stays, key=lambda each: each.address):
            yield unchanged(desired, self._live[desired.address])

    def _relations(self) -> Iterator[Change]:
        for name in sorted(self._blocks):
            tie, blocks = TIES[name], self._blocks[name]
            for owner in sorted(blocks, key=lambda each: f"{each.key}/"):
                row = blocks[owner]
                for index in sorted(range(len(row.ends)), key=lambda each: row.ends[each].key):
                    yield row.make(tie, owner, index)

    def __len__(self) -> int:
        return len(self._stays) + sum(counts_of(self._blocks).values())

    def __contains__(self, change: object) -> bool:
        return any(each == change for each in self)


def counts_of(blocks: Blocks) -> dict[str, int]:
    """How many relations are settled, by kind."""
    return {name: sum(len(row.ends) for row in rows.values()) for name, rows in blocks.items() if rows}


def relations_of(blocks: Blocks) -> Iterator[tuple[str, Attrs]]:
    """Kind and attributes of each, in no order."""
    for name, rows in blocks.items():
        for owner, row in rows.items():
            yield from ((name, TIES[name].attrs(owner, end)) for end in row.ends)


def leading_to(targets: Set[Address], blocks: Blocks) -> Iterator[Desired]:
    """The settled relations that refer to one of these, as the files have them."""
    for name, rows in blocks.items():
        for owner, row in rows.items():
            if owner in targets or any(end in targets for end in row.ends):
                yield from (row.wanted.make(TIES[name], owner, index) for index in range(len(row.ends)))


def unchanged(desired: Desired, live: Live) -> Change:
    """The change of one that stays as it is."""
    return Change(
        desired.address,
        Action.NO_CHANGE,
        attrs=desired.attrs,
        before=live.attrs,
        remote_id=live.remote_id,
        origin=desired.origin,
        lifecycle=desired.lifecycle,
        former=desired.former,
        part_of=desired.part_of,
    )


def is_unchanged(desired: Desired, entry: Held, live: Live) -> bool:
    """Whether files, ledger and account say the same in every respect, so that not even the ledger has to change."""
    attrs = desired.attrs
    if isinstance(entry, CompactEntry):
        if entry.desired is not desired:
            return is_unchanged(desired, entry.make(), live)
        said = live.attrs is attrs or all(live.attrs.get(name) == value for name, value in attrs.items())
        plain = desired.lifecycle is UNGUARDED or desired.lifecycle == UNGUARDED
        return said and plain and entry.remote_id == live.remote_id and not (desired.former or desired.part_of)
    return (
        entry.remote_id == live.remote_id
        and entry.state is EntryState.SETTLED
        and not (entry.answered or entry.digests or desired.lifecycle.ignore)
        and (entry.applied is attrs or entry.applied == attrs)
        and (live.attrs is attrs or all(live.attrs.get(name) == value for name, value in attrs.items()))
        and entry.lifecycle == desired.lifecycle
        and entry.former == desired.former
        and entry.part_of == desired.part_of
    )


def remote_id_of(owner_id: str, end_id: str) -> str:
    """What a relation goes by that has no id of its own."""
    return f"{owner_id}/{end_id}"
