"""What a YAML file consists of when its parts are to be moved: blocks, their entries, and pieces of its text."""

from __future__ import annotations

from typing import Any, NamedTuple


class Unmovable(Exception):
    """The text is written in a way that is left alone: ``args`` say why."""


class Entry:
    """A pair of a mapping, or an item of a list (``key`` is None).

    ``lead``: the lines above it, comments without their indentation and ``""`` for blank ones. ``tail``: a comment
    at the end of its line, with its column and the blanks before it. ``below``: the lines that stand where a value
    could, and are comments.
    """

    __slots__ = ("below", "key", "lead", "tail", "value")

    def __init__(self, key: Piece | None) -> None:
        self.key = key
        self.value: Piece | Block = NOTHING
        self.lead: list[str] = []
        self.below: list[str] = []
        self.tail: tuple[int, int, str] | None = None


class Piece:
    """A scalar, an alias, or brackets: one slice of the text. ``style``: its quote, ``|``, ``>``, ``*`` or ``flow``.

    ``value``: a scalar's text; for brackets what stands in them, one deep. ``decked``: it has an anchor or a tag.
    """

    __slots__ = ("decked", "end", "start", "style", "value")

    def __init__(self, start: int, end: int, style: str, value: Any, decked: bool) -> None:
        self.start, self.end, self.style, self.value, self.decked = start, end, style, value, decked


class Block:
    """A mapping (``keyed``) or a list of entries in block style; ``deck`` is its anchor and tag.

    ``foot``: the lines after its last entry that belong to it.
    """

    __slots__ = ("column", "deck", "entries", "foot", "keyed")

    def __init__(self, keyed: bool, column: int, deck: str) -> None:
        self.keyed, self.column, self.deck = keyed, column, deck
        self.entries: list[Entry] = []
        self.foot: list[str] = []


#: No value yet.
NOTHING = Piece(0, 0, "", "", False)


class Layout(NamedTuple):
    """A file: its node, the lines to ``---`` with it, and the lines at the end that belong to no block.

    ``comments`` are all of them outside of block scalars, as they come.
    """

    node: Block
    top: list[str]
    rest: list[str]
    comments: list[str]
