"""Renders the explanation of one resource as styled text and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.model.plan import Action
from reconciler.model.resource import LedgerEntry
from reconciler.model.serialization import lifecycle_to_json, to_json
from reconciler.model.values import Address, Secret, Value
from reconciler.output import wording
from reconciler.output.history import iso, moment
from reconciler.output.layout import Line
from reconciler.output.text import call_lines
from reconciler.planner.explanation import Explanation, FieldExplanation

FORMAT_VERSION = "1.0"

Calls = Sequence[tuple[str, str, Any]]


def explanation_lines(found: Explanation, requests: Calls) -> Iterator[Line]:
    """Position, decision and reason, fields, dependent resources, and the requests to send."""
    yield [(wording.shown(found.address), "bold")]
    yield _fact("files", str(found.desired.origin) if found.desired else "not declared")
    if found.desired and (guards := _lifecycle(found)):
        yield _fact("lifecycle", guards)
    yield _fact("ledger", _ledger(found.entry) if found.entry else "not managed")
    for name in sorted(found.entry.digests) if found.entry else ():
        yield _fact(
            "", f"{name} is kept as a keyed digest; written {moment(found.entry.since if found.entry else None)}"
        )
    yield _fact(
        "account", f"id {wording.printable(found.live.remote_id)}" if found.live else "not found, or not read"
    )
    yield _fact("decision", _decision(found))
    yield _fact("because", found.rule)
    if found.change and found.change.note:
        yield _fact("note", wording.printable(found.change.note))
    for label, texts in _links(found):
        if texts:
            yield _fact(label, ", ".join(texts))
    yield from _table(found.rows)
    if requests:
        yield []
        yield from call_lines(requests)


def _fact(label: str, text: str) -> Line:
    return [(f"  {label:<10} ", "dim"), (text, "")]


def _lifecycle(found: Explanation) -> str:
    said = lifecycle_to_json(found.desired.lifecycle) if found.desired else {}
    return ", ".join(f"{key}: {wording.value(value) if value is not True else 'true'}" for key, value in said.items())


def _ledger(entry: LedgerEntry) -> str:
    how = f"{entry.provenance.value} in run {entry.managed_since}"
    state = "" if entry.state.value == "settled" else f", {entry.state.value}"
    return f"managed: {how}, last written by run {entry.run}, {moment(entry.since)}{state}"


def _decision(found: Explanation) -> str:
    change = found.change
    if change is None:
        return "none: unmanaged"
    text = "nothing" if change.action is Action.NO_CHANGE else change.action.value
    text += f", {change.cause.value.replace('_', ' ')}" if change.cause else ""
    return text + (f" (blocked: {change.blocked})" if change.blocked else "")


def _links(found: Explanation) -> Iterator[tuple[str, list[str]]]:
    effects = found.change.effects if found.change else ()
    yield "effects", [wording.printable(each) for each in effects]
    yield "needs", [wording.shown(each) for each in found.needs]
    yield "needed by", _some(found.needed_by)


def _some(addresses: Sequence[Address], most: int = 10) -> list[str]:
    more = [f"and {len(addresses) - most:,} more"] if len(addresses) > most else []
    return [*(wording.shown(each) for each in addresses[:most]), *more]


def _table(rows: Iterable[FieldExplanation]) -> Iterator[Line]:
    rows = list(rows)
    if not rows:
        return
    yield []
    for row in rows:
        yield [(f"  {wording.printable(row.path):<14} ", "bold"), (row.verdict, "dim")]
        for side in ("desired", "applied", "live"):
            yield [(f"      {side:<9} {_shown(row, side)}", "")]


def _shown(row: FieldExplanation, side: str) -> str:
    value: Value = getattr(row, side)
    if isinstance(value, Secret):
        return wording.value(value)
    return "(not shown)" if side in row.hidden and (value is not None or side != "desired") else wording.value(value)


def explanation_document(found: Explanation, requests: Calls, reads: int) -> dict[str, Any]:
    """The document of ``explain --json``; secrets appear as their source or not at all."""
    change, entry = found.change, found.entry
    origin = found.desired.origin if found.desired else None
    return {
        "format_version": FORMAT_VERSION,
        "address": str(found.address),
        "rule": found.rule,
        "action": change.action.value if change else None,
        "cause": change.cause.value if change and change.cause else None,
        "blocked": change.blocked if change else None,
        "note": change.note if change else "",
        "effects": list(change.effects) if change else [],
        "origin": dict(zip(("file", "line", "column"), origin, strict=True)) if origin else None,
        "lifecycle": lifecycle_to_json(found.desired.lifecycle) if found.desired else {},
        "ledger": _entry_document(entry) if entry else None,
        "remote_id": found.live.remote_id if found.live else None,
        "fields": [_row_document(row) for row in found.rows],
        "needs": [str(each) for each in found.needs],
        "needed_by": [str(each) for each in found.needed_by],
        "requests": [{"method": method, "path": path, "body": body} for method, path, body in requests],
        "calls": {"reads": reads},
    }


def _entry_document(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "provenance": entry.provenance.value,
        "state": entry.state.value,
        "run": entry.run,
        "since": iso(entry.since),
        "managed_since": entry.managed_since,
        "remote_id": entry.remote_id,
        "secrets": sorted(entry.digests),
        "origin": str(entry.origin) if entry.origin else None,
    }


def _row_document(row: FieldExplanation) -> dict[str, Any]:
    sides = {side: _side(row, side) for side in ("desired", "applied", "live")}
    return {"path": row.path, **sides, "verdict": row.verdict, "sensitive": bool(row.hidden)}


def _side(row: FieldExplanation, side: str) -> Any:
    value: Value = getattr(row, side)
    return None if side in row.hidden and not isinstance(value, Secret) else to_json(value)
