"""A plan and the user's limits → what needs a word of its own before it may be carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.graph import sends
from reconciler.engine.renames import Offer
from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change, Plan
from reconciler.model.policy import Allow, Limits
from reconciler.model.resource import Entry
from reconciler.model.values import Address, Ref

REMOVING = frozenset({Action.DELETE, Action.REPLACE})
#: Classes whose allowance must give the exact count of the plan.
COUNTED = frozenset({Allow.CONTACTS, Allow.CANCEL, Allow.RECREATE})


@dataclass(frozen=True, slots=True)
class Gate:
    """One class that the plan needs: how many changes, and why, in one sentence."""

    allow: Allow
    count: int
    reason: str

    @property
    def flag(self) -> str:
        """What to type to let it pass."""
        return f"--allow {self.allow.value}={self.count}"


def gates(
    plan: Plan, entries: Mapping[Address, Entry], limits: Limits, renames: Iterable[Offer] = ()
) -> tuple[Gate, ...]:
    """Every class that this plan needs, whether allowed or not. ``renames`` are deletions that look like renames."""
    removing = sum(1 for change in plan.pending if change.action in REMOVING)
    found = [*_people(plan), *_erased(plan), *_asked(plan)]
    found += [Gate(Allow.DELETES, removing, str(offer)) for offer in renames]
    found += _share(plan.pending, entries, REMOVING, Allow.DELETES, limits.deletes, limits.floor)
    updating = frozenset({Action.UPDATE, Action.ADOPT})
    found += _share(plan.pending, entries, updating, Allow.UPDATES, limits.updates, limits.floor)
    return tuple(found)


def closed(found: Iterable[Gate], allowed: Mapping[Allow, int | None]) -> tuple[Gate, ...]:
    """The gates that stay shut. A given count must be exact; ``None`` means allowed without one."""

    def passes(gate: Gate) -> bool:
        if gate.allow not in allowed:
            return False
        count = allowed[gate.allow]
        return count == gate.count or (count is None and gate.allow not in COUNTED)

    return tuple(gate for gate in found if not passes(gate))


def people(changes: Iterable[Change]) -> frozenset[Address]:
    """The contacts that these changes touch, themselves or through a relation."""
    touched: set[Address] = set()
    for change in changes:
        if KINDS[change.address.kind].person:
            touched.add(change.address)
            continue
        for value in (change.attrs or change.before).values():
            if isinstance(value, Ref) and KINDS[value.target.kind].person:
                touched.add(value.target)
    return frozenset(touched)


def _people(plan: Plan) -> Iterable[Gate]:
    gone = [c for c in plan.pending if c.action is Action.DELETE and KINDS[c.address.kind].person]
    if gone:
        yield Gate(Allow.CONTACTS, len(gone), f"{_persons(len(gone))} would be deleted for good")


def _erased(plan: Plan) -> Iterable[Gate]:
    made = [c for c in plan.pending if c.action is Action.CREATE and KINDS[c.address.kind].person]
    again = [c for c in made if c.cause is Cause.MISSING]
    if again:
        yield Gate(Allow.RECREATE, len(again), f"{_persons(len(again), ' erased before')} would be made again")


def _asked(plan: Plan) -> Iterable[Gate]:
    """Kinds whose every write needs a word of its own."""
    for name in sorted({c.address.kind for c in plan.pending if KINDS[c.address.kind].asks and sends(c)}):
        count, asks = sum(1 for c in plan.pending if c.address.kind == name and sends(c)), KINDS[name].asks
        if asks:
            yield Gate(asks.allow, count, f"{count:,} {name}{'' if count == 1 else 's'} would be {asks.what}")


def _persons(number: int, which: str = "") -> str:
    return f"1 person{which}" if number == 1 else f"{number:,} people{which}"


def _share(
    changes: tuple[Change, ...], entries: Mapping[Address, Entry], actions: frozenset[Action],
    allow: Allow, percent: int, floor: int,
) -> Iterable[Gate]:  # fmt: skip
    hit = [c for c in changes if c.action in actions and (c.action is not Action.ADOPT or c.fields)]
    owned = len(entries)
    if owned >= floor and len(hit) * 100 > percent * owned:
        yield Gate(allow, len(hit), f"{len(hit)} of {owned} owned resources, more than {percent} %")
        return
    persons = sum(1 for address in entries if KINDS[address.kind].person)
    touched = len(people(hit))
    if persons >= floor and touched * 100 > percent * persons:
        yield Gate(allow, len(hit), f"{touched} of {persons} people, more than {percent} %")
