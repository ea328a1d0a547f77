"""Loads YAML files into mappings and lists with positions; scalars stay text.

The loader works on the events of PyYAML's parser and builds no graph of nodes. It is therefore several times as fast
as the loaders of PyYAML, keeps positions, refuses duplicate keys and limits the expansion of aliases. Valid files are
read in parts, so that only a few items are in memory at a time.
"""

from __future__ import annotations

import codecs
import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.config.positions import PLAIN, Layouts, MappingNode, Node, SequenceNode, copied, pack, unpack
from reconciler.config.problems import MAX_FINDINGS, Finding, raise_if_any, shown
from reconciler.config.yaml_errors import decode, escape_beyond_unicode, explain
from reconciler.model.values import MAX_SHARED, Origin, shared

#: Maximum nesting of mappings and lists.
MAX_DEPTH = 100
#: Maximum number of nodes that aliases repeat: this, or this multiple of the nodes written so far if that is more.
MAX_ALIASED = 10_000
MAX_ALIASED_FACTOR = 10
#: Maximum number of items in one part of a file.
PART_SIZE = 200

#: Untyped, because its attributes are declared as optional and are always set for parsed events.
_SCALAR: Any = ScalarEvent

_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null"))
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_IDENTIFIER = re.compile(r"[\w-]+", re.ASCII)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ALIAS_HINT = "write the values out, or use fewer aliases"


class _Stop(Exception):
    """The rest of the file cannot be read."""


class Unstreamable(Exception):
    """The file must be parsed whole: it has errors to report, or it merges keys into its root."""


def parse(text: str | bytes, file: str, warn: Callable[[Finding], object] | None = None) -> Node:
    """The root node of one file; an empty mapping for an empty file. ``file`` is the name in positions.

    ``warn`` is called for text that YAML reads differently from how it looks.

    Raises ConfigurationError with every error up to the point where the file cannot be read further.
    """
    if isinstance(text, bytes):
        decoded = decode(text, file)
        if isinstance(decoded, Finding):
            raise_if_any([decoded])
        text = str(decoded)
    builder = _YamlBuilder(text, file, warn)
    with collector_paused():
        node = builder.run()
    raise_if_any(builder.findings)
    return node


def parts(text: bytes, file: str, warn: Callable[[Finding], object] | None = None) -> Iterator[MappingNode]:
    """The root of a valid file in parts: mappings with one section and at most ``PART_SIZE`` of its items.

    Only nodes with anchors are kept. Raises Unstreamable where :func:`parse` has to read the file.
    """
    given = decode(text, file) if text.startswith(_BOMS) else text
    if isinstance(given, Finding):
        raise Unstreamable
    builder = _YamlBuilder(given, file, warn)
    del text, given  # large
    try:
        for part in builder.parts():
            if builder.findings:
                break
            yield part
    except (_Stop, yaml.YAMLError, ValueError, OverflowError):
        raise Unstreamable from None
    if builder.findings:
        raise Unstreamable


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause cyclic garbage collection, which would walk the growing tree repeatedly and find nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _events(text: str | bytes) -> Callable[[], Any]:
    loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
    get: Callable[[], Any] = loader(text).get_event
    return get


