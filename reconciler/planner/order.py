"""Orders the steps of a plan: a graph whose nodes are keys, with two kinds of edges.

*Needs*: a failure skips the later step.

    make(x) ── after ──▶ make(y)      x refers to y
    drop(y) ── after ──▶ drop(x)      x referred to y
    drop(y) ── after ──▶ make(x)      x no longer refers to y
    make(x) ── after ──▶ drop(x)      a replace (reversed with create_before_destroy)
    make(x) ── after ──▶ the step that frees the name x takes: a drop, a make under another name, or a park

*After*: order only. Webhooks are created after everything else and deleted before it, so that a run sends them no
events of its own, and before others are created, so that their URLs are free. Writes of one contact are sequential.
Where both kinds would form a cycle, *after* edges are dropped. A cycle of renames goes through one temporary name
(park).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Change, Step, Verb, differing
from reconciler.model.values import Address, Attrs, Ref

#: Barriers: all webhooks to delete are deleted; everything that causes webhook events is done.
QUIET = Step(Address("", "quiet"), Verb.DROP)
SETTLED = Step(Address("", "settled"), Verb.MAKE)
BARRIERS = frozenset({QUIET, SETTLED})


@dataclass(frozen=True)
class Graph:
    """``needs`` and ``after`` map a step to the steps before it; ``order`` satisfies both.

    ``barriers`` are nodes without a request, which combine many edges; ``order`` does not contain them.
    """

    order: tuple[Step, ...]
    needs: Mapping[Step, frozenset[Step]]
    after: Mapping[Step, frozenset[Step]]
    barriers: frozenset[Step] = frozenset()


def sends(change: Change) -> bool:
    """Whether the change needs a call; adoption without changes and forgetting do not."""
    if change.action is Action.ADOPT:
        return bool(change.fields)
    return change.action not in (Action.FORGET, Action.NO_CHANGE)


def build(changes: Iterable[Change]) -> Graph:
    """The graph of all changes that need a call and are not blocked."""
    some = (change for change in differing(changes) if sends(change) and not change.blocked)
    builder = _GraphBuilder({change.address: change for change in some})
    builder.need_references()
    builder.need_free_names()
    return builder.finish()


@dataclass
class _GraphBuilder:
    changes: dict[Address, Change]
    needs: dict[Step, set[Step]] = field(default_factory=dict)
    after: dict[Step, set[Step]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for address in sorted(self.changes):
            for verb in steps_of(self.changes[address]):
                self.needs[Step(address, verb)] = set()

    def _need(self, later: Step, earlier: Step) -> None:
        if earlier in self.needs and later in self.needs:
            self.needs[later].add(earlier)

    def need_references(self) -> None:
        for address, change in self.changes.items():
            make, drop = Step(address, Verb.MAKE), Step(address, Verb.DROP)
            for target in change.depends_on:
                if change.action is Action.DELETE:
                    self._need(Step(target, Verb.DROP), drop)
                else:
                    self._need(make, Step(target, Verb.MAKE))
            for target in change.detached_from:
                self._need(Step(target, Verb.DROP), make)
            if change.action is Action.REPLACE:
                self._need(*((drop, make) if creates_first(change) else (make, drop)))
                self._need(make, Step(address, Verb.PARK))

    def need_free_names(self) -> None:
        """A resource that takes a name waits until it is free; a cycle of renames is opened by parking one."""
        taken_from = names_taken(self.changes.values())
        for circle in _circles(taken_from):
            self.needs[Step(min(circle), Verb.PARK)] = set()
        for address, holder in taken_from.items():
            park, drop = Step(holder, Verb.PARK), Step(holder, Verb.DROP)
            free = park if park in self.needs else drop if drop in self.needs else Step(holder, Verb.MAKE)
            self._need(Step(address, Verb.MAKE), free)
            self._need(Step(holder, Verb.MAKE), park)

    def with_barriers(self) -> tuple[dict[Step, set[Step]], tuple[Step, ...]]:
        """Add *after* edges that put webhooks at both ends, as far as *needs* allow, and compute the order."""
        hooks = {step for step in self.needs if KINDS[step.address.kind].last}
        others = set(self.needs) - hooks
        dropped = {step for step in hooks if steps_of(self.changes[step.address])[0] == step.verb == Verb.DROP}
        later = others or hooks - dropped
        front = {QUIET: dropped, **{step: {QUIET} for step in later}} if dropped and later else {}
        made = {step: {SETTLED} for step in hooks - dropped}
        back = {SETTLED: others, **made} if made and others else {}
        for after in ({**front, **back}, back, front, {}):
            order = _topological(_union(self.needs, after) if after else self.needs)
            if order is not None:
                return after, order
        raise AssertionError("the planner refuses what would need itself")  # pragma: no cover

    def finish(self) -> Graph:
        """Add barriers, then chain the writes of each contact in the order found, which adds no cycles."""
        after, order = self.with_barriers()
        last: dict[Address, Step] = {}
        for step in order:
            owner = None if step in BARRIERS else _owner(self.changes[step.address])
            if owner is None:
                continue
            if owner in last and last[owner] not in self.needs[step]:
                after[step] = after.get(step, set()) | {last[owner]}
            last[owner] = step
        return Graph(
            tuple(step for step in order if step not in BARRIERS),
            {step: frozenset(before) for step, before in self.needs.items()},
            {step: frozenset(before) for step, before in after.items()},
            frozenset(BARRIERS & after.keys()),
        )


def creates_first(change: Change) -> bool:
    """Whether a replacement is created before the old resource is deleted, which is renamed for that."""
    return change.lifecycle.create_before_destroy and KINDS[change.address.kind].renameable


def names_taken(changes: Collection[Change]) -> dict[Address, Address]:
    """By the address of each change that takes a name: the address of the change that frees it."""
    holders = {_natural(each, each.before): each.address for each in changes if _frees_name(each)}
    found = {each.address: holders.get(_natural(each, each.attrs)) for each in changes if _takes_name(each)}
    return {address: holder for address, holder in found.items() if holder and holder != address}


def steps_of(change: Change) -> tuple[Verb, ...]:
    """The verbs of one change, in order."""
    if change.action is Action.REPLACE:
        return (Verb.PARK, Verb.MAKE, Verb.DROP) if creates_first(change) else (Verb.DROP, Verb.MAKE)
    return (Verb.DROP,) if change.action is Action.DELETE else (Verb.MAKE,)


def _union(needs: Mapping[Step, set[Step]], after: Mapping[Step, set[Step]]) -> dict[Step, set[Step]]:
    nodes = (*needs, *(step for step in after if step not in needs))
    return {step: needs.get(step, set()) | after.get(step, set()) for step in nodes}


def _topological(edges: Mapping[Step, set[Step]]) -> tuple[Step, ...] | None:
    """A topological order that is the same in every run, although sets of edges have no order."""
    sorter: TopologicalSorter[Step] = TopologicalSorter(dict.fromkeys(edges, ()))
    for step, before in edges.items():
        sorter.add(step, *before)
    try:
        return tuple(sorter.static_order())
    except CycleError:
        return None


def _natural(change: Change, attrs: Attrs) -> Address:
    return KINDS[change.address.kind].address(attrs)


def _changes_name(change: Change) -> bool:
    kind = KINDS[change.address.kind]
    return kind.renameable and any(each.path in kind.key for each in change.fields)


def _takes_name(change: Change) -> bool:
    return KINDS[change.address.kind].renameable and (change.action is Action.CREATE or _changes_name(change))


def _frees_name(change: Change) -> bool:
    return KINDS[change.address.kind].renameable and (change.action is Action.DELETE or _changes_name(change))


def _circles(follows: Mapping[Address, Address]) -> Iterator[set[Address]]:
    """Every cycle of "takes the name of"; each address takes at most one name."""
    seen: set[Address] = set()
    for start in follows:
        path: list[Address] = []
        at: Address | None = start
        while at is not None and at not in seen:
            seen.add(at)
            path.append(at)
            at = follows.get(at)
        if at in path:
            yield set(path[path.index(at) :])


def _owner(change: Change) -> Address | None:
    """The resource whose writes are sequential: the contact itself, or the contact of a relation."""
    chain = KINDS[change.address.kind].chain
    if not chain:
        return None
    value = (change.attrs or change.before).get(chain)
    return value.target if isinstance(value, Ref) else change.address
