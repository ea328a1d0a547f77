"""Listeners of a run: they show its progress on a terminal, or as heartbeat lines elsewhere, and write its events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from reconciler.cli.logs import is_json, log
from reconciler.cli.progress import Events, Progress, ReadProgress, WriteProgress
from reconciler.cli.terminal import is_screen, print_lines
from reconciler.model.plan import Step
from reconciler.model.report import Outcome, Status
from reconciler.output.text import outcome_line

Listener = Callable[[Outcome, int, int], None]
#: Steps up to which each has a line when not on a terminal; with more steps, only failures have.
FEW = 50
BAD = (Status.FAILED, Status.SKIPPED)


@dataclass(frozen=True)
class ProgressStyle:
    """How progress is shown: ``seconds`` between heartbeats (0: none), ``events`` their stream."""

    quiet: bool = False
    seconds: float = 10.0
    events: Events | None = None


class Heartbeat:
    """Calls ``beat`` every ``seconds`` in a thread, first after that time."""

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


@contextmanager
def reading(progress: ReadProgress, style: ProgressStyle) -> Iterator[Callable[..., None] | None]:
    """Show the progress of reading; yields the listener for counts, or None if nothing is shown."""
    if style.quiet and style.events is None:
        yield None
        return
    with ExitStack() as displays:
        if is_screen() and not style.quiet:
            from reconciler.cli.progress_display import drawn

            displays.enter_context(drawn(progress, "reading"))
        _beating(displays, progress, style)
        yield progress.reached


@contextmanager
def following(order: Sequence[Step], progress: WriteProgress, style: ProgressStyle) -> Iterator[Listener | None]:
    """Show the progress of these steps; yields the listener for outcomes. A pending step has two outcomes."""
    progress.expect(step.address.kind for step in order)
    if not order or (style.quiet and style.events is None):
        yield None
        return
    with ExitStack() as displays:
        tell = _teller(displays, progress, style, len(order))
        _beating(displays, progress, style)

        def listener(outcome: Outcome, done: int, total: int) -> None:
            progress.ended(outcome)
            tell(outcome, done, total)
            if style.events is not None:
                style.events.ended(outcome, done, total)

        yield listener


def _teller(displays: ExitStack, progress: WriteProgress, style: ProgressStyle, steps: int) -> Listener:
    """The listener that prints outcomes for people."""
    if style.quiet:
        return lambda outcome, done, total: None
    if is_screen():
        from reconciler.cli.progress_display import above, drawn

        live = displays.enter_context(drawn(progress, "applying"))
        return lambda outcome, done, total: above(live, outcome_line(outcome)) if outcome.status in BAD else None
    if steps <= FEW:
        return _line
    return lambda outcome, done, total: _line(outcome, done, total) if outcome.status is Status.FAILED else None


def _line(outcome: Outcome, done: int, total: int) -> None:
    row = outcome_line(outcome)
    if is_json():
        level = logging.ERROR if outcome.status is Status.FAILED else logging.INFO
        step = outcome.step
        log(
            "".join(text for text, _ in row).strip(),
            level,
            "step",
            address=str(step.address),
            verb=step.verb.value,
            status=outcome.status.value,
            done=done,
            total=total,
        )
    else:
        print_lines([row], err=True)


def _beating(displays: ExitStack, progress: Progress, style: ProgressStyle) -> None:
    """Start heartbeats: log lines when not on a terminal, and events."""
    speaks = not style.quiet and not is_screen()
    if not style.seconds or not (speaks or style.events is not None):
        return

    def beat() -> None:
        if speaks:
            log(progress.line(), logging.INFO, "heartbeat", **progress.fields())
        if style.events is not None:
            style.events.heartbeat(progress)

    displays.enter_context(Heartbeat(style.seconds, beat))
