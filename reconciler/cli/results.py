"""Plans, runs and drift, redacted if requested: as lines, and as the values that all output formats are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import click

from reconciler.cli.outputs import Outputs
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import columns
from reconciler.commands.sheets import ShownPlan, requests, requests_by_address, sheet_of
from reconciler.config.settings import Settings
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.model.serialization import Json
from reconciler.model.values import Address
from reconciler.output import json_documents
from reconciler.output.drift import DriftReport, drift_document, redacted_drift
from reconciler.output.layout import Line
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.text import call_lines, plan_lines
from reconciler.output.verbatim import Call
from reconciler.planner.approvals import closed


@dataclass(frozen=True)
class RunEnding:
    """End of a run: its report, or the reason of refusal; ``extra`` keys are added to its document.

    ``begun`` is False for a plan with ``extra`` keys that was not applied.
    """

    allowed: Mapping[Allow, int | None] = field(default_factory=dict)
    report: Report | None = None
    refused: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    begun: bool = True


def shown_plan(
    ctx: click.Context, planned: ShownPlan, settings: Settings, heading: str, *, calls: bool = False
) -> Iterator[Line]:
    """The plan for people; with ``calls`` every request after it."""
    redaction, program = redaction_of(ctx), program_of(ctx)
    sheet = sheet_of(planned, redaction, settings, heading, planned.approvals)
    sheet = replace(sheet, protected=_protected(settings))
    yield from plan_lines(sheet, titles_only=program.quiet, columns=columns(), detail=program.verbose > 0)
    if calls:
        yield []
        yield from call_lines(redaction.request(call) for _, call in requests(planned))


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
    planned: ShownPlan,
    outputs: Outputs,
    settings: Settings,
    heading: str,
    *,
    name: str = "",
    ending: RunEnding | None = None,
) -> PlanSheet:
    """The redacted sheet that all formats are made from; ``name`` is by default that of the project."""
    redaction, calls = outputs.redaction, requests_by_address(planned) if outputs.need("requests") else {}
    document: Mapping[str, object] = {}
    if outputs.need("document"):
        document = redaction.document(_document(planned, calls, ending))
    ended = ending or RunEnding()
    return replace(
        sheet_of(planned, redaction, settings, heading, closed(planned.approvals, ended.allowed)),
        requests={redaction.address(a): tuple(map(redaction.request, each)) for a, each in calls.items()},
        name=redaction.text(name or settings.environment or settings.root.name),
        base=outputs.base,
        report=redaction.report(ended.report) if ended.report else None,
        refused=redaction.text(ended.refused),
        document=document,
        protected=_protected(settings),
    )


def _protected(settings: Settings) -> str:
    """Name of the environment if it is protected, else empty."""
    return (settings.environment or "") if settings.protect else ""


def _document(planned: ShownPlan, calls: dict[Address, list[Call]], ending: RunEnding | None) -> Json:
    document = json_documents.plan_document(planned.plan, calls, planned.approvals)
    if ending is None:
        return document
    document |= ending.extra
    if ending.report is not None:
        return json_documents.report_document(document, ending.report)
    return json_documents.unrun_document(document, ending.refused) if ending.begun else document
