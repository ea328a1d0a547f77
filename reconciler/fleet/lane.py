"""Runs lanes: the accounts of one API key, which share its rate limit in one process. A few run side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from reconciler.fleet.account import AccountJob, AccountOutput, run_account
from reconciler.gateway.headers import quota
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.model.fleet import AccountResult, AccountState

#: Maximum number of accounts that one process runs at once, not counting one of each lane, so that no lane waits for
#: another. Each account has its ledger open and its resources in memory.
MAX_PARALLEL = 32

#: Called with each account as it ends, in any thread.
Send = Callable[[AccountOutput], None]


@dataclass(frozen=True)
class Lane:
    """The accounts of one API key; ``rate_limit`` is that of the key, ``parallel`` the number that run at once."""

    key: str
    jobs: tuple[AccountJob, ...]
    rate_limit: float = 10.0
    parallel: int = 4


def lanes_of(jobs: Iterable[AccountJob], rate_limit: float, parallel: int) -> list[Lane]:
    """One lane for each key, that with the most accounts first."""
    found: dict[str, list[AccountJob]] = {}
    for job in jobs:
        found.setdefault(job.account.key, []).append(job)
    lanes = [Lane(key, tuple(each), rate_limit, parallel) for key, each in found.items()]
    return sorted(lanes, key=lambda lane: -len(lane.jobs))


@dataclass
class LaneControl:
    """Ends lanes early: after ``halted`` no further account begins, ``stop`` also ends those under way."""

    halted: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether no further account may begin."""
        return self.halted.is_set() or self.stop.is_set()


class AccountRateLimiter(RateLimiter):
    """The rate limit of one account of a lane: its own quota, and its share of the key's.

    The vendor's quota headers and 429s are about one account and slow only that one. A 429 without them is the
    gateway's (api.md §4) and slows the lane.
    """

    def __init__(self, lane: RateLimiter) -> None:
        super().__init__(0)
        self._lane = lane

    def take(self, stop: threading.Event | None = None, patience: float | None = None) -> None:
        """Return when one call may leave, by the limits of both."""
        super().take(stop, patience)
        self._lane.take(stop, patience)

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Adapt to one answer: a 429 without quota headers slows the lane, any other only this account."""
        reported = quota(headers, time.time())
        unnamed = reported.limit is None and reported.remaining is None and reported.retry_after is None
        if status == 429 and unnamed:
            self._lane.observe(headers, status)
        else:
            super().observe(headers, status)


_LIMITERS: dict[tuple[str, float], RateLimiter] = {}
_LIMITERS_LOCK = threading.Lock()


def rate_limiter_of(lane: Lane) -> RateLimiter:
    """The rate limiter of a key, the same for all waves of this process, so that no wave begins with a new burst."""
    with _LIMITERS_LOCK:
        return _LIMITERS.setdefault((lane.key, lane.rate_limit), RateLimiter(lane.rate_limit))


_SLOTS = threading.BoundedSemaphore(MAX_PARALLEL)


def run_lanes(lanes: Sequence[Lane], send: Send, control: LaneControl) -> None:
    """Run all accounts of these lanes; ``send`` gets each result once, also of accounts that were not begun.

    Each lane begins with one account before any lane begins a second one.
    """
    queues = [(_queue_of(lane.jobs), lane) for lane in lanes]
    most = max((min(lane.parallel, len(lane.jobs)) for lane in lanes), default=0)
    threads = sum(min(lane.parallel, len(lane.jobs)) for lane in lanes) or 1
    with ThreadPoolExecutor(threads, thread_name_prefix="account") as pool:
        runs = [
            pool.submit(_work, jobs, rate_limiter_of(lane), send, control, _SLOTS if turn else nullcontext())
            for turn in range(most)
            for jobs, lane in queues
            if turn < min(lane.parallel, len(lane.jobs))
        ]
    for run in runs:
        run.result()


def _queue_of(jobs: Iterable[AccountJob]) -> queue.SimpleQueue[AccountJob]:
    found: queue.SimpleQueue[AccountJob] = queue.SimpleQueue()
    for job in jobs:
        found.put(job)
    return found


def _work(
    jobs: queue.SimpleQueue[AccountJob],
    limiter: RateLimiter,
    send: Send,
    control: LaneControl,
    slot: AbstractContextManager[object],
) -> None:
    """Run the accounts of a lane one after another until its queue is empty."""
    while True:
        with slot:
            try:
                job = jobs.get_nowait()
            except queue.Empty:
                return
            begun = not control.is_over
            output = run_account(job, AccountRateLimiter(limiter), control.stop) if begun else not_run(job)
        send(output)


def not_run(job: AccountJob, why: str = "") -> AccountOutput:
    """The result of an account that was not begun."""
    account = job.account
    result = AccountResult(account.name, AccountState.NOT_RUN, error=why, key=account.key, wave=job.wave)
    return AccountOutput(result, {})
