"""Runs the steps of a plan in parallel: ready steps go to workers, and a failed step skips those that need it.

After the last write, waits a bounded time until the account shows the writes that it only accepted (202): one
filtered list for each parent, at growing intervals.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

from reconciler.apply.ledger_entry import entry_after
from reconciler.apply.step import StepRunner
from reconciler.errors import GatewayError, Interrupted, LedgerError, Locked, ReconcilerError
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind, Wire
from reconciler.model.plan import Change, Plan, Step, differing
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Ref
from reconciler.planner.order import Graph
from reconciler.planner.requests import is_the_one

#: Called with every outcome, the number of finished steps and the number of all steps.
Listener = Callable[[Outcome, int, int], None]
#: Called with every step that begins.
Starter = Callable[[Step], None]


@dataclass
class Bounds:
    """Conditions that end a run early: a signal, a number of calls, a point in time (of ``clock``), a failed step."""

    stop: threading.Event = field(default_factory=threading.Event)
    max_calls: int | None = None
    deadline: float | None = None
    fail_fast: bool = False
    clock: Callable[[], float] = time.monotonic

    def reason(self, calls: int) -> str | None:
        """The reason why no further step may begin, or None."""
        if self.stop.is_set():
            return "interrupted"
        if self.max_calls is not None and calls >= self.max_calls:
            return f"--max-calls {self.max_calls} reached"
        if self.deadline is not None and self.clock() >= self.deadline:
            return "--max-minutes reached"
        return None


class Executor:
    """One run over one graph. The main thread holds all state; workers carry out single steps.

    ``wait``: seconds to wait after the last write until the account shows the accepted ones; ``sleep`` returns True
    if the run has to stop.
    """

    def __init__(
        self,
        plan: Plan,
        graph: Graph,
        runner: StepRunner,
        *,
        bounds: Bounds,
        parallel: int = 8,
        listener: Listener | None = None,
        sleep: Callable[[float], bool] | None = None,
        starter: Starter | None = None,
        wait: float = 0.0,
    ) -> None:
        self.starter, self.wait = starter, wait
        self.graph, self.runner, self.bounds, self.listener = graph, runner, bounds, listener
        self.changes = {change.address: change for change in differing(plan.changes)}
        self.parallel = parallel
        self.sleep = sleep or (lambda seconds: bounds.stop.wait(seconds))
        self.outcomes: dict[Step, Outcome] = {}
        self.ended: queue.SimpleQueue[tuple[Step, Outcome | ReconcilerError]] = queue.SimpleQueue()
        self.fatal: ReconcilerError | None = None
        self.stopped: str | None = None

    def run(self) -> Report:
        """Carry out the steps. A ledger error ends the run after the steps in progress have finished."""
        sorter = self._sorter()
        ready: deque[Step] = deque()
        in_flight = 0
        with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="write") as pool:
            while sorter.is_active():
                ready.extend(sorter.get_ready())
                while ready and in_flight < self.parallel:  # a submitted step cannot be stopped any more
                    step = ready.popleft()
                    if self._ends_without_worker(step):
                        sorter.done(step)
                        ready.extend(sorter.get_ready())
                    else:
                        if self.starter:
                            self.starter(step)
                        pool.submit(self._work, step)
                        in_flight += 1
                if in_flight:
                    step, result = self.ended.get()
                    in_flight -= 1
                    self._receive(step, result)
                    sorter.done(step)
        self._await_accepted()
        return self._report()

    def _sorter(self) -> TopologicalSorter[Step]:
        """A sorter to which nodes are added in plan order, so that ready steps come in that order."""
        sorter: TopologicalSorter[Step] = TopologicalSorter(dict.fromkeys(self.graph.order, ()))
        for step in (*self.graph.order, *self.graph.barriers):
            sorter.add(step, *self.graph.needs.get(step, ()), *self.graph.after.get(step, ()))
        sorter.prepare()
        return sorter

    def _ends_without_worker(self, step: Step) -> bool:
        """Whether it is a barrier, or a step after a failed need or a stop; the outcome of a step is recorded."""
        if step in self.graph.barriers:
            return True
        failed = sorted(
            (need for need in self.graph.needs[step] if self.outcomes[need].status not in _SUCCEEDED),
            key=lambda need: (self.outcomes[need].status is Status.NOT_RUN, need.address),
        )  # a failure explains more than a step that was not run
        self.stopped = self.stopped or self._unreachable() or self.bounds.reason(self._calls())
        if failed:
            cause = self.outcomes[failed[0]]
            status = Status.NOT_RUN if cause.status is Status.NOT_RUN else Status.SKIPPED
            self._record(Outcome(step, self._change(step).action, status, message=f"needs {failed[0].address}"))
        elif self.stopped or self.fatal:
            reason = self.stopped or str(self.fatal)
            self._record(Outcome(step, self._change(step).action, Status.NOT_RUN, message=reason))
        return step in self.outcomes

    def _unreachable(self) -> str | None:
        """The reason to stop if the account cannot be reached any more."""
        return "the account cannot be reached; run apply again to continue" if self.runner.writer.cut_off else None

    def _work(self, step: Step) -> None:
        """Carry out one step in a worker; exceptions are returned, so that the run can end in order."""
        try:
            self.ended.put((step, self.runner.execute(step, self._change(step))))
        except ReconcilerError as error:
            self.ended.put((step, error))
        except BaseException as error:  # a defect in a worker must not leave the run waiting
            self.ended.put((step, ReconcilerError(f"{step.address}: unexpected {type(error).__name__}")))
            raise

    def _receive(self, step: Step, result: Outcome | ReconcilerError) -> None:
        if isinstance(result, Outcome):
            if result.status is Status.NOT_RUN:  # the stop came while it was tried; it may have been the last step
                self.stopped = self.stopped or self.bounds.reason(self._calls())
            self._record(result)
            return
        self._record(Outcome(step, self._change(step).action, Status.FAILED, message=str(result)))
        if isinstance(result, LedgerError | Locked):
            self.fatal = self.fatal or result

    def _record(self, outcome: Outcome) -> None:
        self.outcomes[outcome.step] = outcome
        if self.bounds.fail_fast and outcome.status is Status.FAILED:
            self.stopped = self.stopped or "a step failed (--fail-fast)"
        if self.listener:
            self.listener(outcome, len(self.outcomes), len(self.graph.order))

    def _change(self, step: Step) -> Change:
        return self.changes[step.address]

    def _calls(self) -> int:
        return self.runner.writer.calls.reads + self.runner.writer.calls.writes

    def _await_accepted(self) -> None:
        """Confirm accepted writes after the last one, with one list for each community.

        A write whose answer was lost and that the account does not show is sent once more and awaited again.
        """
        for may_repeat in (True, False):
            pending = {step: o for step, o in self.outcomes.items() if o.status is Status.PENDING}
            if self.fatal:
                return
            if not pending or self.bounds.reason(self._calls()):
                break
            accepted = AcceptedWrites(self.runner.writer, self.runner.ids, self.sleep, self.wait)
            for address, remote_id in accepted.wait(self._change(step) for step in pending).items():
                self._confirm(next(step for step in pending if step.address == address), remote_id)
            lost = [s for s in pending if s.address in self.runner.unconfirmed and self._is_pending(s)]
            if not lost or not may_repeat:
                break
            for step in lost:
                self._receive(step, self._repeat(step))
        self._fail_unconfirmed()

    def _fail_unconfirmed(self) -> None:
        """Fail writes that were neither accepted nor appeared; their intent stays open for the next run."""
        for step in [step for step, o in self.outcomes.items() if o.status is Status.PENDING]:
            if step.address in self.runner.unconfirmed:
                message = "no answer came, and the account does not show it; the next run looks again"
                self._receive(step, self.runner.fail_unconfirmed(replace(self.outcomes[step], message=message)))

    def _is_pending(self, step: Step) -> bool:
        return self.outcomes[step].status is Status.PENDING

    def _repeat(self, step: Step) -> Outcome | ReconcilerError:
        try:
            return self.runner.execute(step, self._change(step))
        except ReconcilerError as error:
            return error

    def _confirm(self, step: Step, remote_id: str) -> None:
        change, runner = self._change(step), self.runner
        entry = entry_after(
            change,
            runner.entries.get(step.address),
            remote_id,
            {},
            digest=runner.digest,
            now=runner.now(),
            run=runner.run,
            provenance=runner.provenance(change),
        )
        outcome = replace(self.outcomes[step], status=Status.DONE, remote_id=remote_id)
        try:
            runner.confirm(entry, outcome)
        except ReconcilerError as error:
            self.fatal = error
            return
        self.outcomes[step] = outcome

    def _report(self) -> Report:
        calls, outcomes = self.runner.writer.calls, tuple(self.outcomes.values())
        if self.fatal:
            reason, code = str(self.fatal), self.fatal.exit_code
            return Report(outcomes, calls.reads, calls.writes, self.runner.run, reason, code)
        return Report(outcomes, calls.reads, calls.writes, self.runner.run, self.stopped)


_SUCCEEDED = frozenset({Status.DONE, Status.PENDING})


#: Pauses between two reads, as shares of the whole wait; the first read is immediate.
SHARES = (1 / 15, 2 / 15, 4 / 15, 8 / 15)
PLAIN = Wire()

#: Sleeps for the given seconds; returns True if the run has to stop.
Sleep = Callable[[float], bool]


@dataclass(frozen=True)
class AcceptedWrites:
    """Waits up to ``seconds`` for accepted writes. ``ids`` maps contacts and parents to remote ids."""

    reader: Reader
    ids: Mapping[Address, str]
    sleep: Sleep
    seconds: float

    def wait(self, accepted: Iterable[Change]) -> dict[Address, str]:
        """Remote ids of the writes that appeared; the others are still pending."""
        waiting = {change.address: change for change in accepted}
        seen: dict[Address, str] = {}
        for share in (0.0, *SHARES):
            pause = share * self.seconds
            if not waiting or (pause and self.sleep(pause)):
                break
            try:
                seen |= self._look(waiting)
            except (GatewayError, Interrupted):
                break  # still pending, as far as known; the next run reads again
            waiting = {address: change for address, change in waiting.items() if address not in seen}
        return seen

    def _look(self, waiting: Mapping[Address, Change]) -> dict[Address, str]:
        seen: dict[Address, str] = {}
        for (kind_name, parent), changes in _by_parent(waiting.values()).items():
            kind = KINDS[kind_name]
            items = self._members(kind, parent)
            for change in changes:
                for item in items:
                    if is_the_one(kind, item, change.attrs, self.ids, PLAIN):
                        seen[change.address] = str(item[kind.remote_id])
        return seen

    def _members(self, kind: Kind, parent: Address) -> list[dict[str, Any]]:
        assert kind.lookup is not None
        (parameter,) = (key for key, name in kind.lookup.query.items() if kind.field(name).ref == parent.kind)
        pages = self.reader.walk(kind.lookup.path, {parameter: self.ids[parent]})
        return [item for page in pages for item in page]


def _by_parent(changes: Iterable[Change]) -> dict[tuple[str, Address], list[Change]]:
    """Group by parent: the reference that is not a person."""
    groups: dict[tuple[str, Address], list[Change]] = {}
    for change in changes:
        for value in change.attrs.values():
            if isinstance(value, Ref) and not KINDS[value.target.kind].person:
                groups.setdefault((change.address.kind, value.target), []).append(change)
    return groups
