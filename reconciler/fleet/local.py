"""Runs lanes in worker processes of this machine. A pipe to each transports its results, and commands to stop.

If a pipe ends, the worker was killed: a new worker gets its unfinished accounts, twice at most. A worker whose pipe
ends has no driver any more and stops as for Ctrl-C.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from reconciler.fleet.account import AccountJob, AccountOutput
from reconciler.fleet.check import problems_of, raise_problems
from reconciler.fleet.lane import Lane, LaneControl, not_run, run_lanes
from reconciler.model.fleet import AccountState

#: Number of times that a lane is begun again after its worker was killed.
RETRIES = 2

HALT, STOP = "halt", "stop"


@dataclass
class _Worker:
    """A worker process, its lanes, the accounts of them that have ended, and how often they were begun before."""

    process: BaseProcess
    lanes: list[Lane]
    attempt: int
    done: set[str] = field(default_factory=set)


class LocalEngine:
    """Runs lanes on a number of worker processes of this machine, one run at a time."""

    def __init__(self, workers: int) -> None:
        self._workers = max(1, workers)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._open: dict[Connection, _Worker] = {}
        self._command = ""

    def run(self, lanes: Sequence[Lane]) -> Iterator[AccountOutput]:
        """Yields each account as it ends."""
        for share in lanes_by_worker(lanes, self._workers):
            self._start(share, 0)
        try:
            while self._open:
                for pipe in wait(list(self._open)):
                    assert isinstance(pipe, Connection)
                    yield from self._receive(pipe)
        finally:
            for worker in self._open.values():
                worker.process.terminate()

    def check(self, jobs: Sequence[AccountJob]) -> None:
        """Raise ConfigurationError with every reason why these accounts cannot be run on this machine."""
        raise_problems(problems_of(jobs, os.environ))

    def halt(self) -> None:
        """Begin no further account; those under way end."""
        self._send(self._command or HALT)

    def stop(self) -> None:
        """End the accounts under way in order, as soon as possible."""
        self._send(STOP)

    def close(self) -> None:
        """Does nothing: no process outlives a run."""

    def _send(self, command: str) -> None:
        self._command = command
        for pipe in list(self._open):
            with contextlib.suppress(OSError):
                pipe.send(command)

    def _start(self, lanes: list[Lane], attempt: int) -> None:
        near_end, far_end = self._context.Pipe()
        process = self._context.Process(target=run_worker, args=(far_end, lanes, dict(os.environ)), daemon=True)
        process.start()
        far_end.close()
        self._open[near_end] = _Worker(process, lanes, attempt)
        if self._command:
            near_end.send(self._command)

    def _receive(self, pipe: Connection) -> Iterator[AccountOutput]:
        try:
            output = pipe.recv()
        except (EOFError, OSError):
            yield from self._replace_worker(pipe)
            return
        if output is None:
            worker = self._open.pop(pipe)
            pipe.close()
            worker.process.join()
            return
        self._open[pipe].done.add(output.result.name)
        yield output

    def _replace_worker(self, pipe: Connection) -> Iterator[AccountOutput]:
        """Begin the rest of the lanes of a killed worker again; after RETRIES, yield the accounts as failed."""
        worker = self._open.pop(pipe)
        pipe.close()
        worker.process.join()
        lanes = remaining_lanes(worker.lanes, worker.done)
        if worker.attempt < RETRIES and not self._command and lanes:
            self._start(lanes, worker.attempt + 1)
            return
        why = f"its worker process was killed (exit code {worker.process.exitcode})"
        for lane in lanes:
            for job in lane.jobs:
                yield failed(not_run(job, why))


def failed(output: AccountOutput) -> AccountOutput:
    """The result of an account whose worker was killed: a failure, since its progress is not known."""
    return output._replace(result=replace(output.result, state=AccountState.FAILED, exit_code=1))


def lanes_by_worker(lanes: Sequence[Lane], workers: int) -> list[list[Lane]]:
    """The lanes for each worker: the longest lane to the one with the fewest accounts so far."""
    found: list[list[Lane]] = [[] for _ in range(min(workers, len(lanes)))]
    for lane in sorted(lanes, key=lambda lane: -len(lane.jobs)):
        min(found, key=lambda share: sum(len(each.jobs) for each in share)).append(lane)
    return found


def remaining_lanes(lanes: Iterable[Lane], done: Container[str]) -> list[Lane]:
    """The lanes without the accounts that have ended."""
    left = [replace(lane, jobs=tuple(job for job in lane.jobs if job.account.name not in done)) for lane in lanes]
    return [lane for lane in left if lane.jobs]


def run_worker(pipe: Connection, lanes: list[Lane], environ: dict[str, str]) -> None:
    """The main function of a worker process, which uses the driver's environment variables."""
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all processes; the driver decides
    control, sending = LaneControl(), threading.Lock()
    threading.Thread(target=_listen, args=(pipe, control), daemon=True).start()

    def send(output: AccountOutput | None) -> None:
        with sending, contextlib.suppress(OSError):  # without a driver there is nobody to report to
            pipe.send(output)

    run_lanes(lanes, send, control)
    send(None)


def _listen(pipe: Connection, control: LaneControl) -> None:
    while True:
        try:
            command = pipe.recv()
        except (EOFError, OSError):
            command = STOP
        control.halted.set()
        if command == STOP:
            control.stop.set()
            return
