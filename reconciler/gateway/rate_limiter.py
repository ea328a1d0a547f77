"""Turns a rate, and what the answers say about the quota, into the moments at which calls may leave."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from reconciler.errors import Interrupted, Throttled
from reconciler.gateway.headers import quota

#: Sleeps so many seconds, or until the event is set; True when it was set.
Sleep = Callable[[float, threading.Event | None], bool]

#: The slowest that a 429 makes us, in calls per second.
FLOOR = 0.5
#: Quiet seconds (no 429) after which the rate grows again, and by how much.
STEP, GROWTH = 10.0, 1.5
#: 429s within so many seconds stem from one burst and slow us down once.
ONE_BURST = 1.0
#: The wait when a quota is used up and nothing usable says until when.
UNKNOWN_REFILL = 1.0
#: The shortest sleep; rounding must not make a loop of empty ones.
TICK = 0.001

STOPPED = "interrupted; no further call was made"


def doze(seconds: float, stop: threading.Event | None) -> bool:
    """Sleep, ended early by ``stop``; True when that is set."""
    if stop is not None:
        return stop.wait(seconds)
    time.sleep(seconds)
    return False


class RateLimiter:
    """One token bucket for all workers and threads, and one approval that the quota headers close for all of them.

    In any window of t seconds no more than ``rate * t + burst`` calls leave. ``rate`` is in calls per second,
    0 means no limit of our own; the approval holds in any case.
    """

    def __init__(
        self,
        rate: float = 10.0,
        burst: int = 10,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        wait: Sleep = doze,
    ) -> None:
        if not (math.isfinite(rate) and rate >= 0 and burst >= 1):
            raise ValueError(f"a rate limit needs a rate from 0 and a burst from 1, not {rate} and {burst}")
        self._rate, self._burst = float(rate), burst
        self._clock, self._wall, self._wait = clock, wall, wait
        self._lock = threading.Lock()
        self._current, self._goal = self._rate, self._rate
        self._tokens, self._counted = float(burst), clock()
        self._quiet_until = -math.inf
        self._slowed, self._stepped = -math.inf, -math.inf
        self._recent: deque[float] = deque(maxlen=1024)

    @property
    def rate(self) -> float:
        """Calls per second at this moment; 0 when nothing limits them."""
        with self._lock:
            self._settle(self._clock())
            return self._current

    @property
    def closed_for(self) -> float:
        """Seconds for which an answer closed the approval to everybody, from now on; 0 while it is open."""
        with self._lock:
            return max(0.0, self._quiet_until - self._clock())

    def take(self, stop: threading.Event | None = None, patience: float | None = None) -> None:
        """Return when one call may leave.

        Raises Interrupted when ``stop`` is set, before or during the wait, and Throttled when the approval stays
        closed for more than ``patience`` seconds; in both cases no call may leave.
        """
        while True:
            if stop is not None and stop.is_set():
                raise Interrupted(STOPPED)
            approval, delay = self._claim()
            if patience is not None and approval > max(patience, 0.0):
                raise Throttled(
                    f"the quota is used up for another {approval:.0f} s", status=429, retry_after=approval
                )
            if approval <= 0 and delay <= 0:
                return
            if self._wait(max(approval, delay, TICK), stop):
                raise Interrupted(STOPPED)

    def heard(self, headers: Mapping[str, str], status: int) -> None:
        """Take note of one answer: its quota headers (api.md §4) and whether it was a 429."""
        said = quota(headers, self._wall())
        if status != 429 and said.remaining is None and said.limit is None and said.retry_after is None:
            return
        with self._lock:
            now = self._clock()
            self._settle(now)
            if said.limit:
                self._tokens = min(self._tokens, float(said.limit))
            if said.remaining == 0:
                self._close(now, said.refill or said.retry_after or UNKNOWN_REFILL)
            if status in (429, 503) and said.retry_after is not None:
                self._close(now, said.retry_after)
            elif status == 429:
                self._slow_down(now)

    def _claim(self) -> tuple[float, float]:
        """Seconds until the approval opens and until a token is there; the token is taken when both are 0."""
        with self._lock:
            now = self._clock()
            self._settle(now)
            if now < self._quiet_until:
                return self._quiet_until - now, 0.0
            if self._current:
                if self._tokens < 1 - 1e-9:
                    return 0.0, (1 - self._tokens) / self._current
                self._tokens = max(0.0, self._tokens - 1)
            self._recent.append(now)
            return 0.0, 0.0

    def _settle(self, now: float) -> None:
        """Bring rate and tokens up to ``now``."""
        while self._current != self._rate and now - self._stepped >= STEP:
            self._stepped += STEP
            self._current *= GROWTH
            if self._current >= self._goal:
                self._current = self._rate
        gained = max(0.0, now - self._counted) * self._current
        self._tokens = min(float(self._burst), self._tokens + gained)
        self._counted = max(now, self._counted)

    def _close(self, now: float, seconds: float) -> None:
        self._quiet_until = max(self._quiet_until, now + seconds)

    def _slow_down(self, now: float) -> None:
        """Halve the rate; without one of our own, the rate at which calls left during the last second."""
        if now - self._slowed < ONE_BURST:
            return
        if not self._current:
            self._goal = float(max(1, sum(1 for moment in self._recent if now - moment <= 1)))
        floor = min(FLOOR, self._rate or FLOOR)
        self._current = max(floor, (self._current or self._goal) / 2)
        self._tokens = min(self._tokens, 1.0)
        self._slowed = self._stepped = now
