"""The text of one YAML file → mappings and lists with a position for everything in them; scalars stay text.

A constructor of our own over the events of PyYAML's parser: no graph of nodes is built in between, which is what
makes it several times as fast as the loaders of PyYAML and lets it keep positions, refuse duplicate keys and bound
what aliases may expand to.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.disk import syntax
from reconciler.disk.findings import MOST, Finding, raise_if_any, shown
from reconciler.disk.nodes import PLAIN, Layouts, Mapping, Node, Sequence, pack, unpack
from reconciler.model.values import Origin, shared

#: Mappings and lists may stand in each other this deep.
MAX_DEPTH = 100
#: Aliases may repeat this many nodes, or this many times as many as are written before them, if that is more.
ALIASED = 10_000
ALIASED_TIMES = 10

#: The class without its declared attributes, which may be None for hand-made events and never are for parsed ones.
_SCALAR: Any = ScalarEvent

_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null"))
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_ALIAS_HINT = "write the values out, or repeat less of them"


class _Stop(Exception):
    """Nothing after this can be read."""


def parse(text: str | bytes, file: str, warn: Callable[[Finding], object] | None = None) -> Node:
    """One file → its node; an empty one is an empty mapping. ``file`` is the name that positions carry.

    ``warn`` is called with what YAML reads otherwise than it looks.

    Raises ConfigurationError with everything found wrong as far as the file can be read.
    """
    if isinstance(text, bytes):
        decoded = syntax.decode(text, file)
        if isinstance(decoded, Finding):
            raise_if_any([decoded])
        text = str(decoded)
    builder = _Builder(text, file, warn)
    with collector_paused():
        node = builder.run()
    raise_if_any(builder.findings)
    return node


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile: it would walk the growing tree again and again and find nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _events(text: str) -> Callable[[], Any]:
    loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
    get: Callable[[], Any] = loader(text).get_event
    return get


class _Builder:
    """The state of reading one file: the parser's next event, anchors, counts and findings."""

    def __init__(self, text: str, file: str, warn: Callable[[Finding], object] | None) -> None:
        self.findings: list[Finding] = []
        self._warn = warn
        self._text = text
        self._file = file
        self._get: Callable[[], Any] = StreamEndEvent
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._layouts = Layouts()
        self._written = 0
        self._aliased = 0

    def run(self) -> Node:
        try:
            self._get = _events(self._text)
            return self._stream()
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self.findings.append(syntax.explain(error, self._text, self._file))
        except UnicodeEncodeError:
            self._note(0, "the text holds half of a surrogate pair", "save it as UTF-8")
        except (OverflowError, ValueError):  # the parser in Python, of an escape beyond Unicode
            self.findings.append(syntax.escape_beyond_unicode(self._text, self._file))
        return Mapping.at(self._file)

    def _stream(self) -> Node:
        self._get()
        event = self._get()
        if isinstance(event, StreamEndEvent):
            return Mapping.at(self._file)
        event = self._get()
        node, mark = self._node(event, 0)
        if not isinstance(self._get(), DocumentEndEvent):
            raise AssertionError("a document holds one node")  # pragma: no cover
        event = self._get()
        if not isinstance(event, StreamEndEvent):
            self._stop(_mark(event), "a second document begins here", "one file holds one document; remove the `---`")
        return Mapping.at(self._file) if mark & PLAIN and node in _NULLS else node

    def _node(self, event: Any, depth: int) -> tuple[Node, int]:
        """Any event that begins a node → the node and its mark."""
        if type(event) is _SCALAR:
            return self._scalar(event)
        if type(event) is AliasEvent:
            return self._alias(event, depth)
        mark = _mark(event)
        if depth >= MAX_DEPTH:
            self._stop(mark, f"more than {MAX_DEPTH} mappings and lists stand in each other", "nest less deeply")
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._sequence(event, depth) if type(event) is SequenceStartEvent else self._mapping(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node, mark
        return node, mark

    def _scalar(self, event: Any) -> tuple[str, int]:
        """Any scalar; ``!!str`` counts as quoted, the other core tags as unquoted, further tags are refused."""
        tag = event.tag
        plain = int(event.implicit[0])
        mark = _mark(event)
        if tag and tag not in _SCALARS and tag != "!":
            self._tag(mark, tag)
        elif tag:
            plain = int(tag not in ("!", _CORE + "str"))
        if event.anchor:
            self._anchors[event.anchor] = event.value, plain
        return event.value, mark | plain

    def _sequence(self, event: Any, depth: int) -> Sequence:
        node = Sequence()
        node.file = self._file
        node.place = _mark(event)
        self._collection_tag(event, "seq")
        get, add, base = self._get, node.append, node.place
        marks: list[int] = []
        while type(item := get()) is not SequenceEndEvent:
            if type(item) is _SCALAR and item.tag is None and item.anchor is None:
                start = item.start_mark
                if " - " in item.value:
                    self._folded_dash(item)
                add(shared(item.value))
                marks.append((start.line << 32 | start.column << 1 | item.implicit[0]) - base)
            else:
                value, mark = self._node(item, depth + 1)
                add(value)
                marks.append(mark - base)
        node.marks = self._layouts.shared(marks)
        self._written += len(node) + 1
        return node

    def _mapping(self, event: Any, depth: int) -> Mapping:
        node = Mapping()
        node.file, node.place, node.borrowed = self._file, _mark(event), None
        self._collection_tag(event, "map")
        get = self._get
        base = node.place
        marks: list[int] = []
        merges: list[tuple[Node, int, int]] = []
        add = marks.append
        while type(event := get()) is not MappingEndEvent:
            if type(event) is _SCALAR and event.tag is None and event.anchor is None:
                start = event.start_mark
                key: str | None = intern(event.value)
                place = start.line << 32 | start.column << 1 | event.implicit[0]
            else:
                key, place = self._key(event, depth)
            item = get()
            if type(item) is _SCALAR and item.tag is None and item.anchor is None:
                start = item.start_mark
                if " - " in item.value:
                    self._folded_dash(item)
                value: Node = shared(item.value)
                mark = start.line << 32 | start.column << 1 | item.implicit[0]
            else:
                value, mark = self._node(item, depth + 1)
            if key == "<<" and place & PLAIN:
                merges.append((value, place, mark))
            elif key is None:
                continue
            elif key in node:
                self._duplicate(key, place, base + marks[2 * list(node).index(key)])
            else:
                node[key] = value
                add(place - base)
                add(mark - base)
        if merges:
            self._merge(node, merges, marks)
        node.marks = self._layouts.shared(marks)
        self._written += 2 * len(node) + 1
        return node

    def _folded_dash(self, event: Any) -> None:
        """Warn of a line that begins with `- ` and continues the text above it."""
        written = self._text[event.start_mark.index : event.end_mark.index]
        if self._warn and event.implicit[0] and re.search(r"[\r\n]\s*- ", written):
            what = "this text goes on below: the line that begins with `- ` is part of it, not an item of a list"
            hint = "align the `-` with the list, or put the text into quotes on one line"
            self._warn(Finding(self._origin(_mark(event)), what, hint))

    def _key(self, event: Any, depth: int) -> tuple[str | None, int]:
        """A key that is not a simple scalar: tagged, anchored, an alias of a scalar, or refused (None)."""
        node, mark = self._node(event, depth + 1)
        if isinstance(node, str):
            return intern(node), mark
        self._note(mark, "a list or mapping is used as a key", "a key is text")
        return None, mark

    def _duplicate(self, key: str, place: int, first: int) -> None:
        before = unpack(first, self._file)
        where = f"line {before.line}, column {before.column}"
        self._note(place, f"the key {shown(key)} is written twice; the first is at {where}", "remove one of them")

    def _merge(self, node: Mapping, merges: list[tuple[Node, int, int]], marks: list[int]) -> None:
        """``<<``: keys of the merged mappings that are not there yet, the earlier mapping first."""
        for _, place, _ in merges[1:]:
            self._duplicate("<<", place, merges[0][1])
        value, _, mark = merges[0]
        sources = value if isinstance(value, Sequence) else [value]
        for source in sources:
            if not isinstance(source, Mapping):
                self._note(mark, "`<<` takes a mapping or a list of mappings", "merge an alias, e.g. `<<: *name`")
                return
            for index, key in enumerate(source):
                if key not in node:
                    node[key] = source[key]
                    offset = source.place - node.place
                    marks.extend(offset + mark for mark in source.marks[2 * index : 2 * index + 2])

    def _alias(self, event: Any, depth: int) -> tuple[Node, int]:
        """What the anchor holds, copied, at the position of the alias."""
        mark, name = _mark(event), event.anchor
        if name not in self._anchors:
            self._note(mark, f"the alias *{name} has no anchor before it", f"define &{name}, or quote the value")
            return "", mark
        anchored = self._anchors[name]
        if anchored is None:
            self._note(mark, f"the alias *{name} stands inside of what it repeats", "write the values out")
            return "", mark
        node, place = anchored
        return self._copy(node, depth, mark), mark | (place & PLAIN)

    def _copy(self, node: Node, depth: int, mark: int) -> Node:
        """A tree of its own for each alias, counted against the budget, so that a small file stays small."""
        if isinstance(node, str):
            return node
        self._aliased += len(node) + 1
        budget = max(ALIASED, ALIASED_TIMES * self._written)
        if self._aliased > budget:
            self._stop(mark, f"the aliases of this file repeat more than {budget} values", _ALIAS_HINT)
        if depth >= MAX_DEPTH:
            self._stop(mark, f"with its aliases the file nests more than {MAX_DEPTH} deep", _ALIAS_HINT)
        twin: Mapping | Sequence
        if isinstance(node, Mapping):
            twin = Mapping()
            twin.borrowed = None
            twin.update((key, self._copy(value, depth + 1, mark)) for key, value in node.items())
        else:
            twin = Sequence([self._copy(value, depth + 1, mark) for value in node])
        twin.file, twin.place, twin.marks = node.file, node.place, node.marks
        return twin

    def _collection_tag(self, event: Any, kind: str) -> None:
        tag = event.tag
        if tag and tag not in ("!", _CORE + kind):
            self._tag(_mark(event), tag)

    def _tag(self, mark: int, tag: str) -> None:
        self._note(mark, f"the tag {shown(tag)} is not known here", "leave the tag away")

    def _note(self, mark: int, what: str, hint: str) -> None:
        self.findings.append(Finding(self._origin(mark), what, hint))
        if len(self.findings) >= MOST:
            raise _Stop

    def _stop(self, mark: int, what: str, hint: str) -> None:
        self._note(mark, what, hint)
        raise _Stop

    def _origin(self, mark: int) -> Origin:
        return unpack(mark, self._file)


def _mark(event: Any) -> int:
    return pack(event.start_mark.line, event.start_mark.column)
