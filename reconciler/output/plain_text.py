"""Renders plans, reports, drift and problems as text without colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.output import wording
from reconciler.output.drift import DriftReport, drift_lines
from reconciler.output.layout import Line
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems
from reconciler.output.text import plan_lines, report_lines


def plan_text(sheet: PlanSheet) -> str:
    """The plan, and the report of its run if there is one."""
    return text_of(_plan(sheet))


def _plan(sheet: PlanSheet) -> Iterator[Line]:
    yield from plan_lines(sheet)
    if sheet.refused:
        yield [(f"Refused: {sheet.refused}", "")]
    if sheet.report:
        yield []
        yield from report_lines(sheet.report, sheet.plan)


def drift_text(drifts: DriftReport) -> str:
    """The drift as `drift` prints it."""
    return text_of(drift_lines(drifts))


def problems_text(findings: FileProblems) -> str:
    """One problem a line."""
    if not findings.problems:
        return f"Valid: {wording.count(findings.resources, 'resource')}.\n"
    return text_of([(f"error: {problem}", "")] for problem in findings.problems)


def text_of(lines: Iterable[Line]) -> str:
    """The lines without trailing blanks and without terminal control characters."""
    shown = ("".join(wording.printable(piece) for piece, _ in line).rstrip() for line in lines)
    return "".join(f"{line}\n" for line in shown)
