"""Renders drift, the changes made outside of reconciler, as styled text and as one JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from reconciler.model.plan import Action
from reconciler.model.resource import EMPTY
from reconciler.model.serialization import to_json
from reconciler.output import wording
from reconciler.output.layout import Line, wrapped
from reconciler.output.plan_sheet import SIGNS
from reconciler.output.plan_view import Block, ViewRow
from reconciler.output.text import STYLES, PlanLayout
from reconciler.output.verbatim import Verbatim
from reconciler.planner.drift import Drift

FORMAT_VERSION = "1.0"

#: Words for the two kinds of drift, by the action that has the same sign in a plan.
_WORDS = {Action.UPDATE.value: "changed", Action.DELETE.value: "deleted"}
_WHAT_NOW = "`reconciler apply` restores the values of your files; `reconciler pull` accepts the changes."


@dataclass(frozen=True)
class DriftReport:
    """Drift with everything that an output may show; all formats are rendered from it.

    ``owned`` is the number of managed resources, ``reads`` that of API calls, ``added`` the number of unmanaged
    resources by kind that are new since the last run. ``heading``, ``name``, ``base`` and ``document`` as in
    :class:`~reconciler.output.plan_sheet.PlanSheet`.
    """

    items: tuple[Drift, ...]
    owned: int
    reads: int
    heading: str = ""
    name: str = ""
    base: str = ""
    document: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    added: Mapping[str, int] = field(default_factory=lambda: EMPTY)

    @property
    def title(self) -> str:
        """``Drift in quickstart, connection default``."""
        return f"Drift in {self.heading}"

    @property
    def summary(self) -> str:
        """``Drift: 4 of 828 resources changed, 2 of them deleted (12 API calls).``"""
        calls = wording.count(self.reads, "API call")
        if not self.items:
            same = wording.count(self.owned, "resource is", "resources are")
            return f"No drift. {same} unchanged since the last run ({calls})."
        resources, gone = len({each.address for each in self.items}), _count(self.items, gone=True)
        deleted = f", {gone:,} of them deleted" if gone else ""
        return f"Drift: {resources:,} of {wording.count(self.owned, 'resource')} changed{deleted} ({calls})."

    @property
    def additions(self) -> str:
        """``Created by others since the last run: 2 tags (unmanaged, not touched).``; empty if there are none."""
        parts = [
            wording.count(number, wording.spaced(kind), wording.plural(kind)) for kind, number in self.added.items()
        ]
        return f"Created by others since the last run: {', '.join(parts)} (unmanaged, not touched)." if parts else ""


def redacted_drift(found: Iterable[Drift], redactor: Verbatim) -> tuple[Drift, ...]:
    """The same drift with pseudonyms."""
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


def drift_lines(drifts: DriftReport, columns: int = 0) -> Iterator[Line]:
    """The drift by resource and field, as a plan shows changes; one line if there is none."""
    if drifts.items:
        layout = PlanLayout(columns)
        yield from wrapped([(drifts.title, "bold")], columns)
        yield []
        yield _legend(drifts.items)
        for kind, items in groupby(drifts.items, key=lambda each: each.address.kind):
            yield from _kind_lines(kind, list(items), layout)
        yield []
    yield from wrapped([(drifts.summary, "bold")], columns)
    if drifts.additions:
        yield from wrapped([(drifts.additions, "")], columns)
    if drifts.items:
        yield from wrapped([(_WHAT_NOW, "dim")], columns)


def _sign(each: Drift) -> str:
    return Action.DELETE.value if each.path is None else Action.UPDATE.value


def _legend(found: Sequence[Drift]) -> Line:
    signs = [sign for sign in _WORDS if any(_sign(each) == sign for each in found)]
    parts = ([(SIGNS[sign].symbol, STYLES[sign]), (f" {_WORDS[sign]}   ", "")] for sign in signs)
    return [("  ", ""), *(piece for pieces in parts for piece in pieces)]


def _kind_lines(kind: str, found: Sequence[Drift], layout: PlanLayout) -> Iterator[Line]:
    resources = [list(items) for _, items in groupby(found, key=lambda each: each.address)]
    counts = Counter(_sign(items[0]) for items in resources)
    words = ", ".join(f"{counts[sign]:,} {word}" for sign, word in _WORDS.items() if counts[sign])
    yield []
    yield [(kind, "bold"), (f"  {words}", "")]
    for items in resources:
        first = items[0]
        note = wording.printable(first.note)
        rows = tuple(
            ViewRow(wording.printable(each.path), arrow(each), CONFLICT if each.conflict else "")
            for each in items
            if each.path is not None
        )
        remarks = (note,) if note else ()
        block = Block(_sign(first), (), wording.shown(first.address), "", where(first), remarks, (), rows)
        yield from layout.block(block, titles_only=False)


def where(each: Drift) -> str:
    """The line that declares the resource."""
    return f"{each.origin.file}:{each.origin.line}" if each.origin and each.desired else "no longer in the files"


def note_of(each: Drift) -> str:
    """The remark on a whole resource: that it was deleted, and the note of the planner."""
    gone = "deleted from the account" if each.path is None else ""
    return "; ".join(filter(None, (gone, wording.printable(each.note))))


def arrow(each: Drift) -> str:
    """The recorded value and the present one."""
    recorded = "(not shown)" if each.sensitive else wording.value(each.recorded)
    return f"{recorded} → {wording.value(each.live)}"


#: The remark on a field that the files changed, too.
CONFLICT = "also changed in your files (conflict)"


def resource_words(items: Sequence[Drift]) -> Iterator[str]:
    """The drift of one resource in one line, field by field."""
    yield from filter(None, (note_of(items[0]),))
    for each in items:
        if each.path is not None:
            conflict = f", {CONFLICT}" if each.conflict else ""
            yield f"{wording.printable(each.path)} {arrow(each)}{conflict}"


def drift_document(drifts: DriftReport) -> dict[str, Any]:
    """The document of ``drift --json``."""
    found = drifts.items
    return {
        "format_version": FORMAT_VERSION,
        "summary": {
            "owned": drifts.owned,
            "resources": len({each.address for each in found}),
            "gone": _count(found, gone=True),
            "fields": _count(found, gone=False),
            "conflicts": sum(1 for each in found if each.conflict),
        },
        "calls": {"reads": drifts.reads},
        "added": dict(drifts.added),
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
