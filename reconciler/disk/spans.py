"""The text of a YAML file → where each node begins and ends in it; for changing a file without touching the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import yaml
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent


class Form(Enum):
    """What a node is."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"
    ALIAS = "alias"


@dataclass(frozen=True, eq=False, slots=True)
class Span:
    """A node: ``text[start:end]`` is all of it, blank ends of block scalars excepted; ``place`` is line and column.

    ``style`` is the quote of a scalar, or ``flow`` for brackets. ``shared``: it, or something around it, has an
    anchor, so that it stands in other places too. ``pairs`` are those of a mapping, ``items`` those of a list.
    """

    form: Form
    start: int
    end: int
    place: tuple[int, int]
    value: str = ""
    style: str = ""
    shared: bool = False
    tagged: bool = False
    pairs: tuple[tuple[Span, Span], ...] = ()
    items: tuple[Span, ...] = ()

    def get(self, key: str) -> tuple[Span, Span] | None:
        """The pair of that key."""
        return next((pair for pair in self.pairs if pair[0].form is Form.SCALAR and pair[0].value == key), None)

    def walk(self) -> Iterator[Span]:
        """This node and everything in it."""
        yield self
        for key, value in self.pairs:
            yield from key.walk()
            yield from value.walk()
        for item in self.items:
            yield from item.walk()


def parse(text: str) -> Span | None:
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


def _node(text: str, get: Callable[[], Any], event: Any, *, shared: bool) -> Span:
    start, place = event.start_mark.index, (event.start_mark.line + 1, event.start_mark.column + 1)
    if type(event) is AliasEvent:
        return Span(Form.ALIAS, start, _end(event), place, shared=True)
    shared = shared or event.anchor is not None
    tagged = event.tag is not None
    if type(event) is ScalarEvent:
        end = _end(event)
        if event.style in ("|", ">"):
            end = start + len(text[start:end].rstrip())
        return Span(Form.SCALAR, start, end, place, event.value, event.style or "", shared, tagged)
    style = "flow" if event.flow_style else ""
    if type(event) is MappingStartEvent:
        return _mapping(text, get, Span(Form.MAPPING, start, start, place, "", style, shared, tagged))
    return _sequence(text, get, Span(Form.SEQUENCE, start, start, place, "", style, shared, tagged))


def _mapping(text: str, get: Callable[[], Any], head: Span) -> Span:
    pairs: list[tuple[Span, Span]] = []
    event: Any = get()
    while type(event) is not MappingEndEvent:
        key = _node(text, get, event, shared=head.shared)
        pairs.append((key, _node(text, get, get(), shared=head.shared)))
        event = get()
    end = _end(event) if head.style or not pairs else max(pairs[-1][0].end, pairs[-1][1].end)
    return Span(head.form, head.start, end, head.place, "", head.style, head.shared, head.tagged, tuple(pairs))


def _sequence(text: str, get: Callable[[], Any], head: Span) -> Span:
    items: list[Span] = []
    event: Any = get()
    while type(event) is not SequenceEndEvent:
        items.append(_node(text, get, event, shared=head.shared))
        event = get()
    end = _end(event) if head.style or not items else items[-1].end
    return Span(head.form, head.start, end, head.place, "", head.style, head.shared, head.tagged, (), tuple(items))


def _end(event: Any) -> int:
    at: int = event.end_mark.index
    return at
