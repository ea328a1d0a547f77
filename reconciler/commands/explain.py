"""Explains how one resource is resolved, and the requests that apply would send for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from reconciler.commands.plan import PlanRequest, decide, read_for_plan
from reconciler.errors import ConfigurationError
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.model.resource import Ledger
from reconciler.model.values import Address
from reconciler.planner.explanation import Explanation, explain
from reconciler.planner.matched_state import MatchedState
from reconciler.planner.requests import request_for, show
from reconciler.planner.targeting import abbreviated
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class Explained:
    """The explanation, and (method, path, body) of every request, in order."""

    explanation: Explanation
    requests: tuple[tuple[str, str, Any], ...]
    reads: int
    found: MatchedState


def _address(text: str, found: MatchedState, changes: Iterable[Address]) -> Address:
    """The address, or the only resource of this name. Raises ConfigurationError if there is none, or several."""
    kind, slash, key = text.partition("/")
    address = Address(kind, key) if kind in KINDS and slash and key else None
    known = {*found.desired, *found.entries, *found.live, *changes}
    if address and (address in known or address in found.aliases or address in found.moved.values()):
        return address
    named = abbreviated(text, known) or address
    if named is None:
        hint = near(text, [key for each in known for key in (str(each), each.shown.partition("/")[2])])
        more = f"did you mean {hint}?" if hint else "addresses are written kind/key, e.g. tag/VIP"
        raise ConfigurationError(f"no resource is called {text}; {more}")
    return named


def explain_one(
    text: str, request: PlanRequest, reader: Reader, store: Store | None, progress: Progress | None = None
) -> Explained:
    """Explain the resource of this address or unique name; plans everything, since other resources may affect it."""
    ledger = store.load() if store else Ledger()
    kind, slash, _ = text.partition("/")
    keep = frozenset({kind} if slash and kind in KINDS else KINDS)
    read = read_for_plan(replace(request, keep=keep), reader, ledger, progress)
    planned = decide(request, read, ledger, store.digest if store else None)
    changes = {change.address: change for change in planned.plan.changes}
    explanation = explain(_address(text, read.found, changes), read.found, changes)
    steps = [step for step in planned.graph.order if step.address == explanation.address]
    calls = tuple(show(request_for(step, changes[step.address], planned.dialect, planned.slugs)) for step in steps)
    return Explained(explanation, calls, reader.calls.reads, read.found)
