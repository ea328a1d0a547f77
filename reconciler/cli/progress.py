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
from typing import Any, NamedTuple

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
from reconciler.output import events as event_documents
from reconciler.output.layout import Line
from reconciler.output.text import outcome_line
from reconciler.output.wording import duration, plural

#: Seconds over which a rate limit is measured.
WINDOW = 20.0
#: From so many seconds on a closed approval is worth a word.
WORTH = 1.0


class KindProgress(NamedTuple):
    """One kind: how many of how many; ``total`` None where nobody knows, ``about`` where it is of an earlier run."""

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
    """What reading and writing have in common: calls and how fast they go, and what is waited for.

    ``calls`` counts those, ``waiting`` gives the seconds until the next may leave, ``clock`` is in seconds.
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
        """Of these a second, over the last WINDOW seconds; 0 while nothing is known."""
        with self.lock:
            now, number = self.clock(), self.counted()
            self.marks.append((now, number))
            while len(self.marks) > 2 and now - self.marks[1][0] >= WINDOW:
                self.marks.popleft()
            since, before = self.marks[0]
        return (number - before) / (now - since) if now > since else 0.0

    def awaited(self) -> str:
        """``, waiting 12 s as the gateway asked``, or nothing."""
        seconds = self.waiting()
        return f", waiting {seconds:,.0f} s as the gateway asked" if seconds >= WORTH else ""

    @abstractmethod
    def rows(self) -> list[KindProgress]:
        """The kinds, in order."""

    @abstractmethod
    def foot(self) -> str:
        """The line below them."""

    @abstractmethod
    def line(self) -> str:
        """All of it in one line."""

    def fields(self) -> dict[str, Any]:
        """The same for machines."""
        counts = {row.name: {"done": row.done, "total": row.total, "about": row.about} for row in self.rows()}
        told = {"kinds": counts, "calls": self.calls(), "rate": round(self.rate(), 2)}
        return {**told, "seconds": round(self.clock() - self.began, 3), "waiting": round(self.waiting(), 1)}


class ReadProgress(Progress):
    """Reading by collection."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen: dict[str, KindProgress] = {}

    def reached(self, kind: str, number: int, total: int | None = None, about: bool = True) -> None:
        """So many of a kind are read; ``total`` is what an earlier run found, or what is asked for."""
        with self.lock:
            self.seen[kind] = KindProgress(plural(kind), number, total, about)

    def rows(self) -> list[KindProgress]:
        """One for each collection, by name."""
        with self.lock:
            return sorted(self.seen.values())

    def foot(self) -> str:
        """Calls and their rate limit."""
        number = self.calls()
        return f"{number:,} {'call' if number == 1 else 'calls'}, {self.rate():.1f} a second{self.awaited()}"

    def line(self) -> str:
        """``reading: 1,200 of about 10,000 contacts, 3 tags; 13 calls, 9.8 a second``."""
        parts = ", ".join(f"{row} {row.name}" for row in self.rows())
        return f"reading: {parts or 'nothing has come yet'}; {self.foot()}"


class WriteProgress(Progress):
    """Writing by kind; ``expect`` says what is to come."""

    def __post_init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.ends: Counter[Status] = Counter()
        self.due: Counter[str] = Counter()
        super().__post_init__()

    def expect(self, kinds: Iterable[str]) -> None:
        """A kind for each step."""
        self.due.update(kinds)

    def ended(self, outcome: Outcome) -> None:
        """A step has ended. One that had an answer to come is counted once."""
        with self.lock:
            self.ends[outcome.status] += 1
            kind = outcome.step.address.kind
            self.done[kind] = min(self.due[kind], self.done[kind] + 1)

    def counted(self) -> int:
        """Steps."""
        return sum(self.done.values())

    def rows(self) -> list[KindProgress]:
        """One for each kind, in the order of the plan."""
        return [KindProgress(plural(kind), self.done[kind], total, False) for kind, total in self.due.items()]

    def left(self) -> float | None:
        """Seconds until the end at this rate limit."""
        rate, rest = self.rate(), self.due.total() - self.counted()
        return rest / rate if rate and rest else None

    def foot(self) -> str:
        """Their sum, what failed, the rate limit and the time that is left."""
        failed = sum(self.ends[status] for status in (Status.FAILED, Status.SKIPPED))
        left = self.left()
        return (
            f"{self.counted():,} of {self.due.total():,} done"
            + (f", {failed:,} failed or skipped" if failed else "")
            + f", {self.rate():.1f} a second"
            + (f", {duration(left)} left" if left is not None else "")
            + self.awaited()
        )

    def line(self) -> str:
        """``applying: 1,204 of 8,000 done, 9.9 a second, about 11 min left; 600 of 2,000 contacts``."""
        return f"applying: {self.foot()}; " + ", ".join(f"{row} {row.name}" for row in self.rows())

    def fields(self) -> dict[str, Any]:
        """With the sums."""
        left = self.left()
        return {
            **super().fields(),
            "done": self.counted(),
            "total": self.due.total(),
            "failed": self.ends[Status.FAILED],
            "left": None if left is None else round(left, 1),
        }


