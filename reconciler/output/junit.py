"""Writes plans, reports, drift and problems as JUnit test results: one suite for each kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree as Tree

from reconciler.model.plan import Change
from reconciler.model.report import Outcome, Status
from reconciler.model.values import Address, Origin
from reconciler.output import change_text, diagnostics, plan_sheet, wording
from reconciler.output.diagnostics import Diagnostic
from reconciler.output.drift import DriftReport
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems

#: Characters that XML 1.0 does not allow (https://www.w3.org/TR/xml/#charsets).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class TestCase:
    """One test case; ``failure`` (rule, message) or ``skipped`` if it did not pass."""

    suite: str
    name: str
    lines: tuple[str, ...] = ()
    failure: tuple[str, str] | None = None
    skipped: str | None = None
    origin: Origin | None = None


def plan_suites(sheet: PlanSheet) -> str:
    """One case for each change; missing approvals, blocked changes and failed steps are failures."""
    approvals = [
        TestCase(
            "allowances", f"--allow {approval.allow.value}", failure=("needs-allowance", plan_sheet.need(approval))
        )
        for approval in sheet.approvals
    ]
    ends = _ends(sheet.report.outcomes if sheet.report else ())
    cases = [_case(change, ends.get(change.address, [])) for change in plan_sheet.listed(sheet.plan)]
    quiet = [TestCase("plan", "nothing to change", (plan_sheet.quiet(sheet.plan),))]
    return _suites([*approvals, *cases] or quiet, sheet.name, sheet.base)


def _ends(outcomes: Iterable[Outcome]) -> dict[Address, list[Outcome]]:
    ends: dict[Address, list[Outcome]] = {}
    for outcome in outcomes:
        ends.setdefault(outcome.step.address, []).append(outcome)
    return ends


def _case(change: Change, ends: list[Outcome]) -> TestCase:
    remarks = tuple(change_text.remarks(change))
    fields = tuple(": ".join(filter(None, (row.path, row.shown, row.cause))) for row in change_text.rows(change))
    bad = [outcome for outcome in ends if outcome.status in diagnostics.BAD]
    failed = next((outcome for outcome in bad if outcome.status is Status.FAILED), None)
    failure = ("blocked", f"blocked: {wording.printable(change.blocked)}") if change.blocked else None
    if failed:
        failure = ("failed", diagnostics.ended(failed))
    skipped = diagnostics.ended(bad[0]) if bad and not failed else None
    name = f"{change.action.value} {change_text.title(change)}"
    return TestCase(
        change.address.kind, name, (*remarks, *fields), failure, skipped, diagnostics.position(change.origin)
    )


def drift_suites(drifts: DriftReport) -> str:
    """One failure for each drifted resource."""
    return _of_findings(diagnostics.of(drifts), "drift", drifts.summary, drifts.name, drifts.base)


def problems_suites(findings: FileProblems) -> str:
    """One failure for each problem."""
    good = f"{wording.count(findings.resources, 'resource')}"
    return _of_findings(diagnostics.of(findings), "files", good, findings.name, findings.base)


def _of_findings(found: Iterable[Diagnostic], suite: str, good: str, name: str, base: str) -> str:
    def case(each: Diagnostic) -> TestCase:
        kind = each.subject.partition("/")[0] or suite
        where = f"{each.origin}" if each.origin else each.message
        return TestCase(kind, each.subject or where, failure=(each.rule.id, each.message), origin=each.origin)

    return _suites([case(each) for each in found] or [TestCase(suite, "no findings", (good,))], name, base)


def _suites(cases: list[TestCase], name: str, base: str) -> str:
    root = Tree.Element("testsuites", {"name": _text(f"reconciler {name}".strip()), **_counts(cases)})
    for suite, group in groupby(sorted(cases, key=lambda each: each.suite), key=lambda each: each.suite):
        members = list(group)
        skipped = sum(1 for case in members if case.skipped is not None and not case.failure)
        node = Tree.SubElement(root, "testsuite", {"name": suite, **_counts(members), "skipped": str(skipped)})
        for member in members:
            _append(node, member, base)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, encoding="unicode") + "\n"


def _counts(cases: list[TestCase]) -> dict[str, str]:
    failures = sum(1 for case in cases if case.failure)
    return {
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": "0",
        "time": "0",
    }


def _append(suite: Tree.Element, case: TestCase, base: str) -> None:
    attributes = {"classname": f"reconciler.{case.suite}", "name": _text(case.name), "time": "0"}
    node = Tree.SubElement(suite, "testcase", attributes)
    if case.failure:
        rule, message = case.failure
        failure = Tree.SubElement(node, "failure", {"type": rule, "message": _text(message)})
        failure.text = "\n".join([_text(message), *_lines(case, base)])
    elif case.skipped is not None:
        Tree.SubElement(node, "skipped", {"message": _text(case.skipped)})
    lines = list(_lines(case, base))
    if lines and not case.failure:
        Tree.SubElement(node, "system-out").text = "\n".join(lines)


def _lines(case: TestCase, base: str) -> Iterator[str]:
    """The position, then the remarks. Jenkins' schema has no attributes for the position."""
    if case.origin:
        yield _text(f"{diagnostics.below(base, case.origin)}:{case.origin.line}:{max(1, case.origin.column)}")
    yield from (_text(line) for line in case.lines)


def _text(text: str) -> str:
    """The text with control characters, and others that XML does not allow, written as escapes."""
    return _FORBIDDEN.sub(lambda char: f"\\u{ord(char.group()):04x}", wording.printable(text))
