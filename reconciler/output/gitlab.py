"""Counts the changes of a plan for GitLab merge requests, in the format of the Terraform report."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler.model.plan import Action, Change, differing
from reconciler.model.report import Report, Status
from reconciler.output.plan_sheet import PlanSheet

_COUNTED = {
    "create": frozenset({Action.CREATE, Action.REPLACE}),
    "update": frozenset({Action.UPDATE, Action.ADOPT}),
    "delete": frozenset({Action.DELETE, Action.REPLACE}),
}


def plan_counts(sheet: PlanSheet) -> str:
    """``{"create": 1, "update": 0, "delete": 2}`` and no other key; a replacement is one of each.

    Adoptions without changes and forgotten resources do not count, since the account stays the same. After a run
    only completed changes count.
    """
    hit = [change for change in differing(sheet.plan.effective) if change.action is not Action.ADOPT or change.fields]
    if sheet.report:
        hit = list(_done(hit, sheet.report))
    counts = {name: sum(1 for change in hit if change.action in actions) for name, actions in _COUNTED.items()}
    return json.dumps(counts)


def _done(changes: Iterable[Change], report: Report) -> Iterable[Change]:
    """The changes whose every step was done."""
    good = (Status.DONE, Status.PENDING)
    ends: dict[object, bool] = {}
    for outcome in report.outcomes:
        address = outcome.step.address
        ends[address] = ends.get(address, True) and outcome.status in good
    return (change for change in changes if ends.get(change.address, False))
