"""Mappings and lists with the positions of their keys and values in a file."""

from __future__ import annotations

from array import array
from collections import abc
from typing import Any, NamedTuple

from reconciler.model.values import Origin

#: Positions counted from another one; short ones are tuples, which can be shared.
Marks = abc.Sequence[int]
#: More marks than this are not looked for among those of other blocks.
_LONG = 32
#: The lowest bit of a mark: the scalar stands unquoted and without a tag, so ``null`` means null.
PLAIN = 1


def pack(line: int, column: int, plain: int = 0) -> int:
    """Line and column (from 0) and the plain bit as one int: ``line << 32 | column << 1 | plain``."""
    return line << 32 | column << 1 | plain


def unpack(mark: int, file: str) -> Origin:
    """The position (from 1) of a mark."""
    return Origin(file, (mark >> 32) + 1, ((mark & 0xFFFFFFFF) >> 1) + 1)


#: The place of line 1, column 1. A mark counts both from 0, so mark + FIRST is its place.
FIRST = pack(1, 1)


class Layouts:
    """Marks of blocks; blocks with the same layout share them."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Marks] = {}

    def shared(self, marks: list[int]) -> Marks:
        """The given marks, stored once for equal layouts."""
        if len(marks) > _LONG:
            return array("q", marks)
        layout = tuple(marks)
        return self._known.setdefault(layout, layout)


class Borrowed(NamedTuple):
    """The marks of a key that was added from another file: the positions of key and value there."""

    key: Origin
    value: Origin
    plain: bool


class MappingNode(dict[str, Any]):
    """A YAML mapping: a dict with text keys, its position and those of its keys and values.

    ``marks`` holds two ints for each key in the order of the keys, the key's and the value's, counted from ``place``,
    so that blocks that are laid out alike share theirs; keys filled in from another file follow after them and have
    their positions in ``borrowed``. Keys may be replaced, not removed.
    """

    __slots__ = ("borrowed", "file", "marks", "place")

    file: str
    place: int
    marks: Marks
    borrowed: dict[str, Borrowed] | None

    @classmethod
    def at(cls, file: str, line: int = 0, column: int = 0) -> MappingNode:
        """An empty mapping at a position counted from 0."""
        node = cls()
        node.file = file
        node.place = pack(line, column)
        node.marks = ()
        node.borrowed = None
        return node

    def origin(self, key: str | None = None) -> Origin:
        """The position of ``key``, or of the mapping without ``key`` or when it has no such key."""
        if key is None or key not in self:
            return unpack(self.place, self.file)
        if self.borrowed and key in self.borrowed:
            return self.borrowed[key].key
        return unpack(self._mark(key, 0), self.file)

    def value_origin(self, key: str) -> Origin:
        """The position of the value of ``key``; that of the mapping when it has no such key."""
        if key not in self:
            return unpack(self.place, self.file)
        if self.borrowed and key in self.borrowed:
            return self.borrowed[key].value
        return unpack(self._mark(key, 1), self.file)

    def is_plain(self, key: str) -> bool:
        """Whether the value of ``key`` is an unquoted, untagged scalar."""
        if self.borrowed and key in self.borrowed:
            return self.borrowed[key].plain
        return bool(self._mark(key, 1) & PLAIN)

    def is_plain_at(self, index: int, key: str) -> bool:
        """Whether the value of the key at ``index`` is an unquoted, untagged scalar; faster than :meth:`is_plain`."""
        place = 2 * index + 1
        return bool(self.marks[place] & PLAIN) if place < len(self.marks) else self.is_plain(key)

    def borrow(self, key: str, value: Any, source: MappingNode) -> None:
        """Add a missing key with its position in ``source``."""
        self.borrowed = self.borrowed or {}
        self.borrowed[key] = Borrowed(source.origin(key), source.value_origin(key), source.is_plain(key))
        self[key] = value

    def _mark(self, key: str, side: int) -> int:
        for index, name in enumerate(self):
            if name == key:
                return self.place + self.marks[2 * index + side]
        raise KeyError(key)


class SequenceNode(list[Any]):
    """A YAML list with its position and those of its items; ``marks`` holds one mark for each item."""

    __slots__ = ("file", "marks", "place")

    file: str
    place: int
    marks: Marks

    def origin(self, index: int | None = None) -> Origin:
        """The position of the item at ``index``, or of the list without it."""
        return unpack(self.place if index is None else self.place + self.marks[index], self.file)

    def value_origin(self, index: int) -> Origin:
        """The position of the item at ``index``, as :meth:`origin`; for use with mappings alike."""
        return self.origin(index)

    def is_plain(self, index: int) -> bool:
        """Whether the item is an unquoted, untagged scalar."""
        return bool(self.marks[index] & PLAIN)

    def is_plain_at(self, index: int, key: int) -> bool:
        """Whether the item is an unquoted, untagged scalar; for use with mappings alike."""
        return self.is_plain(index)


#: What a document consists of; every scalar is still its text.
Node = MappingNode | SequenceNode | str


def value_origin(node: MappingNode | SequenceNode, key: str | int) -> Origin:
    """The position of the value of a key or index."""
    if isinstance(node, MappingNode):
        return node.value_origin(str(key))
    return node.value_origin(int(key))


def copied(node: Any) -> Any:
    """A deep copy with positions, so that resolving one tree does not change the other."""
    if isinstance(node, MappingNode):
        twin = MappingNode()
        twin.file, twin.place, twin.marks = node.file, node.place, node.marks
        twin.borrowed = dict(node.borrowed) if node.borrowed else None
        twin.update((key, copied(value)) for key, value in node.items())
        return twin
    if isinstance(node, SequenceNode):
        row = SequenceNode(map(copied, node))
        row.file, row.place, row.marks = node.file, node.place, node.marks
        return row
    return node
