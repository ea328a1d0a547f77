"""A plan, a run or what drifted → the one value that every output of it is made from, people marked where asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.cli.context import CommandContext, requests
from reconciler.cli.outputs import Outputs
from reconciler.model.values import Address
from reconciler.output import json_documents
from reconciler.output.drift import DriftReport, drift_document
from reconciler.output.plan_view import Call, PlanSheet
from reconciler.planner.approvals import closed


def tell_run(session: CommandContext, planned: Any, given: dict[str, Any], **more: Any) -> None:
    """In every format that was asked for: what was planned, and what came of it (``report`` or ``refused``)."""
    outputs, events = given["outputs"], session.manner.events
    if not outputs.wanted:
        return
    sheet = sheet_for(
        planned,
        outputs,
        session.heading(planned),
        session.name,
        rate_limit=session.settings.rate_limit,
        allowed=given["allow"],
        extra=given.get("more", {}),
        **more,
    )
    if events is not None and "refused" not in more:
        events.report(sheet.document)
    outputs.write(sheet)


def drifts_for(outputs: Outputs, drifts: DriftReport) -> DriftReport:
    """What the account changed, marked where that was asked for."""
    curtain = outputs.curtain
    document = curtain.marked("document", drift_document(drifts.items, owned=drifts.owned, reads=drifts.reads))
    return replace(
        drifts,
        items=curtain.marked("drift", drifts.items),
        heading=curtain.text(drifts.heading),
        name=curtain.text(drifts.name),
        base=outputs.base,
        document=document,
    )


def sheet_for(planned: Any, outputs: Outputs, heading: str, name: str, **more: Any) -> PlanSheet:
    """A sheet that every format can be made from, marks in place of people where they are asked for.

    ``more``: ``rate_limit``, ``extra`` keys of the document, and the result: ``report``, ``refused``, ``allowed``.
    """
    curtain, report, refused = outputs.curtain, more.get("report"), more.get("refused", "")
    calls = _calls(planned) if outputs.need("requests") else {}
    document = curtain.marked("document", _document(planned, calls, more)) if outputs.need("document") else {}
    return PlanSheet(
        curtain.marked("plan", planned.plan),
        curtain.text(heading),
        len(planned.graph.order),
        more["rate_limit"],
        tuple(replace(g, reason=curtain.text(g.reason)) for g in closed(planned.approvals, more.get("allowed", {}))),
        {
            curtain.marked("address", address): tuple(curtain.marked("request", call) for call in each)
            for address, each in calls.items()
        },
        curtain.text(name),
        outputs.base,
        report if report is None else curtain.marked("report", report),
        curtain.text(refused),
        document,
    )


def _calls(planned: Any) -> dict[Address, list[Call]]:
    """Every request by the address that it is for."""
    calls: dict[Address, list[Call]] = {}
    for step, call in requests(planned):
        calls.setdefault(step.address, []).append(call)
    return calls


def _document(planned: Any, calls: dict[Address, list[Call]], more: dict[str, Any]) -> dict[str, Any]:
    document = {**json_documents.plan_document(planned.plan, calls, planned.approvals), **more.get("extra", {})}
    if more.get("report") is not None:
        return json_documents.report_document(document, more["report"])
    return json_documents.unrun_document(document, more.get("refused", "")) if "allowed" in more else document
