"""The blocks of a file and an order → its text in one style; nothing is left out, nothing is said anew.

A value in brackets → the same in one style: one blank after a comma and a colon, none inside the brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from reconciler.edit.layout import SAID, BlockEntry, BlockNode, FileLayout, TextNode
from reconciler.edit.splice import NodeForm, NodeSpan, parse
from reconciler.edit.yaml_writer import WIDTH, is_plain, is_word
from reconciler.kinds.canonical_order import FREE, Order

#: Comments that speak to a program about the whole file; with what stands below them they stay at its top.
_MODELINE = re.compile(r"#\s*(yaml-language-server:|\$schema:|-\*-|vim?:|!)|#!")


def printed(layout: FileLayout, text: str, order: Order, *, apart: bool, sort: bool) -> str:
    """The whole file. ``apart``: a blank line between the keys of the top; ``sort``: things may move."""
    printer = _Printer(text, sort=sort)
    if layout.node.keyed:
        printer.root(layout.node, order, apart=apart)
    else:
        printer.block(layout.node, 0, FREE)
    lines = [*layout.top, *printer.out, *thin(layout.rest)]
    while lines and not lines[-1] and not printer.open_end:
        lines.pop()
    return "\n".join(lines) + "\n"


class _Printer:
    def __init__(self, text: str, *, sort: bool) -> None:
        self.text, self.sort = text, sort
        self.out: list[str] = []
        self.open_end = False

    def root(self, block: BlockNode, order: Order, *, apart: bool) -> None:
        """The mapping of a file: its head stays where it is."""
        first = block.entries[0]
        head, first.lead = _head(first.lead)
        self.out += thin(head)
        if self.out and not self.out[0]:
            del self.out[0]
        for index, entry in enumerate(self._arranged(block, order)):
            lead = thin(entry.lead)
            if index == 0:
                lead = lead[1:] if lead[:1] == [""] else lead
                lead = ["", *lead] if self.out and self.out[-1] and entry is not first else lead
            elif apart and lead[:1] != [""] and not self.open_end:
                lead = ["", *lead]
            self.out += lead
            self.pair(entry, 0, block, order)
        self.out += thin(block.foot)

    def block(self, block: BlockNode, indent: int, order: Order) -> None:
        """The entries of a mapping or list, and the lines at its end."""
        pad = " " * indent
        for index, entry in enumerate(self._arranged(block, order)):
            lead = thin(entry.lead)
            if index == 0 and lead and not lead[0]:
                del lead[0]
            if lead:
                self.out += [pad + line if line else "" for line in lead]
            if block.keyed:
                self.pair(entry, indent, block, order)
            else:
                self.item(entry, indent, block, order)
        self.out += [pad + line if line else "" for line in thin(block.foot)]

    def pair(self, entry: BlockEntry, indent: int, block: BlockNode, order: Order) -> None:
        """``key: value``, or the key and its block below it."""
        key, value = entry.key, entry.value
        assert key is not None
        name = self.text[key.start : key.end]
        if key.style in ("'", '"') and not key.decked and is_word(str(key.value)):
            name = str(key.value)
        head = " " * indent + name + (" :" if key.style == "*" else ":")
        inner = order.of(str(key.value))
        if isinstance(value, BlockNode):
            self._lines([head + (f" {value.deck}" if value.deck else "")], entry, 0)
            self.block(value, indent + 2, inner)
            return
        first, *others = self.piece(value, indent, indent - block.column, inner)
        line = f"{head} {first}" if first else head
        spread = self._spread(line, value, first, others, indent, inner)
        self._lines([head, *spread] if spread else [line, *others], entry, 0 if spread else -1)
        pad = " " * (indent + 2)
        self.out += [pad + each if each else "" for each in thin(entry.below)]

    def item(self, entry: BlockEntry, indent: int, block: BlockNode, order: Order) -> None:
        """``- value``, or the first line of a block behind the ``-``."""
        pad, value, inner = " " * indent, entry.value, order.items or FREE
        if isinstance(value, BlockNode):
            if value.deck:
                self.out.append(f"{pad}- {value.deck}")
                self.block(value, indent + 2, inner)
                return
            self.out += [pad + line for line in self._first_leads(value, inner)]
            at = len(self.out)
            self.block(value, indent + 2, inner)
            self.out[at] = f"{pad}- {self.out[at][indent + 2 :]}"
            return
        first, *others = self.piece(value, indent, indent - block.column, inner, base=indent + 2)
        line = f"{pad}- {first}" if first else f"{pad}-"
        spread = self._spread(line, value, first, others, indent, inner)
        if spread:
            line, others = f"{pad}- {spread[0].lstrip()}", spread[1:]
        self._lines([line, *others], entry, 0 if spread else -1)

    def _first_leads(self, block: BlockNode, order: Order) -> Iterator[str]:
        """Comments above the first key of an item: they go above its ``-``."""
        first = next(iter(self._arranged(block, order)))
        yield from (line for line in first.lead if line)
        first.lead = []
        if isinstance(first.value, BlockNode) and not block.keyed and not first.value.deck:
            yield from self._first_leads(first.value, order.items or FREE)

    def piece(self, piece: TextNode, indent: int, shift: int, order: Order, *, base: int = -1) -> list[str]:
        """The lines of a scalar or of brackets; the first follows a key or a dash."""
        text = self.text[piece.start : piece.end]
        if piece.style == "flow":
            if "\n" in text:
                return shifted(text, max(base, indent))
            keys = list(piece.value) if piece.value is not None else None
            return [text if piece.decked else tidy(text, keys, order if self.sort else FREE)]
        self.open_end = piece.style in ("|", ">") and "+" in text.partition("\n")[0]
        if piece.style in ("|", ">"):
            return _shifted(text, indent, shift)
        if "\n" in text:
            return list(_folded(text, " " * (indent + 2), piece.style))
        return [text if piece.decked else unquoted(text, piece.style, piece.value)]

    def _spread(
        self, line: str, value: TextNode, first: str, others: list[str], indent: int, order: Order
    ) -> list[str] | None:
        """Brackets that make their line too long, as a block."""
        if value.style != "flow" or others or len(line) <= WIDTH:
            return None
        return spread(first, " " * (indent + 2), order if self.sort else FREE)

    def _lines(self, lines: list[str], entry: BlockEntry, at: int) -> None:
        """Lines of code, of which one has the comment: at the column where it stood, or as near as it stood."""
        if entry.tail is not None:
            column, gap, comment = entry.tail
            blanks = max(gap, 1) if gap <= 2 else max(column - len(lines[at]), 2)
            lines[at] += " " * blanks + comment
        self.out += lines

    def _arranged(self, block: BlockNode, order: Order) -> list[BlockEntry]:
        """The entries in their order."""
        if not self.sort:
            return block.entries
        if block.keyed:
            if not order.keys:
                return block.entries
            ranks, last = order.keys, len(order.keys)
            return sorted(block.entries, key=lambda each: -1 if _name(each) == "<<" else ranks.get(_name(each), last))
        if order.rank is None:
            return block.entries
        return [entry for group in _paragraphs(block.entries) for entry in _ranked(group, order)]


def _name(entry: BlockEntry) -> str:
    return str(entry.key.value) if entry.key else ""


def _head(lead: list[str]) -> tuple[list[str], list[str]]:
    """What stands at the top of a file: its head, and what belongs to the first key."""
    if "" in lead:
        cut = len(lead) - lead[::-1].index("")
        return lead[:cut], lead[cut:]
    return (lead, []) if lead and _MODELINE.match(lead[0]) else ([], lead)


def _paragraphs(entries: list[BlockEntry]) -> Iterator[list[BlockEntry]]:
    """Entries between which no blank line stands."""
    number = 0

    def paragraph(entry: BlockEntry) -> int:
        nonlocal number
        number += "" in entry.lead
        return number

    return (list(group) for _, group in groupby(entries, paragraph))


def _ranked(group: list[BlockEntry], order: Order) -> list[BlockEntry]:
    """A paragraph in the order of its keys; what stands above all of it stays there."""
    values = [_plain(entry.value) for entry in group]
    if order.rank is None or len(group) < 2 or None in values:
        return group
    lead = group[0].lead
    cut = len(lead) - lead[::-1].index("") if "" in lead else 0
    head, group[0].lead = lead[:cut], lead[cut:]
    ranks = [order.rank(value) for value in values]
    placed = [group[index] for index in sorted(range(len(group)), key=ranks.__getitem__)]
    placed[0].lead = [*head, *placed[0].lead]
    return placed


def _plain(node: TextNode | BlockNode) -> Any:
    """What an item is sorted by: its text, or its keys and their texts; None where it stands elsewhere."""
    if isinstance(node, TextNode):
        return node.value
    if not node.keyed:
        return {}
    found = {_name(entry): _plain(entry.value) for entry in node.entries}
    return None if "<<" in found else found


def thin(lines: Iterable[str]) -> list[str]:
    """At most one blank line in a row."""
    kept: list[str] = []
    for line in lines:
        if line or not kept or kept[-1]:
            kept.append(line)
    return kept


def _shifted(text: str, indent: int, shift: int) -> list[str]:
    """A block scalar, its content two deeper than what it belongs to; as it was where it says how deep."""
    head, *lines = text.split("\n")
    first = next((line for line in lines if line.strip(" ")), "")
    old = len(first) - len(first.lstrip(" "))
    if re.match(r"(?:[&!]\S*\s+)*[|>][+-]?\d", head):
        by = shift
    else:
        by = max(indent + 2, 1) - old
    moved = (" " * by + line if by >= 0 else line[-by:] for line in lines)
    return [
        head.rstrip(),
        *(new if new.strip(" ") or len(old_line) > old else "" for new, old_line in zip(moved, lines, strict=True)),
    ]


def _folded(text: str, pad: str, style: str) -> Iterator[str]:
    """A scalar over several lines: the blanks at their beginnings and ends say nothing."""
    first, *others = text.split("\n")
    for index, line in enumerate((first, *others)):
        bare = line.lstrip(" \t") if index else line
        if index < len(others) and not (style == '"' and line.rstrip(" \t").endswith("\\")):
            bare = bare.rstrip(" \t")
        yield pad + bare if index and bare else bare


#: Nothing of this stands in brackets that are written as they should be, the order of keys aside.
_ODD = re.compile(r"""["']|  |\t|[\[{] | [,:\]}]|,(?! )""")


