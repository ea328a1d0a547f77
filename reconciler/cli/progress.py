"""Progress of a run: counts, their rate, and the stream of events."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler import __version__
from reconciler.cli.terminal import print_json
from reconciler.model.plan import Step
from reconciler.model.report import Outcome, Status
from reconciler.model.serialization import Json
from reconciler.output.events import PLANNED
from reconciler.output.json_documents import FORMAT_VERSION, outcome_document
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

    def heartbeat(self, progress: Progress) -> None:
        """Write that the run goes on, or waits for the gateway."""
        fields = progress.fields()
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
