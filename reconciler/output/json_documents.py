"""A plan or a report → one versioned JSON document; minor versions add, major ones break.

A JSON document → its text, whole and readable, with nothing in it that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.errors import Problem
from reconciler.kinds.effects import classes_of
from reconciler.model.plan import Action, Change, Plan, count_agreed, differing
from reconciler.model.report import Outcome, Report
from reconciler.model.serialization import change_to_json, to_json
from reconciler.model.values import Address
from reconciler.output.diagnostics import FileProblems
from reconciler.output.drift import DriftReport
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.wording import json_text
from reconciler.planner.approvals import Approval, affected_count, mailed

FORMAT_VERSION = "1.0"

#: Requests by address, as (method, path, body).
Requests = Mapping[Address, Iterable[tuple[str, str, Any]]]


def plan_document(plan: Plan, requests: Requests, approvals: Iterable[Approval] = ()) -> dict[str, Any]:
    """What ``plan --json`` prints. Secrets are shown by their source, references stay open."""
    changes = [_change(change, requests) for change in plan.changes]
    writes = sum(len(each["requests"]) for each in changes)
    return {
        "format_version": FORMAT_VERSION,
        "base": plan.base._asdict(),
        "partial": plan.partial,
        "summary": summary(plan),
        "calls": {"reads": plan.reads, "writes": writes},
        "people": {"affected": affected_count(plan), "emailed": len(mailed(plan.pending))},
        "unmanaged": dict(plan.unmanaged),
        "routes": dict(plan.routes),
        "needs": [
            {"allow": approval.allow.value, "count": approval.count, "reason": approval.reason}
            for approval in approvals
        ],
        "changes": changes,
    }


def summary(plan: Plan) -> dict[str, int]:
    """A count for each action, with what policy holds back counted apart."""
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
    """What ``apply --json`` prints: the plan's document with what came of it."""
    return {
        **plan,
        "run": report.run,
        "stopped": report.stopped,
        "calls": {**plan["calls"], "sent": {"reads": report.reads, "writes": report.writes}},
        "outcomes": [outcome_document(outcome) for outcome in report.outcomes],
    }


def unrun_document(plan: dict[str, Any], reason: str) -> dict[str, Any]:
    """The same of a run that had nothing to do, or was refused for that reason before it began."""
    return {**plan, **({"stopped": f"refused: {reason}"} if reason else {}), "outcomes": []}


def problems_document(problems: Sequence[Problem]) -> dict[str, Any]:
    """What ``validate --json`` prints of the files."""
    return {"valid": not problems, "problems": [problem._asdict() for problem in problems]}


def plan_json(sheet: PlanSheet) -> str:
    """The text of a plan's or a report's document."""
    return json_text(dict(sheet.document))


def drift_json(drifts: DriftReport) -> str:
    """The text of what the account changed."""
    return json_text(dict(drifts.document))


def problems_json(findings: FileProblems) -> str:
    """The text of what is wrong with the files."""
    return json_text(dict(findings.document))


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """One step as it ended; what the server made of our values with it."""
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
