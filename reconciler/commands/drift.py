"""A workspace, a reader and a ledger → what the account changed behind our back; nothing but GETs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.commands.plan import PlanRequest, look
from reconciler.gateway.client import Reader
from reconciler.ledger.store import Store
from reconciler.model.resource import DesiredState
from reconciler.planner.drift import Drift, drift
from reconciler.planner.matching import Identified
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class Drifted:
    """What drifted, among how many managed resources, with how many API requests; ``found`` is what was read."""

    items: tuple[Drift, ...]
    owned: int
    reads: int
    found: Identified | None = None


def find_drift(request: PlanRequest, reader: Reader, store: Store, progress: Progress | None = None) -> Drifted:
    """The account's side alone: the files of ``request`` only say whether, and where, they name what drifted."""
    ledger = store.load()
    if not ledger.entries:
        return Drifted((), 0, reader.calls.reads)
    found = look(replace(request, state=DesiredState()), reader, ledger, progress).found
    items = drift(found, request.state.resources, store.digest)
    return Drifted(items, len(found.entries), reader.calls.reads, found)
