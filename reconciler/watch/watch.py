"""The reconcile loop: each cycle reads files, ledger and account again, then reports or applies."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.commands.apply import Options, carry_out, record_without_steps
from reconciler.commands.plan import Planned, PlanRequest, make_plan
from reconciler.commands.session import Session
from reconciler.config.yaml_loader import collector_paused
from reconciler.errors import ApprovalRequired, Interrupted, ReconcilerError, Refused, TimeIsUp
from reconciler.gateway.client import Reader
from reconciler.ledger.store import Store
from reconciler.model.report import Report, Status
from reconciler.planner.approvals import Approval, closed
from reconciler.planner.drift import Drift, drift
from reconciler.watch.cycles import CycleResult, Timing, delay

#: Exit code of the command if the last cycle has this result.
CODES = {
    CycleResult.UNCHANGED: 0,
    CycleResult.CHANGES: 2,
    CycleResult.APPLIED: 0,
    CycleResult.PARTIAL: 4,
    CycleResult.REFUSED: 3,
    CycleResult.FAILED: 1,
    CycleResult.STOPPED: 130,
}


@dataclass(frozen=True)
class Cycle:
    """One finished cycle: its result, duration in seconds and findings; ``calls`` are (reads, writes)."""

    number: int
    ending: CycleResult
    seconds: float = 0.0
    exit_code: int = 0
    planned: Planned | None = None
    drift: tuple[Drift, ...] = ()
    closed: tuple[Approval, ...] = ()
    report: Report | None = None
    error: ReconcilerError | None = None
    calls: tuple[int, int] = (0, 0)

    @property
    def failure(self) -> str:
        """The name of the failure, the same for as long as it lasts; empty if there is none."""
        if self.closed:
            return "approvals: " + ", ".join(sorted({approval.allow.value for approval in self.closed}))
        if self.error is not None:
            return type(self.error).__name__
        bad = self.report.count(Status.FAILED) + self.report.count(Status.SKIPPED) if self.report else 0
        return "steps failed" if bad or self.ending is CycleResult.FAILED else ""


@dataclass(frozen=True)
class WatchActions:
    """The functions that the command provides to each cycle.

    ``opened`` reads settings and files and opens a session; ``show`` prints the plan before it is applied;
    ``options`` returns the options of the apply; ``graded`` returns the exit code of a report.
    """

    opened: Callable[[], tuple[PlanRequest, Session]]
    show: Callable[[Planned, Session], None]
    options: Callable[[Planned, Session], Options]
    graded: Callable[[Report], int]


@dataclass(frozen=True)
class WatchState:
    """State of the watch after a cycle; times in seconds of the epoch, None for what has not happened yet."""

    cycles: int = 0
    failures: int = 0
    ending: CycleResult | None = None
    last_success: float | None = None
    last_failure: float | None = None
    last_error: str = ""
    next_cycle: float | None = None


@dataclass(frozen=True)
class WatchInputs:
    """Clocks and randomness. ``wait`` sleeps for the given seconds and returns whether the watch has to stop."""

    wait: Callable[[float], bool]
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass
class Watch:
    """The loop. ``on_end`` is called after every cycle with the new state, ``on_start`` before every cycle."""

    actions: WatchActions
    applying: bool
    timing: Timing
    inputs: WatchInputs
    on_end: Callable[[Cycle, WatchState], None]
    on_start: Callable[[WatchState], None]
    state: WatchState = field(default_factory=WatchState)

    def run(self, most: int | None = None) -> int:
        """Run at most ``most`` cycles, or until stopped; returns the exit code of the last one."""
        try:
            while True:
                code, pause = self._cycle(most)
                gc.collect()  # collection is off during a cycle
                if self.state.cycles == 1:
                    gc.freeze()  # modules and classes need not be traversed each time
                if pause is None or self.inputs.wait(pause):
                    return code
        finally:
            gc.unfreeze()

    def _cycle(self, most: int | None) -> tuple[int, float | None]:
        """Run and report one cycle; returns its exit code, and the seconds until the next one or None."""
        self.on_start(self.state)
        with collector_paused():
            done = run_cycle(self.state.cycles + 1, self.actions, self.applying, self.inputs)
        last = done.ending is CycleResult.STOPPED or done.number == most
        failures = self.state.failures + 1 if done.ending.is_failure else 0
        least = getattr(done.error, "retry_after", None) or 0.0
        pause = None if last else delay(self.timing, failures, self.inputs.chance(), least)
        self.state = self._after(done, failures, pause)
        self.on_end(done, self.state)
        return done.exit_code, pause

    def _after(self, done: Cycle, failures: int, pause: float | None) -> WatchState:
        now, before = self.inputs.now(), self.state
        at = replace(before, cycles=done.number, failures=failures, ending=done.ending)
        if done.ending.is_success:
            at = replace(at, last_success=now)
        elif done.ending.is_failure or done.ending is CycleResult.REFUSED:
            at = replace(at, last_failure=now, last_error=done.failure)
        return replace(at, next_cycle=None if pause is None else now + pause)


def run_cycle(number: int, actions: WatchActions, applying: bool, inputs: WatchInputs) -> Cycle:
    """Run one cycle. Expected errors end the cycle, never the loop."""
    began = inputs.clock()
    session: Session | None = None
    try:
        request, session = actions.opened()
        done = (_apply if applying else _look)(request, session, actions)
    except ReconcilerError as error:
        done = Cycle(0, _ending(error), exit_code=error.exit_code, error=error)
    calls = (session.calls.reads, session.calls.writes) if session else (0, 0)
    return replace(done, number=number, seconds=inputs.clock() - began, calls=calls)


def _ending(error: ReconcilerError) -> CycleResult:
    if isinstance(error, Interrupted) and not isinstance(error, TimeIsUp):
        return CycleResult.STOPPED
    return CycleResult.REFUSED if isinstance(error, Refused) else CycleResult.FAILED


def _look(request: PlanRequest, session: Session, actions: WatchActions) -> Cycle:
    """Plan only: the transport sends GETs only, and the ledger is not written."""
    with session.ledger_to_read() as store, session.reader() as reader:
        planned, found = _planned(request, session, reader, store)
    actions.show(planned, session)
    ending = CycleResult.CHANGES if planned.plan.effective or found else CycleResult.UNCHANGED
    return Cycle(0, ending, exit_code=CODES[ending], planned=planned, drift=found)


def _apply(request: PlanRequest, session: Session, actions: WatchActions) -> Cycle:
    """Plan and apply while holding the lock; stops if the plan needs approval."""
    ledgered = session.settings.ledger != "none"
    with session.ledger_to_write() as store:
        with session.reader() as reader:
            planned, found = _planned(request, session, reader, store if ledgered else None)
        actions.show(planned, session)
        seen = Cycle(0, CycleResult.UNCHANGED, planned=planned, drift=found)
        if not planned.plan.effective:
            record_without_steps(planned, session, store)
            return seen
        if shut := closed(planned.approvals, {}):
            return replace(seen, ending=CycleResult.REFUSED, exit_code=ApprovalRequired.exit_code, closed=shut)
        report = carry_out(planned, session, store, actions.options(planned, session))
    code = actions.graded(report)
    endings = {0: CycleResult.APPLIED, 3: CycleResult.REFUSED, 4: CycleResult.PARTIAL, 130: CycleResult.STOPPED}
    return replace(seen, ending=endings.get(code, CycleResult.FAILED), exit_code=code, report=report)


def _planned(
    request: PlanRequest, session: Session, reader: Reader, store: Store | None
) -> tuple[Planned, tuple[Drift, ...]]:
    """The plan, and the drift found by the same reading; raises Interrupted if the run was stopped."""
    planned = make_plan(request, reader, store)
    if session.stop.is_set():
        raise Interrupted("stopped; nothing was changed")
    return planned, () if store is None else drift(planned.found, request.state.resources, store.digest)
