"""Patience without waiting: retries at once, a rate limit whose clock is turned by hand, short time-outs."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from reconciler.commands import session
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.gateway.retry import Retries

RETRIES = Retries(first=0.0, longest=0.0)
#: Seconds to connect and to wait for an answer: long for a busy machine, short for a test.
TIMEOUT = (5.0, 0.6)


class Hands:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.time, self.lock = 0.0, threading.Lock()

    def __call__(self) -> float:
        return self.time

    def wait(self, seconds: float, stop: threading.Event | None) -> bool:
        """No time passes but on this clock."""
        with self.lock:
            self.time += seconds
        return stop is not None and stop.is_set()


def make_hasty(patch: pytest.MonkeyPatch) -> None:
    """Every session from now on, through arguments that its parts have anyway."""

    def rate_limit(rate: float) -> RateLimiter:
        hands = Hands()
        return RateLimiter(rate, clock=hands, wait=hands.wait)

    options = session.Session._account_options

    def hurried(self: session.Session) -> dict[str, Any]:
        return {**options(self), "retries": RETRIES, "timeout": TIMEOUT}

    patch.setattr(session, "RateLimiter", rate_limit)
    patch.setattr(session.Session, "_account_options", hurried)
