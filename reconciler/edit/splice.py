"""Edits a YAML file at exact spans; every other byte stays the same.

Items of a list are removed and added, and keys of a mapping are added, in the style of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import yaml
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from reconciler.edit.accept import AcceptAction, AcceptedChange
from reconciler.edit.yaml_writer import inline, scalar
from reconciler.kinds import KINDS, schema_version
from reconciler.model.values import Value
from reconciler.planner.documents import plain_of


class ManualChange(Exception):
    """The change must be made by hand; ``args`` are the reasons."""


class SplicedFile(NamedTuple):
    """The new text, and the changes that could not be made, with reasons."""

    text: str
    hard: list[tuple[AcceptedChange, str]]


def splice(text: str, wanted: Iterable[AcceptedChange]) -> SplicedFile:
    """The text with every change that can be made automatically."""
    splicer = _Splicer(text)
    for wish in wanted:
        try:
            splicer.meet(wish)
        except ManualChange as why:
            splicer.hard.append((wish, str(why)))
    return SplicedFile(apply(text, splicer.edits()), splicer.hard)


def apply(text: str, edits: Iterable[TextEdit]) -> str:
    """The text with all edits. Raises ValueError if two of them overlap."""
    parts, at = [], 0
    for start, end, new in sorted(edits):
        if start < at:
            raise ValueError("two edits overlap")
        parts += [text[at:start], new]
        at = end
    return "".join((*parts, text[at:]))


class _Splicer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.hard: list[tuple[AcceptedChange, str]] = []
        self._edits: list[TextEdit] = []
        self._lists: dict[int, ListChange] = {}
        self._spots: dict[tuple[int, int], tuple[NodeSpan, int]] = {}
        self._keys: dict[int, NodeSpan] = {}
        root = parse(text)
        for node in root.walk() if root else ():
            self._keys |= {id(value): key for key, value in node.pairs}
            self._spots |= {item.place: (node, index) for index, item in enumerate(node.items)}

    def edits(self) -> list[TextEdit]:
        """All edits; the changes of one list are one edit."""
        return [*self._edits, *(edit for change in self._lists.values() for edit in edits(self.text, change))]

    def meet(self, wish: AcceptedChange) -> None:
        """Add the edits of one change. Raises ManualChange."""
        spot = self._spots.get((wish.origin.line, wish.origin.column))
        if spot is None:
            raise ManualChange("it does not stand in this file as a block of its own")
        holder, index = spot
        item = holder.items[index]
        if item.form is NodeForm.ALIAS or item.shared:
            raise ManualChange("it stands under an anchor or an alias, and so in other places too")
        if wish.act is AcceptAction.REMOVE:
            self._list(holder).gone.add(index)
        elif wish.short and item.form is NodeForm.SCALAR:
            self._set(item, wish.value)
        elif item.form is not NodeForm.MAPPING:
            raise ManualChange("the block that says it holds others too")
        elif wish.act is AcceptAction.ADD:
            self._add(item, wish)
        else:
            self._field(item, wish)

    def _list(self, holder: NodeSpan) -> ListChange:
        if holder.shared:
            raise ManualChange("the list has an anchor, and so stands in other places too")
        change = self._lists.setdefault(id(holder), ListChange(holder, self._keys.get(id(holder))))
        if not can_change(self.text, holder):
            raise ManualChange("the list is written in a way that cannot be changed item by item")
        return change

    def _add(self, item: NodeSpan, wish: AcceptedChange) -> None:
        pair = item.get(wish.ways[0][0])
        if pair is None or pair[1].form is not NodeForm.SEQUENCE:
            raise ManualChange("its list does not stand in this block")
        self._list(pair[1]).new.append(inline(str(wish.value)))

    def _field(self, item: NodeSpan, wish: AcceptedChange) -> None:
        for way in wish.ways:
            node: NodeSpan | None = item
            for key in way:
                pair = node.get(key) if node and node.form is NodeForm.MAPPING else None
                node = pair[1] if pair else None
            if node is not None:
                self._set(node, wish.value)
                return
        if wish.declared:
            raise ManualChange("it comes from defaults, a merge key, or a file beside this one")
        self._insert(item, wish)

    def _set(self, node: NodeSpan, value: Value) -> None:
        """Replace a value; it keeps its quotes if they can hold the new one."""
        if node.form is NodeForm.ALIAS or node.shared or node.tagged:
            raise ManualChange("the value has an anchor, an alias or a tag")
        if node.form is NodeForm.SEQUENCE and isinstance(value, frozenset):
            self._set_list(node, value)
            return
        if node.form is not NodeForm.SCALAR or isinstance(value, frozenset):
            raise ManualChange("the value is read from elsewhere")
        if re.search(r"(?<!\$)\$\{", node.value):
            raise ManualChange("the value comes from ${…}")
        quote = node.style if node.style in ("'", '"') else ""
        new = scalar(value, quote) if isinstance(value, str) else inline(plain_of(value))
        lead = " " if node.start == node.end and self.text[node.start - 1] != " " else ""
        self._edits.append(TextEdit(node.start, node.end, lead + new))

    def _set_list(self, node: NodeSpan, value: frozenset[Value]) -> None:
        words = [_word(each) for each in node.items]
        wanted, change = {str(each) for each in value}, self._list(node)
        change.gone |= {index for index, word in enumerate(words) if word not in wanted}
        change.new += [inline(schema_version.to_declared(each)) for each in sorted(wanted - set(words))]

    def _insert(self, item: NodeSpan, wish: AcceptedChange) -> None:
        """Add a key after the last one of its siblings."""
        *path, key = wish.ways[0]
        holder = item
        for step in path:
            pair = holder.get(step)
            if pair is None or pair[1].form is not NodeForm.MAPPING or pair[1].shared:
                raise ManualChange(f"there is no `{step}:` in this block that it could be added to")
            holder = pair[1]
        self._edits.append(new_key(self.text, holder, f"{key}: {inline(plain_of(wish.value))}"))


def _word(item: NodeSpan) -> str:
    """The item of a list of words, as plans write it."""
    values = {key.value: value for key, value in item.pairs}
    if any(each.shared or "${" in each.value for each in (item, *values.values())):
        raise ManualChange("the list holds more than plain words")
    if item.form is NodeForm.SCALAR:
        return item.value
    if set(values) != {"event", "schema_version"} or not values["schema_version"].value.isdigit():
        raise ManualChange("the list holds more than plain words")
    version = int(values["schema_version"].value)
    return schema_version.from_declared({"event": values["event"].value, "schema_version": version}, _VERSIONS)


#: The default schema version of each word that has one.
_VERSIONS = {word: n for kind in KINDS.values() for field in kind.fields for word, n in field.versions.items()}

_BREAK = re.compile("\r\n|[\r\n]")


class TextEdit(NamedTuple):
    """``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str


