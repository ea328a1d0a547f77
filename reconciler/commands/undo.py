"""The number of a run → the request for the plan that reverts it, and what that plan cannot restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.commands.plan import PlanRequest
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.history import RunRecord
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow, Policy, Prune
from reconciler.model.resource import DesiredState
from reconciler.model.values import Address, Secret, Value
from reconciler.planner.inverse import Unrestorable, invert

#: What a run created is deleted when the run is reverted, whatever pruning says.
EVERYTHING = {kind.name: Prune.OWNED for kind in KINDS.values() if kind.writable}


@dataclass(frozen=True)
class Undoing:
    """What is to be planned, what stays lost, and resources whose writes of that run have an unknown end."""

    run: RunRecord
    request: PlanRequest
    lost: tuple[Unrestorable, ...]


def find_run(store: Store, number: int) -> RunRecord:
    """The run of that number; raises ConfigurationError naming those that there are."""
    runs = {run.id: run for run in store.runs()}
    if number in runs:
        return runs[number]
    if not runs:
        raise ConfigurationError(f"there is no run {number}: this ledger has seen none yet")
    known = ", ".join(str(each) for each in list(runs)[:10])
    more = f" and {len(runs) - 10} older" if len(runs) > 10 else ""
    raise ConfigurationError(f"there is no run {number}; the ledger knows {known}{more} (`reconciler history`)")


def prepare(
    number: int,
    store: Store,
    settings: Settings,
    account: str | None,
    allow: Mapping[Allow, int | None],
    state: DesiredState,
) -> Undoing:
    """The inverse of a run, from what the ledger kept of it; only the secrets come from the files' ``state``."""
    run, ledger = find_run(store, number), store.load()
    inverse = invert(store.outcomes(number), ledger, Dialect(settings.dialect), store.digest, secrets_in(state))
    unknown = [
        Unrestorable(address, "a write whose end is not known; the next apply finds out")
        for address, intent in ledger.intents.items()
        if intent.run == number
    ]
    request = PlanRequest(
        inverse.state,
        Policy(EVERYTHING, settings.limits),
        Dialect(settings.dialect),
        account,
        allow=allow,
        parallel=settings.parallel,
        only=inverse.only,
        from_files=False,
        adopted=inverse.adopted,
    )
    return Undoing(run, request, (*inverse.lost, *unknown))


def secrets_in(state: DesiredState) -> dict[Address, dict[str, Value]]:
    """The secrets that the files name, by resource."""
    found: dict[Address, dict[str, Value]] = {}
    for address, desired in state.resources.items():
        for name, value in desired.attrs.items():
            if isinstance(value, Secret):
                found.setdefault(address, {})[name] = value
    return found