class Events:
    """The stream of one command. ``begin`` comes first, ``report`` or ``error`` last, and nothing after that."""

    def __init__(self, command: str, redact: Callable[[Any], Any], now: Callable[[], float] = time.time) -> None:
        self._redact, self._now, self._lock, self._number, self._over = redact, now, threading.Lock(), 0, False
        self._put("begin", event_documents.begin(__version__, command))

    def planned(self, document: Mapping[str, Any]) -> None:
        """The plan is made."""
        self._put("plan", event_documents.plan(document))

    def started(self, step: Step) -> None:
        """A step has begun."""
        self._put("started", event_documents.started(step))

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """A step has ended."""
        self._put("ended", event_documents.ended(outcome, done, total))

    def heartbeat(self, pulse: Progress) -> None:
        """The run goes on, or waits for the gateway."""
        told = pulse.fields()
        self._put("waiting" if told["waiting"] >= WORTH else "heartbeat", told)

    def report(self, document: Mapping[str, Any]) -> None:
        """The end."""
        self._put("report", document, last=True)

    def failed(self, message: str, code: int) -> None:
        """The other end."""
        self._put("error", event_documents.failed(message, code), last=True)

    def _put(self, event: str, fields: Mapping[str, Any], *, last: bool = False) -> None:
        with self._lock:
            if self._over:
                return
            at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._number, self._over = self._number + 1, last
            told = self._redact({"event": event, "time": at, "number": self._number, **fields})
            print_json(told, None)


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
    events: Events | None = None


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


@contextmanager
def reading(pulse: ReadProgress, style: ProgressStyle) -> Iterator[Callable[..., None] | None]:
    """What readers tell of every page they have read."""
    if style.quiet and style.events is None:
        yield None
        return
    with ExitStack() as told:
        if is_screen() and not style.quiet:
            told.enter_context(drawn(pulse, "reading"))
        _beating(told, pulse, style)
        yield pulse.reached


@contextmanager
def following(order: Sequence[Step], pulse: WriteProgress, style: ProgressStyle) -> Iterator[Listener | None]:
    """A listener for the outcomes of these steps, a part of which may have two: accepted, and then there."""
    pulse.expect(step.address.kind for step in order)
    if not order or (style.quiet and style.events is None):
        yield None
        return
    with ExitStack() as told:
        tell = _teller(told, pulse, style, len(order))
        _beating(told, pulse, style)

        def listener(outcome: Outcome, done: int, total: int) -> None:
            pulse.ended(outcome)
            tell(outcome, done, total)
            if style.events is not None:
                style.events.ended(outcome, done, total)

        yield listener


def _teller(told: ExitStack, pulse: WriteProgress, style: ProgressStyle, steps: int) -> Listener:
    """What people are shown of each outcome."""
    if style.quiet:
        return lambda outcome, done, total: None
    if is_screen():
        live = told.enter_context(drawn(pulse, "applying"))
        return lambda outcome, done, total: above(live, outcome_line(outcome)) if _is_bad(outcome) else None
    if steps <= FEW:
        return _line
    return lambda outcome, done, total: _line(outcome, done, total) if outcome.status is Status.FAILED else None


def _is_bad(outcome: Outcome) -> bool:
    return outcome.status in BAD


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


def _beating(told: ExitStack, pulse: Progress, style: ProgressStyle) -> None:
    """Lines off a terminal, events in any case."""
    speaks = not style.quiet and not is_screen()
    if not style.seconds or not (speaks or style.events is not None):
        return

    def beat() -> None:
        if speaks:
            log(pulse.line(), logging.INFO, "heartbeat", **pulse.fields())
        if style.events is not None:
            style.events.heartbeat(pulse)

    told.enter_context(Heartbeat(style.seconds, beat))
