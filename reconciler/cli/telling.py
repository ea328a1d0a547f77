"""A plan, a run or what drifted → the one value that every output of it is made from, people marked where asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.cli.outputs import Outputs
from reconciler.cli.running import Run, requests
from reconciler.engine.guard import closed
from reconciler.model.values import Address
from reconciler.render import machine
from reconciler.render.drifted import Drifts, drift_document
from reconciler.render.sentences import Call, Sheet


def tell_run(session: Run, planned: Any, given: dict[str, Any], **more: Any) -> None:
    """In every format that was asked for: what was planned, and what came of it (``report`` or ``refused``)."""
    outputs, events = given["outputs"], session.manner.events
    if not outputs.wanted:
        return
    sheet = sheet_for(
        planned, outputs, session.heading(planned), session.name, pace=session.settings.pace,
        allowed=given["allow"], extra=given.get("more", {}), **more,
    )  # fmt: skip
    if events is not None and "refused" not in more:
        events.report(sheet.document)
    outputs.write(sheet)


def drifts_for(outputs: Outputs, drifts: Drifts) -> Drifts:
    """What the account changed, marked where that was asked for."""
    curtain = outputs.curtain
    document = curtain.marked("document", drift_document(drifts.items, owned=drifts.owned, reads=drifts.reads))
    return replace(
        drifts, items=curtain.marked("drift", drifts.items), heading=curtain.text(drifts.heading),
        name=curtain.text(drifts.name), base=outputs.base, document=document,
    )  # fmt: skip


def sheet_for(planned: Any, outputs: Outputs, heading: str, name: str, **more: Any) -> Sheet:
    """A sheet that every format can be made from, marks in place of people where they are asked for.

    ``more``: ``pace``, ``extra`` keys of the document, and what became of it: ``report``, ``refused``, ``allowed``.
    """
    curtain, report, refused = outputs.curtain, more.get("report"), more.get("refused", "")
    calls = _calls(planned) if outputs.need("requests") else {}
    document = curtain.marked("document", _document(planned, calls, more)) if outputs.need("document") else {}
    return Sheet(
        curtain.marked("plan", planned.plan), curtain.text(heading), len(planned.graph.order), more["pace"],
        tuple(replace(g, reason=curtain.text(g.reason)) for g in closed(planned.gates, more.get("allowed", {}))),
        {
            curtain.marked("address", address): tuple(curtain.marked("request", call) for call in each)
            for address, each in calls.items()
        },
        curtain.text(name), outputs.base,
        report if report is None else curtain.marked("report", report), curtain.text(refused), document,
    )  # fmt: skip


def _calls(planned: Any) -> dict[Address, list[Call]]:
    """Every request by the address that it is for."""
    calls: dict[Address, list[Call]] = {}
    for step, call in requests(planned):
        calls.setdefault(step.address, []).append(call)
    return calls


def _document(planned: Any, calls: dict[Address, list[Call]], more: dict[str, Any]) -> dict[str, Any]:
    document = {**machine.plan_document(planned.plan, calls, planned.gates), **more.get("extra", {})}
    if more.get("report") is not None:
        return machine.report_document(document, more["report"])
    return machine.unrun_document(document, more.get("refused", "")) if "allowed" in more else document
