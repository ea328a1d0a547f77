"""Styled lines → a stream: colour on a terminal only, NO_COLOR and FORCE_COLOR obeyed; stdout data, stderr talk."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

import click

from reconciler.cli.streams import Plain, Talk, Wrapped
from reconciler.render.words import clean

#: What JSON may hold as it is, and terminals act upon: deletion, C1 controls, marks of direction, lone surrogates.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")

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
    text = json.dumps(document, ensure_ascii=not is_unicode(), indent=indent)
    return _UNSEEN.sub(lambda char: f"\\u{ord(char.group()):04x}", text)


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
