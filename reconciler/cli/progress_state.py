"""Counts as they come → what is said of a long run while it lasts: how far, how fast, how long still."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.model.report import Outcome, Status
from reconciler.output.wording import duration

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
        """The number whose rate limit is told."""
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
            self.seen[kind] = KindProgress(named(kind), number, total, about)

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
        return [KindProgress(named(kind), self.done[kind], total, False) for kind, total in self.due.items()]

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


def named(kind: str) -> str:
    """Several of a kind: ``contact fields``, ``communities``."""
    words = kind.replace("_", " ")
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
