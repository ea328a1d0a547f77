"""Formats YAML files: sections in canonical order, the layout of ruamel.yaml, the same values and comments.

ruamel.yaml composes nodes and writes them again; no value is constructed, so every scalar keeps its text and quotes.
Sections move as whole lines. A comment line is indented like the block that it belongs to. The result is parsed and
compared before it is accepted. ruamel.yaml needs a millisecond or more for each item, so a file of simple lines with
its indentation does not pass through it.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from typing import Any, NamedTuple

import yaml
from ruamel.yaml import YAML, nodes
from ruamel.yaml.anchor import Anchor
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.error import YAMLError

from reconciler.config import yaml_errors, yaml_loader
from reconciler.config.positions import MappingNode, Node, SequenceNode
from reconciler.config.problems import Finding, raise_if_any
from reconciler.config.scalars import NULLS
from reconciler.edit.outline import LineForm, Outline, Place, outline
from reconciler.edit.yaml_writer import WIDTH
from reconciler.errors import ConfigurationError
from reconciler.kinds.canonical_order import Order

_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")
#: Comments for programs about the whole file; they stay at its top.
_MODELINE = re.compile(r"#\s*(yaml-language-server:|\$schema:|-\*-|vim?:|!)|#!")
_KEPT_ORDER = "its sections keep their order: an alias would come before its anchor, or a value would change"
#: Id of the block of top-level keys.
_TOP = 0
_PLAIN = r"[\w+/](?:(?:[\w .@+/()!=-]|:(?=[\w/]))*[\w.@+/()!=-])?"
_WORD = r"[\w.@+/-]+"
_FLOW = rf"\[(?:{_WORD}(?:, {_WORD})*)?\]|\{{{_WORD}: {_WORD}(?:, {_WORD}: {_WORD})*\}}"
_VALUE = rf"{_PLAIN}|'[\w .,:@+/()!-]*'|\"[^\"\\]*\"|{_FLOW}"
#: A line that ruamel.yaml writes as it reads it: a dash, a key, or both, and a value.
_SIMPLE_LINE = re.compile(
    rf"(?P<indent> *)(?P<dash>- )?(?:(?P<key>[A-Za-z]\w*:)(?P<value> (?:{_VALUE}))?|(?:{_VALUE}))"
)
#: Maximum length of a simple line; longer ones may hold brackets that do not fit.
_SIMPLE_WIDTH = 100


class Formatted(NamedTuple):
    """The formatted text. ``note``: what was left as it was, and why. ``known``: the file has a key of the schema."""

    text: str
    note: str = ""
    known: bool = True


def formatted(content: bytes, file: str, order: Order, *, blank_lines: bool = True) -> Formatted:
    """One file, formatted; ``blank_lines`` puts blank lines between its top-level keys.

    Raises ConfigurationError with every position where it cannot be read.
    """
    decoded = yaml_errors.decode(content, file)
    if isinstance(decoded, Finding):
        raise_if_any([decoded])
    text = str(decoded).replace("\r\n", "\n").replace("\r", "\n")
    tree = yaml_loader.parse(text, file)
    known = not tree or (isinstance(tree, Mapping) and not order.keys.keys().isdisjoint(tree))
    if _ODD_BREAKS.search(text):
        return Formatted(
            text, "left as it is: it contains line breaks that YAML readers interpret differently", known
        )
    if isinstance(tree, str):
        return Formatted(text, "left as it is: it is one text, without a key or an item", known)
    found = outline(text)
    if not tree and not any(line.form is LineForm.CODE for line in found.lines):
        return Formatted(_joined(collapse_blank_lines(line.text.rstrip() for line in found.lines)), "", known)
    source = _arranged(found, list(tree) if isinstance(tree, Mapping) else [], order, blank_lines=blank_lines)
    note = ""
    result = _written(source)
    if not _is_equal(tree, result, file):
        result, note = _written(text), _KEPT_ORDER
    if not _is_equal(tree, result, file):
        return Formatted(text, "left as it is: formatting would change a value", known)
    lost = Counter(comment for _, comment in found.comments)
    if lost:
        lost -= Counter(comment for _, comment in outline(result).comments)
    if lost:
        at = next(offset for offset, comment in found.comments if comment in lost)
        line = text.count("\n", 0, at) + 1
        return Formatted(
            text, f"left as it is: a comment in line {line} would be lost; move it out of the brackets", known
        )
    return Formatted(result, note, known)


def _is_equal(tree: Node, result: str, file: str) -> bool:
    """Whether a result has the same values."""
    try:
        again = yaml_loader.parse(result, file) if result else None
    except ConfigurationError:
        return False
    return again == tree or (again is not None and _values(again) == _values(tree))


def _values(node: Node) -> Any:
    """The values of a tree; an empty one in brackets is written as ``null``, which is the same."""
    if isinstance(node, MappingNode):
        return {key: None if _is_null(node, key) else _values(value) for key, value in node.items()}
    if isinstance(node, SequenceNode):
        return [None if _is_null(node, at) else _values(value) for at, value in enumerate(node)]
    return node


def _is_null(node: Any, key: str | int) -> bool:
    return isinstance(node[key], str) and node[key] in NULLS and node.is_plain(key)


def _arranged(found: Outline, names: list[str], order: Order, *, blank_lines: bool) -> str:
    """The text with its top-level keys in canonical order; the lines above a key move with it."""
    lines = [line.text if line.form is LineForm.SCALAR else line.text.rstrip() for line in found.lines]
    keys = [at for at, line in enumerate(found.lines) if line.form is LineForm.CODE and found.block_of(at) == _TOP]
    if not keys or len(keys) != len(names) or found.columns[_TOP]:
        return "\n".join(lines)

    places = dict(found.places())
    head, rest = _head(found, keys[0]), _lead(found, places, len(lines))
    leads = [head, *(_lead(found, places, at) for at in keys[1:])]
    sections = {
        name: (lines[lead:key], lines[key:end])
        for name, lead, key, end in zip(names, leads, keys, [*leads[1:], rest], strict=True)
    }
    made = lines[:head]
    for at, name in enumerate(order.sorted(sections)):
        lead, body = sections[name]
        is_apart = name != names[0] if at == 0 else blank_lines
        made += [*([""] if is_apart else []), *lead, *body]
    return "\n".join([*made, *lines[rest:]])


def _head(found: Outline, key: int) -> int:
    """The end of what stays at the top of a file: all up to ``---``, or its first comment if a blank line follows."""
    lines = found.lines[:key]
    marked = next((at for at, line in enumerate(lines) if line.form is LineForm.CODE), -1)
    if marked >= 0:
        return marked + 1
    start = next((at for at, line in enumerate(lines) if line.form is LineForm.COMMENT), key)
    end = next((at for at in range(start, key) if lines[at].form is LineForm.BLANK), key)
    return end if end < key or (start < key and _MODELINE.match(lines[start].text.strip())) else start


def _lead(found: Outline, places: Mapping[int, Place], at: int) -> int:
    """The index of the first blank line or comment that belongs to line ``at`` (at the end of the file: to none)."""
    while at and (
        found.lines[at - 1].form is LineForm.BLANK
        or (found.lines[at - 1].form is LineForm.COMMENT and places[at - 1] == Place(_TOP))
    ):
        at -= 1
    return at


class _SourceText(str):
    """The value of a scalar in double quotes, with the text that it was read from."""

    source: str


class _FmtEmitter(RoundTripEmitter):
    """Keeps escapes and the braces of a single pair, and ends the line of brackets below a comment."""

    def expect_flow_mapping(self, single: bool | None = False, force_flow_indent: bool | None = False) -> None:
        super().expect_flow_mapping(False, force_flow_indent)

    def expect_block_sequence_item(self, first: bool = False) -> None:
        if not first:
            self.no_newline = False
        super().expect_block_sequence_item(first)

    def write_double_quoted(self, text: Any, split: Any = True) -> None:
        if isinstance(text, _SourceText):
            self.write_indicator(text.source, True)
        else:
            super().write_double_quoted(text, split)


def _is_canonical(lines: list[str]) -> bool:
    """Whether all lines are simple and indented canonically; comments are allowed above the first key only."""
    columns: dict[int, str] = {0: ""}  # of the open mappings ("") and lists ("- ")
    opened = -2  # column of the key above, if it has no value in its line
    begun = False
    for line in lines:
        if not line or (line[0] == "#" and not begun):
            opened = -2 if not line else opened
            continue
        found = _SIMPLE_LINE.fullmatch(line)
        if found is None or len(line) > _SIMPLE_WIDTH or not (found["key"] or found["dash"]):
            return False
        column, dash = len(found["indent"]), found["dash"] or ""
        if column == opened + 2:
            columns[column] = dash
        if columns.get(column) != dash:
            return False
        columns = {each: form for each, form in columns.items() if each <= column}
        if dash and found["key"]:
            column += 2
            columns[column] = ""
        opened = column if found["key"] and not found["value"] else -2
        begun = True
    return True


def _written(text: str) -> str:
    """The text as ruamel.yaml writes it, with its comments indented; empty where it cannot."""
    simple = text.split("\n")
    if _is_canonical(simple):
        return _joined(collapse_blank_lines(simple))
    try:
        node = YAML().compose(text)
        writer = YAML()
        writer.Emitter = _FmtEmitter
        writer.width = sys.maxsize
        writer.explicit_start = re.search(r"^---(\s|$)", text, re.MULTILINE) is not None
        writer.indent(mapping=2, sequence=4, offset=2)
        blocks = _blocks(node)
        _prepare(node, 0, text)
        numbers = {id(each): number for number, each in enumerate(_blocks(node))}
        stream = io.StringIO()
        writer.serialize(node, stream)
        before, after = outline(text), outline(stream.getvalue())
    except (YAMLError, yaml.YAMLError):
        return ""
    known: dict[str, list[Place]] = {}
    for at, place in before.places():
        number = numbers[id(blocks[place.block])] if place.block >= 0 else -1  # brackets may have become blocks above
        known.setdefault(before.lines[at].text.strip(), []).append(Place(number, place.deeper))
    lines = [line.text if line.form is LineForm.SCALAR else line.text.rstrip() for line in after.lines]
    for at, place in after.places():
        comment = lines[at].strip()
        block, deeper = known[comment].pop(0) if known.get(comment) else place
        column = after.columns[block] if block >= 0 else 0
        lines[at] = " " * (column + 2 * (deeper and not after.is_below_text(at))) + comment
    return _joined(collapse_blank_lines(lines, [line.form is LineForm.SCALAR for line in after.lines]))


def _blocks(node: Any) -> list[Any]:
    """The lists and mappings without brackets in the order of the file, in which an outline numbers them."""
    found: dict[int, Any] = {}
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, nodes.CollectionNode) and not each.flow_style and id(each) not in found:
            found[id(each)] = each
            parts = chain.from_iterable(each.value) if isinstance(each, nodes.MappingNode) else each.value
            waiting += reversed(list(parts))
    return list(found.values())


def _prepare(node: Any, column: int, text: str) -> int:
    """Keep anchors and escapes, and make blocks of brackets that do not fit on a line; returns the node's length."""
    if isinstance(node.anchor, str):
        anchor: Any = Anchor()
        anchor.value, anchor.always_dump = node.anchor, True
        node.anchor = anchor
    if isinstance(node, nodes.ScalarNode):
        source = text[node.start_mark.index : node.end_mark.index]
        if node.style == '"' and "\n" not in source:
            node.value = _SourceText(node.value)
            node.value.source = source[source.index('"') :]
        if node.style in ("|", ">") and node.comment and node.comment[0]:
            # the old column could be inside the text, which moves to the left
            node.comment[0].value = re.sub(r"^[ \t]+", "", node.comment[0].value, flags=re.MULTILINE)
        return len(source)
    deeper = column + 2
    length = 0
    for each in node.value:
        for part in each if isinstance(each, tuple) else (each,):
            length += _prepare(part, deeper, text) + 2
    if node.flow_style and column + length > WIDTH:
        _make_block(node)
    return length


def _make_block(node: Any) -> None:
    """Brackets become a block; a comment behind them goes behind its last value."""
    node.flow_style = False
    comment, node.comment = node.comment, None
    while comment and isinstance(node, nodes.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, nodes.MappingNode) else node.value[-1]
    if comment and comment[0]:
        comment[0].column = 0
        node.comment = comment


def collapse_blank_lines(lines: Iterable[str], inside: Iterable[bool] = repeat(False)) -> list[str]:
    """At most one blank line in a row, and none at either end; lines ``inside`` of a value stay."""
    kept: list[str] = []
    blank = False
    for line, is_inside in zip(lines, inside, strict=False):
        if line or is_inside:
            kept += ["", line] if blank and kept else [line]
            blank = False
        else:
            blank = True
    return kept


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
