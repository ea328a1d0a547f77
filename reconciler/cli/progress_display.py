"""Progress on a terminal: the last lines of standard error, redrawn. Imported only where they are shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.cli.progress import Progress
from reconciler.cli.streams import plainly
from reconciler.cli.terminal import coloured, is_unicode
from reconciler.output.layout import Line

#: Columns from which on bars are shown.
ROOMY = 50
#: Frames per second.
FRAMES = 8


class ProgressDisplay:
    """A row for each kind, with a bar if its size is known and there is room, and a line below."""

    def __init__(self, progress: Progress, title: str, fold: bool) -> None:
        self.progress, self.title, self.fold = progress, title, fold

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        roomy = options.max_width >= ROOMY
        rows = Table.grid(padding=(0, 2, 0, 0))
        for row in self.progress.rows():
            share = ProgressBar(total=row.total or 1, completed=min(row.done, row.total or 0), width=24)
            bar = [share if row.total else Text("")] if roomy else []
            rows.add_row(Text(row.name, overflow="ellipsis", no_wrap=True), *bar, Text(str(row), no_wrap=True))
        foot = f"{self.title}: {self.progress.foot()}"
        yield Group(rows, Text(plainly(foot) if self.fold else foot, style="dim" if _colours() else ""))


@contextmanager
def drawn(progress: Progress, title: str) -> Iterator[Live]:
    """Show the progress as the last lines of standard error; other messages appear above it."""
    console = Console(stderr=True, no_color=not _colours(), highlight=False)
    picture = ProgressDisplay(progress, title, fold=not is_unicode(err=True))
    with Live(picture, console=console, refresh_per_second=FRAMES, transient=True) as live:
        yield live


def above(live: Live, line: Line) -> None:
    """Print a line above the progress."""
    live.console.print(Text.assemble(*line), soft_wrap=True)


def _colours() -> bool:
    return coloured(sys.stderr)
