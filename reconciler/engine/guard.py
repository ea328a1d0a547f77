"""A plan and the user's limits → what needs a word of its own before it may be carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.graph import sends
from reconciler.engine.kept import held
from reconciler.engine.renames import Offer
from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change, Plan
from reconciler.model.policy import Allow, Limits
from reconciler.model.resource import EMPTY, Entry, EntryState
from reconciler.model.values import Address, Attrs, Ref

REMOVING = frozenset({Action.DELETE, Action.REPLACE})
#: Classes whose allowance must give the exact count of the plan.
COUNTED = frozenset({Allow.CONTACTS, Allow.CANCEL, Allow.RECREATE})
#: Classes of which there is no count: an account is another one, or it is not.
UNCOUNTED = frozenset({Allow.MISSING})
#: Owned ones of a kind from which on "none of them is there" is not believed.
SUSPICIOUS = 10


@dataclass(frozen=True, slots=True)
class Gate:
    """One class that the plan needs: how many changes, and why, in one sentence."""

    allow: Allow
    count: int
    reason: str

    @property
    def flag(self) -> str:
        """What to type to let it pass."""
        count = "" if self.allow in UNCOUNTED else f"={self.count}"
        return f"--allow {self.allow.value}{count}"


def gates(
    plan: Plan,
    entries: Mapping[Address, Entry],
    limits: Limits,
    renames: Iterable[Offer] = (),
    *,
    settled: Mapping[str, int] = EMPTY,
) -> tuple[Gate, ...]:
    """Every class that this plan needs, whether allowed or not. ``renames`` are deletions that look like renames.

    ``settled`` is how many, by kind, are ours beside ``entries``, with nothing to be done about them.
    """
    removing, ours = sum(1 for change in plan.pending if change.action in REMOVING), sum(settled.values())
    found = [*_missing(plan, entries, settled), *_people(plan), *_erased(plan), *_asked(plan)]
    found += [Gate(Allow.DELETES, removing, str(offer)) for offer in renames]
    found += _share(plan.pending, entries, ours, REMOVING, Allow.DELETES, limits.deletes, limits.floor)
    found += _sets(plan, limits, removing)
    updating = frozenset({Action.UPDATE, Action.ADOPT})
    found += _share(plan.pending, entries, ours, updating, Allow.UPDATES, limits.updates, limits.floor)
    return tuple(found)


def closed(found: Iterable[Gate], allowed: Mapping[Allow, int | None]) -> tuple[Gate, ...]:
    """The gates that stay shut. A given count must be exact; ``None`` means allowed without one."""

    def passes(gate: Gate) -> bool:
        if gate.allow not in allowed:
            return False
        count = allowed[gate.allow]
        return count == gate.count or (count is None and gate.allow not in COUNTED)

    return tuple(gate for gate in found if not passes(gate))


def vanished(
    entries: Mapping[Address, Entry], live: Container[Address], settled: Mapping[str, int] = EMPTY
) -> dict[str, int]:
    """How many, by kind, are owned and gone, where that are ten or more and not one is left."""
    owned = Counter(address.kind for address in entries) + Counter(settled)
    gone = Counter(a.kind for a, each in held(entries).items() if each.state is EntryState.SETTLED and a not in live)
    return {kind: count for kind, count in gone.items() if count >= SUSPICIOUS and count == owned[kind]}


def _missing(plan: Plan, entries: Mapping[Address, Entry], settled: Mapping[str, int]) -> Iterable[Gate]:
    for kind, count in vanished(entries, plan.ids, settled).items():
        what = f"none of the {count} {kind}s that the ledger knows is in this account"
        yield Gate(Allow.MISSING, count, f"{what}: it may be the wrong one")


def people(changes: Iterable[Change]) -> frozenset[Address]:
    """The contacts that these changes touch, themselves or through a relation."""
    touched: set[Address] = set()
    for change in changes:
        if KINDS[change.address.kind].person:
            touched.add(change.address)
            continue
        touched.update(_named(change.attrs or change.before))
    return frozenset(touched)


def _named(attrs: Attrs) -> Iterable[Address]:
    """The people that these attributes refer to."""
    refs = (value.target for value in attrs.values() if isinstance(value, Ref))
    return [target for target in refs if KINDS[target.kind].person]


def _sets(plan: Plan, limits: Limits, removing: int) -> Iterable[Gate]:
    """Removals of foreign ones out of exact sets: a share of each set, and of the people in sets of that kind."""
    for name in sorted({c.address.kind for c in plan.pending if c.cause is Cause.NOT_IN_SET}):
        there = [c for c in plan.changes if c.address.kind == name and c.action not in (Action.CREATE, Action.FORGET)]
        groups: dict[str, list[Change]] = {}
        for change in there:
            owner = (change.attrs or change.before).get(KINDS[name].claimed_by)
            groups.setdefault(f" of {owner}", []).append(change)
        for whose, group in {**groups, "": there}.items():
            gone = [c for c in group if c.action is Action.DELETE and not c.withheld]
            sides = ((len(gone), len(group), f"{name}s"), (len(people(gone)), len(people(group)), "people"))
            for less, all_of_them, what in sides:
                if all_of_them >= limits.floor and less * 100 > limits.deletes * all_of_them:
                    reason = f"{less} of {all_of_them} {what}{whose} would go, more than {limits.deletes} %"
                    yield Gate(Allow.DELETES, removing, reason)
                    return


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
    changes: tuple[Change, ...], entries: Mapping[Address, Entry], settled: int, actions: frozenset[Action],
    allow: Allow, percent: int, floor: int,
) -> Iterable[Gate]:  # fmt: skip
    all_of_them = [c for c in changes if c.action in actions and (c.action is not Action.ADOPT or c.fields)]
    hit = [c for c in all_of_them if c.cause is not Cause.NOT_IN_SET]  # those are a share of their sets
    count = len(all_of_them)
    foreign = [c for c in hit if c.action is Action.DELETE and c.address not in entries]
    owned = len(entries) + settled + len(foreign)
    word = "resources, owned or to be removed" if foreign else "owned resources"
    if owned >= floor and len(hit) * 100 > percent * owned:
        yield Gate(allow, count, f"{len(hit)} of {owned} {word}, more than {percent} %")
        return
    known = {address for address in entries if KINDS[address.kind].person}
    if foreign:
        known |= people(foreign) | {each for entry in entries.values() for each in _named(entry.applied)}
    persons, touched = len(known), len(people(hit))
    if persons >= floor and touched * 100 > percent * persons:
        yield Gate(allow, count, f"{touched} of {persons} people, more than {percent} %")
