"""A clock that only moves when somebody sleeps on it, and clients that use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.gateway.client import HttpClient, Writer
from reconciler.gateway.rate_limiter import RateLimiter

KEY = "k-0123456789abcdef"


class Clock:
    """Seconds since it was made; ``wait`` sleeps on it and remembers how long."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float, stop: threading.Event | None) -> bool:
        self.naps.append(seconds)
        self.now += seconds
        return stop is not None and stop.is_set()


@pytest.fixture
def clock() -> Clock:
    """A fresh clock."""
    return Clock()


Build = Callable[..., Any]


@pytest.fixture
def build(clock: Clock) -> Iterator[Build]:
    """Makes a client on the fake clock, without a rate limit of its own, and closes it at the end."""
    made: list[HttpClient] = []

    def make(url: str, kind: type[HttpClient] = Writer, **options: Any) -> HttpClient:
        options.setdefault("rate_limit", RateLimiter(0, clock=clock, wall=lambda: 0.0, wait=clock.wait))
        settings = {"clock": clock, "sleep": clock.wait, "chance": lambda: 0.5, **options}
        made.append(kind(url, settings.pop("api_key", KEY), **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, CA bundle or netrc of the machine reaches a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
