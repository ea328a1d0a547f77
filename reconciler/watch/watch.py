"""Files, account and ledger, again and again → rounds: each reads all anew, reports or applies, and is told."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.commands.apply import Options, carry_out, needs_ledger, settle_ledger
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

#: What a round ends the command with, where it is the last one.
CODES = {
    CycleResult.UNCHANGED: 0,
    CycleResult.CHANGES: 2,
    CycleResult.APPLIED: 0,
    CycleResult.PARTLY: 4,
    CycleResult.REFUSED: 3,
    CycleResult.FAILED: 1,
    CycleResult.STOPPED: 130,
}


@dataclass(frozen=True)
class Cycle:
    """One round: how it ended, in how many seconds, and what it saw; ``calls`` are reads and writes."""

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
        """What is wrong, in a word that stays the same while it lasts; empty when nothing is."""
        if self.closed:
            return "approvals: " + ", ".join(sorted({approval.allow.value for approval in self.closed}))
        if self.error is not None:
            return type(self.error).__name__
        bad = self.report.count(Status.FAILED) + self.report.count(Status.SKIPPED) if self.report else 0
        return "steps failed" if bad or self.ending is CycleResult.FAILED else ""


@dataclass(frozen=True)
class WatchActions:
    """What a round needs of the command that runs it.

    ``opened`` reads settings and files and opens a session; ``show`` gets the plan before anything is done;
    ``options`` says how it is carried out; ``graded`` is the exit code of a report.
    """

    opened: Callable[[], tuple[PlanRequest, Session]]
    show: Callable[[Planned, Session], None]
    options: Callable[[Planned, Session], Options]
    graded: Callable[[Report], int]


@dataclass(frozen=True)
class WatchState:
    """How the watch stands after a round: times in seconds of the epoch, None for what has not happened."""

    rounds: int = 0
    failures: int = 0
    ending: CycleResult | None = None
    last_success: float | None = None
    last_failure: float | None = None
    last_error: str = ""
    next_round: float | None = None


@dataclass(frozen=True)
class WatchInputs:
    """``wait`` sleeps so many seconds and says whether it was ended early, by whoever wants the watch to stop."""

    wait: Callable[[float], bool]
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass
class Watch:
    """A loop of rounds. ``told`` gets every round with how things stand, ``beat`` knows when one begins."""

    hands: WatchActions
    applying: bool
    timing: Timing
    world: WatchInputs
    told: Callable[[Cycle, WatchState], None]
    beat: Callable[[WatchState], None]
    standing: WatchState = field(default_factory=WatchState)

    def run(self, most: int | None = None) -> int:
        """Round after round until ``most`` of them, or until somebody stops it; the exit code of the last one."""
        try:
            while True:
                code, pause = self._turn(most)
                gc.collect()  # a round rests it, and what it leaves is to be gone before the next
                if self.standing.rounds == 1:
                    gc.freeze()  # what the program itself consists of need not be walked each time
                if pause is None or self.world.wait(pause):
                    return code
        finally:
            gc.unfreeze()

    def _turn(self, most: int | None) -> tuple[int, float | None]:
        """One round, told of; its exit code, and the seconds until the next one, if there is to be one."""
        self.beat(self.standing)
        with collector_paused():
            done = take_turn(self.standing.rounds + 1, self.hands, self.applying, self.world)
        last = done.ending is CycleResult.STOPPED or done.number == most
        failures = self.standing.failures + 1 if done.ending.is_failure else 0
        least = getattr(done.error, "retry_after", None) or 0.0
        pause = None if last else delay(self.timing, failures, self.world.chance(), least)
        self.standing = self._after(done, failures, pause)
        self.told(done, self.standing)
        return done.exit_code, pause

    def _after(self, done: Cycle, failures: int, pause: float | None) -> WatchState:
        now, before = self.world.now(), self.standing
        at = replace(before, rounds=done.number, failures=failures, ending=done.ending)
        if done.ending.is_success:
            at = replace(at, last_success=now)
        elif done.ending.is_failure or done.ending is CycleResult.REFUSED:
            at = replace(at, last_failure=now, last_error=done.failure)
        return replace(at, next_round=None if pause is None else now + pause)


def take_turn(number: int, hands: WatchActions, applying: bool, world: WatchInputs) -> Cycle:
    """One round from the files to its end. What a user can cause ends the round, and never the loop."""
    began = world.clock()
    session: Session | None = None
    try:
        request, session = hands.opened()
        done = (_apply if applying else _look)(request, session, hands)
    except ReconcilerError as error:
        done = Cycle(0, _ending(error), exit_code=error.exit_code, error=error)
    calls = (session.calls.reads, session.calls.writes) if session else (0, 0)
    return replace(done, number=number, seconds=world.clock() - began, calls=calls)


def _ending(error: ReconcilerError) -> CycleResult:
    if isinstance(error, Interrupted) and not isinstance(error, TimeIsUp):
        return CycleResult.STOPPED
    return CycleResult.REFUSED if isinstance(error, Refused) else CycleResult.FAILED


def _look(request: PlanRequest, session: Session, hands: WatchActions) -> Cycle:
    """Read and compare; the transport can only GET, and the ledger is only read."""
    with session.ledger_to_read() as store, session.reader() as reader:
        planned, found = _planned(request, session, reader, store)
    hands.show(planned, session)
    ending = CycleResult.CHANGES if planned.plan.pending or found else CycleResult.UNCHANGED
    return Cycle(0, ending, exit_code=CODES[ending], planned=planned, drift=found)


def _apply(request: PlanRequest, session: Session, hands: WatchActions) -> Cycle:
    """Under the lease: plan, pass the approvals or stay before them, carry out."""
    ledgered = session.settings.ledger != "none"
    with session.ledger_to_write() as store:
        with session.reader() as reader:
            planned, found = _planned(request, session, reader, store if ledgered else None)
        hands.show(planned, session)
        seen = Cycle(0, CycleResult.UNCHANGED, planned=planned, drift=found)
        if not planned.plan.pending:
            if ledgered and needs_ledger(planned, store, time.time()):
                settle_ledger(planned, store, 0, time.time())
            return seen
        if shut := closed(planned.approvals, {}):
            return replace(seen, ending=CycleResult.REFUSED, exit_code=ApprovalRequired.exit_code, closed=shut)
        report = carry_out(planned, session, store, hands.options(planned, session))
    code = hands.graded(report)
    endings = {0: CycleResult.APPLIED, 3: CycleResult.REFUSED, 4: CycleResult.PARTLY, 130: CycleResult.STOPPED}
    return replace(seen, ending=endings.get(code, CycleResult.FAILED), exit_code=code, report=report)


def _planned(
    request: PlanRequest, session: Session, reader: Reader, store: Store | None
) -> tuple[Planned, tuple[Drift, ...]]:
    """The plan, and from the same reading what others changed; raises Interrupted when it was stopped meanwhile."""
    planned = make_plan(request, reader, store)
    if session.stop.is_set():
        raise Interrupted("stopped; nothing was changed")
    return planned, () if store is None else drift(planned.found, request.state.resources, store.digest)
