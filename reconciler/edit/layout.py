"""What a YAML file consists of when its parts are to be moved: blocks, their entries, and pieces of its text.

The text of a YAML file → its blocks, each with the comments and blank lines that belong to it.

Made for moving blocks without losing anything: a comment belongs to what stands below it, behind it on its line, or,
where it is indented further than what follows, to the block above it. Brackets are one piece here (``flow``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)


class Unmovable(Exception):
    """The text is written in a way that is left alone: ``args`` say why."""


class BlockEntry:
    """A pair of a mapping, or an item of a list (``key`` is None).

    ``lead``: the lines above it, comments without their indentation and ``""`` for blank ones. ``tail``: a comment
    at the end of its line, with its column and the blanks before it. ``below``: the lines that stand where a value
    could, and are comments.
    """

    __slots__ = ("below", "key", "lead", "tail", "value")

    def __init__(self, key: TextNode | None) -> None:
        self.key = key
        self.value: TextNode | BlockNode = NOTHING
        self.lead: list[str] = []
        self.below: list[str] = []
        self.tail: tuple[int, int, str] | None = None


class TextNode:
    """A scalar, an alias, or brackets: one slice of the text. ``style``: its quote, ``|``, ``>``, ``*`` or ``flow``.

    ``value``: a scalar's text; for brackets what stands in them, one deep. ``decked``: it has an anchor or a tag.
    """

    __slots__ = ("decked", "end", "start", "style", "value")

    def __init__(self, start: int, end: int, style: str, value: Any, decked: bool) -> None:
        self.start, self.end, self.style, self.value, self.decked = start, end, style, value, decked


class BlockNode:
    """A mapping (``keyed``) or a list of entries in block style; ``deck`` is its anchor and tag.

    ``foot``: the lines after its last entry that belong to it.
    """

    __slots__ = ("column", "deck", "entries", "foot", "keyed")

    def __init__(self, keyed: bool, column: int, deck: str) -> None:
        self.keyed, self.column, self.deck = keyed, column, deck
        self.entries: list[BlockEntry] = []
        self.foot: list[str] = []


#: No value yet.
NOTHING = TextNode(0, 0, "", "", False)


class FileLayout(NamedTuple):
    """A file: its node, the lines to ``---`` with it, and the lines at the end that belong to no block.

    ``comments`` are all of them outside of block scalars, as they come.
    """

    node: BlockNode
    top: list[str]
    rest: list[str]
    comments: list[str]


_DECK = re.compile(r"(?:[&!]\S*[ \t]*)+")
#: Signs in these open and close nothing: quoted text, comments.
SAID = re.compile(r"""(?<![^\s,\[{:])(?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*')|(?<!\S)#.*""")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")


def read(text: str) -> FileLayout:
    """A text that can be parsed, with LF between its lines, as blocks. Raises Unmovable."""
    return _Reader(text).run()


class _Reader:
    """``at`` is where the last piece ended, ``last`` the entry that it is of; ``open`` is the outermost entry whose
    first piece has not come yet, ``closed`` are the blocks that ended since the last piece, innermost first."""

    def __init__(self, text: str) -> None:
        self.text = text
        loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
        self.get: Callable[[], Any] = loader(text).get_event
        self.at = 0
        self.entry = BlockEntry(None)
        self.open: BlockEntry | None = None
        self.last: BlockEntry | None = None
        self.closed: list[BlockNode] = []
        self.decks: list[tuple[int, int]] = []
        self.comments: list[str] = []

    def run(self) -> FileLayout:
        self.get()
        event = self.get()
        if isinstance(event, StreamEndEvent):
            raise Unmovable("it holds nothing")
        top = self._top(event) if event.explicit else []
        node = self._node(self.get())
        if not isinstance(node, BlockNode):
            raise Unmovable("it is neither a mapping nor a list, line by line")
        end = self.get()
        if end.explicit:
            raise Unmovable("its document ends with `...`")
        rest = self._gap(self.text[self.at :], last=True)
        return FileLayout(node, top, rest, self.comments)

    def _top(self, event: Any) -> list[str]:
        """The lines to ``---``, with it."""
        at = event.end_mark.index
        end = self.text.find("\n", at)
        self.at = len(self.text) if end < 0 else end + 1
        if self.text[at : self.at].strip():
            raise Unmovable("something stands behind its `---`")
        return [line.rstrip() for line in self.text[:at].split("\n")]

    def _node(self, event: Any) -> TextNode | BlockNode:
        kind = type(event)
        if kind is not ScalarEvent and kind is not AliasEvent:
            return self._flow(event) if event.flow_style else self._block(event)
        if kind is AliasEvent:
            return self._piece(TextNode(event.start_mark.index, event.end_mark.index, "*", None, False))
        decked = event.anchor is not None or event.tag is not None
        start, end = event.start_mark.index, event.end_mark.index
        piece = TextNode(start, end, event.style or "", event.value, decked)
        if piece.style in ("|", ">"):
            self._trim(piece)
        return self._piece(piece)

    def _trim(self, piece: TextNode) -> None:
        """A block scalar ends with its last line of content; with ``+`` blank ones are content."""
        lines = self.text[piece.start : piece.end].split("\n")
        if "+" in lines[0].partition("#")[0]:
            piece.end -= self.text[piece.end - 1] == "\n"
            return
        indent = next((len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()), len(lines[-1]))
        while len(lines) > 1 and not lines[-1].strip(" ") and len(lines[-1]) <= indent:
            lines.pop()
        piece.end = piece.start + len("\n".join(lines))

    def _flow(self, event: Any) -> TextNode:
        """Brackets: of the events within, the scalars one deep are kept."""
        depth = 1
        found: list[str | None] = []
        mapping = type(event) is MappingStartEvent
        while depth:
            inner = self.get()
            kind = type(inner)
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                if depth == 1:
                    found.append(self.text[inner.start_mark.index])
                depth += 1
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                depth -= 1
            elif depth == 1:
                found.append(inner.value if kind is ScalarEvent else None)
        value = dict(zip(map(str, found[::2]), found[1::2], strict=True)) if mapping else None
        decked = event.anchor is not None or event.tag is not None
        start, end = event.start_mark.index, inner.end_mark.index
        if self.text.find("\n", start, end) >= 0:
            said = SAID.findall(self.text[start:end])
            self.comments += [token.rstrip() for token in said if token[0] == "#"]
        return self._piece(TextNode(start, end, "flow", value, decked))

    def _block(self, event: Any) -> BlockNode:
        keyed, place = type(event) is MappingStartEvent, event.start_mark
        block = BlockNode(keyed, place.column, "")
        if event.anchor is not None or event.tag is not None:
            found = _DECK.match(self.text, place.index)
            assert found is not None
            block.deck, block.column = found.group().rstrip(), -1
            self.decks.append(found.span())
        end = MappingEndEvent if keyed else SequenceEndEvent
        get, add = self.get, block.entries.append
        while type(inner := get()) is not end:
            if block.column < 0:
                block.column = inner.start_mark.column - (0 if keyed else 2)
            entry = self.entry = BlockEntry(None)
            if self.open is None:
                self.open = entry
            if keyed:
                entry.key = self._key(inner)
                inner = get()
            entry.value = self._node(inner)
            add(entry)
        self.closed.append(block)
        return block

    def _key(self, event: Any) -> TextNode:
        key = self._node(event)
        if not isinstance(key, TextNode) or key.style in ("|", ">", "flow") or key.end == key.start:
            raise Unmovable("it has keys that are no words")
        return key

    def _piece(self, piece: TextNode) -> TextNode:
        """What stands before it is settled."""
        gap = self.text[self.at : piece.start]
        for start, end in self.decks:
            gap = gap[: start - self.at] + " " * (end - start) + gap[end - self.at :]
        self.decks.clear()
        if gap.strip(" -:") != ("\n" if "\n" in gap else ""):
            lead = self._gap(gap)
            if self.open is not None:
                self.open.lead = lead
            else:  # between a key and its value
                self.entry.lead += [line for line in lead if line]
        self.closed.clear()
        self.open, self.last, self.at = None, self.entry, piece.end
        return piece

    def _gap(self, gap: str, *, last: bool = False) -> list[str]:
        """The lines that belong to what follows; a comment at the end of the line goes to what was before."""
        first, *lines = (gap if self.last else "\n" + gap).split("\n")
        found: list[tuple[int, str]] = []
        self._behind(first, found)
        before, column = len(found), 0 if last else -1
        for line in lines if last and not gap.endswith("\n") else lines[:-1]:
            column = _line(line, found, column)
        self.comments += [text for _, text in found[before:] if text]
        if lines and not last and column < 0:
            _code(lines[-1])
            column = len(lines[-1]) - len(lines[-1].lstrip(" "))
        found = self._below(found)
        return [text for _, text in (self._feet(found, column) if self.closed else found)]

    def _below(self, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Comments in the place of a value stay there; returns the others."""
        last = self.last
        if last is None or last.key is None or not isinstance(last.value, TextNode) or last.value is NOTHING:
            return found
        if last.value.start < last.value.end:
            return found
        own = last.key.start - (self.text.rfind("\n", 0, last.key.start) + 1)
        deep = next((index for index, (indent, text) in enumerate(found) if text and indent <= own), len(found))
        while deep and not found[deep - 1][1]:
            deep -= 1
        last.below = [text for _, text in found[:deep]]
        return found[deep:]

    def _behind(self, line: str, found: list[tuple[int, str]]) -> None:
        """What stands on the line of the last piece, behind it."""
        code, comment = _code(line)
        if not comment:
            return
        self.comments.append(comment)
        if self.open is None and not self.closed and self.entry is self.last and not self._is_done():
            found.append((0, comment))
        elif self.last is not None:
            column = self.at - (self.text.rfind("\n", 0, self.at) + 1) + len(code)
            self.last.tail = column, len(code) - len(code.rstrip(" \t")), comment

    def _is_done(self) -> bool:
        return self.entry.value is not NOTHING

    def _feet(self, found: list[tuple[int, str]], column: int) -> list[tuple[int, str]]:
        """Comments that are indented further than what follows go to the blocks that end here; returns the rest."""
        deep = 0
        for index, (indent, text) in enumerate(found):
            if text and indent <= column:
                break
            deep = index + 1 if text else deep
        level, blank = 0, False
        for indent, text in found[:deep]:
            while text and level + 1 < len(self.closed) and self.closed[level].column > indent:
                level += 1
            if text:
                self.closed[level].foot += ["", text] if blank else [text]
            blank = not text
        return found[deep:]


def _line(line: str, found: list[tuple[int, str]], column: int) -> int:
    """A line between two pieces: blank, a comment, or indicators; returns the column where code begins."""
    code, comment = _code(line)
    bare = line.lstrip(" \t")
    if comment or not bare:
        found.append((len(line) - len(bare), comment))
    return len(line) - len(bare) if code.strip() and column < 0 else column


def _code(line: str) -> tuple[str, str]:
    """What stands before the comment of a line of indicators, and the comment."""
    comment = _COMMENT.search(line)
    code = line[: comment.start()] if comment else line
    if "?" in code:
        raise Unmovable("it has keys with `?`")
    return code, comment.group().rstrip() if comment else ""
