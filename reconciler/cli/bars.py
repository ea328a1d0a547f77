"""The pulse of a run → a picture of it at the foot of a terminal, redrawn in place and gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.cli.pulse import Pulse
from reconciler.cli.streams import plainly
from reconciler.cli.terminal import Line, coloured, is_unicode

#: Below this many columns there is no room for bars.
ROOMY = 50
#: Times a second that the picture is drawn.
FRAMES = 8


class Picture:
    """A line for each kind, with a bar where its size is known and there is room, and a line below."""

    def __init__(self, pulse: Pulse, title: str, fold: bool) -> None:
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
def drawn(pulse: Pulse, title: str) -> Iterator[Live]:
    """Keeps the picture at the foot of standard error; what is said meanwhile stands above it."""
    console = Console(stderr=True, no_color=not _colours(), highlight=False)
    picture = Picture(pulse, title, fold=not is_unicode(err=True))
    with Live(picture, console=console, refresh_per_second=FRAMES, transient=True) as live:
        yield live


def above(live: Live, line: Line) -> None:
    """Says a line above the picture."""
    live.console.print(Text.assemble(*line), soft_wrap=True)


def _colours() -> bool:
    import sys

    return coloured(sys.stderr)
