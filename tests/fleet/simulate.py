"""How long a large fleet takes, by the costs of one account: ``python -m tests.fleet.simulate --accounts 10000``.

A simulation of events, not of code. An account takes a slot of its worker, then makes its requests one after the
other: each waits for the rate limit of its lane (a token bucket), takes its latency, and then its share of the
account's processor time, for which the accounts of a worker queue, as Python runs one thread of a process at a time.
Lanes are given to workers as `reconciler fleet` gives them. What is left out: retries, and writes beyond the given
requests.

The default costs: three requests and 42 ms of processor time are those of an account with 20 resources (see
`tests.fleet.measure`); 200 ms of latency is an assumption.
"""

from __future__ import annotations

import argparse
import heapq
from collections import deque
from typing import NamedTuple


class Costs(NamedTuple):
    """Of one account: requests, seconds of processor time, seconds of latency of a request."""

    requests: int = 3
    processor: float = 0.042
    latency: float = 0.2


class Setting(NamedTuple):
    """A fleet and what runs it. ``rate`` and ``burst`` are of a key, ``parallel`` accounts of a key run side by side,
    ``slots`` accounts of a worker."""

    accounts: int = 10_000
    keys: int = 100
    workers: int = 2
    rate: float = 10.0
    burst: int = 10
    parallel: int = 4
    slots: int = 32


class Simulated(NamedTuple):
    """Seconds of the whole run, and of each bound: rate limits, processors."""

    seconds: float
    by_rate: float
    by_processor: float

    @property
    def share(self) -> float:
        """The run against the larger bound."""
        return self.seconds / max(self.by_rate, self.by_processor, 1e-9)


class _Worker:
    """The processor of one worker, its free slots, and the accounts that wait for one, lane by lane."""

    def __init__(self, slots: int) -> None:
        self.free, self.until = slots, 0.0
        self.waiting: deque[int] = deque()


class _Bucket:
    """Gives the time at which each request may leave; requests come in the order of time."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, float(burst), float(burst), 0.0

    def leave(self, now: float) -> float:
        """The moment at which a request that comes now may leave."""
        now = max(now, self.at)
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate) - 1
        self.at = now
        if self.tokens < 0:
            self.at = now - self.tokens / self.rate
            self.tokens = 0.0
        return self.at


def simulate(setting: Setting, costs: Costs) -> Simulated:
    """One steady plan of the whole fleet."""
    lanes = [setting.accounts // setting.keys + (n < setting.accounts % setting.keys) for n in range(setting.keys)]
    buckets = [_Bucket(setting.rate, setting.burst) for _ in lanes]
    workers = [_Worker(setting.slots) for _ in range(setting.workers)]
    left = list(lanes)
    for turn in range(setting.parallel):
        for lane, size in enumerate(lanes):
            if turn < size:
                workers[lane % setting.workers].waiting.append(lane)
    events: list[tuple[float, int, int, int]] = []  # moment, order, lane, requests that are left of the account
    order = 0

    def begin(worker: _Worker, now: float) -> None:
        nonlocal order
        while worker.free and worker.waiting:
            lane = worker.waiting.popleft()
            if left[lane]:
                left[lane] -= 1
                worker.free -= 1
                order += 1
                heapq.heappush(events, (now, order, lane, costs.requests))

    for worker in workers:
        begin(worker, 0.0)
    end = 0.0
    while events:
        now, _, lane, requests = heapq.heappop(events)
        worker = workers[lane % setting.workers]
        if not requests:
            end = max(end, now)
            worker.free += 1
            worker.waiting.append(lane)
            begin(worker, now)
            continue
        answered = buckets[lane].leave(now) + costs.latency
        worker.until = max(worker.until, answered) + costs.processor / costs.requests
        order += 1
        heapq.heappush(events, (worker.until, order, lane, requests - 1))
    by_rate = max(0.0, (max(lanes) * costs.requests - setting.burst) / setting.rate)
    return Simulated(end, by_rate, setting.accounts * costs.processor / setting.workers)


def main() -> None:
    """Print a table by numbers of accounts, keys and workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, nargs="+", default=[50, 1_000, 10_000])
    parser.add_argument("--keys", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 8])
    for name, value in Costs()._asdict().items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    given = parser.parse_args()
    costs = Costs(given.requests, given.processor, given.latency)
    print("accounts  keys  workers  minutes  bound by                  of the bound")
    for accounts in given.accounts:
        for keys in given.keys:
            for workers in given.workers if keys <= accounts else ():
                found = simulate(Setting(accounts, keys, min(workers, keys)), costs)
                bound = "rate limits" if found.by_rate >= found.by_processor else "processors"
                words = f"{bound} {max(found.by_rate, found.by_processor) / 60:8.1f} min"
                print(
                    f"{accounts:8}  {keys:4}  {workers:7}  {found.seconds / 60:7.1f}  {words:24}  {found.share:.2f}"
                )


if __name__ == "__main__":
    main()
