"""Progress of a fleet: accounts by lane, calls per second, and the time left."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from reconciler.cli.logs import log
from reconciler.cli.progress import KindProgress, Progress
from reconciler.cli.progress_listeners import Heartbeat, ProgressStyle
from reconciler.cli.terminal import is_screen
from reconciler.fleet.account import AccountJob
from reconciler.model.fleet import AccountResult
from reconciler.output.wording import count, duration

#: Number of lanes shown on a terminal, longest first.
SHOWN_LANES = 8


class FleetProgress(Progress):
    """Finished accounts by lane."""

    def __init__(self, jobs: Iterable[AccountJob]) -> None:
        self.due = Counter(job.account.key for job in jobs)
        self.done: Counter[str] = Counter()
        self.failed = self.sent = 0
        super().__init__(lambda: self.sent)

    def ended(self, result: AccountResult) -> None:
        """Count a finished account."""
        with self.lock:
            self.done[result.key] += 1
            self.failed += result.state.is_failure
            self.sent += result.reads + result.writes

    def rows(self) -> list[KindProgress]:
        """The longest lanes."""
        return [KindProgress(key, self.done[key], total, False) for key, total in self.due.most_common(SHOWN_LANES)]

    def left(self) -> float | None:
        """Seconds until the slowest lane ends, at its speed so far."""
        elapsed = self.clock() - self.began
        lanes = [(self.done[key], total - self.done[key]) for key, total in self.due.items()]
        left = [elapsed / done * rest for done, rest in lanes if done]
        return max(left, default=None)

    def foot(self) -> str:
        """``12 of 1,000 accounts in 100 lanes, 3 failed, 85.0 calls per second, 4 min left``."""
        left = self.left()
        return (
            f"{self.done.total():,} of {count(self.due.total(), 'account')} in {count(len(self.due), 'lane')}"
            + (f", {self.failed:,} failed" if self.failed else "")
            + f", {self.rate():.1f} calls per second"
            + (f", {duration(left)} left" if left else "")
        )

    def line(self) -> str:
        """All of it in one line."""
        return f"fleet: {self.foot()}"


@contextmanager
def showing(progress: FleetProgress, style: ProgressStyle, title: str) -> Iterator[None]:
    """Show the progress on a terminal, or as a line every few seconds."""
    with ExitStack() as shown:
        if style.quiet:
            pass
        elif is_screen():
            from reconciler.cli.progress_display import drawn

            shown.enter_context(drawn(progress, title))
        elif style.seconds:
            beat = Heartbeat(
                style.seconds, lambda: log(progress.line(), logging.INFO, "heartbeat", **progress.fields())
            )
            shown.enter_context(beat)
        yield
