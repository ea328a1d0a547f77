"""Plans, runs and drift, redacted if requested: as lines, and as the values that all output formats are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import click

from reconciler.cli.context import RenderedPlan, protected_environment, redacted_approvals, requests
from reconciler.cli.outputs import Outputs
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import columns
from reconciler.config.settings import Settings
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.model.values import Address
from reconciler.output import json_documents
from reconciler.output.drift import DriftReport, drift_document, redacted_drift
from reconciler.output.layout import Line
from reconciler.output.plan_sheet import Call, PlanSheet
from reconciler.output.text import call_lines, plan_lines
from reconciler.planner.approvals import closed


@dataclass(frozen=True)
class RunEnding:
    """End of a run: its report, or the reason of refusal; ``extra`` keys are added to its document.

    ``begun`` is False for a plan with ``extra`` keys that was not applied.
    """

    allowed: Mapping[Allow, int | None] = field(default_factory=dict)
    report: Report | None = None
    refused: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    begun: bool = True


def shown_plan(
    ctx: click.Context, planned: RenderedPlan, settings: Settings, heading: str, *, calls: bool = False
) -> Iterator[Line]:
    """The plan for people; with ``calls`` every request after it."""
    redaction, program = redaction_of(ctx), program_of(ctx)
    sheet = PlanSheet(
        redaction.plan(planned.plan),
        redaction.text(heading),
        len(planned.graph.order),
        settings.rate_limit,
        redacted_approvals(redaction, planned.approvals),
        protected=protected_environment(settings),
    )
    yield from plan_lines(sheet, hidden_fields=program.quiet, columns=columns(), detail=program.verbose > 0)
    if calls:
        yield []
        yield from call_lines(redaction.calls(call for _, call in requests(planned)))


def drifts_for(outputs: Outputs, drifts: DriftReport) -> DriftReport:
    """The drift, redacted if requested, with its document."""
    redaction = outputs.redaction
    shown = replace(
        drifts,
        items=redacted_drift(drifts.items, redaction),
        heading=redaction.text(drifts.heading),
        name=redaction.text(drifts.name),
        base=outputs.base,
    )
    return replace(shown, document=redaction.document(drift_document(shown)))


def sheet_for(
    planned: RenderedPlan,
    outputs: Outputs,
    heading: str,
    name: str,
    *,
    rate_limit: float,
    ending: RunEnding | None = None,
    protected: str = "",
) -> PlanSheet:
    """The redacted sheet that all formats are made from; ``ending`` is that of a run."""
    redaction, calls = outputs.redaction, _calls(planned) if outputs.need("requests") else {}
    document: Mapping[str, Any] = {}
    if outputs.need("document"):
        document = redaction.document(_document(planned, calls, ending))
    report, refused, allowed = (ending.report, ending.refused, ending.allowed) if ending else (None, "", {})
    return PlanSheet(
        redaction.plan(planned.plan),
        redaction.text(heading),
        len(planned.graph.order),
        rate_limit,
        redacted_approvals(redaction, closed(planned.approvals, allowed)),
        {redaction.address(address): tuple(redaction.calls(each)) for address, each in calls.items()},
        redaction.text(name),
        outputs.base,
        report if report is None else redaction.report(report),
        redaction.text(refused),
        document,
        protected,
    )


def _calls(planned: RenderedPlan) -> dict[Address, list[Call]]:
    """The requests of each address."""
    calls: dict[Address, list[Call]] = {}
    for step, call in requests(planned):
        calls.setdefault(step.address, []).append(call)
    return calls


def _document(planned: RenderedPlan, calls: dict[Address, list[Call]], ending: RunEnding | None) -> dict[str, Any]:
    document = json_documents.plan_document(planned.plan, calls, planned.approvals)
    if ending is None:
        return document
    document |= ending.extra
    if ending.report is not None:
        return json_documents.report_document(document, ending.report)
    return json_documents.unrun_document(document, ending.refused) if ending.begun else document
