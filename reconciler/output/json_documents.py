"""Builds the versioned JSON documents of plans and reports.

Minor versions add keys, major versions may change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.kinds.effects import classes_of
from reconciler.model.plan import Action, Change, Plan, count_agreed, differing
from reconciler.model.report import Outcome, Report
from reconciler.model.serialization import change_to_json, to_json
from reconciler.model.values import Address
from reconciler.output.formats import Documented
from reconciler.output.wording import json_text
from reconciler.planner.approvals import Approval, affected_count, mailed

FORMAT_VERSION = "1.0"

#: Requests by address, as (method, path, body).
Requests = Mapping[Address, Iterable[tuple[str, str, Any]]]


def plan_document(plan: Plan, requests: Requests, approvals: Iterable[Approval] = ()) -> dict[str, Any]:
    """The document of ``plan --json``. Secrets appear as their source, references are not resolved."""
    changes = [_change(change, requests) for change in plan.changes]
    writes = sum(len(each["requests"]) for each in changes)
    return {
        "format_version": FORMAT_VERSION,
        "base": plan.base._asdict(),
        "partial": plan.partial,
        "summary": summary(plan),
        "calls": {"reads": plan.reads, "writes": writes},
        "people": {"affected": affected_count(plan), "emailed": len(mailed(plan.effective))},
        "unmanaged": dict(plan.unmanaged),
        "routes": dict(plan.routes),
        "needs": [
            {"allow": approval.allow.value, "count": approval.count, "reason": approval.reason}
            for approval in approvals
        ],
        "changes": changes,
    }


def summary(plan: Plan) -> dict[str, int]:
    """The number of changes by action; blocked ones are counted separately."""
    counts = {action.value: 0 for action in Action}
    for (_, action), number in count_agreed(plan.changes).items():
        counts[action.value] += number
    for change in differing(plan.changes):
        if not change.blocked:
            counts[change.action.value] += 1
    return {**counts, "blocked": len(plan.blocked)}


def _change(change: Change, requests: Requests) -> dict[str, Any]:
    whole = change_to_json(change)
    kept = ("address", "action", "cause", "blocked", "moved_from", "note", "remote_id")
    origin = dict(zip(("file", "line", "column"), change.origin, strict=True)) if change.origin else None
    return {
        **{key: whole.get(key) for key in kept},
        "loss": whole.get("loss"),
        "fields": whole.get("fields", []),
        "effects": list(change.effects),
        "consequences": [each.value for each in classes_of(change.effects)],
        "origin": origin,
        "requests": [
            {"method": method, "path": path, "body": body} for method, path, body in requests.get(change.address, ())
        ],
    }


def report_document(plan: dict[str, Any], report: Report) -> dict[str, Any]:
    """The document of ``apply --json``: the plan's document with the outcomes."""
    return {
        **plan,
        "run": report.run,
        "stopped": report.stopped,
        "calls": {**plan["calls"], "sent": {"reads": report.reads, "writes": report.writes}},
        "outcomes": [outcome_document(outcome) for outcome in report.outcomes],
    }


def unrun_document(plan: dict[str, Any], reason: str) -> dict[str, Any]:
    """The report of a run that had nothing to do, or was refused before it began for ``reason``."""
    return {**plan, **({"stopped": f"refused: {reason}"} if reason else {}), "outcomes": []}


def document_text(result: Documented) -> str:
    """The text of a document."""
    return json_text(dict(result.document))


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """The outcome of one step, with values that the server changed."""
    return {
        "address": str(outcome.step.address),
        "verb": outcome.step.verb.value,
        "action": outcome.action.value,
        "status": outcome.status.value,
        "remote_id": outcome.remote_id,
        "message": outcome.message,
        "differs": {
            name: {"sent": to_json(sent), "is": to_json(shown)} for name, (sent, shown) in outcome.differs.items()
        },
    }
