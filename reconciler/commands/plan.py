"""Reads account and ledger, and plans the changes, with everything that apply needs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from reconciler.apply.ledger_entry import recovered
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Base, Change, Changes, Plan, differing
from reconciler.model.policy import Allow, Policy, Prune
from reconciler.model.resource import EMPTY, DesiredState, Ledger, LedgerEntry, OtherLedgers
from reconciler.model.values import Address, Attrs
from reconciler.planner.approvals import Approval, approvals, managed_people, people
from reconciler.planner.diff import Digest
from reconciler.planner.impact import AffectedContacts, affected_by, tagged_contacts, takes_from_people, with_losses
from reconciler.planner.matched_state import MatchedState
from reconciler.planner.narrow import part_for
from reconciler.planner.order import Graph, build, sends
from reconciler.planner.other_ledgers import NO_OTHERS, block_takeovers
from reconciler.planner.planner import ERASED, PlanRules, plan_changes, unmanaged
from reconciler.planner.prune import LEFT
from reconciler.planner.rename_detection import RenameSuggestion, suggest_renames
from reconciler.planner.targeting import select
from reconciler.refresh.account import Refreshed, Scope, refresh
from reconciler.refresh.losses import PERSON, LossReader
from reconciler.refresh.read_strategy import ReadRoute
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class PlanRequest:
    """What to plan: desired state, policy, and the options of this run.

    ``account``: connection id, None if not known. ``allow``: the approved classes with their numbers. ``places``:
    positions of targets that a file lists. ``only``: plan only these addresses, and address changes that depend on
    them. ``keep``: kinds of which unmanaged resources are kept in memory too. ``from_files``: files declare the
    state; otherwise notes of deletions do not mention files. ``adopted``: addresses that count as adopted although
    they are created again. ``unmanaged``: relations that are created and not managed afterwards, with the addresses
    that history shows. ``connections``: the number of active connections of which ``account`` is the oldest; 0 if it
    was configured.
    """

    state: DesiredState
    policy: Policy
    dialect: Dialect
    account: str | None
    allow: Mapping[Allow, int | None] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
    refresh: str = "auto"
    parallel: int = 8
    only: frozenset[Address] | None = None
    keep: frozenset[str] = frozenset()
    from_files: bool = True
    adopted: frozenset[Address] = frozenset()
    unmanaged: Mapping[Address, Address] = field(default_factory=dict, compare=False)
    connections: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Planned:
    """A plan and its inputs.

    ``whole``: no change was excluded. ``entries`` have their new addresses, ``sizes`` are the live resources by kind,
    ``secrets`` are secret values that the account shows, ``found`` is the matched state.
    ``read_at`` is when reading began, in seconds of the monotonic clock. ``tagged`` are the remote ids of the
    contacts that carry each tag to delete. ``unmanaged_counts`` are the unmanaged resources after the run, by kind
    that was read completely.
    """

    plan: Plan
    approvals: tuple[Approval, ...]
    entries: Mapping[Address, LedgerEntry]
    ledger: Ledger
    slugs: frozenset[str]
    dialect: Dialect
    sizes: Mapping[str, int]
    secrets: Mapping[Address, Attrs]
    found: MatchedState
    read_at: float
    whole: bool = True
    adopted: frozenset[Address] = frozenset()
    unmanaged: Mapping[Address, Address] = field(default_factory=dict)
    tagged: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    unmanaged_counts: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def graph(self) -> Graph:
        """The order of the steps; computed on first use."""
        return build(self.plan.changes)


def destroy_request(request: PlanRequest) -> PlanRequest:
    """The request of ``destroy``: delete what reconciler created, except for kinds whose pruning is off, and forget
    the rest."""
    kinds = [kind for kind in KINDS.values() if kind.writable]
    on = {kind.name for kind in kinds if request.policy.prune.get(kind.name, kind.prune) is not Prune.NONE}
    prune = {kind.name: Prune.CREATED if kind.name in on else Prune.NONE for kind in kinds}
    return replace(request, state=DesiredState(), policy=replace(request.policy, prune=prune), from_files=False)


def make_plan(
    request: PlanRequest,
    reader: Reader,
    store: Store | None,
    *,
    progress: Progress | None = None,
    now: float | None = None,
) -> Planned:
    """Read the account once and plan. ``store`` None means no ledger: nothing is pruned, nothing is recorded.

    ``now`` is in seconds of the epoch. Raises ConfigurationError for a desired state that cannot be planned.
    """
    ledger = store.load(request.state.resources) if store else Ledger()
    others = store.other_ledgers(request.account) if store else OtherLedgers()
    began = time.monotonic()
    read = read_for_plan(request, reader, ledger, progress)
    planned = decide(request, read, ledger, store.digest if store else None, now, reader, others)
    return replace(planned, plan=replace(planned.plan, reads=reader.calls.reads), read_at=began)


def decide(
    request: PlanRequest,
    read: Refreshed,
    ledger: Ledger,
    digest: Digest,
    now: float | None = None,
    reader: Reader | None = None,
    others: OtherLedgers = NO_OTHERS,
) -> Planned:
    """Plan from a finished reading; the second half of :func:`make_plan`.

    With a ``reader``, people who lose something by a deletion are counted in the account; without one, only those
    that were read.
    """
    found = read.found
    found.entries.update(recovered(found, ledger.intents))
    rules = _rules(request, read, digest, time.time() if now is None else now)
    changes = plan_changes(found, request.state, rules)
    changes = block_takeovers(changes, others, found.entries, allowed=Allow.TAKEOVER in request.allow)
    changes = _with_recreations(_selected(request, changes))
    losses = _losses(request, read, changes, ledger, reader)
    plan = _plan(request, read, ledger, changes, losses)
    suggestions = _rename_suggestions(request, plan, found, rules.incomplete)
    return Planned(
        plan,
        _approvals(request, plan, read, ledger, suggestions, losses),
        found.entries,
        ledger,
        found.slugs,
        request.dialect,
        {**ledger.sizes, **read.sizes},
        found.secrets,
        found,
        0.0,
        whole=not plan.partial and request.only is None,
        adopted=request.adopted,
        unmanaged=request.unmanaged,
        tagged={} if losses.incomplete else tagged_contacts(losses.people),
        unmanaged_counts=count_unmanaged(read, plan.unmanaged, count_forgotten(changes, found)),
    )


def count_unmanaged(read: Refreshed, *numbers: Mapping[str, int]) -> dict[str, int]:
    """The sums of these numbers for each writable kind of which the whole collection was read; no other kind."""
    whole = {name for name, route in read.routes.items() if route.way is ReadRoute.WALK}
    kinds = [kind for kind in KINDS.values() if kind.writable and not read.targeted]
    sources = {kind.name: kind.source.parent if isinstance(kind.source, Embedded) else kind.name for kind in kinds}
    return {name: sum(each.get(name, 0) for each in numbers) for name, source in sources.items() if source in whole}


def count_forgotten(changes: Sequence[Change], found: MatchedState) -> Counter[str]:
    """The number of live resources by kind that these changes stop managing."""
    return Counter(
        c.address.kind for c in differing(changes) if c.action is Action.FORGET and c.address in found.live
    )


class _Losses(NamedTuple):
    """The contacts that lose something by each deletion; ``incomplete``: not all contacts were read."""

    people: AffectedContacts = EMPTY
    incomplete: bool = False


def _losses(
    request: PlanRequest, read: Refreshed, changes: Sequence[Change], ledger: Ledger, reader: Reader | None
) -> _Losses:
    deletions = takes_from_people(changes)
    if not deletions:
        return _Losses()
    route = read.routes.get(PERSON.name)
    whole = route is not None and route.way is ReadRoute.WALK
    if whole or reader is None or request.refresh == "none":
        return _Losses(affected_by(deletions, read.found), incomplete=not whole)
    live = (read.found.live[address] for address in read.found.live if address.kind == PERSON.name)
    counting = LossReader(reader, request.dialect, ledger.sizes.get(PERSON.name), request.parallel)
    return _Losses(counting.affected_contacts(deletions, {each.remote_id: each.address for each in live}))


def _approvals(
    request: PlanRequest,
    plan: Plan,
    read: Refreshed,
    ledger: Ledger,
    suggestions: tuple[RenameSuggestion, ...],
    losses: _Losses,
) -> tuple[Approval, ...]:
    """The approvals; percentages refer to all managed resources, even if only a part was read."""
    found, limits = read.found, request.policy.limits
    if read.targeted:
        return approvals(plan, ledger.entries, limits, suggestions, looked_for=found.entries, affected=losses.people)
    return approvals(plan, found.entries, limits, suggestions, affected=losses.people)


def _rename_suggestions(
    request: PlanRequest, plan: Plan, found: MatchedState, incomplete: frozenset[str]
) -> tuple[RenameSuggestion, ...]:
    """Renames are suggested for plans from files only, not for an undo."""
    return suggest_renames(plan.changes, found, incomplete) if request.only is None else ()


def read_for_plan(
    request: PlanRequest, reader: Reader, ledger: Ledger, progress: Progress | None = None
) -> Refreshed:
    """Read and match everything that the request needs, once; with targets, only what these depend on."""
    state, part = request.state, None
    if request.targets and request.refresh == "auto":
        part = part_for(state, ledger, request.targets)
    scope = _scope(request, ledger)
    if part:
        scope = replace(_scope(request, part.ledger, deletes=False), whole_ledger=ledger)
        state, ledger = part
    return refresh(reader, state, ledger, request.dialect, scope, progress=progress)


def _scope(request: PlanRequest, ledger: Ledger, *, deletes: bool = True) -> Scope:
    """The scope of the reading. Kinds are read completely if their unmanaged resources may be deleted, or if a killed
    run may have created some of them.
    """
    swept = frozenset(name for name, prune in request.policy.prune.items() if deletes and prune is Prune.ALL)
    names = swept | {address.kind for address in ledger.intents if address not in request.state.resources}
    sources = [(KINDS[name].source, name) for name in names]
    whole = {source.parent if isinstance(source, Embedded) else name for source, name in sources}
    missing = Allow.MISSING in request.allow
    return Scope(request.refresh, frozenset(whole), swept, missing, request.parallel, request.keep)


def _rules(request: PlanRequest, read: Refreshed, digest: Digest, now: float) -> PlanRules:
    recreate = Allow.RECREATE in request.allow
    return PlanRules(request.policy, request.dialect, digest, now, recreate, _partly(request, read))


def _partly(request: PlanRequest, read: Refreshed) -> frozenset[str]:
    """The kinds that were not read completely."""
    if request.refresh == "none":
        return frozenset(KINDS)
    return frozenset(name for name, route in read.routes.items() if route.way not in (ReadRoute.WALK, ReadRoute.EACH))


def _selected(request: PlanRequest, changes: Sequence[Change]) -> Sequence[Change]:
    if request.only is not None:
        own = (c for c in changes if c.address in request.only or c.moved_from is not None)
        changes = tuple(c for c in own if c.address not in request.unmanaged or c.action is not Action.ADOPT)
    if not request.from_files:
        return tuple(replace(c, note=c.note.removeprefix(LEFT)) for c in changes)
    if request.targets or request.excludes:
        return select(changes, request.targets, request.excludes, request.places)
    return changes


def _with_recreations(changes: Sequence[Change]) -> Sequence[Change]:
    """The changes; those blocked until ``--allow recreate=N`` name N, their number."""
    waiting = {change.address for change in differing(changes) if change.blocked == ERASED}
    if not waiting:
        return changes
    if isinstance(changes, Changes):
        return Changes(tuple(_with_recreations(changes.own)), changes.agreed)
    blocked = ERASED.format(len(waiting))
    return tuple(replace(each, blocked=blocked) if each.address in waiting else each for each in changes)


def _plan(request: PlanRequest, read: Refreshed, ledger: Ledger, changes: Sequence[Change], losses: _Losses) -> Plan:
    found = read.found
    if losses.people:
        managed = managed_people(found.entries)
        changes = with_losses(changes, losses.people, managed, incomplete=losses.incomplete)
    shown = {name: route for name, route in read.routes.items() if route.way not in (ReadRoute.WALK, ReadRoute.EACH)}
    routes = {name: str(route) for name, route in shown.items() if route.calls}
    if request.refresh == "none":
        routes = {"account": "not read; this plan uses only the ledger"}
    return Plan(
        Base(request.account, ledger.lineage, ledger.serial, request.dialect.value, request.connections),
        changes,
        unmanaged=unmanaged(found, changes, (request.state.resources, ledger.entries)),
        ids=found.ids,
        routes=routes,
        partial=bool(request.targets or request.excludes),
        bystanders=_bystanders(changes, losses.people),
    )


def _bystanders(changes: Sequence[Change], affected: AffectedContacts) -> int:
    """Number of people who lose something by a deletion and have no change of their own."""
    lose: set[Address] = set().union(*affected.values())
    return len(lose - people(c for c in differing(changes) if not c.blocked and sends(c))) if lose else 0
