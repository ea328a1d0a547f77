"""Finds drift: changes to managed resources that were made outside of reconciler. Sends GETs only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.commands.plan import PlanRequest, look
from reconciler.gateway.client import Reader
from reconciler.ledger.store import Store
from reconciler.model.resource import DesiredState
from reconciler.planner.drift import Drift, drift
from reconciler.planner.matched_state import MatchedState
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class Drifted:
    """The drift, the number of managed resources and of API requests; ``found`` is the account as read."""

    items: tuple[Drift, ...]
    owned: int
    reads: int
    found: MatchedState | None = None


def find_drift(request: PlanRequest, reader: Reader, store: Store, progress: Progress | None = None) -> Drifted:
    """Compare ledger and account; the files of ``request`` only add positions and conflicts."""
    ledger = store.load()
    if not ledger.entries:
        return Drifted((), 0, reader.calls.reads)
    found = look(replace(request, state=DesiredState()), reader, ledger, progress).found
    items = drift(found, request.state.resources, store.digest)
    return Drifted(items, len(found.entries), reader.calls.reads, found)
