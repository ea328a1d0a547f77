"""Outcomes as they come → a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reconciler.cli.terminal import show
from reconciler.model.report import Outcome, Status
from reconciler.render.text import outcome_line

Listener = Callable[[Outcome, int, int], None]


@contextmanager
def following(total: int, *, quiet: bool) -> Iterator[Listener | None]:
    """A listener for a run of ``total`` steps; failures are always told."""
    if quiet or not total:
        yield None
    elif sys.stderr.isatty():
        with _bar(total) as listener:
            yield listener
    else:
        yield _line


def _line(outcome: Outcome, done: int, total: int) -> None:
    show([outcome_line(outcome, done, total)], err=True)


@contextmanager
def _bar(total: int) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("applying", total=total)

        def listener(outcome: Outcome, done: int, _: int) -> None:
            progress.update(task, completed=done)
            if outcome.status in (Status.FAILED, Status.SKIPPED):
                line = "".join(piece for piece, _ in outcome_line(outcome, done, total))
                progress.console.print(line, markup=False, highlight=False)

        yield listener
