"""Styled lines → a stream: colour on a terminal only, NO_COLOR and FORCE_COLOR obeyed; stdout data, stderr talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import click

from reconciler.cli.streams import Plain, Talk, Wrapped
from reconciler.render import jsontext
from reconciler.render.words import clean

Line = list[tuple[str, str]]


def is_unicode(*, err: bool = False) -> bool:
    """Whether the stream takes more than ASCII."""
    stream: Any = sys.stderr if err else sys.stdout
    while isinstance(stream, Wrapped):
        if isinstance(stream, Plain):
            return False
        stream = stream.stream
    return True


def coloured(stream: Any) -> bool:
    """Whether ``stream`` takes colour (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or isinstance(stream, Talk):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def show(lines: Iterable[Line], *, err: bool = False) -> None:
    """Write lines; trailing blanks go, and so does whatever a terminal would obey, wherever it came from."""
    stream = sys.stderr if err else sys.stdout
    colour = coloured(stream)
    for line in lines:
        safe = [(clean(piece), style) for piece, style in line]
        text = "".join(_styled(piece, style) if colour else piece for piece, style in safe)
        click.echo(text.rstrip(), file=stream, color=colour)


def show_json(document: Any) -> None:
    """Write one JSON document to stdout, whole and readable."""
    click.echo(json_text(document))


def json_text(document: Any, indent: int | None = 2) -> str:
    """The document with nothing in it that a terminal would obey, or that standard output cannot show."""
    return jsontext.json_text(document, indent, plain=not is_unicode())


def say(text: str, level: str = "info", event: str = "message", **fields: Any) -> None:
    """Talk: goes to stderr; collectors of logs get the event's name and fields too."""
    stream: Any = sys.stderr
    if isinstance(stream, Talk):
        stream.tell(text, level, event, **fields)
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
