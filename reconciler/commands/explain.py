"""Explains how one resource is resolved, and the requests that apply would send for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from reconciler.commands.plan import PlanRequest, decide, look
from reconciler.errors import ConfigurationError
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.ledger.store import Store
from reconciler.model.resource import Ledger
from reconciler.model.values import Address
from reconciler.planner.explanation import Explanation, explain
from reconciler.planner.matching import Identified
from reconciler.planner.requests import request_for, show
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class Explained:
    """The explanation, and (method, path, body) of every request, in order."""

    explanation: Explanation
    requests: tuple[tuple[str, str, Any], ...]
    reads: int
    found: Identified


def parse(text: str) -> Address:
    """Parse an address; raises ConfigurationError for an unknown kind."""
    try:
        address = Address.parse(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if address.kind not in KINDS:
        raise ConfigurationError(f"{text}: unknown kind {address.kind}; kinds: {', '.join(KINDS)}")
    return address


def explain_one(
    address: Address, request: PlanRequest, reader: Reader, store: Store | None, progress: Progress | None = None
) -> Explained:
    """Explain one resource; plans everything, since other resources may affect it."""
    ledger = store.load() if store else Ledger()
    read = look(replace(request, whole=True), reader, ledger, progress)
    planned = decide(request, read, ledger, store.digest if store else None)
    changes = {change.address: change for change in planned.plan.changes}
    explanation = explain(address, read.found, changes)
    steps = [step for step in planned.graph.order if step.address == explanation.address]
    calls = tuple(show(request_for(step, changes[step.address], planned.dialect, planned.slugs)) for step in steps)
    return Explained(explanation, calls, reader.calls.reads, read.found)
