"""What the account changed → lines of styled text and one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol

from reconciler.model.resource import EMPTY
from reconciler.model.serialization import to_json
from reconciler.model.values import Address
from reconciler.output import wording
from reconciler.output.layout import Line
from reconciler.planner.drift import Drift

FORMAT_VERSION = "1.0"


@dataclass(frozen=True)
class DriftReport:
    """What the account changed, with all that may be said of it; every output of it is made from one.

    ``heading``, ``name``, ``base`` and ``document`` as in :class:`~reconciler.output.plan_view.Sheet`.
    """

    items: tuple[Drift, ...]
    owned: int
    reads: int
    heading: str = ""
    name: str = ""
    base: str = ""
    document: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def summary(self) -> str:
        """The counts, as one sentence."""
        return summary(self.items, owned=self.owned, reads=self.reads)


class ValueRedactor(Protocol):
    """What replaces personal data in drift."""

    def address(self, address: Address) -> Address:
        """The address with a pseudonym."""

    def text(self, text: str) -> str:
        """Free text."""

    def value(self, name: str, value: Any) -> Any:
        """The value of a field."""


def redacted_drift(found: Iterable[Drift], redactor: ValueRedactor) -> tuple[Drift, ...]:
    """What changed in the account, with pseudonyms."""
    return tuple(
        replace(
            each,
            address=redactor.address(each.address),
            note=redactor.text(each.note),
            recorded=redactor.value(each.path or "", each.recorded),
            live=redactor.value(each.path or "", each.live),
        )
        for each in found
    )


def drift_lines(found: Sequence[Drift], *, heading: str, owned: int, reads: int) -> Iterator[Line]:
    """Resource by resource and field by field; on a quiet day one line."""
    if not found:
        yield [(summary(found, owned=owned, reads=reads), "bold")]
        return
    yield [(heading, "dim")]
    yield []
    for address, items in groupby(found, key=lambda each: each.address):
        yield from _resource(wording.shown(address), list(items))
    yield []
    yield [(summary(found, owned=owned, reads=reads), "bold")]


def summary(found: Sequence[Drift], *, owned: int, reads: int) -> str:
    """Number of drifted resources and of API calls."""
    calls = wording.count(reads, "call")
    if not found:
        same = wording.count(owned, "resource is", "resources are")
        return f"No drift. {same} as the last run left them ({calls})."
    resources = len({each.address for each in found})
    text = f"{wording.count(resources, 'resource')} of {owned:,} drifted, {_count(found, gone=True):,} of them gone."
    return f"{text} {calls} read this."


def _resource(address: str, items: Sequence[Drift]) -> Iterator[Line]:
    gone, note = items[0].path is None, note_of(items[0])
    head: Line = [("  - " if gone else "  ~ ", "red" if gone else "yellow"), (address, "")]
    yield [*head, (f"  {where(items[0])}", "dim"), (f"  {note}" if note else "", "")]
    for each in items:
        if each.path is not None:
            yield [(f"        {wording.printable(each.path):<14} {arrow(each)}", ""), (_conflict(each), "dim")]


def where(each: Drift) -> str:
    """The line that declares it."""
    return str(each.origin) if each.origin and each.desired else "no longer in the files"


def note_of(each: Drift) -> str:
    """What is to be said of the whole resource."""
    gone = "gone from the account" if each.path is None else ""
    return "; ".join(filter(None, (gone, wording.printable(each.note))))


def arrow(each: Drift) -> str:
    """What was recorded, and what is there now."""
    recorded = "(not shown)" if each.sensitive else wording.value(each.recorded)
    return f"{recorded} → {wording.value(each.live)}"


#: What is said of a field that the files want to be yet another.
CONFLICT = "the files want another value too"


def _conflict(each: Drift) -> str:
    return f"  {CONFLICT}" if each.conflict else ""


def resource_words(items: Sequence[Drift]) -> Iterator[str]:
    """What happened to one resource, a remark for each field."""
    yield from filter(None, (note_of(items[0]),))
    for each in items:
        if each.path is not None:
            conflict = f", {CONFLICT}" if each.conflict else ""
            yield f"{wording.printable(each.path)} {arrow(each)}{conflict}"


def drift_document(found: Sequence[Drift], *, owned: int, reads: int) -> dict[str, Any]:
    """What ``drift --json`` prints."""
    return {
        "format_version": FORMAT_VERSION,
        "summary": {
            "owned": owned,
            "resources": len({each.address for each in found}),
            "gone": _count(found, gone=True),
            "fields": _count(found, gone=False),
            "conflicts": sum(1 for each in found if each.conflict),
        },
        "calls": {"reads": reads},
        "drift": [_item(each) for each in found],
    }


def _count(found: Sequence[Drift], *, gone: bool) -> int:
    return sum(1 for each in found if (each.path is None) is gone)


def _item(each: Drift) -> dict[str, Any]:
    origin = dict(zip(("file", "line", "column"), each.origin, strict=True)) if each.origin else None
    return {
        "address": str(each.address),
        "remote_id": each.remote_id,
        "gone": each.path is None,
        "path": each.path,
        "recorded": to_json(each.recorded),
        "live": to_json(each.live),
        "sensitive": each.sensitive,
        "desired": each.desired,
        "conflict": each.conflict,
        "note": each.note,
        "origin": origin,
    }
