"""Applies an approved plan to account and ledger, and returns the report."""

from __future__ import annotations

import time
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from reconciler import __version__
from reconciler.apply.executor import Bounds, Executor, Listener, Starter
from reconciler.apply.ledger_entry import answered, entry_after, is_recorded, possibly_created
from reconciler.apply.precondition import Freshness
from reconciler.apply.step import StepRunner
from reconciler.commands.plan import Planned
from reconciler.commands.session import Session
from reconciler.errors import LedgerError, Locked
from reconciler.gateway.client import Writer
from reconciler.ledger import lock_holder
from reconciler.ledger.history import RunInfo
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Cause, Change, Changes, Plan, Verb, differing
from reconciler.model.report import Report, Status
from reconciler.model.resource import LedgerEntry, Provenance
from reconciler.model.serialization import change_to_json, digest_of
from reconciler.model.values import Address
from reconciler.planner.impact import cascades_of
from reconciler.planner.matched_state import Entries, Written, entry_of
from reconciler.planner.requests import hidden_in


@dataclass(frozen=True)
class Options:
    """Options of a run, and its description in the history; ``digest`` identifies a saved plan."""

    bounds: Bounds
    parallel: int = 8
    listener: Listener | None = None
    starter: Starter | None = None
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    digest: str = ""
    command: str = "apply"


def plan_digest(plan: Plan) -> str:
    """The digest that identifies a plan in the history."""
    return digest_of(change_to_json(change) for change in differing(plan.changes))


def carry_out(planned: Planned, session: Session, store: Store, options: Options) -> Report:
    """Record changes that need no call, then carry out every step; ``store`` is open and locked by this run.

    If the ledger can no longer be written, the run ends; all writes so far are in the report and are recorded or have
    an open intent. Raises LedgerError or Locked if that happens before anything was sent.
    """
    me, digest = lock_holder.here(), options.digest or plan_digest(planned.plan)
    run = store.begin(RunInfo(me.who, me.host, __version__, digest, options.command, me.job))
    record_without_requests(planned, store, run, options.now())
    store.measured(planned.sizes, planned.unmanaged_counts)
    calls = session.calls
    if not planned.graph.order:
        report = Report(reads=calls.reads, writes=calls.writes, run=run)
    else:
        with session.writer() as writer:
            writer.hide(text for change in differing(planned.plan.changes) for text in hidden_in(change.attrs))
            runner = _runner(planned, session, store, writer, run, options)
            executor = Executor(
                planned.plan,
                planned.graph,
                runner,
                bounds=options.bounds,
                parallel=options.parallel,
                listener=options.listener,
                starter=options.starter,
                wait=session.settings.wait,
            )
            report = executor.run()
    return _finished(planned, store, run, report)


def _finished(planned: Planned, store: Store, run: int, report: Report) -> Report:
    """Record the end of the run; a failure to do so becomes part of the report."""
    try:
        store.finish(run, _status(report), report.reads, report.writes)
    except (LedgerError, Locked) as error:
        return report if report.broken else replace(report, stopped=str(error), broken=error.exit_code)
    return report


def _runner(
    planned: Planned, session: Session, store: Store, writer: Writer, run: int, options: Options
) -> StepRunner:
    """The step runner of all workers: they share remote ids and the age of readings."""
    ids = ChainMap[Address, str]({}, planned.plan.ids)  # type: ignore[arg-type]
    entries = Entries.of(planned.entries)
    entries.update(_stepping_aside(planned, run))
    freshness = Freshness(
        writer,
        planned.dialect,
        planned.slugs,
        ids,
        session.settings.fresh,
        planned.read_at,
        options.clock,
        planned.sizes,
    )
    freshness.expect(planned.graph, {change.address: change for change in differing(planned.plan.changes)})
    return StepRunner(
        writer,
        store,
        planned.dialect,
        entries,
        ids,
        run,
        options.now,
        freshness,
        digest=None if session.settings.ledger == "none" else store.digest,
        slugs=planned.slugs,
        possibly_created=possibly_created(differing(planned.plan.changes), planned.ledger.intents),
        cascades=cascades_of(planned.plan.changes, planned.ledger.entries),
        adopted=planned.adopted,
        unmanaged=planned.unmanaged,
        tagged=planned.tagged,
    )


