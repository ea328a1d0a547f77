"""A value in brackets → the same in one style: one blank after a comma and a colon, none inside the brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.disk.layout import SAID
from reconciler.disk.spans import Form, Span, parse
from reconciler.disk.writing import WIDTH, is_plain, is_word
from reconciler.kinds.order import Order

#: Nothing of this stands in brackets that are written as they should be, the order of keys aside.
_ODD = re.compile(r"""["']|  |\t|[\[{] | [,:\]}]|,(?! )""")


class _Kept(Exception):
    """It is written in a way that is not touched."""


def tidy(text: str, keys: list[str] | None, order: Order) -> str:
    """Brackets on one line, in one style; ``keys`` are those of a mapping as they stand."""
    nested = text.find("{", 1) >= 0
    settled = order.rank is None if keys is None else keys == order.sorted(keys)
    if settled and not nested and not _ODD.search(text):
        return text
    try:
        return _written(_parsed(text), text, order)
    except _Kept:
        return text


def spread(text: str, pad: str, order: Order) -> list[str] | None:
    """The same as lines of block style, each with ``pad`` before it; None where it stays as it is."""
    try:
        return list(_lines(_parsed(text), text, pad, order))
    except _Kept:
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


def _parsed(text: str) -> Span:
    span = parse(text)
    if span is None or span.style != "flow" or any(each.shared or each.tagged for each in span.walk()):
        raise _Kept
    return span


def _written(span: Span, text: str, order: Order) -> str:
    if span.form is Form.SCALAR:
        return _scalar(span, text)
    if text[span.start] not in "[{":
        raise _Kept
    if span.form is Form.SEQUENCE:
        return "[" + ", ".join(_written(item, text, order.items or order) for item in _items(span, order)) + "]"
    pairs = (f"{_key(key, text)}: {_written(value, text, order.of(key.value))}" for key, value in _pairs(span, order))
    return "{" + ", ".join(pairs) + "}"


def _lines(span: Span, text: str, pad: str, order: Order) -> Iterator[str]:
    if span.form is Form.SEQUENCE:
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


def _pairs(span: Span, order: Order) -> list[tuple[Span, Span]]:
    found = {key.value: (key, value) for key, value in span.pairs}
    return [found[name] for name in order.sorted(found)]


def _items(span: Span, order: Order) -> list[Span]:
    rank = order.rank
    return list(span.items) if rank is None else sorted(span.items, key=lambda item: rank(_plain(item)))


def _plain(span: Span) -> Any:
    return span.value if span.form is Form.SCALAR else {key.value: _plain(value) for key, value in span.pairs}


def _scalar(span: Span, text: str) -> str:
    if span.start == span.end:
        raise _Kept
    return unquoted(text[span.start : span.end], span.style, span.value)


def _key(span: Span, text: str) -> str:
    if span.form is not Form.SCALAR or span.start == span.end:
        raise _Kept
    return span.value if span.style and is_word(span.value) else text[span.start : span.end]


def unquoted(text: str, style: str, value: str) -> str:
    """A scalar without its quotes, where every reader takes the bare text for the same."""
    return value if style in ("'", '"') and is_plain(value) else text
