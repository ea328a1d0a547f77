"""Makes the sheet of a plan, from which all output formats are rendered, and the requests that a plan would send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.commands.plan import Planned
from reconciler.commands.show import SavedPlan
from reconciler.config.settings import Settings
from reconciler.model.plan import Step, differing
from reconciler.model.values import Address
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.verbatim import Call, Verbatim
from reconciler.planner.approvals import Approval
from reconciler.planner.requests import request_for, show

#: A plan that was just made or loaded, with what its requests are built from.
ShownPlan = Planned | SavedPlan


def sheet_of(
    planned: ShownPlan, redactor: Verbatim, settings: Settings, heading: str, approvals: Iterable[Approval]
) -> PlanSheet:
    """The plan for display, redacted by ``redactor``, with the ``approvals`` that are still required."""
    return PlanSheet(
        redactor.plan(planned.plan),
        redactor.text(heading),
        len(planned.graph.order),
        settings.rate_limit,
        tuple(replace(each, reason=redactor.text(each.reason)) for each in approvals),
    )


def requests(planned: ShownPlan) -> Iterator[tuple[Step, Call]]:
    """Every request of a plan, in the order of a single worker."""
    changes = {change.address: change for change in differing(planned.plan.changes)}
    for step in planned.graph.order:
        yield step, show(request_for(step, changes[step.address], planned.dialect, planned.slugs))


def requests_by_address(planned: ShownPlan) -> dict[Address, list[Call]]:
    """The requests of a plan by the address of the resource."""
    calls: dict[Address, list[Call]] = {}
    for step, call in requests(planned):
        calls.setdefault(step.address, []).append(call)
    return calls
