"""Plans the reversal of a run, and lists what it cannot restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from reconciler.commands.plan import PlanRequest
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.history import RunRecord
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.model.policy import Allow, Policy, Prune
from reconciler.model.resource import DesiredState, Ledger
from reconciler.model.values import Address, Secret, Value
from reconciler.planner.inverse import UndoPlan, Unrestorable, invert, reassigning
from reconciler.planner.targeting import abbreviated
from reconciler.refresh.losses import PERSON, LossReader

#: A reverted run deletes what it created, whatever pruning is set to.
EVERYTHING = {kind.name: Prune.OWNED for kind in KINDS.values() if kind.writable}
#: Runs that are named where one is not known.
MAX_LISTED = 10


@dataclass(frozen=True)
class Undoing:
    """The request, what cannot be restored, and resources for which the outcome of that run is unknown."""

    run: RunRecord
    request: PlanRequest
    lost: tuple[Unrestorable, ...]


def find_run(store: Store, number: int | None) -> RunRecord:
    """The run with this number, or the last one; raises ConfigurationError that lists the existing runs."""
    runs = {run.id: run for run in store.runs()}
    if not runs:
        what = "no run" if number is None else f"no run {number}"
        raise ConfigurationError(f"there is {what}: this ledger has seen none yet")
    if number is None:
        return runs[max(runs)]
    if number in runs:
        return runs[number]
    known = ", ".join(str(each) for each in list(runs)[:MAX_LISTED])
    more = f" and {len(runs) - MAX_LISTED} older" if len(runs) > MAX_LISTED else ""
    raise ConfigurationError(f"there is no run {number}; the ledger knows {known}{more} (`reconciler history`)")


def find_resource(store: Store, text: str) -> Address:
    """The address of a resource that is or was managed, from its address or unique name.

    Raises ConfigurationError if there is none.
    """
    known = {*store.changed_addresses(), *store.load().entries}
    exact = next((each for each in known if text in (str(each), each.shown)), None)
    if found := exact or abbreviated(text, known):
        return found
    hint = near(text, [each.shown for each in known])
    more = f"did you mean {hint}?" if hint else "addresses are written kind/key, e.g. tag/VIP"
    raise ConfigurationError(f"no run changed {text}" + (f"; {more}" if hint or "/" not in text else ""))


def prepare(
    number: int,
    store: Store,
    settings: Settings,
    account: str | None,
    allow: Mapping[Allow, int | None],
    state: DesiredState,
    reader: Reader,
) -> Undoing:
    """The inverse of a run by its history; secrets come from the files' ``state``.

    Reads the contacts that lost a deleted tag, since the ledger has only the remote ids of unmanaged ones.
    """
    run, ledger = find_run(store, number), store.load()
    inverse = invert(store.outcomes(number), ledger, Dialect(settings.dialect), store.digest, secrets_in(state))
    people = _people(inverse, ledger, LossReader(reader, Dialect(settings.dialect), ledger.sizes.get(PERSON.name)))
    inverse, unmanaged = reassigning(inverse, people)
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
        unmanaged=unmanaged,
    )
    return Undoing(run, request, (*inverse.lost, *unknown))


def _people(inverse: UndoPlan, ledger: Ledger, reader: LossReader) -> dict[str, Address]:
    """The contacts to which tags are assigned again, as far as they exist, by remote id; managed ones as managed."""
    ids = frozenset(chain.from_iterable(inverse.tagged.values()))
    if not ids:
        return {}
    live = reader.people(ids)
    managed = {
        entry.remote_id: entry.address
        for entry in ledger.entries.values()
        if entry.address.kind == PERSON.name and entry.remote_id in live
    }
    return {**live, **{str(each): address for each, address in managed.items()}}


def secrets_in(state: DesiredState) -> dict[Address, dict[str, Value]]:
    """The secrets in the files, by resource."""
    found: dict[Address, dict[str, Value]] = {}
    for address, desired in state.resources.items():
        for name, value in desired.attrs.items():
            if isinstance(value, Secret):
                found.setdefault(address, {})[name] = value
    return found