class _YamlBuilder:
    """State of reading one file: the parser's next event, anchors, counts and findings."""

    def __init__(self, text: str | bytes, file: str, warn: Callable[[Finding], object] | None) -> None:
        self.findings: list[Finding] = []
        self._warn = warn
        self._given = text
        self._file = file
        self._get: Callable[[], Any] = StreamEndEvent
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._anchored = 0
        self._layouts = Layouts()
        self._written = 0
        self._aliased = 0

    @cached_property
    def _text(self) -> str:
        """The text; bytes are decoded only where it is needed, since a large file should be in memory once."""
        text = self._given if isinstance(self._given, str) else decode(self._given, self._file)
        if isinstance(text, Finding):
            raise Unstreamable
        return text

    def run(self) -> Node:
        try:
            self._get = _events(self._given)
            return self._stream()
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self.findings.append(explain(error, self._text, self._file))
        except UnicodeEncodeError:
            self._note(0, "the text contains half of a surrogate pair", "save it as UTF-8")
        except (OverflowError, ValueError):  # the parser in Python, of an escape beyond Unicode
            self.findings.append(escape_beyond_unicode(self._text, self._file))
        return MappingNode.at(self._file)

    def _stream(self) -> Node:
        event = self._begin()
        if event is None:
            return MappingNode.at(self._file)
        node, mark = self._node(event, 0)
        self._end()
        return MappingNode.at(self._file) if mark & PLAIN and node in _NULLS else node

    def _begin(self) -> Any:
        """The event that begins the root node; None for an empty file."""
        self._get()
        return None if isinstance(self._get(), StreamEndEvent) else self._get()

    def _end(self) -> None:
        if not isinstance(self._get(), DocumentEndEvent):
            raise AssertionError("a document holds one node")  # pragma: no cover
        event = self._get()
        if not isinstance(event, StreamEndEvent):
            self._stop(_mark(event), "a second document begins here", "use one document per file: remove the `---`")

    def parts(self) -> Iterator[MappingNode]:
        """See :func:`parts`."""
        self._get = _events(self._given)
        root = self._begin()
        if root is None:
            return
        if type(root) is not MappingStartEvent or root.anchor or root.tag:
            raise Unstreamable
        base = _mark(root)
        seen = set()
        while type(event := self._get()) is not MappingEndEvent:
            key, place = self._key(event, base, 0)
            if key is None or key == "<<" or key in seen:
                raise Unstreamable
            seen.add(key)
            for value, mark in self._value_parts(self._get()):
                part = MappingNode.at(self._file)
                part.place = base
                part[key], part.marks = value, (place, mark - base)
                yield part
        self._end()

    def _value_parts(self, event: Any) -> Iterator[tuple[Node, int]]:
        """The value of a section: a list in parts, anything else whole."""
        if type(event) is not SequenceStartEvent or event.anchor or event.tag:
            yield self._own(event, 1)
            return
        base, first, more = _mark(event), True, True
        while more:
            node, marks = SequenceNode(), []
            node.file, node.place = self._file, base
            while len(node) < PART_SIZE and (more := type(item := self._get()) is not SequenceEndEvent):
                value, mark = self._own(item, 2)
                node.append(value)
                marks.append(mark - base)
            node.marks = tuple(marks)
            self._written += len(node) + 1
            if node or first:
                yield node, base
            first = False

    def _own(self, event: Any, depth: int) -> tuple[Node, int]:
        """A node that the caller may change: a copy if it contains an anchor, which an alias may repeat later."""
        anchored = self._anchored
        node, mark = self._node(event, depth)
        return (node if anchored == self._anchored else copied(node)), mark

    def _node(self, event: Any, depth: int) -> tuple[Node, int]:
        """The node that begins with ``event``, and its mark."""
        if type(event) is _SCALAR:
            return self._scalar(event)
        if type(event) is AliasEvent:
            return self._alias(event, depth)
        mark = _mark(event)
        if depth >= MAX_DEPTH:
            self._stop(mark, f"mappings and lists are nested more than {MAX_DEPTH} deep", "nest less deeply")
        if event.anchor:
            self._anchors[event.anchor] = None
            self._anchored += 1
        if event.tag:
            self._collection_tag(event)
        node = self._sequence(mark, depth) if type(event) is SequenceStartEvent else self._mapping(mark, depth)
        if event.anchor:
            self._anchors[event.anchor] = node, mark
        return node, mark

    def _scalar(self, event: Any) -> tuple[str, int]:
        """A scalar; ``!!str`` counts as quoted, the other core tags as unquoted, further tags are refused."""
        tag = event.tag
        plain = int(event.implicit[0])
        mark = _mark(event)
        if tag and tag not in _SCALARS and tag != "!":
            self._tag(mark, tag)
        elif tag:
            plain = int(tag not in ("!", _CORE + "str"))
        if " - " in event.value:
            self._folded_dash(event)
        if event.anchor:
            self._anchors[event.anchor] = event.value, plain
        return shared(event.value), mark | plain

    def _sequence(self, base: int, depth: int) -> SequenceNode:
        node = SequenceNode()
        node.file, node.place = self._file, base
        get, add, top, left = self._get, node.append, base >> 32, base & 0xFFFFFFFF
        marks: list[int] = []
        while type(item := get()) is not SequenceEndEvent:
            if type(item) is _SCALAR and item.tag is None and item.anchor is None:
                start, text = item.start_mark, item.value
                if " - " in text:
                    self._folded_dash(item)
                add(intern(text) if len(text) <= MAX_SHARED else text)
                marks.append((start.line - top << 32) + start.column * 2 - left + item.implicit[0])
            else:
                value, mark = self._node(item, depth + 1)
                add(value)
                marks.append(mark - base)
        node.marks = self._layouts.shared(marks)
        self._written += len(node) + 1
        return node

    def _mapping(self, base: int, depth: int) -> MappingNode:
        node = MappingNode()
        node.file, node.place, node.borrowed = self._file, base, None
        get, top, left = self._get, base >> 32, base & 0xFFFFFFFF
        marks: list[int] = []
        merges: list[tuple[Node, int, int]] = []
        add = marks.append
        while type(event := get()) is not MappingEndEvent:
            if type(event) is _SCALAR and event.tag is None and event.anchor is None:
                start = event.start_mark
                key: str | None = intern(event.value)
                place = (start.line - top << 32) + start.column * 2 - left + event.implicit[0]
            else:
                key, place = self._key(event, base, depth)
            item = get()
            if type(item) is _SCALAR and item.tag is None and item.anchor is None:
                start, text = item.start_mark, item.value
                if " - " in text:
                    self._folded_dash(item)
                value: Node = intern(text) if len(text) <= MAX_SHARED else text
                mark = (start.line - top << 32) + start.column * 2 - left + item.implicit[0]
            else:
                value, mark = self._node(item, depth + 1)
                mark -= base
            if key == "<<" and place & PLAIN:
                merges.append((value, base + place, base + mark))
            elif key is None:
                continue
            elif key in node:
                self._duplicate(key, base + place, base + marks[2 * list(node).index(key)])
            else:
                node[key] = value
                add(place)
                add(mark)
        if merges:
            self._merge(node, merges, marks)
        node.marks = self._layouts.shared(marks)
        self._written += 2 * len(node) + 1
        return node

    def _folded_dash(self, event: Any) -> None:
        """Warn about a line that begins with `- ` and continues the text above it."""
        if not (self._warn and event.implicit[0]) or event.start_mark.line == event.end_mark.line:
            return
        if re.search(r"[\r\n]\s*- ", self._text[event.start_mark.index : event.end_mark.index]):
            what = "text continues on the next line: the line that begins with `- ` is part of it, not a list item"
            hint = "align the `-` with the list, or put the text into quotes on one line"
            self._warn(Finding(self._origin(_mark(event)), what, hint))

    def _key(self, event: Any, base: int, depth: int) -> tuple[str | None, int]:
        """A key that is not a simple scalar: tagged, anchored, or an alias of a scalar; None if it is refused.

        Its mark is counted from ``base``.
        """
        node, mark = self._node(event, depth + 1)
        if isinstance(node, str):
            return intern(node), mark - base
        self._note(mark, "a list or mapping is used as a key", "use text as the key")
        return None, mark - base

    def _duplicate(self, key: str, place: int, first: int) -> None:
        before = unpack(first, self._file)
        where = f"line {before.line}, column {before.column}"
        name = f" {shown(key)}" if _IDENTIFIER.fullmatch(key) else ""  # other text may be about a person
        self._note(place, f"duplicate key{name}; first at {where}", "remove one of them")

    def _merge(self, node: MappingNode, merges: list[tuple[Node, int, int]], marks: list[int]) -> None:
        """``<<``: add the keys of the merged mappings that are still missing, the earlier mapping first."""
        for _, place, _ in merges[1:]:
            self._duplicate("<<", place, merges[0][1])
        value, _, mark = merges[0]
        sources = value if isinstance(value, SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, MappingNode):
                self._note(mark, "`<<` takes a mapping or a list of mappings", "merge an alias, e.g. `<<: *name`")
                return
            for index, key in enumerate(source):
                if key not in node:
                    node[key] = source[key]
                    offset = source.place - node.place
                    marks.extend(offset + mark for mark in source.marks[2 * index : 2 * index + 2])

    def _alias(self, event: Any, depth: int) -> tuple[Node, int]:
        """A copy of the anchor's node, at the position of the alias."""
        mark, name = _mark(event), event.anchor
        if name not in self._anchors:
            self._note(mark, f"alias *{name} has no anchor before it", f"define &{name}, or quote the value")
            return "", mark
        anchored = self._anchors[name]
        if anchored is None:
            self._note(mark, f"alias *{name} is used inside of its own anchor", "write the values out")
            return "", mark
        node, place = anchored
        return self._copy(node, depth, mark), mark | (place & PLAIN)

    def _copy(self, node: Node, depth: int, mark: int) -> Node:
        """A separate tree for each alias, counted against the budget, so that a small file stays small in memory."""
        if isinstance(node, str):
            return node
        self._aliased += len(node) + 1
        budget = max(MAX_ALIASED, MAX_ALIASED_FACTOR * self._written)
        if self._aliased > budget:
            self._stop(mark, f"the aliases in this file expand to more than {budget} values", _ALIAS_HINT)
        if depth >= MAX_DEPTH:
            self._stop(mark, f"after expanding aliases the file is nested more than {MAX_DEPTH} deep", _ALIAS_HINT)
        twin: MappingNode | SequenceNode
        if isinstance(node, MappingNode):
            twin = MappingNode()
            twin.borrowed = None
            twin.update((key, self._copy(value, depth + 1, mark)) for key, value in node.items())
        else:
            twin = SequenceNode([self._copy(value, depth + 1, mark) for value in node])
        twin.file, twin.place, twin.marks = node.file, node.place, node.marks
        return twin

    def _collection_tag(self, event: Any) -> None:
        kind = "seq" if type(event) is SequenceStartEvent else "map"
        if event.tag not in ("!", _CORE + kind):
            self._tag(_mark(event), event.tag)

    def _tag(self, mark: int, tag: str) -> None:
        self._note(mark, f"unknown YAML tag {shown(tag)}", "remove the tag")

    def _note(self, mark: int, what: str, hint: str) -> None:
        self.findings.append(Finding(self._origin(mark), what, hint))
        if len(self.findings) >= MAX_FINDINGS:
            raise _Stop

    def _stop(self, mark: int, what: str, hint: str) -> None:
        self._note(mark, what, hint)
        raise _Stop

    def _origin(self, mark: int) -> Origin:
        return unpack(mark, self._file)


def _mark(event: Any) -> int:
    start = event.start_mark
    return pack(start.line, start.column)
