"""Lines of a CSV file as the csv module takes them, bounded; where a cell stands; what its errors mean."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from typing import TextIO

from reconciler.disk.findings import count
from reconciler.disk.syntax import FORBIDDEN

#: No line is longer than this, in characters: a file without line breaks is not taken into memory.
LONGEST = 1_000_000


#: The line by which Excel is told of the delimiter.
_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?[eE]\+[0-9]+")
_ERROR = re.compile(r"#+|#[A-Z/0-9]+[!?]|#N/A|#NV")

#: Beginnings that a spreadsheet takes for a formula (OWASP, CSV injection), behind any number of guards.
_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs: ``'`` before what could be a formula, a phone number's ``+`` included."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """The inverse of :func:`guarded`; a cell without a guard is taken as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class Lines:
    """The lines of a stream; ``text`` is the one that was handed out last. ``refuse`` makes the error of a line.

    A first line ``sep=;`` is left out, and its character is the ``delimiter``; it counts as a line.
    """

    def __init__(self, stream: TextIO, delimiter: str, refuse: Callable[[int, int, str, str], Exception]) -> None:
        self.text = ""
        self.delimiter, self.skipped = delimiter, 0
        self._stream, self._refuse, self._number = stream, refuse, 0
        self._first = self._next()
        if separator := _SEPARATOR.fullmatch(self._first):
            self.delimiter, self.skipped = separator.group(1), 1
            self._first = self._next()

    def __iter__(self) -> Iterator[str]:
        line = self._first
        while line:
            self.text = line
            yield line
            line = self._next()

    def _next(self) -> str:
        """The next line; empty at the end. Raises for one that is too long or holds a control character."""
        line = self._stream.readline(LONGEST + 1)
        self._number += 1
        if len(line) > LONGEST:
            what = f"this line is longer than {count(LONGEST, 'character')}"
            raise self._refuse(self._number, 1, what, "is it a CSV file? an e-mail address is short")
        if found := FORBIDDEN.search(line):
            what = f"the character U+{ord(found.group()):04X} is not allowed here"
            raise self._refuse(self._number, found.start() + 1, what, _advice(found.group()))
        return line


def _advice(char: str) -> str:
    if char == "\0":
        return "it looks like UTF-16: save it as UTF-8"
    return "it looks like cp1252: add `encoding: cp1252`" if "\x80" <= char <= "\x9f" else "remove it"


def is_damaged(text: str) -> bool:
    """Whether a spreadsheet wrote this in place of a value: ``########``, ``#N/A``, ``3.36123E+10``."""
    if text[0] == "#":
        return bool(_ERROR.fullmatch(text)) and len(text) > 2
    return "+" in text and bool(_SCIENTIFIC.fullmatch(text))


def column_of(text: str, index: int, delimiter: str) -> int:
    """The column, from 1, at which a cell begins on the line ``text``; 1 where the row began on another line."""
    at, place = 0, 0
    while at < index:
        place = _end_of_cell(text, place, delimiter) + 1
        if place > len(text):
            return 1
        at += 1
    return place + 1


def _end_of_cell(text: str, place: int, delimiter: str) -> int:
    """Where the delimiter after the cell that begins at ``place`` stands; beyond the line where there is none."""
    while text[place : place + 1] == " ":
        place += 1
    quoted = text[place : place + 1] == '"'
    while quoted:
        place = text.find('"', place + 1)
        if place < 0:
            return len(text)
        if text[place + 1 : place + 2] == '"':
            place += 1
            continue
        quoted = False
    end = text.find(delimiter, place)
    return len(text) if end < 0 else end


def words_of(error: csv.Error) -> tuple[str, str]:
    """What the csv module could not read, and what to do."""
    text = str(error)
    if "field larger" in text:
        return f"a cell is longer than {csv.field_size_limit():,} characters", "look for a quote that is not closed"
    if "unexpected end" in text:
        return "a quote is opened here and not closed", 'close it, or write "" for a quote inside of a cell'
    if "expected after" in text:
        return "a quote stands inside of a quoted cell", 'write "" for a quote inside of a cell'
    return f"this is not CSV: {text}", "save it again as CSV"
