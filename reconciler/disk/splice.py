"""Wishes for one file → edits of its text at exact spans; every byte outside of them stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.disk import lists
from reconciler.disk.lists import Edit
from reconciler.disk.spans import Form, Span, parse
from reconciler.disk.writing import inline, scalar
from reconciler.engine.accept import Act, Wish
from reconciler.engine.written import plain_of
from reconciler.model.values import Value


class Hard(Exception):
    """Only a person can do it: ``args`` say why."""


class Spliced(NamedTuple):
    """The new text, and for each wish that could not be met why."""

    text: str
    hard: list[tuple[Wish, str]]


def splice(text: str, wanted: Iterable[Wish]) -> Spliced:
    """The text with every wish met that can be."""
    splicer = _Splicer(text)
    for wish in wanted:
        try:
            splicer.meet(wish)
        except Hard as why:
            splicer.hard.append((wish, str(why)))
    return Spliced(apply(text, splicer.edits()), splicer.hard)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with each edit made; none may reach into another."""
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
        self.hard: list[tuple[Wish, str]] = []
        self._edits: list[Edit] = []
        self._lists: dict[int, lists.Change] = {}
        self._spots: dict[tuple[int, int], tuple[Span, int]] = {}
        self._keys: dict[int, Span] = {}
        root = parse(text)
        for node in root.walk() if root else ():
            self._keys |= {id(value): key for key, value in node.pairs}
            self._spots |= {item.place: (node, index) for index, item in enumerate(node.items)}

    def edits(self) -> list[Edit]:
        """All edits; what happens to one list is one matter."""
        return [*self._edits, *(edit for change in self._lists.values() for edit in lists.edits(self.text, change))]

    def meet(self, wish: Wish) -> None:
        """Note the edits of one wish. Raises Hard."""
        spot = self._spots.get((wish.origin.line, wish.origin.column))
        if spot is None:
            raise Hard("it does not stand in this file as a block of its own")
        holder, index = spot
        item = holder.items[index]
        if item.form is Form.ALIAS or item.shared:
            raise Hard("it stands under an anchor or an alias, and so in other places too")
        if wish.act is Act.REMOVE:
            self._list(holder).gone.add(index)
        elif wish.short and item.form is Form.SCALAR:
            self._set(item, wish.value)
        elif item.form is not Form.MAPPING:
            raise Hard("the block that says it holds others too")
        elif wish.act is Act.ADD:
            self._add(item, wish)
        else:
            self._field(item, wish)

    def _list(self, holder: Span) -> lists.Change:
        if holder.shared:
            raise Hard("the list has an anchor, and so stands in other places too")
        change = self._lists.setdefault(id(holder), lists.Change(holder, self._keys.get(id(holder))))
        if not lists.can_change(self.text, holder):
            raise Hard("the list is written in a way that cannot be changed item by item")
        return change

    def _add(self, item: Span, wish: Wish) -> None:
        pair = item.get(wish.ways[0][0])
        if pair is None or pair[1].form is not Form.SEQUENCE:
            raise Hard("its list does not stand in this block")
        self._list(pair[1]).new.append(inline(str(wish.value)))

    def _field(self, item: Span, wish: Wish) -> None:
        for way in wish.ways:
            node: Span | None = item
            for key in way:
                pair = node.get(key) if node and node.form is Form.MAPPING else None
                node = pair[1] if pair else None
            if node is not None:
                self._set(node, wish.value)
                return
        if wish.declared:
            raise Hard("it comes from defaults, a merge key, or a file beside this one")
        self._insert(item, wish)

    def _set(self, node: Span, value: Value) -> None:
        """A new value in the place of the old one, in its quotes where they can hold it."""
        if node.form is Form.ALIAS or node.shared or node.tagged:
            raise Hard("the value has an anchor, an alias or a tag")
        if node.form is Form.SEQUENCE and isinstance(value, frozenset):
            self._set_list(node, value)
            return
        if node.form is not Form.SCALAR or isinstance(value, frozenset):
            raise Hard("the value is read from elsewhere")
        if re.search(r"(?<!\$)\$\{", node.value):
            raise Hard("the value comes from ${…}")
        quote = node.style if node.style in ("'", '"') else ""
        new = scalar(value, quote) if isinstance(value, str) else inline(plain_of(value))
        lead = " " if node.start == node.end and self.text[node.start - 1] != " " else ""
        self._edits.append(Edit(node.start, node.end, lead + new))

    def _set_list(self, node: Span, value: frozenset[Value]) -> None:
        if any(each.form is not Form.SCALAR or each.shared or "${" in each.value for each in node.items):
            raise Hard("the list holds more than plain words")
        wanted, change = {str(each) for each in value}, self._list(node)
        change.gone |= {index for index, each in enumerate(node.items) if each.value not in wanted}
        change.new += [inline(each) for each in sorted(wanted - {each.value for each in node.items})]

    def _insert(self, item: Span, wish: Wish) -> None:
        """A key that is not there yet, after the last one of its siblings."""
        *path, key = wish.ways[0]
        holder = item
        for step in path:
            pair = holder.get(step)
            if pair is None or pair[1].form is not Form.MAPPING or pair[1].shared:
                raise Hard(f"there is no `{step}:` in this block that it could be added to")
            holder = pair[1]
        self._edits.append(lists.new_key(self.text, holder, f"{key}: {inline(plain_of(wish.value))}"))