@dataclass
class ListChange:
    """The change of one list: indexes to remove, texts to add; ``key`` is the key of the list."""

    node: NodeSpan
    key: NodeSpan | None
    gone: set[int] = field(default_factory=set)
    new: list[str] = field(default_factory=list)


def can_change(text: str, node: NodeSpan) -> bool:
    """Whether items can be added and removed singly: in brackets, or each on a line of its own."""
    return bool(node.style) or all(_dash(text, item) is not None for item in node.items)


def edits(text: str, change: ListChange) -> list[TextEdit]:
    """Removals and additions of one list."""
    change.new = list(dict.fromkeys(change.new))
    return _flow(text, change) if change.node.style else _block(text, change)


def new_key(text: str, holder: NodeSpan, line: str) -> TextEdit:
    """``key: value`` after the last key of a mapping."""
    if holder.style:
        at = holder.pairs[-1][1].end if holder.pairs else holder.start + 1
        if holder.pairs and holder.pairs[-1][1].end < holder.pairs[-1][0].end:
            at = holder.pairs[-1][0].end
        return TextEdit(at, at, f", {line}" if holder.pairs else line)
    at = _line_end(text, holder.end)
    return TextEdit(at, at, _newline(text) + " " * (holder.place[1] - 1) + line)


def _flow(text: str, change: ListChange) -> list[TextEdit]:
    node, items = change.node, change.node.items
    kept = [index for index in range(len(items)) if index not in change.gone]
    made: list[TextEdit] = []
    last = items[kept[-1]].end if kept else node.start + 1
    if change.new:
        made.append(TextEdit(last, last, (", " if kept else "") + ", ".join(change.new)))
    tidy = not re.search("[#\r\n]", text[node.start : node.end])
    if not tidy:
        return made + [_cut(text, node, items[index], alone=not kept) for index in sorted(change.gone)]
    made += [TextEdit(items[i].start, items[i + 1].start, "") for i in change.gone if kept and i < kept[-1]]
    if not kept and items:
        made.append(TextEdit(last, node.end - 1, ""))
    elif kept and kept[-1] < len(items) - 1:
        made.append(TextEdit(last, items[-1].end, ""))
    return made


def _cut(text: str, node: NodeSpan, item: NodeSpan, *, alone: bool) -> TextEdit:
    """Remove an item and its comma from a list over several lines; comments stay."""
    comma = re.compile(r"\s*,[ \t]*").match(text, item.end, node.end)
    return TextEdit(item.start, comma.end() if comma else item.end, "")


def _block(text: str, change: ListChange) -> list[TextEdit]:
    node = change.node
    kept = [item for index, item in enumerate(node.items) if index not in change.gone]
    made = [_line_gone(text, node.items[index]) for index in sorted(change.gone)]
    first = node.items[0]
    lead = text[_line_start(text, first.start) : _dash(text, first)]
    if change.new and kept:
        at = _line_end(text, kept[-1].end)
        made.append(TextEdit(at, at, "".join(f"{_newline(text)}{lead}- {new}" for new in change.new)))
    elif change.new:
        at = _line_start(text, first.start)
        made.append(TextEdit(at, at, "".join(f"{lead}- {new}{_newline(text)}" for new in change.new)))
    elif not kept and change.key is not None:
        colon = text.index(":", change.key.end) + 1
        made.append(TextEdit(colon, colon, " []"))
    return made


