"""The rate limiter that all workers share: a token bucket whose rate adapts to 429s and to quota headers."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from reconciler.errors import Interrupted, Throttled
from reconciler.gateway.headers import quota

#: Sleeps for the given seconds or until the event is set; returns whether it was set.
Sleep = Callable[[float, threading.Event | None], bool]

#: The lowest rate after 429s, in calls per second.
MIN_RATE = 0.5
#: After these seconds without a 429 the rate grows by this factor, up to the configured one.
RECOVERY_SECONDS, RECOVERY_FACTOR = 10.0, 1.5
#: 429s within these seconds belong to one burst of calls and lower the rate once.
BURST_SECONDS = 1.0
#: Seconds to wait when a quota is used up and no header says until when.
UNKNOWN_REFILL = 1.0
#: The shortest sleep; prevents a busy loop caused by rounding.
MIN_SLEEP = 0.001

STOPPED = "interrupted; no further call was made"


def sleep_unless_stopped(seconds: float, stop: threading.Event | None) -> bool:
    """Sleep, ended early by ``stop``; True when that is set."""
    if stop is not None:
        return stop.wait(seconds)
    time.sleep(seconds)
    return False


class RateLimiter:
    """A token bucket for all threads, and a pause that the quota headers impose on all of them.

    In any window of t seconds at most ``rate * t + burst`` calls are sent. ``rate`` is in calls per second;
    0 means no limit. Pauses that the server asks for apply in any case. ``burst`` calls may be sent at once: by
    default those of one second, from 1 to 10, so that a limit per minute holds from the first call on. ``clock`` is
    monotonic, ``wall`` gives seconds of the epoch for headers with dates; both and ``wait`` are replaced in tests.
    """

    def __init__(
        self,
        rate: float = 10.0,
        burst: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        wait: Sleep = sleep_unless_stopped,
    ) -> None:
        if burst is None:
            burst = max(1, min(10, int(rate))) if 0 < rate < 10 else 10
        if not (math.isfinite(rate) and rate >= 0 and burst >= 1):
            raise ValueError(f"a rate limit needs a rate from 0 and a burst from 1, not {rate} and {burst}")
        self._rate, self._burst = float(rate), burst
        self._clock, self._wall, self._wait = clock, wall, wait
        self._lock = threading.Lock()
        self._current, self._goal = self._rate, self._rate
        self._tokens, self._counted = float(burst), clock()
        self._paused_until = -math.inf
        self._slowed_at, self._grown_at = -math.inf, -math.inf
        self._recent: deque[float] = deque(maxlen=1024)

    @property
    def rate(self) -> float:
        """Current limit in calls per second; 0 for none."""
        with self._lock:
            self._update(self._clock())
            return self._current

    @property
    def paused_for(self) -> float:
        """Seconds left of the pause that the server asked for; 0 if there is none."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock())

    def take(self, stop: threading.Event | None = None, patience: float | None = None) -> None:
        """Wait until one call may be sent.

        Raises Interrupted when ``stop`` is set, before or during the wait, and Throttled when a pause lasts longer
        than ``patience`` seconds; in both cases the call must not be sent.
        """
        while True:
            if stop is not None and stop.is_set():
                raise Interrupted(STOPPED)
            pause, delay = self._try_take()
            if patience is not None and pause > max(patience, 0.0):
                raise Throttled(f"the quota is used up for another {pause:.0f} s", status=429, retry_after=pause)
            if pause <= 0 and delay <= 0:
                return
            if self._wait(max(pause, delay, MIN_SLEEP), stop):
                raise Interrupted(STOPPED)

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Adapt to one answer: to its quota headers (api.md §4), and to a 429."""
        reported = quota(headers, self._wall())
        if status != 429 and reported.remaining is None and reported.limit is None and reported.retry_after is None:
            return
        with self._lock:
            now = self._clock()
            self._update(now)
            if reported.limit:
                self._tokens = min(self._tokens, float(reported.limit))
            if reported.remaining == 0:
                self._pause(now, reported.refill or reported.retry_after or UNKNOWN_REFILL)
            if status in (429, 503) and reported.retry_after is not None:
                self._pause(now, reported.retry_after)
            elif status == 429:
                self._slow_down(now)

    def _try_take(self) -> tuple[float, float]:
        """Seconds until the pause ends and until a token is available; takes the token if both are 0."""
        with self._lock:
            now = self._clock()
            self._update(now)
            if now < self._paused_until:
                return self._paused_until - now, 0.0
            if self._current:
                if self._tokens < 1 - 1e-9:
                    return 0.0, (1 - self._tokens) / self._current
                self._tokens = max(0.0, self._tokens - 1)
            self._recent.append(now)
            return 0.0, 0.0

    def _update(self, now: float) -> None:
        """Update rate and tokens to ``now``."""
        while self._current != self._rate and now - self._grown_at >= RECOVERY_SECONDS:
            self._grown_at += RECOVERY_SECONDS
            self._current *= RECOVERY_FACTOR
            if self._current >= self._goal:
                self._current = self._rate
        gained = max(0.0, now - self._counted) * self._current
        self._tokens = min(float(self._burst), self._tokens + gained)
        self._counted = max(now, self._counted)

    def _pause(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + seconds)

    def _slow_down(self, now: float) -> None:
        """Halve the rate; without a limit, half of the calls sent during the last second."""
        if now - self._slowed_at < BURST_SECONDS:
            return
        if not self._current:
            self._goal = float(max(1, sum(1 for moment in self._recent if now - moment <= 1)))
        floor = min(MIN_RATE, self._rate or MIN_RATE)
        self._current = max(floor, (self._current or self._goal) / 2)
        self._tokens = min(self._tokens, 1.0)
        self._slowed_at = self._grown_at = now
