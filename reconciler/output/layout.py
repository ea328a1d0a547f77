"""Wraps styled lines and pads columns, by the width of characters on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate

#: Pieces of one line: (text, style); styles are those of click.
Line = list[tuple[str, str]]

#: Indentation of continuation lines.
HANG = 4
_WORD = re.compile(r"\S+")


def width_of(text: str) -> int:
    """Width of a text on a terminal, in columns."""
    from rich.cells import cell_len  # slow to import, and without a terminal no width is needed

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """The text padded with blanks to ``width`` columns."""
    return text + " " * (width - width_of(text))


def wrapped(line: Line, width: int, hang: int = HANG) -> list[Line]:
    """The line wrapped at blanks, or inside words longer than a line; ``width`` 0 disables wrapping."""
    text = "".join(piece for piece, _ in line)
    if not width or width_of(text) <= width:
        return [line]
    margin = min(len(text) - len(text.lstrip(" ")) + hang, width // 3)
    spans = list(_spans(text, width, margin))
    return [_cut(line, *spans[0]), *([(" " * margin, ""), *_cut(line, *span)] for span in spans[1:])]


def _spans(text: str, width: int, margin: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part: the first one may be ``width`` wide, the others leave room for the margin."""
    from rich.cells import chop_cells

    start = end = 0
    room = width
    for word in _WORD.finditer(text):
        if width_of(text[start : word.end()]) > room:
            if end:
                yield start, end
                start, room = word.start(), width - margin
            while width_of(text[start : word.end()]) > room:
                cut = start + len(chop_cells(text[start : word.end()], room)[0])
                yield start, cut
                start, room = cut, width - margin
        end = word.end()
    yield start, end


def _cut(line: Line, start: int, end: int) -> Line:
    """The part of a line between two positions of its text."""
    positions = accumulate((len(text) for text, _ in line), initial=0)
    parts = (
        (text[max(0, start - at) : max(0, end - at)], style)
        for at, (text, style) in zip(positions, line, strict=False)
    )
    return [(text, style) for text, style in parts if text]
