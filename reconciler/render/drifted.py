"""What the account changed → lines of styled text and one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from reconciler.engine.drift import Drift
from reconciler.model.codec import to_json
from reconciler.render import words
from reconciler.render.text import Line

FORMAT_VERSION = "1.0"


def drift_lines(found: Sequence[Drift], *, heading: str, owned: int, reads: int) -> Iterator[Line]:
    """Resource by resource and field by field; on a quiet day one line."""
    if not found:
        same = words.count(owned, "resource is", "resources are")
        yield [(f"No drift. {same} as the last run left them ({words.count(reads, 'call')}).", "bold")]
        return
    yield [(heading, "dim")]
    yield []
    for address, items in groupby(found, key=lambda each: each.address):
        yield from _resource(words.shown(address), list(items))
    yield []
    resources = len({each.address for each in found})
    gone = sum(1 for each in found if each.path is None)
    text = f"{words.count(resources, 'resource')} of {owned:,} drifted, {gone:,} of them gone."
    yield [(f"{text} {words.count(reads, 'call')} read this.", "bold")]


def _resource(address: str, items: Sequence[Drift]) -> Iterator[Line]:
    first = items[0]
    where = f"  {first.origin}" if first.origin and first.desired else "  no longer in the files"
    gone = first.path is None
    note = "; ".join(filter(None, ("gone from the account" if gone else "", words.clean(first.note))))
    head: Line = [("  - " if gone else "  ~ ", "red" if gone else "yellow"), (address, "")]
    yield [*head, (where, "dim"), (f"  {note}" if note else "", "")]
    for each in items:
        if each.path is not None:
            yield [(f"        {words.clean(each.path):<14} {_arrow(each)}", ""), (_conflict(each), "dim")]


def _arrow(each: Drift) -> str:
    recorded = "(not shown)" if each.sensitive else words.value(each.recorded)
    return f"{recorded} → {words.value(each.live)}"


def _conflict(each: Drift) -> str:
    return "  the files want another value too" if each.conflict else ""


def drift_document(found: Sequence[Drift], *, owned: int, reads: int) -> dict[str, Any]:
    """What ``drift --json`` prints."""
    return {
        "format_version": FORMAT_VERSION,
        "summary": {
            "owned": owned, "resources": len({each.address for each in found}), "gone": _count(found, gone=True),
            "fields": _count(found, gone=False), "conflicts": sum(1 for each in found if each.conflict),
        },
        "calls": {"reads": reads},
        "drift": [_item(each) for each in found],
    }  # fmt: skip


def _count(found: Sequence[Drift], *, gone: bool) -> int:
    return sum(1 for each in found if (each.path is None) is gone)


def _item(each: Drift) -> dict[str, Any]:
    origin = dict(zip(("file", "line", "column"), each.origin, strict=True)) if each.origin else None
    return {
        "address": str(each.address), "remote_id": each.remote_id, "gone": each.path is None, "path": each.path,
        "recorded": to_json(each.recorded), "live": to_json(each.live), "sensitive": each.sensitive,
        "desired": each.desired, "conflict": each.conflict, "note": each.note, "origin": origin,
    }  # fmt: skip
