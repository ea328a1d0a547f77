"""Reads and outcomes as they come → a picture on a terminal, heartbeat lines elsewhere, events on request."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.cli.pulse import Pulse, Reads, Writes
from reconciler.cli.terminal import say, show
from reconciler.model.plan import Step
from reconciler.model.report import Outcome, Status
from reconciler.render.text import outcome_line

Listener = Callable[[Outcome, int, int], None]
#: Up to so many steps each has a line off a terminal; above, the failures have, and a heartbeat tells of the rest.
FEW = 50
BAD = (Status.FAILED, Status.SKIPPED)


@dataclass(frozen=True)
class Manner:
    """How a run tells how far it is: ``seconds`` between heartbeats (0: none), ``events`` the stream of them."""

    quiet: bool = False
    seconds: float = 10.0
    events: Any = None


class Heart:
    """Beats every ``seconds`` in a thread of its own until it is left; a short run hears none."""

    def __init__(self, seconds: float, beat: Callable[[], None]) -> None:
        self._seconds, self._beat, self._end = seconds, beat, threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            self._beat()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def draws(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether standard error is a terminal on which lines can be redrawn."""
    return sys.stderr.isatty() and environ.get("TERM") not in ("dumb", "unknown")


@contextmanager
def reading(pulse: Reads, manner: Manner) -> Iterator[Callable[..., None] | None]:
    """What readers tell of every page they have read."""
    if manner.quiet and manner.events is None:
        yield None
        return
    with ExitStack() as told:
        if draws() and not manner.quiet:
            from reconciler.cli.bars import drawn

            told.enter_context(drawn(pulse, "reading"))
        _beating(told, pulse, manner)
        yield pulse.reached


@contextmanager
def following(order: Sequence[Step], pulse: Writes, manner: Manner) -> Iterator[Listener | None]:
    """A listener for the outcomes of these steps, a part of which may have two: accepted, and then there."""
    pulse.expect(step.address.kind for step in order)
    if not order or (manner.quiet and manner.events is None):
        yield None
        return
    with ExitStack() as told:
        tell = _teller(told, pulse, manner, len(order))
        _beating(told, pulse, manner)

        def listener(outcome: Outcome, done: int, total: int) -> None:
            pulse.ended(outcome)
            tell(outcome, done, total)
            if manner.events is not None:
                manner.events.ended(outcome, done, total)

        yield listener


def _teller(told: ExitStack, pulse: Writes, manner: Manner, steps: int) -> Listener:
    """What people are shown of each outcome."""
    if manner.quiet:
        return lambda outcome, done, total: None
    if draws():
        from reconciler.cli.bars import above, drawn

        live = told.enter_context(drawn(pulse, "applying"))
        return lambda outcome, done, total: above(live, _row(outcome, done, total)) if _is_bad(outcome) else None
    if steps <= FEW:
        return _line
    return lambda outcome, done, total: _line(outcome, done, total) if outcome.status is Status.FAILED else None


def _row(outcome: Outcome, done: int, total: int) -> Any:
    return outcome_line(outcome, done, total)


def _is_bad(outcome: Outcome) -> bool:
    return outcome.status in BAD


def _line(outcome: Outcome, done: int, total: int) -> None:
    from reconciler.cli.streams import Talk

    stream: Any = sys.stderr
    row = outcome_line(outcome, done, total)
    if isinstance(stream, Talk):
        level = "error" if outcome.status is Status.FAILED else "info"
        step = outcome.step
        say("".join(text for text, _ in row).strip(), level, "step", address=str(step.address), verb=step.verb.value,
            status=outcome.status.value, done=done, total=total)  # fmt: skip
    else:
        show([row], err=True)


def _beating(told: ExitStack, pulse: Pulse, manner: Manner) -> None:
    """Lines off a terminal, events in any case."""
    speaks = not manner.quiet and not draws()
    if not manner.seconds or not (speaks or manner.events is not None):
        return

    def beat() -> None:
        if speaks:
            say(pulse.line(), "info", "heartbeat", **pulse.fields())
        if manner.events is not None:
            manner.events.heartbeat(pulse)

    told.enter_context(Heart(manner.seconds, beat))
