"""Waiting for a connection, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.commands.connections import POLL, wait_until_active
from reconciler.errors import Interrupted, NotConnected
from reconciler.gateway.connections import Connection


class Slow:
    """A connection that shows these statuses, one look after the other, and the last one for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.now = list(statuses), 0.0
        self.naps: list[float] = []

    def get(self, wanted: str) -> Connection:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Connection(wanted, status, "systeme")

    def sleep(self, seconds: float) -> bool:
        self.naps.append(seconds)
        self.now += seconds
        return False

    def wait(self, seconds: float, **more: Any) -> Connection:
        options: Any = {"sleep": self.sleep, "clock": lambda: self.now, **more}
        return wait_until_active(self, "c1", seconds, **options)  # type: ignore[arg-type]


def test_it_looks_until_it_is_active() -> None:
    """Every two seconds, and not once more."""
    slow = Slow("PENDING", "PENDING", "ACTIVE")
    assert slow.wait(300).status == "ACTIVE"
    assert slow.naps == [POLL, POLL]


def test_it_does_not_wait_for_ever() -> None:
    """The last sleep is as long as there is time; the message says how to go on."""
    slow = Slow("PENDING")
    with pytest.raises(NotConnected, match=r"c1 is still PENDING after 5 s; .*`reconciler connections show c1`"):
        slow.wait(5)
    assert slow.naps == [2, 2, 1]


def test_a_failure_ends_it() -> None:
    """With the remedy."""
    slow = Slow("PENDING", "FAILED")
    with pytest.raises(NotConnected, match="c1 FAILED: delete it with `reconciler connections delete c1`"):
        slow.wait(300)


def test_somebody_may_stop_it() -> None:
    """What was made stays, and is said."""
    with pytest.raises(Interrupted, match="connection c1 is PENDING, and stays"):
        Slow("PENDING").wait(300, sleep=lambda seconds: True)