class _FlowText(Exception):
    """It is written in a way that is not touched."""


def tidy(text: str, keys: list[str] | None, order: Order) -> str:
    """Brackets on one line, in one style; ``keys`` are those of a mapping as they stand."""
    nested = text.find("{", 1) >= 0
    settled = order.rank is None if keys is None else keys == order.sorted(keys)
    if settled and not nested and not _ODD.search(text):
        return text
    try:
        return _written(_parsed(text), text, order)
    except _FlowText:
        return text


def spread(text: str, pad: str, order: Order) -> list[str] | None:
    """The same as lines of block style, each with ``pad`` before it; None where it stays as it is."""
    try:
        return list(_lines(_parsed(text), text, pad, order))
    except _FlowText:
        return None


def shifted(text: str, base: int) -> list[str]:
    """Brackets over several lines: each line indented by how deep it stands, from ``base`` blanks on."""
    masked = SAID.sub(lambda found: re.sub("[^\n]", "x", found.group()), text)
    depth = 0
    lines: list[str] = []
    for line, signs in zip(text.split("\n"), masked.split("\n"), strict=True):
        closing = sum(sign in "]}" for sign in re.split(r"[^\]}\s,]", signs.lstrip(), maxsplit=1)[0])
        bare = line.strip(" \t") if lines else line.rstrip(" \t")
        lines.append(" " * (base + 2 * (depth - closing) if lines and bare else 0) + bare)
        depth += sum((sign in "[{") - (sign in "]}") for sign in signs)
    return [line for index, line in enumerate(lines) if line or lines[index - 1]]


