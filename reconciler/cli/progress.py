"""The pulse of a run → a picture of it at the foot of a terminal, redrawn in place and gone at the end.

Reads and outcomes as they come → a picture on a terminal, heartbeat lines elsewhere, events on request.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.cli.progress_state import Progress, ReadProgress, WriteProgress
from reconciler.cli.streams import plainly
from reconciler.cli.terminal import Line, coloured, is_unicode, say, show
from reconciler.model.plan import Step
from reconciler.model.report import Outcome, Status
from reconciler.output.text import outcome_line

#: Below this many columns there is no room for bars.
ROOMY = 50
#: Times a second that the picture is drawn.
FRAMES = 8


class ProgressDisplay:
    """A line for each kind, with a bar where its size is known and there is room, and a line below."""

    def __init__(self, pulse: Progress, title: str, fold: bool) -> None:
        self.pulse, self.title, self.fold = pulse, title, fold

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        roomy = options.max_width >= ROOMY
        rows = Table.grid(padding=(0, 2, 0, 0))
        for row in self.pulse.rows():
            share = ProgressBar(total=row.total or 1, completed=min(row.done, row.total or 0), width=24)
            bar = [share if row.total else Text("")] if roomy else []
            rows.add_row(Text(row.name, overflow="ellipsis", no_wrap=True), *bar, Text(str(row), no_wrap=True))
        foot = f"{self.title}: {self.pulse.foot()}"
        yield Group(rows, Text(plainly(foot) if self.fold else foot, style="dim" if _colours() else ""))


@contextmanager
def drawn(pulse: Progress, title: str) -> Iterator[Live]:
    """Keeps the picture at the foot of standard error; what is said meanwhile stands above it."""
    console = Console(stderr=True, no_color=not _colours(), highlight=False)
    picture = ProgressDisplay(pulse, title, fold=not is_unicode(err=True))
    with Live(picture, console=console, refresh_per_second=FRAMES, transient=True) as live:
        yield live


def above(live: Live, line: Line) -> None:
    """Says a line above the picture."""
    live.console.print(Text.assemble(*line), soft_wrap=True)


def _colours() -> bool:
    import sys

    return coloured(sys.stderr)


Listener = Callable[[Outcome, int, int], None]
#: Up to so many steps each has a line off a terminal; above, the failures have, and a heartbeat tells of the rest.
FEW = 50
BAD = (Status.FAILED, Status.SKIPPED)


@dataclass(frozen=True)
class ProgressStyle:
    """How a run tells how far it is: ``seconds`` between heartbeats (0: none), ``events`` the stream of them."""

    quiet: bool = False
    seconds: float = 10.0
    events: Any = None


class Heartbeat:
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
def reading(pulse: ReadProgress, manner: ProgressStyle) -> Iterator[Callable[..., None] | None]:
    """What readers tell of every page they have read."""
    if manner.quiet and manner.events is None:
        yield None
        return
    with ExitStack() as told:
        if draws() and not manner.quiet:
            told.enter_context(drawn(pulse, "reading"))
        _beating(told, pulse, manner)
        yield pulse.reached


@contextmanager
def following(order: Sequence[Step], pulse: WriteProgress, manner: ProgressStyle) -> Iterator[Listener | None]:
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


def _teller(told: ExitStack, pulse: WriteProgress, manner: ProgressStyle, steps: int) -> Listener:
    """What people are shown of each outcome."""
    if manner.quiet:
        return lambda outcome, done, total: None
    if draws():
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
    from reconciler.cli.streams import JsonLogStream

    stream: Any = sys.stderr
    row = outcome_line(outcome, done, total)
    if isinstance(stream, JsonLogStream):
        level = "error" if outcome.status is Status.FAILED else "info"
        step = outcome.step
        say(
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
        show([row], err=True)


def _beating(told: ExitStack, pulse: Progress, manner: ProgressStyle) -> None:
    """Lines off a terminal, events in any case."""
    speaks = not manner.quiet and not draws()
    if not manner.seconds or not (speaks or manner.events is not None):
        return

    def beat() -> None:
        if speaks:
            say(pulse.line(), "info", "heartbeat", **pulse.fields())
        if manner.events is not None:
            manner.events.heartbeat(pulse)

    told.enter_context(Heartbeat(manner.seconds, beat))
