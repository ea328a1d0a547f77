"""Plans and graphs to reports: order, failures, stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.apply.executor import Bounds, Executor
from reconciler.errors import GatewayError, LedgerError, Locked, ReconcilerError
from reconciler.model.plan import Action, Base, Change, Plan, Step
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address, Ref
from reconciler.planner.order import build
from tests.support.waiting import PATIENCE

ANN, BOB, VIP = Address("contact", "ann@example.com"), Address("contact", "bob@example.com"), Address("tag", "VIP")
LINKS = [
    Change(
        Address("tagging", f"{who.key}/VIP"),
        Action.CREATE,
        attrs={"contact": Ref(who), "tag": Ref(VIP)},
        depends_on=(who, VIP),
    )
    for who in (ANN, BOB)
]
PLAN = Plan(
    Base(None, "", 0, "vendor"),
    (
        Change(ANN, Action.CREATE, attrs={"email": ANN.key}),
        Change(BOB, Action.CREATE, attrs={"email": BOB.key}),
        Change(VIP, Action.CREATE, attrs={"name": "VIP"}),
        *LINKS,
        Change(Address("webhook", "Hook"), Action.CREATE, attrs={"name": "Hook"}),
    ),
)
NAMES = ["ann@example.com", "bob@example.com", "VIP", "ann@example.com/VIP", "bob@example.com/VIP", "Hook"]


class FakeRunner:
    """Carries steps without a wire; ``ends`` says what becomes of some of them."""

    def __init__(self, ends: dict[str, Any] | None = None) -> None:
        self.ends, self.carried, self.lock = ends or {}, [], threading.Lock()
        self.writer = SimpleNamespace(calls=SimpleNamespace(reads=0, writes=0), cut_off=None)
        self.run, self.ids, self.unconfirmed, self.entries = 7, {}, set(), {}

    def execute(self, step: Step, change: Change) -> Outcome:
        with self.lock:
            self.carried.append(step.address.key)
            self.writer.calls.writes += 1
        end = self.ends.get(step.address.key, Status.DONE)
        if callable(end):
            end = end()
        if isinstance(end, BaseException):
            raise end
        return Outcome(step, change.action, end)


def run(runner: FakeRunner, parallel: int = 1, plan: Plan = PLAN, **bounds: Any) -> Report:
    executor = Executor(
        plan,
        build(plan.changes),
        runner,
        bounds=Bounds(**bounds),
        parallel=parallel,  # type: ignore[arg-type]
    )
    return executor.run()


def ends(report: Report) -> dict[str, Status]:
    return {outcome.step.address.key: outcome.status for outcome in report.outcomes}


@pytest.mark.parametrize("parallel", [1, 2, 8])
def test_every_step_is_carried_once_and_in_order(parallel: int) -> None:
    """What is needed before what needs it, whatever the number of workers."""
    runner = FakeRunner()
    report = run(runner, parallel)
    assert sorted(runner.carried) == sorted(NAMES)
    assert runner.carried[-1] == "Hook"
    for who in ("ann@example.com", "bob@example.com"):
        assert runner.carried.index(f"{who}/VIP") > max(runner.carried.index(who), runner.carried.index("VIP"))
    assert (report.run, report.writes, report.stopped) == (7, 6, None)


def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    """The webhook only comes after; it does not need."""
    report = run(FakeRunner({"ann@example.com": Status.FAILED}))
    assert ends(report) == {
        "ann@example.com": Status.FAILED,
        "ann@example.com/VIP": Status.SKIPPED,
        "bob@example.com": Status.DONE,
        "VIP": Status.DONE,
        "bob@example.com/VIP": Status.DONE,
        "Hook": Status.DONE,
    }
    (skipped,) = [outcome for outcome in report.outcomes if outcome.status is Status.SKIPPED]
    assert skipped.message == "needs contact/ann@example.com"


def test_an_error_of_the_gateway_fails_its_step() -> None:
    """As a value, not as the end of the run."""
    report = run(FakeRunner({"VIP": GatewayError("broken")}))
    assert ends(report)["VIP"] is Status.FAILED
    assert ends(report)["Hook"] is Status.DONE


@pytest.mark.parametrize(("error", "code"), [(LedgerError("disk full"), 1), (Locked("somebody else"), 3)])
def test_a_ledger_that_is_lost_ends_the_run(error: ReconcilerError, code: int) -> None:
    """Nothing new begins, and the report says why, once everything in flight has ended."""
    runner = FakeRunner({"bob@example.com": error})
    report = run(runner)
    assert runner.carried == ["ann@example.com", "bob@example.com"]
    assert (report.stopped, report.broken) == (str(error), code)
    assert [report.count(status) for status in (Status.DONE, Status.FAILED, Status.SKIPPED)] == [1, 1, 1]
    assert report.count(Status.NOT_RUN) == 3


def test_an_account_out_of_reach_ends_the_run() -> None:
    """There is no use in trying the rest."""
    runner = FakeRunner()
    runner.ends["bob@example.com"] = lambda: setattr(runner.writer, "cut_off", True) or Status.FAILED
    report = run(runner)
    assert "cannot be reached" in str(report.stopped)
    assert runner.carried == ["ann@example.com", "bob@example.com"]


def test_a_defect_does_not_leave_the_run_waiting() -> None:
    """It is a failed step that names the exception."""
    report = run(FakeRunner({"VIP": ZeroDivisionError()}), parallel=2)
    (failed,) = [outcome for outcome in report.outcomes if outcome.status is Status.FAILED]
    assert failed.message == "tag/VIP: unexpected ZeroDivisionError"


@pytest.mark.parametrize(("calls", "done"), [(0, 0), (1, 1), (4, 4), (6, 6), (99, 6)])
def test_max_calls_ends_a_run_cleanly(calls: int, done: int) -> None:
    """What is not begun is not run, which is no failure."""
    report = run(FakeRunner(), max_calls=calls)
    assert report.count(Status.DONE) == done
    assert report.count(Status.NOT_RUN) == 6 - done
    assert report.stopped == (f"--max-calls {calls} reached" if done < 6 else None)


def test_a_deadline_ends_a_run_cleanly() -> None:
    """By the clock that was given."""
    now = iter(range(100))
    report = run(FakeRunner(), deadline=3.0, clock=lambda: float(next(now)))
    assert report.stopped == "--max-minutes reached"
    assert 0 < report.count(Status.DONE) < 6


def test_a_signal_ends_a_run_with_what_is_in_flight() -> None:
    """The step that runs is finished and counted."""
    stop = threading.Event()

    def interrupted() -> Status:
        stop.set()
        return Status.DONE

    report = run(FakeRunner({"bob@example.com": interrupted}), stop=stop)
    assert report.stopped == "interrupted"
    assert ends(report)["bob@example.com"] is Status.DONE
    assert report.count(Status.NOT_RUN) == 4


def test_what_needs_a_step_that_was_not_run_is_not_run_either() -> None:
    """Skipped is for what failed."""
    assert set(ends(run(FakeRunner(), max_calls=2)).values()) == {Status.DONE, Status.NOT_RUN}


def test_the_listener_hears_of_every_end() -> None:
    """With how many are done of how many."""
    heard: list[tuple[str, int, int]] = []
    runner = FakeRunner({"ann@example.com": Status.FAILED})
    Executor(
        PLAN,
        build(PLAN.changes),
        runner,
        bounds=Bounds(),
        parallel=1,  # type: ignore[arg-type]
        listener=lambda outcome, done, total: heard.append((outcome.step.address.key, done, total)),
    ).run()
    assert sorted(name for name, _, _ in heard) == sorted(NAMES)
    assert [(done, total) for _, done, total in heard] == [(n, 6) for n in range(1, 7)]


def test_workers_are_kept_busy() -> None:
    """Steps that do not need each other leave side by side."""
    both = threading.Barrier(2, timeout=PATIENCE)

    def meet() -> Status:
        both.wait()
        return Status.DONE

    report = run(FakeRunner({"ann@example.com": meet, "bob@example.com": meet}), parallel=2)
    assert report.count(Status.DONE) == 6


IN = Address("community", "In")
JOIN = Address("membership", "ann@example.com/In")
JOINING = Plan(
    Base(None, "", 0, "vendor"), (Change(JOIN, Action.CREATE, attrs={"contact": Ref(ANN), "community": Ref(IN)}),)
)


class Members(FakeRunner):
    """Accepts memberships; each list shows the next of ``shows``."""

    def __init__(self, *shows: list[dict[str, Any]], refuse: ReconcilerError | None = None) -> None:
        super().__init__({JOIN.key: Status.PENDING})
        self.shows, self.refuse, self.written, self.walks = list(shows), refuse, [], 0
        self.ids = {ANN: "7", IN: "1"}
        self.digest, self.now, self.provenance = None, lambda: 1.0, lambda change: None
        self.writer.walk = self.walk

    def walk(self, path: str, query: Any) -> list[list[dict[str, Any]]]:
        self.walks += 1
        return [self.shows.pop(0) if self.shows else []]

    def confirm(self, entry: LedgerEntry, outcome: Outcome) -> None:
        if self.refuse:
            raise self.refuse
        self.written.append(entry)

    def fail_unconfirmed(self, outcome: Outcome) -> Outcome:
        return replace(outcome, status=Status.FAILED)


def join(runner: Members, sleep: Callable[[float], bool] = lambda seconds: False) -> Report:
    executor = Executor(
        JOINING,
        build(JOINING.changes),
        runner,
        bounds=Bounds(),
        parallel=1,
        sleep=sleep,  # type: ignore[arg-type]
    )
    return executor.run()


SEEN = [{"id": 5, "contact": {"id": 7}, "community": {"id": 1}}]


def test_what_was_accepted_is_done_when_it_shows() -> None:
    """With its id, in the ledger too."""
    runner = Members([], SEEN)
    (outcome,) = join(runner).outcomes
    assert (outcome.status, outcome.remote_id) == (Status.DONE, "5")
    assert [entry.remote_id for entry in runner.written] == ["5"]


def test_what_does_not_show_stays_pending_and_is_sent_once() -> None:
    """Its answer came: nothing is in doubt."""
    runner = Members()
    assert join(runner).count(Status.PENDING) == 1
    assert runner.carried == [JOIN.key]


def test_what_was_lost_and_does_not_show_is_sent_once_more() -> None:
    """After the same waits, and never a third time; nobody accepted it, so it is not called pending."""
    runner = Members()
    runner.unconfirmed.add(JOIN)
    (outcome,) = join(runner).outcomes
    assert (outcome.status, "the next run looks again" in outcome.message) == (Status.FAILED, True)
    assert runner.carried == [JOIN.key, JOIN.key]


def test_what_fails_the_second_time_has_failed() -> None:
    """With what the gateway said."""
    failing = Members()
    failing.unconfirmed.add(JOIN)
    failing.ends[JOIN.key] = iter([Status.PENDING, GatewayError("no")]).__next__
    (outcome,) = join(failing).outcomes
    assert (outcome.status, outcome.message) == (Status.FAILED, "no")


def test_a_ledger_lost_while_waiting_ends_the_run() -> None:
    """What showed is not recorded, so it is not said to be done."""
    report = join(Members(SEEN, refuse=Locked("gone")))
    assert (report.stopped, report.broken, report.count(Status.DONE)) == ("gone", 3, 0)
