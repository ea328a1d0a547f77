"""Styled lines → a stream: colour on a terminal only, NO_COLOR and FORCE_COLOR obeyed; stdout data, stderr talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from reconciler.render.words import clean

Line = list[tuple[str, str]]


def coloured(stream: TextIO) -> bool:
    """Whether ``stream`` takes colour (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
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


def say(text: str) -> None:
    """Talk: goes to stderr."""
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
