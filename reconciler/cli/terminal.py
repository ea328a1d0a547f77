"""Output to a terminal: styled lines, JSON and messages; results on standard output, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

import click

from reconciler.cli import logs
from reconciler.cli.streams import can_encode, plainly
from reconciler.output import wording
from reconciler.output.layout import Line, wrapped
from reconciler.output.wording import printable


def is_unicode(*, err: bool = False) -> bool:
    """Whether the stream can encode more than ASCII."""
    return can_encode(sys.stderr if err else sys.stdout)


def coloured(stream: TextIO) -> bool:
    """Whether ``stream`` supports colour (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or (stream is sys.stderr and logs.is_json()):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_screen(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether standard error is a terminal on which lines can be redrawn."""
    return not logs.is_json() and sys.stderr.isatty() and environ.get("TERM") not in ("dumb", "unknown")


def print_text(text: str, *, err: bool = False, newline: bool = True) -> None:
    """Write text unchanged."""
    if err and logs.is_json():
        logs.log(text)
    else:
        click.echo(text, nl=newline, file=sys.stderr if err else sys.stdout)


def print_lines(lines: Iterable[Line], *, err: bool = False) -> None:
    """Write lines without trailing blanks and without terminal control characters.

    On a terminal, long lines are wrapped and indented.
    """
    if err and logs.is_json():
        for line in lines:
            if text := "".join(printable(piece) for piece, _ in line).strip():
                logs.log(text)
        return
    stream = sys.stderr if err else sys.stdout
    for text in rendered(lines, err=err):
        click.echo(text, file=stream, color=coloured(stream))


def rendered(lines: Iterable[Line], *, err: bool = False) -> Iterator[str]:
    """The texts that :func:`print_lines` writes, each without its line end."""
    colour, width, plain = coloured(sys.stderr if err else sys.stdout), columns(err=err), not is_unicode(err=err)
    for line in lines:
        safe = [(_folded(printable(piece)) if plain else printable(piece), style) for piece, style in line]
        for part in wrapped(safe, width):
            yield "".join(_styled(piece, style) if colour else piece for piece, style in part).rstrip()


def columns(*, err: bool = False) -> int:
    """Width of the stream's terminal, or COLUMNS; 0 if it is not a terminal."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return 0
    said = os.environ.get("COLUMNS", "")
    try:
        return int(said) if said.isdecimal() and int(said) else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def _folded(text: str) -> str:
    """The text in ASCII, with fewer trailing blanks if it became longer, so that columns stay aligned."""
    shown = plainly(text)
    while len(shown) > len(text) and shown.endswith("  "):
        shown = shown[:-1]
    return shown


def print_json(document: object, indent: int | None = 2) -> None:
    """Write one JSON document to standard output; without ``indent`` on one line."""
    click.echo(json_text(document, indent), file=sys.stdout)


def json_text(document: object, indent: int | None = 2) -> str:
    """The document as JSON, with control characters and those that standard output cannot encode escaped."""
    return wording.json_text(document, indent, plain=not is_unicode())


def _styled(text: str, style: str) -> str:
    words = style.split()
    if not words or not text.strip():
        return text
    colours = [word for word in words if word not in ("bold", "dim")]
    bold, dim = "bold" in words or None, "dim" in words or None
    return click.style(text, fg=colours[0] if colours else None, bold=bold, dim=dim)


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not logs.is_json()
