"""Shows long output in a pager, as git does: only on a terminal, and never in CI or with --quiet."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

import click

from reconciler.cli.program import Program
from reconciler.cli.terminal import coloured, rendered
from reconciler.output.layout import Line

#: Options of less: quit if the text fits on one screen, keep colours, do not clear the screen.
LESS = "FRX"


def page_lines(program: Program, lines: Iterable[Line]) -> None:
    """Print lines to standard output, in a pager if they are longer than the screen."""
    page_text(program, "".join(f"{line}\n" for line in rendered(lines)))


def page_text(program: Program, text: str) -> None:
    """Print a text to standard output, in a pager if it is longer than the screen."""
    wanted = not program.no_pager and not program.quiet and sys.stdout.isatty() and _is_long(text)
    command = pager(os.environ) if wanted else []
    if not (command and _show(command, text)):
        click.echo(text, nl=False, file=sys.stdout, color=coloured(sys.stdout))


def pager(environ: Mapping[str, str]) -> list[str]:
    """The command of the pager: RECONCILER_PAGER, else PAGER, else less; empty if there is none."""
    if environ.get("CI", "").lower() in ("true", "1") or environ.get("TERM") in ("dumb", "unknown"):
        return []
    named = environ.get("RECONCILER_PAGER", environ.get("PAGER"))
    if named is None:
        return ["less"] if shutil.which("less") else []
    with suppress(ValueError):  # a quote that is not closed
        words = shlex.split(named)
        return [] if words == ["cat"] else words
    return []


def _is_long(text: str) -> bool:
    return text.count("\n") >= shutil.get_terminal_size().lines


def _show(command: list[str], text: str) -> bool:
    """Whether the pager has shown the text. Ctrl-C belongs to the pager while it runs."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own pager
            command, stdin=subprocess.PIPE, env={"LESS": LESS, **os.environ}
        )
        with suppress(BrokenPipeError):  # the pager was left before the end
            process.communicate(text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict"))
        return process.wait() == 0
    except OSError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
