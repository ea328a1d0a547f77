"""Output to a terminal: styled lines, JSON and messages; results on standard output, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import click

from reconciler.cli.streams import JsonLogStream, PlainStream, WrappedStream, plainly
from reconciler.output import json_documents
from reconciler.output.wording import printable
from reconciler.output.wrapping import wrapped

Line = list[tuple[str, str]]


def is_unicode(*, err: bool = False) -> bool:
    """Whether the stream takes more than ASCII."""
    stream: object = sys.stderr if err else sys.stdout
    while isinstance(stream, WrappedStream):
        if isinstance(stream, PlainStream):
            return False
        stream = stream.stream
    return True


def coloured(stream: TextIO | JsonLogStream) -> bool:
    """Whether ``stream`` takes colour (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or isinstance(stream, JsonLogStream):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def print_lines(lines: Iterable[Line], *, err: bool = False) -> None:
    """Write lines; trailing blanks go, and so does whatever a terminal would obey, wherever it came from.

    On a terminal a line that is too long goes on further in, rather than anywhere.
    """
    stream = sys.stderr if err else sys.stdout
    colour, width, plain = coloured(stream), columns(err=err), not is_unicode(err=err)
    for line in lines:
        safe = [(_folded(printable(piece)) if plain else printable(piece), style) for piece, style in line]
        for part in wrapped(safe, width) if width else [safe]:
            text = "".join(_styled(piece, style) if colour else piece for piece, style in part)
            click.echo(text.rstrip(), file=stream, color=colour)


def columns(*, err: bool = False) -> int:
    """How wide the terminal behind the stream is, or COLUMNS says; 0 where there is none."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        return 0
    said = os.environ.get("COLUMNS", "")
    try:
        return int(said) if said.isdecimal() and int(said) else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def _folded(text: str) -> str:
    """In ASCII; the blanks after it give way, so that columns still stand in line."""
    shown = plainly(text)
    while len(shown) > len(text) and shown.endswith("  "):
        shown = shown[:-1]
    return shown


def print_json(document: Any) -> None:
    """Write one JSON document to stdout, whole and readable."""
    click.echo(json_text(document))


def json_text(document: Any, indent: int | None = 2) -> str:
    """The document with nothing in it that a terminal would obey, or that standard output cannot show."""
    return json_documents.json_text(document, indent, plain=not is_unicode())


def log(text: str, level: str = "info", event: str = "message", **fields: object) -> None:
    """Write a message to standard error; with ``--log-format json`` its event and fields too."""
    stream: object = sys.stderr
    if isinstance(stream, JsonLogStream):
        stream.log(text, level, event, **fields)
    else:
        click.echo(text, err=True)


def _styled(text: str, style: str) -> str:
    words = style.split()
    if not words or not text.strip():
        return text
    colours = [word for word in words if word not in ("bold", "dim")]
    bold, dim = "bold" in words or None, "dim" in words or None
    return click.style(text, fg=colours[0] if colours else None, bold=bold, dim=dim)


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()
