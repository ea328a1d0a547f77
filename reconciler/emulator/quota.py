"""The two rate limits: the vendor's window and the gateway's token bucket."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.emulator.options import Quota

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class QuotaDecision:
    """Whether a request is allowed, and the quota headers of its answer."""

    allowed: bool
    headers: dict[str, str]


class Window:
    """The vendor's quota: full again `per_seconds` after the first request of the window (api.md 4)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = -math.inf
        self._used = 0

    def take(self, quota: Quota) -> QuotaDecision:
        now = self._clock()
        if now - self._began >= quota.per_seconds:
            self._began, self._used = now, 0
        allowed = self._used < quota.limit
        self._used += allowed
        refill = math.ceil(self._began + quota.per_seconds - now)
        headers = {
            "X-RateLimit-Limit": str(quota.limit),
            "X-RateLimit-Remaining": str(quota.limit - self._used),
            "X-RateLimit-Refill": str(refill),
        }
        if not allowed:
            headers["Retry-After"] = str(refill if quota.retry_after is None else quota.retry_after)
        return QuotaDecision(allowed, headers)


class Bucket:
    """The gateway's limit: `per_second` requests a second with a burst of the same size (api.md 10)."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self.per_second = per_second
        self._clock = clock
        self._tokens = per_second
        self._at = clock()

    def take(self) -> bool:
        now = self._clock()
        self._tokens = min(self.per_second, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
