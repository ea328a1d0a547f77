"""A styled line and a number of columns → as many lines as it takes: nothing is cut, the rest stands further in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.output.wording import cells

Line = list[tuple[str, str]]

#: How much further in the rest of a line stands.
HANG = 4
_PIECES = re.compile(r"\s+|\S+")


def wrapped(line: Line, width: int) -> list[Line]:
    """The line broken at blanks, or inside of a word that is longer than a line; ``width`` is in columns."""
    if sum(cells(text) for text, _ in line) <= width or not width:
        return [line]
    return _Wrapping(width, min(_margin(line) + HANG, width // 3)).all(line)


def _margin(line: Line) -> int:
    text = "".join(piece for piece, _ in line)
    return len(text) - len(text.lstrip(" "))


class _Wrapping:
    """Lines that are full, and one that is being filled; blanks wait until a word follows them."""

    def __init__(self, width: int, hang: int) -> None:
        self.width, self.hang = width, hang
        self.lines: list[Line] = []
        self.line: Line = []
        self.used = self.blanks = 0
        self.fresh = True

    def all(self, line: Line) -> list[Line]:
        for text, style in line:
            for piece in _PIECES.findall(text):
                if piece.isspace():
                    self.blanks += len(piece)
                else:
                    self._add(piece, style)
        self._end()
        return self.lines

    def _add(self, word: str, style: str) -> None:
        if self.used + self.blanks + cells(word) <= self.width:
            self._put(word, style)
        elif cells(word) <= self.width - self.hang and not self.fresh:
            self._end()
            self._put(word, style)
        else:
            if self.blanks > 1 and not self.fresh:  # a column of its own
                self._end()
            for part in self._parts(word):
                self._put(part, style)

    def _parts(self, word: str) -> Iterator[str]:
        """A word that no line holds, in pieces that fill what is left of each."""
        part = ""
        for char in word:
            if part and self.used + self.blanks + cells(part + char) > self.width:
                yield part
                self._end()
                part = ""
            elif not part and not self.fresh and self.used + self.blanks + cells(char) > self.width:
                self._end()
            part += char
        yield part

    def _put(self, text: str, style: str) -> None:
        if self.blanks:
            self.line.append((" " * self.blanks, ""))
        self.line.append((text, style))
        self.used += self.blanks + cells(text)
        self.blanks, self.fresh = 0, False

    def _end(self) -> None:
        if not self.fresh:
            self.lines.append(self.line)
        self.line, self.used, self.blanks, self.fresh = [], 0, self.hang, True