def _parsed(text: str) -> NodeSpan:
    span = parse(text)
    if span is None or span.style != "flow" or any(each.shared or each.tagged for each in span.walk()):
        raise _FlowText
    return span


def _written(span: NodeSpan, text: str, order: Order) -> str:
    if span.form is NodeForm.SCALAR:
        return _scalar(span, text)
    if text[span.start] not in "[{":
        raise _FlowText
    if span.form is NodeForm.SEQUENCE:
        return "[" + ", ".join(_written(item, text, order.items or order) for item in _items(span, order)) + "]"
    pairs = (f"{_key(key, text)}: {_written(value, text, order.of(key.value))}" for key, value in _pairs(span, order))
    return "{" + ", ".join(pairs) + "}"


def _lines(span: NodeSpan, text: str, pad: str, order: Order) -> Iterator[str]:
    if span.form is NodeForm.SEQUENCE:
        for item in _items(span, order):
            short = f"{pad}- {_written(item, text, order.items or order)}"
            if len(short) <= WIDTH or not (item.items or item.pairs):
                yield short
            else:
                first, *others = _lines(item, text, pad + "  ", order.items or order)
                yield f"{pad}- {first.lstrip()}"
                yield from others
    for key, value in _pairs(span, order):
        short = f"{pad}{_key(key, text)}: {_written(value, text, order.of(key.value))}"
        if len(short) <= WIDTH or not (value.items or value.pairs):
            yield short
        else:
            yield f"{pad}{_key(key, text)}:"
            yield from _lines(value, text, pad + "  ", order.of(key.value))


def _pairs(span: NodeSpan, order: Order) -> list[tuple[NodeSpan, NodeSpan]]:
    found = {key.value: (key, value) for key, value in span.pairs}
    return [found[name] for name in order.sorted(found)]


def _items(span: NodeSpan, order: Order) -> list[NodeSpan]:
    rank = order.rank
    return list(span.items) if rank is None else sorted(span.items, key=lambda item: rank(_plain_span(item)))


def _plain_span(span: NodeSpan) -> Any:
    return (
        span.value if span.form is NodeForm.SCALAR else {key.value: _plain_span(value) for key, value in span.pairs}
    )


def _scalar(span: NodeSpan, text: str) -> str:
    if span.start == span.end:
        raise _FlowText
    return unquoted(text[span.start : span.end], span.style, span.value)


def _key(span: NodeSpan, text: str) -> str:
    if span.form is not NodeForm.SCALAR or span.start == span.end:
        raise _FlowText
    return span.value if span.style and is_word(span.value) else text[span.start : span.end]


def unquoted(text: str, style: str, value: str) -> str:
    """A scalar without its quotes, where every reader takes the bare text for the same."""
    return value if style in ("'", '"') and is_plain(value) else text
