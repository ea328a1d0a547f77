"""Finds drift: changes to managed resources that were made outside of reconciler. Sends GETs only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.commands.plan import PlanRequest, count_unmanaged, read_for_plan
from reconciler.gateway.client import Reader
from reconciler.ledger.store import Store
from reconciler.model.resource import EMPTY, DesiredState
from reconciler.planner.drift import Drift, drift
from reconciler.planner.matched_state import MatchedState
from reconciler.planner.planner import unmanaged
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class Drifted:
    """The drift, the number of managed resources and of API calls; ``found`` is the account as read.

    ``added`` counts, by kind, unmanaged resources that are new since the last run.
    """

    items: tuple[Drift, ...]
    owned: int
    reads: int
    found: MatchedState | None = None
    added: Mapping[str, int] = field(default_factory=lambda: EMPTY)


def find_drift(request: PlanRequest, reader: Reader, store: Store, progress: Progress | None = None) -> Drifted:
    """Compare ledger and account; the files of ``request`` only add positions and conflicts."""
    ledger = store.load()
    if not ledger.entries:
        return Drifted((), 0, reader.calls.reads)
    read = read_for_plan(replace(request, state=DesiredState()), reader, ledger, progress)
    items = drift(read.found, request.state.resources, store.digest)
    before = store.unmanaged()
    now = count_unmanaged(read, unmanaged(read.found))
    added = {kind: number - before[kind] for kind, number in now.items() if number > before.get(kind, number)}
    return Drifted(items, len(read.found.entries), reader.calls.reads, read.found, added)
