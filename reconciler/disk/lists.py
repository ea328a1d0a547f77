"""Items that leave or join a list, keys that join a mapping → edits in the style in which it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.disk.spans import Span

_BREAK = re.compile("\r\n|[\r\n]")


class Edit(NamedTuple):
    """``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str


@dataclass
class Change:
    """What happens to one list: indexes that leave, texts that join; ``key`` is that of the list."""

    node: Span
    key: Span | None
    gone: set[int] = field(default_factory=set)
    new: list[str] = field(default_factory=list)


def can_change(text: str, node: Span) -> bool:
    """Whether its items can be taken one by one: those of a block list each begin a line."""
    return bool(node.style) or all(_dash(text, item) is not None for item in node.items)


def edits(text: str, change: Change) -> list[Edit]:
    """Removals and additions of one list."""
    change.new = list(dict.fromkeys(change.new))
    return _flow(text, change) if change.node.style else _block(text, change)


def new_key(text: str, holder: Span, line: str) -> Edit:
    """``key: value`` after the last key of a mapping."""
    if holder.style:
        at = holder.pairs[-1][1].end if holder.pairs else holder.start + 1
        if holder.pairs and holder.pairs[-1][1].end < holder.pairs[-1][0].end:
            at = holder.pairs[-1][0].end
        return Edit(at, at, f", {line}" if holder.pairs else line)
    at = _line_end(text, holder.end)
    return Edit(at, at, _newline(text) + " " * (holder.place[1] - 1) + line)


def _flow(text: str, change: Change) -> list[Edit]:
    node, items = change.node, change.node.items
    kept = [index for index in range(len(items)) if index not in change.gone]
    made: list[Edit] = []
    last = items[kept[-1]].end if kept else node.start + 1
    if change.new:
        made.append(Edit(last, last, (", " if kept else "") + ", ".join(change.new)))
    tidy = not re.search("[#\r\n]", text[node.start : node.end])
    if not tidy:
        return made + [_cut(text, node, items[index], alone=not kept) for index in sorted(change.gone)]
    made += [Edit(items[i].start, items[i + 1].start, "") for i in change.gone if kept and i < kept[-1]]
    if not kept and items:
        made.append(Edit(last, node.end - 1, ""))
    elif kept and kept[-1] < len(items) - 1:
        made.append(Edit(last, items[-1].end, ""))
    return made


def _cut(text: str, node: Span, item: Span, *, alone: bool) -> Edit:
    """An item and the comma behind it, where the list spreads over lines; comments stay."""
    comma = re.compile(r"\s*,[ \t]*").match(text, item.end, node.end)
    return Edit(item.start, comma.end() if comma else item.end, "")


def _block(text: str, change: Change) -> list[Edit]:
    node = change.node
    kept = [item for index, item in enumerate(node.items) if index not in change.gone]
    made = [_line_gone(text, node.items[index]) for index in sorted(change.gone)]
    first = node.items[0]
    lead = text[_line_start(text, first.start) : _dash(text, first)]
    if change.new and kept:
        at = _line_end(text, kept[-1].end)
        made.append(Edit(at, at, "".join(f"{_newline(text)}{lead}- {new}" for new in change.new)))
    elif change.new:
        at = _line_start(text, first.start)
        made.append(Edit(at, at, "".join(f"{lead}- {new}{_newline(text)}" for new in change.new)))
    elif not kept and change.key is not None:
        colon = text.index(":", change.key.end) + 1
        made.append(Edit(colon, colon, " []"))
    return made


def _line_gone(text: str, item: Span) -> Edit:
    """The whole line of an item; a comment behind it keeps the line."""
    begin, end = _line_start(text, item.start), _line_end(text, item.end)
    rest = text[item.end : end]
    if rest.strip():
        return Edit(_dash(text, item) or begin, end - len(rest.lstrip()), "")
    after = _BREAK.match(text, end)
    return Edit(begin, after.end() if after else end, "")


def _dash(text: str, item: Span) -> int | None:
    """Where the ``-`` of an item stands, if it is the first thing on its line."""
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