def _line_gone(text: str, item: NodeSpan) -> TextEdit:
    """Remove the line of an item, or only the item if a comment follows it."""
    begin, end = _line_start(text, item.start), _line_end(text, item.end)
    rest = text[item.end : end]
    if rest.strip():
        return TextEdit(_dash(text, item) or begin, end - len(rest.lstrip()), "")
    after = _BREAK.match(text, end)
    return TextEdit(begin, after.end() if after else end, "")


def _dash(text: str, item: NodeSpan) -> int | None:
    """The position of the ``-`` of an item, if it is the first character of its line."""
    begin = _line_start(text, item.start)
    found = re.compile(r"[ \t]*(-)[ \t]+").match(text, begin, item.start)
    return found.start(1) if found and found.end() == item.start else None


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    found = _BREAK.search(text, at)
    return found.start() if found else len(text)


def _newline(text: str) -> str:
    """The line break of this file: the first one."""
    found = _BREAK.search(text)
    return found.group() if found else "\n"


class NodeForm(Enum):
    """The form of a YAML node."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"
    ALIAS = "alias"


@dataclass(frozen=True, eq=False, slots=True)
class NodeSpan:
    """A node: ``text[start:end]`` is all of it, blank ends of block scalars excepted; ``place`` is line and column.

    ``style`` is the quote of a scalar, or ``flow`` for brackets. ``shared``: it, or a node around it, has an
    anchor, so that aliases may repeat it. ``pairs`` are those of a mapping, ``items`` those of a list.
    """

    form: NodeForm
    start: int
    end: int
    place: tuple[int, int]
    value: str = ""
    style: str = ""
    shared: bool = False
    tagged: bool = False
    pairs: tuple[tuple[NodeSpan, NodeSpan], ...] = ()
    items: tuple[NodeSpan, ...] = ()

    def get(self, key: str) -> tuple[NodeSpan, NodeSpan] | None:
        """The pair of that key."""
        return next((pair for pair in self.pairs if pair[0].form is NodeForm.SCALAR and pair[0].value == key), None)

    def walk(self) -> Iterator[NodeSpan]:
        """This node and everything in it."""
        yield self
        for key, value in self.pairs:
            yield from key.walk()
            yield from value.walk()
        for item in self.items:
            yield from item.walk()


def parse(text: str) -> NodeSpan | None:
    """The node of a text that can be parsed, or None for an empty one; positions count characters of ``text``."""
    loader: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
    events = loader(text)
    try:
        events.get_event()
        if not events.check_event(yaml.DocumentStartEvent):
            return None
        events.get_event()
        return _node(text, events.get_event, events.get_event(), shared=False)
    finally:
        events.dispose()


def _node(text: str, get: Callable[[], Any], event: Any, *, shared: bool) -> NodeSpan:
    start, place = event.start_mark.index, (event.start_mark.line + 1, event.start_mark.column + 1)
    if type(event) is AliasEvent:
        return NodeSpan(NodeForm.ALIAS, start, _end(event), place, shared=True)
    shared = shared or event.anchor is not None
    tagged = event.tag is not None
    if type(event) is ScalarEvent:
        end = _end(event)
        if event.style in ("|", ">"):
            end = start + len(text[start:end].rstrip())
        return NodeSpan(NodeForm.SCALAR, start, end, place, event.value, event.style or "", shared, tagged)
    style = "flow" if event.flow_style else ""
    if type(event) is MappingStartEvent:
        return _mapping(text, get, NodeSpan(NodeForm.MAPPING, start, start, place, "", style, shared, tagged))
    return _sequence(text, get, NodeSpan(NodeForm.SEQUENCE, start, start, place, "", style, shared, tagged))


def _mapping(text: str, get: Callable[[], Any], head: NodeSpan) -> NodeSpan:
    pairs: list[tuple[NodeSpan, NodeSpan]] = []
    event: Any = get()
    while type(event) is not MappingEndEvent:
        key = _node(text, get, event, shared=head.shared)
        pairs.append((key, _node(text, get, get(), shared=head.shared)))
        event = get()
    end = _end(event) if head.style or not pairs else max(pairs[-1][0].end, pairs[-1][1].end)
    return NodeSpan(head.form, head.start, end, head.place, "", head.style, head.shared, head.tagged, tuple(pairs))


def _sequence(text: str, get: Callable[[], Any], head: NodeSpan) -> NodeSpan:
    items: list[NodeSpan] = []
    event: Any = get()
    while type(event) is not SequenceEndEvent:
        items.append(_node(text, get, event, shared=head.shared))
        event = get()
    end = _end(event) if head.style or not items else items[-1].end
    return NodeSpan(
        head.form, head.start, end, head.place, "", head.style, head.shared, head.tagged, (), tuple(items)
    )


def _end(event: Any) -> int:
    at: int = event.end_mark.index
    return at
