"""Progress of a run: counts, bars on a terminal, heartbeat lines elsewhere, and the stream of events."""

from __future__ import annotations

import logging
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler import __version__
from reconciler.cli.logs import is_json, log
from reconciler.cli.streams import plainly
from reconciler.cli.terminal import coloured, is_screen, is_unicode, print_json, print_lines
from reconciler.model.plan import Step
from reconciler.model.report import Outcome, Status
from reconciler.model.serialization import Json
from reconciler.output.events import PLANNED
from reconciler.output.json_documents import FORMAT_VERSION, outcome_document
from reconciler.output.layout import Line
from reconciler.output.text import outcome_line
from reconciler.output.wording import duration, plural

#: Seconds over which the rate is measured.
WINDOW = 20.0
#: Seconds of waiting from which on it is shown.
WORTH = 1.0


class KindProgress(NamedTuple):
    """Progress of one kind. ``total`` is None if unknown, and ``about`` is set if an earlier run counted it."""

    name: str
    done: int
    total: int | None
    about: bool

    def __str__(self) -> str:
        if self.total is None or (self.about and self.done > self.total):
            return f"{self.done:,}"
        return f"{self.done:,} of {'about ' if self.about else ''}{self.total:,}"


@dataclass
class Progress(ABC):
    """Calls, their rate and waiting times of a run.

    ``calls`` returns the calls so far, ``waiting`` the seconds until the next one may be sent, ``clock`` seconds.
    """

    calls: Callable[[], int] = lambda: 0
    waiting: Callable[[], float] = lambda: 0.0
    clock: Callable[[], float] = time.monotonic
    marks: deque[tuple[float, int]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.marks.append((self.began, self.counted()))

    def counted(self) -> int:
        """The counter whose rate is shown."""
        return self.calls()

    def rate(self) -> float:
        """Increase of the counter per second, over the last WINDOW seconds; 0 at first."""
        with self.lock:
            now, number = self.clock(), self.counted()
            self.marks.append((now, number))
            while len(self.marks) > 2 and now - self.marks[1][0] >= WINDOW:
                self.marks.popleft()
            since, before = self.marks[0]
        return (number - before) / (now - since) if now > since else 0.0

    def awaited(self) -> str:
        """``, waiting 12 s (rate limit of the gateway)``, or empty."""
        seconds = self.waiting()
        return f", waiting {seconds:,.0f} s (rate limit of the gateway)" if seconds >= WORTH else ""

    @abstractmethod
    def rows(self) -> list[KindProgress]:
        """One row for each kind, in order."""

    @abstractmethod
    def foot(self) -> str:
        """The line below the rows."""

    @abstractmethod
    def line(self) -> str:
        """Rows and last line as one line."""

    def fields(self) -> Json:
        """Fields of the event and of the log record."""
        counts = {row.name: {"done": row.done, "total": row.total, "about": row.about} for row in self.rows()}
        counted = {"kinds": counts, "calls": self.calls(), "rate": round(self.rate(), 2)}
        return {**counted, "seconds": round(self.clock() - self.began, 3), "waiting": round(self.waiting(), 1)}


class ReadProgress(Progress):
    """Progress of reading by collection."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen: dict[str, KindProgress] = {}

    def reached(self, kind: str, number: int, total: int | None = None, about: bool = True) -> None:
        """Set the number of items read of a kind; ``total`` is that of an earlier run, or of requested items."""
        with self.lock:
            self.seen[kind] = KindProgress(plural(kind), number, total, about)

    def rows(self) -> list[KindProgress]:
        """One row for each collection, by name."""
        with self.lock:
            return sorted(self.seen.values())

    def foot(self) -> str:
        """Calls and their rate."""
        number = self.calls()
        return f"{number:,} {'call' if number == 1 else 'calls'}, {self.rate():.1f} per second{self.awaited()}"

    def line(self) -> str:
        """``reading: 1,200 of about 10,000 contacts, 3 tags; 13 calls, 9.8 per second``."""
        parts = ", ".join(f"{row} {row.name}" for row in self.rows())
        return f"reading: {parts or 'nothing yet'}; {self.foot()}"


class WriteProgress(Progress):
    """Progress of writing by kind; ``expect`` sets the totals."""

    def __post_init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.ends: Counter[Status] = Counter()
        self.due: Counter[str] = Counter()
        super().__post_init__()

    def expect(self, kinds: Iterable[str]) -> None:
        """Add the kinds of the steps to come."""
        self.due.update(kinds)

    def ended(self, outcome: Outcome) -> None:
        """Count a finished step; one that was pending at first is counted once."""
        with self.lock:
            self.ends[outcome.status] += 1
            kind = outcome.step.address.kind
            self.done[kind] = min(self.due[kind], self.done[kind] + 1)

    def counted(self) -> int:
        """Finished steps."""
        return sum(self.done.values())

    def rows(self) -> list[KindProgress]:
        """One row for each kind, in the order of the plan."""
        return [KindProgress(plural(kind), self.done[kind], total, False) for kind, total in self.due.items()]

    def left(self) -> float | None:
        """Seconds until the end at the current rate."""
        rate, rest = self.rate(), self.due.total() - self.counted()
        return rest / rate if rate and rest else None

    def foot(self) -> str:
        """Finished and failed steps, their rate, and the time left."""
        failed = sum(self.ends[status] for status in (Status.FAILED, Status.SKIPPED))
        left = self.left()
        return (
            f"{self.counted():,} of {self.due.total():,} done"
            + (f", {failed:,} failed or skipped" if failed else "")
            + f", {self.rate():.1f} per second"
            + (f", {duration(left)} left" if left is not None else "")
            + self.awaited()
        )

    def line(self) -> str:
        """``applying: 1,204 of 8,000 done, 9.9 per second, about 11 min left; 600 of 2,000 contacts``."""
        return f"applying: {self.foot()}; " + ", ".join(f"{row} {row.name}" for row in self.rows())

    def fields(self) -> Json:
        """Fields of reading, with totals of the steps."""
        left = self.left()
        return {
            **super().fields(),
            "done": self.counted(),
            "total": self.due.total(),
            "failed": self.ends[Status.FAILED],
            "left": None if left is None else round(left, 1),
        }


class Events:
    """The stream of events of one command: ``begin`` is first, ``report`` or ``error`` last."""

    def __init__(self, command: str, redact: Callable[[Json], Json], now: Callable[[], float] = time.time) -> None:
        self._redact, self._now, self._lock, self._number, self._over = redact, now, threading.Lock(), 0, False
        self._put("begin", {"format_version": FORMAT_VERSION, "version": __version__, "command": command})

    def planned(self, document: Mapping[str, object]) -> None:
        """Write the event of the plan."""
        self._put("plan", {key: document[key] for key in PLANNED})

    def started(self, step: Step) -> None:
        """Write the event of a step that begins."""
        self._put("started", {"address": str(step.address), "verb": step.verb.value})

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Write the event of a finished step."""
        self._put("ended", {**outcome_document(outcome), "done": done, "total": total})

    def heartbeat(self, pulse: Progress) -> None:
        """Write that the run goes on, or waits for the gateway."""
        fields = pulse.fields()
        self._put("waiting" if fields["waiting"] >= WORTH else "heartbeat", fields)

    def report(self, document: Mapping[str, object]) -> None:
        """Write the last event: the report."""
        self._put("report", document, last=True)

    def failed(self, message: str, code: int) -> None:
        """Write the last event: an error."""
        self._put("error", {"message": message, "exit_code": code}, last=True)

    def _put(self, event: str, fields: Mapping[str, object], *, last: bool = False) -> None:
        with self._lock:
            if self._over:
                return
            at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._number, self._over = self._number + 1, last
            document = self._redact({"event": event, "time": at, "number": self._number, **fields})
            print_json(document, None)


#: Columns from which on bars are shown.
ROOMY = 50
#: Frames per second.
FRAMES = 8


class ProgressDisplay:
    """A row for each kind, with a bar if its size is known and there is room, and a line below."""

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
    """Show the progress as the last lines of standard error; other messages appear above it."""
    console = Console(stderr=True, no_color=not _colours(), highlight=False)
    picture = ProgressDisplay(pulse, title, fold=not is_unicode(err=True))
    with Live(picture, console=console, refresh_per_second=FRAMES, transient=True) as live:
        yield live


def above(live: Live, line: Line) -> None:
    """Print a line above the progress."""
    live.console.print(Text.assemble(*line), soft_wrap=True)


def _colours() -> bool:
    return coloured(sys.stderr)


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
def reading(pulse: ReadProgress, style: ProgressStyle) -> Iterator[Callable[..., None] | None]:
    """Show the progress of reading; yields the listener for counts, or None if nothing is shown."""
    if style.quiet and style.events is None:
        yield None
        return
    with ExitStack() as displays:
        if is_screen() and not style.quiet:
            displays.enter_context(drawn(pulse, "reading"))
        _beating(displays, pulse, style)
        yield pulse.reached


@contextmanager
def following(order: Sequence[Step], pulse: WriteProgress, style: ProgressStyle) -> Iterator[Listener | None]:
    """Show the progress of these steps; yields the listener for outcomes. A pending step has two outcomes."""
    pulse.expect(step.address.kind for step in order)
    if not order or (style.quiet and style.events is None):
        yield None
        return
    with ExitStack() as displays:
        tell = _teller(displays, pulse, style, len(order))
        _beating(displays, pulse, style)

        def listener(outcome: Outcome, done: int, total: int) -> None:
            pulse.ended(outcome)
            tell(outcome, done, total)
            if style.events is not None:
                style.events.ended(outcome, done, total)

        yield listener


def _teller(displays: ExitStack, pulse: WriteProgress, style: ProgressStyle, steps: int) -> Listener:
    """The listener that prints outcomes for people."""
    if style.quiet:
        return lambda outcome, done, total: None
    if is_screen():
        live = displays.enter_context(drawn(pulse, "applying"))
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


def _beating(displays: ExitStack, pulse: Progress, style: ProgressStyle) -> None:
    """Start heartbeats: log lines when not on a terminal, and events."""
    speaks = not style.quiet and not is_screen()
    if not style.seconds or not (speaks or style.events is not None):
        return

    def beat() -> None:
        if speaks:
            log(pulse.line(), logging.INFO, "heartbeat", **pulse.fields())
        if style.events is not None:
            style.events.heartbeat(pulse)

    displays.enter_context(Heartbeat(style.seconds, beat))
