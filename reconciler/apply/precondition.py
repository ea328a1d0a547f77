"""Checks before an update or deletion that the resource still has the state in the plan.

A reading is valid for ``limits.fresh`` seconds from its start. After that the resource is read again by id or
filter, or its whole collection where that needs fewer calls than the writes to come. A relation without values of its
own is not read again: it is removed, or gone already. The API offers no conditional writes, so a change between this
check and the write goes unnoticed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import NotFound
from reconciler.gateway.client import PAGE, Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Item, Kind
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.kinds.field import FieldShape
from reconciler.model.plan import Action, Change, Step, Verb
from reconciler.model.report import UnboundRequest
from reconciler.model.values import Address, Attrs
from reconciler.planner.decoding import decode
from reconciler.planner.impact import AffectedContacts, growth, tagged_contacts, takes_from_people
from reconciler.planner.order import Graph
from reconciler.planner.requests import Query, bind, fill, lookup_for
from reconciler.refresh.losses import PERSON, LossReader

#: Items of a collection that was read again, by remote id.
Snapshot = dict[str, Item]
#: The time of a reading that was not made; before all others.
NEVER = float("-inf")


@dataclass
class Freshness:
    """Checks shared by all workers.

    ``fresh``: seconds for which a reading is valid; that of the plan began at ``read_at`` (of ``clock``). ``sizes``:
    live resources by kind. ``remaining``: updates and deletions still to come, by kind. ``written`` and
    ``deleted``: what this run did already, which is no change by others.
    """

    reader: Reader
    dialect: Dialect
    slugs: frozenset[str]
    ids: Mapping[Address, str]
    fresh: float
    read_at: float
    clock: Callable[[], float]
    sizes: Mapping[str, int] = field(default_factory=dict)
    remaining: Counter[str] = field(default_factory=Counter)
    written: dict[Address, Attrs] = field(default_factory=dict)
    deleted: set[Address] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._deletions: list[Change] = []
        self._affected: tuple[float, AffectedContacts] = NEVER, {}
        self._snapshots: dict[str, tuple[float, Snapshot]] = {}

    def expect(self, graph: Graph, changes: Mapping[Address, Change]) -> None:
        """Count the updates and deletions to come, by kind."""
        self.remaining.update(step.address.kind for step in graph.order if overwrites(step, changes))
        self._deletions = takes_from_people(changes.values())

    def changes_since(self, step: Step, change: Change) -> str:
        """The reason not to carry out the step; empty if nothing relevant changed or the reading is recent enough."""
        if not overwrites(step, {change.address: change}):
            return ""
        kind = KINDS[change.address.kind]
        self.remaining[kind.name] -= 1
        if self.clock() - self.read_at < self.fresh:
            return ""
        if change.loss and (grown := growth(change.loss.people, self._count_affected(change))):
            return f"{grown}; plan again"
        item = self._current(kind, change)
        if item is None:
            return "" if step.verb is Verb.DROP else "was deleted from the account since it was read"
        shown = decode(kind, item, wire_of(kind, self.dialect, self.slugs))
        expected = self.written.get(change.address, change.before)
        names = [name for name in _replaced_fields(step, change, kind, shown) if not self._is_deleted(kind, name)]
        differs = [name for name in names if not kind.field(name).same(shown.get(name), expected.get(name))]
        return f"{', '.join(sorted(differs))} changed in the account since it was read; plan again" if differs else ""

    def _count_affected(self, change: Change) -> int:
        """Number of contacts that lose something by the deletion; counted once for all remaining deletions."""
        with self._lock:
            began, affected = self._affected
            if self.clock() - began >= self.fresh:
                began = self.clock()
                ahead = [each for each in self._deletions if each.address not in self.deleted]
                reader = LossReader(self.reader, self.dialect, self.sizes.get(PERSON.name))
                affected = reader.affected_contacts(ahead if self.fresh else [change])
                self._affected = began, affected
            return len(affected[change.address])

    def tagged(self, change: Change) -> tuple[str, ...] | None:
        """The remote ids of the contacts that have a deleted tag, if they were read again for this step."""
        people = self._affected[1].get(change.address)
        return None if people is None else tagged_contacts({change.address: people}).get(change.address)

    def record_write(self, step: Step, change: Change, shown: Attrs) -> None:
        """Record a write of this run, so that its effect does not count as a change by others.

        A temporary name is the only change after which the same resource is checked again.
        """
        if step.verb is Verb.DROP:
            self.deleted.add(change.address)
        elif step.verb is Verb.PARK:
            self.written[change.address] = {**change.before, **shown}

    def _is_deleted(self, kind: Kind, name: str) -> bool:
        """Whether the field is a value of a contact field that this run deleted."""
        return any(target in self.deleted for target in kind.refers_to({name: ""}))

    def _current(self, kind: Kind, change: Change) -> Item | None:
        snapshot = self._snapshot(kind)
        return self.read(change) if snapshot is None else snapshot.get(change.remote_id or "")

    def _snapshot(self, kind: Kind) -> Snapshot | None:
        """The whole collection, read again once for all workers; None where single reads need fewer calls."""
        if not isinstance(kind.source, Collection):
            return None  # the API has no list of all of them
        pages = max(1, -(-self.sizes.get(kind.name, 0) // PAGE))
        with self._lock:
            began, snapshot = self._snapshots.get(kind.name, (NEVER, {}))
            if self.clock() - began < self.fresh:
                return snapshot
            if self.fresh == 0 or self.remaining[kind.name] + 1 <= pages:
                return None
            began = self.clock()
            snapshot = {str(item[kind.remote_id]): item for item in self._walk(kind)}
            self._snapshots[kind.name] = (began, snapshot)
            return snapshot

    def _walk(self, kind: Kind) -> list[dict[str, Any]]:
        source = kind.source
        assert isinstance(source, Collection)
        if not source.paged:
            return self.reader.whole(source.path)
        return [item for page in self.reader.walk(source.path) for item in page]

    def read(self, change: Change) -> Item | None:
        """Read the resource of the change; None if it does not exist."""
        kind = KINDS[change.address.kind]
        try:
            if kind.show:
                parts = fill(kind.show.path, {"id": change.remote_id})
                return self.reader.get(bind(UnboundRequest("GET", parts), self.ids).path)
        except NotFound:
            return None
        return self._listed(kind, change)

    def _filter(self, kind: Kind, change: Change) -> Query | None:
        try:
            return lookup_for(kind, {**change.before, **change.attrs}, self.ids)
        except KeyError:  # its contact was not read, so only the whole list shows it
            return None

    def _listed(self, kind: Kind, change: Change) -> Item | None:
        where = self._filter(kind, change)
        pages = self.reader.walk(where.path, where.query) if where and where.query else [self._walk(kind)]
        items = [item for page in pages for item in page]
        return next((item for item in items if str(item[kind.remote_id]) == change.remote_id), None)


def overwrites(step: Step, changes: Mapping[Address, Change]) -> bool:
    """Whether a step replaces or deletes values that others may have changed; a tagging has none but its ends."""
    change = changes[step.address]
    if step.verb is Verb.MAKE and change.action in (Action.CREATE, Action.REPLACE):
        return False
    kind = KINDS[change.address.kind]
    return any(_is_known(kind, each.name, change.before) for each in kind.fields)


def _replaced_fields(step: Step, change: Change, kind: Kind, shown: Attrs) -> set[str]:
    """The fields that the write replaces: those that it sends; all fields for a deletion.

    Fields that were empty when read are included; secrets, which the plan does not contain, are not.
    """
    names = {*change.before, *shown} if step.verb is Verb.DROP else {each.path for each in change.fields}
    return {name for name in names if _is_known(kind, name, change.before)}


def _is_known(kind: Kind, name: str, before: Attrs) -> bool:
    field = kind.field(name)
    hidden = field.from_env and name not in before
    return not (hidden or field.write_only or field.shape in (FieldShape.REF, FieldShape.SECRET))
