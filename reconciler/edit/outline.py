"""Describes the lines of a YAML file: their content, the enclosing blocks, and the block of each comment.

| comment on a line of its own | belongs to |
| --- | --- |
| not deeper than the next line of code, or that line opens its block | the next line |
| deeper than the next line of code | the deepest block above that begins at its column or left of it |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
)

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*", re.MULTILINE)

#: Columns of blocks whose column is not known yet.
_UNKNOWN_MAPPING, _UNKNOWN_SEQUENCE = -1, -2
#: Untyped, because its marks are declared as optional and are always set for parsed events.
_END: Any = CollectionEndEvent


class LineForm(Enum):
    """The content of a line; ``SCALAR`` and ``BRACKETS`` lines continue a value that began above."""

    CODE = "code"
    COMMENT = "comment"
    BLANK = "blank"
    SCALAR = "scalar"
    BRACKETS = "brackets"


class Line(NamedTuple):
    """A line, and the ids of the blocks that are open at its first and after its last value."""

    text: str
    form: LineForm
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()

    @property
    def indent(self) -> int:
        """Number of spaces at the beginning."""
        return len(self.text) - len(self.text.lstrip(" "))


class Place(NamedTuple):
    """Where a comment belongs: a block by its id (-1: none), and whether it is deeper than that block."""

    block: int
    deeper: bool = False


class Outline(NamedTuple):
    """All lines of a file, the column of each block by id, and every comment with its offset, in order."""

    lines: list[Line]
    columns: list[int]
    comments: list[tuple[int, str]]

    def block_of(self, at: int, above: tuple[int, ...] = ()) -> int:
        """The id of the block that has an entry beginning at this line of code, or -1.

        ``above``: the blocks open before it, for a dash without a value in its line.
        """
        line = self.lines[at]
        return next((block for block in reversed(line.first or above) if self.columns[block] == line.indent), -1)

    def is_below_text(self, at: int) -> bool:
        """Whether the value above a line is a block scalar, of which a deeper comment would become a part."""
        while at and self.lines[at - 1].form in (LineForm.BLANK, LineForm.COMMENT):
            at -= 1
        return at > 0 and self.lines[at - 1].form is LineForm.SCALAR

    def places(self) -> Iterator[tuple[int, Place]]:
        """The index of each comment line, and the block that the comment belongs to."""
        above: tuple[int, ...] = ()
        waiting: list[int] = []
        for at, line in enumerate(self.lines):
            if line.form is LineForm.COMMENT:
                waiting.append(at)
            elif line.form is LineForm.CODE:
                yield from ((index, self._place(index, above, at)) for index in waiting)
                waiting = []
                above = line.last or above
        yield from ((index, self._place(index, above, None)) for index in waiting)

    def _place(self, index: int, above: tuple[int, ...], following: int | None) -> Place:
        indent = self.lines[index].indent
        if following is not None:
            block = self.block_of(following, above)
            if block not in above or indent <= self.columns[block]:
                return Place(block)
        fitting = [block for block in above if self.columns[block] <= indent]
        if not fitting:
            return Place(-1)
        deepest = self.columns[fitting[-1]]
        block = fitting[-1] if following is not None else next(b for b in fitting if self.columns[b] == deepest)
        return Place(block, deepest < indent)


def outline(text: str) -> Outline:
    """The lines of a text that can be parsed, with LF between its lines."""
    return _Outliner(text).run()


class _Outliner:
    """State of reading one text: the blocks that are open, and what is known of each line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns: list[int] = []
        self.first: dict[int, tuple[int, ...]] = {}
        self.last: dict[int, tuple[int, ...]] = {}
        self.continued: dict[int, LineForm] = {}
        self.comments: list[tuple[int, str]] = []
        self.at = 0

    def run(self) -> Outline:
        loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
        self._events(loader(self.text).get_event)
        self._gap(len(self.text))
        return Outline([self._line(*each) for each in enumerate(self.text.split("\n"))], self.columns, self.comments)

    def _events(self, get: Callable[[], Any]) -> None:
        stack: tuple[int, ...] = ()
        flow: list[Any] = []
        for event in iter(get, None):
            if isinstance(event, StreamEndEvent):
                return
            if isinstance(event, CollectionStartEvent):
                if flow or event.flow_style:
                    flow.append(event)
                else:
                    stack = (*stack, len(self.columns))
                    self.columns.append(self._column(event))
            elif isinstance(event, _END):
                if flow:
                    self._continue(flow.pop().start_mark.line, event.end_mark.line, LineForm.BRACKETS)
                else:
                    stack = stack[:-1]
                continue
            elif isinstance(event, ScalarEvent | AliasEvent):
                self._value(event)
            else:
                continue
            self._note(event, stack)

    @staticmethod
    def _column(event: Any) -> int:
        """The column of a block; unknown before its first entry if the block has an anchor or a tag."""
        if event.anchor is None and event.tag is None:
            return int(event.start_mark.column)
        return _UNKNOWN_MAPPING if isinstance(event, MappingStartEvent) else _UNKNOWN_SEQUENCE

    def _note(self, event: Any, stack: tuple[int, ...]) -> None:
        line, column = event.start_mark.line, event.start_mark.column
        if stack and self.columns[stack[-1]] < 0 and not isinstance(event, CollectionStartEvent):
            self.columns[stack[-1]] = max(column - 2 * (self.columns[stack[-1]] == _UNKNOWN_SEQUENCE), 0)
        self.first.setdefault(line, stack)
        self.last[line] = stack

    def _value(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        self._gap(start)
        style = getattr(event, "style", None)
        if style in ("|", ">"):
            head = self.text.find("\n", start, end)
            self.at = start
            self._gap(head if head >= 0 else end)
            lines = self._content(self.text[start:end].split("\n"))
            self._continue(event.start_mark.line, event.start_mark.line + lines, LineForm.SCALAR)
        else:
            self._continue(event.start_mark.line, event.end_mark.line, LineForm.SCALAR)
        self.at = end

    @staticmethod
    def _content(lines: list[str]) -> int:
        """Number of lines of a block scalar below its head; with ``+`` trailing blank lines are included."""
        count = len(lines) - 1
        if count and not lines[-1].strip(" "):
            count -= 1
        if "+" not in lines[0].partition("#")[0]:
            while count and not lines[count].strip(" "):
                count -= 1
        return count

    def _continue(self, first: int, last: int, form: LineForm) -> None:
        for line in range(first + 1, last + 1):
            self.continued.setdefault(line, form)

    def _gap(self, end: int) -> None:
        """The comments between two values."""
        for found in _COMMENT.finditer(self.text[self.at : end]):
            self.comments.append((self.at + found.start(), found.group().rstrip()))

    def _line(self, at: int, text: str) -> Line:
        if at in self.continued:
            return Line(text, self.continued[at])
        bare = text.strip()
        if not bare or bare[0] == "#":
            return Line(text, LineForm.COMMENT if bare else LineForm.BLANK)
        return Line(text, LineForm.CODE, self.first.get(at, ()), self.last.get(at, ()))
