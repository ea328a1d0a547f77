"""How long tests wait for something that has to come: long, since a busy machine is no failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

#: Seconds. What does not come at all ends a test after this time, what does come ends the wait at once.
PATIENCE = 120.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until the condition holds; a failure when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


def line_with(text: str, stream: IO[str]) -> str:
    """Read lines of a process up to the one that holds the text."""
    while line := stream.readline():
        if text in line:
            return line
    raise AssertionError(f"the stream ended without {text!r}")
