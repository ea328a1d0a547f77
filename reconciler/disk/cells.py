"""Lines of a CSV file as the csv module takes them, bounded; where a cell stands; what its errors mean."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

#: No line is longer than this, in characters: a file without line breaks is not taken into memory.
LONGEST = 1_000_000


class Lines:
    """The lines of a stream; ``text`` is the one that was handed out last. ``endless`` makes the error."""

    def __init__(self, stream: TextIO, endless: Callable[[int], Exception]) -> None:
        self.text = ""
        self._stream, self._endless, self._number = stream, endless, 0

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(LONGEST + 1):
            self._number += 1
            if len(line) > LONGEST:
                raise self._endless(self._number)
            self.text = line
            yield line


def column_of(text: str, row: Sequence[str], index: int, delimiter: str) -> int:
    """The column, from 1, at which a cell begins on the line ``text``; 1 where the row began on another line."""
    before = sum(map(len, row[:index])) + index
    if '"' not in text:
        return before + 1
    at, place = 0, 0
    while at < index:
        place = _end_of_cell(text, place, delimiter) + 1
        if place > len(text):
            return 1
        at += 1
    return place + 1


def _end_of_cell(text: str, place: int, delimiter: str) -> int:
    """Where the delimiter after the cell that begins at ``place`` stands; beyond the line where there is none."""
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