def record_without_requests(planned: Planned, store: Store, run: int, now: float) -> None:
    """Record what needs no call: new addresses, forgotten entries, adoptions without changes, equal values."""
    changes = differing(planned.plan.changes)
    known_as = {change.address: change.moved_from or change.address for change in changes}
    drops = [c.address for c in changes if c.action is Action.FORGET and c.cause is not Cause.GONE_WITH]
    dropped = set(drops)
    moved = [(c.moved_from, c.address) for c in changes if c.moved_from and c.address not in dropped]
    puts = {**_stepping_aside(planned, run), **_renamed(planned)}
    puts |= {e.address: e for change in changes if (e := _entry_to_record(planned, store, change, run, now))}
    store.write(
        puts=chain(puts.values(), _adopted(planned, run, now)),
        drops=[known_as[address] for address in drops],
        moves=moved,
    )
    for address in answered(changes, planned.graph.order, planned.ledger.intents, whole=planned.whole):
        store.clear_intent(run, address)


def _stepping_aside(planned: Planned, run: int) -> dict[Address, LedgerEntry]:
    """Entries for adopted resources that get a temporary name in this run, so that a later run finds them by id."""
    parked = {step.address for step in planned.graph.order if step.verb is Verb.PARK}
    return {
        c.address: LedgerEntry(
            c.address, c.remote_id, origin=c.origin, provenance=Provenance.ADOPTED, run=run, managed_since=run
        )
        for c in differing(planned.plan.changes)
        if c.address in parked and c.address not in planned.entries
    }


def _renamed(planned: Planned) -> dict[Address, LedgerEntry]:
    """Entries under their new address; recorded first, so that a run that ends early does not undo the rename."""
    return {
        c.address: replace(planned.entries[c.address], former=c.former)
        for c in differing(planned.plan.changes)
        if c.moved_from and c.former and c.address in planned.entries
    }


def _adopted(planned: Planned, run: int, now: float) -> Iterator[LedgerEntry]:
    """Rows for what is adopted without a change, made while they are written: at first that is nearly everything."""
    if not _adopts(planned.plan):
        return
    found, written = planned.found, Written(Provenance.ADOPTED, now, run, run)
    for kind in sorted(found.live.agreed):
        agreed, desired = found.agreed(kind), found.desired.of(kind)
        for key in sorted(agreed):
            if agreed[key].written is None:
                yield entry_of(desired[key], found.live.id_at(kind, key), written)


def _adopts(plan: Plan) -> bool:
    """Whether the plan adopts something without a change."""
    return isinstance(plan.changes, Changes) and plan.changes.agreed.count(Action.ADOPT) > 0


def _entry_to_record(planned: Planned, store: Store, change: Change, run: int, now: float) -> LedgerEntry | None:
    """The entry of an unchanged resource, or None if the ledger already holds it."""
    as_it_is = change.action is Action.NO_CHANGE or (change.action is Action.ADOPT and not change.fields)
    if not as_it_is or change.remote_id is None or not change.attrs or change.blocked:
        return None
    old = planned.entries.get(change.address)
    ours = Provenance.CREATED if old is None and possibly_created([change], planned.ledger.intents) else None
    entry = entry_after(
        change, old, change.remote_id, change.before, digest=store.digest, now=now, run=run, provenance=ours
    )
    return None if change.action is Action.NO_CHANGE and is_recorded(old, entry) else entry


def _status(report: Report) -> str:
    if report.broken:
        return "broken"
    if report.stopped:
        return "stopped"
    bad = report.count(Status.FAILED) + report.count(Status.SKIPPED)
    return "partial" if bad else "done"


def record_without_steps(planned: Planned, session: Session, store: Store) -> None:
    """Record the changes of a plan without steps in the ledger, if there are any."""
    now = time.time()
    if session.settings.ledger != "none" and needs_ledger(planned, store, now):
        record_without_requests(planned, store, 0, now)


def needs_ledger(planned: Planned, store: Store, now: float) -> bool:
    """Whether a plan without calls changes the ledger."""
    changes = planned.plan.changes
    return (
        bool(planned.ledger.intents)
        or _adopts(planned.plan)
        or any(
            change.moved_from or change.action is Action.FORGET or _entry_to_record(planned, store, change, 0, now)
            for change in differing(changes)
        )
    )


def exit_code(report: Report) -> int:
    """0 when everything is done, 4 when only a part is, 1 when nothing is, 130 when a signal stopped it.

    A run that the ledger broke off before anything was done ends as that error would.
    """
    if report.stopped == "interrupted":
        return 130
    bad = len(report.outcomes) - report.count(Status.DONE) - report.count(Status.PENDING)
    if not bad and not report.stopped:
        return 0
    if report.broken and bad == len(report.outcomes):
        return int(report.broken)
    return 4 if bad < len(report.outcomes) or report.stopped else 1
