"""JUnit, SARIF, GitHub's commands and GitLab's counts of plans, runs, drift and wrong files."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.errors import Problem
from reconciler.kinds.effects import MAIL
from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan, Step, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin
from reconciler.output import diagnostics, sarif, wording
from reconciler.output.annotations import MAX_ANNOTATIONS, workflow_commands
from reconciler.output.diagnostics import RULES
from reconciler.output.drift import DriftReport
from reconciler.output.formats import DRIFT, FORMATS, PLAN, PROBLEMS, names, rendered
from reconciler.output.gitlab import plan_counts
from reconciler.output.junit import drift_suites, plan_suites, problems_suites
from reconciler.output.markdown import plan_comment
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems
from reconciler.planner.approvals import Approval
from reconciler.planner.drift import Drift

VIP, ANN = Address("tag", "VIP"), Address("contact", "ann@example.com")
BASE = Base(None, "", 0, "vendor")
AT = Origin("site.yaml", 4, 3)
PROBLEMS_FOUND = FileProblems(
    (Problem("a.yaml:3:7", "unknown key `x`", "did you mean `y`?"), Problem("", "odd")), "site", "s"
)
DRIFTS = DriftReport(
    (
        Drift(ANN, "locale", "en", "fr", "7", True, origin=Origin("people.yaml", 2, 1)),
        Drift(ANN, "first_name", "A", "B", "7", True, conflict=True, origin=Origin("people.yaml", 2, 1)),
        Drift(VIP, None, None, None, "8", False),
    ),
    9,
    3,
    "heading",
    "site",
    "sub",
)


def sheet(*changes: Change, **more: Any) -> PlanSheet:
    return PlanSheet(Plan(BASE, changes), "site", len(changes), 10, **more)


def one(action: Action, cause: Cause | None = None, **more: Any) -> Change:
    return Change(more.pop("address", VIP), action, cause, **{"origin": AT, **more})


def field(cause: Cause) -> FieldChange:
    return FieldChange("locale", "en", "fr", cause)


def ended(*outcomes: tuple[Address, Action, Status, str]) -> Report:
    return Report(
        tuple(Outcome(Step(address, Verb.MAKE), action, status, message=m) for address, action, status, m in outcomes)
    )


# what needs attention


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (one(Action.CREATE, Cause.NEW), None),
        (one(Action.UPDATE, Cause.EDITED), None),
        (one(Action.NO_CHANGE), None),
        (one(Action.ADOPT), None),
        (one(Action.ADOPT, note="adopted; modules are assumed equal"), "note"),
        (one(Action.NO_CHANGE, note="accepted, not shown by the account yet"), "note"),
        (one(Action.NO_CHANGE, note="not in a file", origin=None), None),
        (one(Action.DELETE, Cause.REMOVED), "delete"),
        (one(Action.REPLACE, Cause.EDITED), "delete"),
        (one(Action.UPDATE, Cause.EDITED, effects=("irreversible",)), "irreversible"),
        (one(Action.UPDATE, Cause.EDITED, fields=(field(Cause.DRIFTED),)), "drift"),
        (one(Action.CREATE, Cause.MISSING), "drift"),
        (one(Action.UPDATE, Cause.EDITED, fields=(field(Cause.BOTH),)), "conflict"),
        (one(Action.DELETE, Cause.REMOVED, blocked="prevent_destroy"), "blocked"),
    ],
)
def test_rules(change: Change, rule: str | None) -> None:
    """One finding for a change at most, by its gravest reason; what just happens needs none."""
    assert [each.rule.id for each in diagnostics.of(sheet(change))] == ([rule] if rule else [])


def test_what_left_the_files_is_shown_in_its_file() -> None:
    """Its line says something else by now; what comes from a run that is undone is in no file at all."""
    (found,) = diagnostics.of(sheet(one(Action.DELETE, Cause.REMOVED)))
    assert found.origin == Origin("site.yaml", 1, 1)
    (found,) = diagnostics.of(sheet(one(Action.DELETE, Cause.UNLISTED)))
    assert found.origin == AT
    (found,) = diagnostics.of(sheet(one(Action.DELETE, origin=Origin("run 7, step 2", 0, 0))))
    assert found.origin is None
    (found,) = diagnostics.of(sheet(one(Action.DELETE, origin=Origin("clone of production", 0, 0))))
    assert found.origin is None


#: For each approval a change that needs it.
APPROVED = [
    (Allow.DELETES, one(Action.DELETE, Cause.UNLISTED)),
    (Allow.UPDATES, one(Action.UPDATE)),
    (Allow.CONTACTS, one(Action.DELETE, Cause.UNLISTED, address=ANN)),
    (Allow.RECREATE, one(Action.CREATE, Cause.MISSING, address=ANN)),
    (Allow.EMAILS, one(Action.CREATE, Cause.NEW, effects=(MAIL,))),
    (Allow.CANCEL, one(Action.UPDATE, address=Address("subscription", "ann@example.com/Monthly"))),
    (Allow.TAKEOVER, one(Action.ADOPT, Cause.TAKEOVER)),
]


@pytest.mark.parametrize(("allow", "change"), APPROVED)
def test_a_approval_is_shown_where_it_begins(allow: Allow, change: Change) -> None:
    """At the first change that needs the word."""
    other = one(Action.CREATE, address=Address("tag", "A"), origin=Origin("other.yaml", 1, 1))
    found = diagnostics.of(sheet(other, change, approvals=(Approval(allow, 1, "why"),)))
    assert (found[0].rule.id, found[0].message, found[0].origin) == (
        "needs-allowance",
        f"Approval required: why. To proceed: --allow {allow.value}=1",
        AT,
    )


def test_the_gravest_comes_first() -> None:
    """Failures, then approvals, then the rest."""
    report = ended((VIP, Action.CREATE, Status.FAILED, "in use"), (ANN, Action.CREATE, Status.NOT_RUN, ""))
    changes = (one(Action.CREATE), one(Action.DELETE, address=ANN))
    found = diagnostics.of(sheet(*changes, report=report, approvals=(Approval(Allow.DELETES, 1, "x"),)))
    assert [each.rule.id for each in found] == ["failed", "needs-allowance", "not-done", "delete"]
    assert found[0].message == "tag/VIP: failed: in use"
    assert found[2].message == "contact/ann@example.com: not run"


def test_what_was_done_needs_no_attention() -> None:
    """After an apply only what is left, what is blocked and the notes are reported, in every output."""
    report = ended(
        (VIP, Action.UPDATE, Status.DONE, ""),
        (ANN, Action.UPDATE, Status.FAILED, "in use"),
        (Address("tag", "New"), Action.CREATE, Status.PENDING, ""),
    )
    drifted = (field(Cause.DRIFTED),)
    changes = [
        one(Action.UPDATE, fields=drifted),
        one(Action.UPDATE, address=ANN, fields=drifted),
        one(Action.CREATE, Cause.MISSING, address=Address("tag", "New")),
        one(Action.DELETE, address=Address("tag", "Old"), blocked="prevent_destroy"),
    ]
    before = diagnostics.of(sheet(*changes))
    after = diagnostics.of(sheet(*changes, report=report))
    assert [each.rule.id for each in before] == ["blocked", "drift", "drift", "drift"]
    assert [each.rule.id for each in after] == ["failed", "blocked", "drift"]
    for text in (workflow_commands(sheet(*changes, report=report)), sarif.log(sheet(*changes, report=report))):
        assert "tag/VIP" not in text
        assert "tag/New" not in text
    comment = plan_comment(sheet(*changes, report=report))
    assert "<b>contact</b>: 1 to update" in comment
    assert "<b>tag</b>: 1 updated, 1 created" in comment or "<b>tag</b>: 1 created, 1 updated" in comment
    assert "calls will write" not in comment


# GitHub


def test_commands() -> None:
    """At file, line and column; the file as the repository names it."""
    text = workflow_commands(sheet(one(Action.DELETE, Cause.UNLISTED, note="why"), base="sites/a"))
    assert text == (
        "::warning file=sites/a/site.yaml,line=4,col=3,title=reconciler%3A delete::to delete: tag/VIP; why\n"
    )
    assert workflow_commands(sheet(one(Action.NO_CHANGE))) == ""
    first = workflow_commands(DRIFTS).splitlines()[0]
    assert first.startswith("::warning file=sub/people.yaml,line=2,col=1,title=reconciler%3A conflict::contact/ann@")
    assert workflow_commands(PROBLEMS_FOUND).splitlines() == [
        "::error file=s/a.yaml,line=3,col=7,title=reconciler%3A configuration::unknown key `x`; did you mean `y`?",
        "::error title=reconciler%3A configuration::odd",
    ]


@given(st.text(), st.text(min_size=1))
def test_nothing_escapes_a_command(note: str, file: str) -> None:
    """Whatever stands in names: one command a line, and its text is what was said."""
    change = one(Action.DELETE, Cause.UNLISTED, note=f"x{note}", origin=Origin(f"x{file}.yaml", 1, 1))
    text = workflow_commands(sheet(change))
    (line,) = text.splitlines()
    found = re.fullmatch(r"::warning file=([^,:]*),line=1,col=1,title=reconciler%3A delete::(.*)", line)
    assert found
    message = found[2].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert message == f"to delete: tag/VIP; {wording.printable(f'x{note}')}"


def test_no_more_than_github_shows() -> None:
    """The last one of a level says how many there are."""
    changes = [one(Action.DELETE, address=Address("tag", f"T{index}")) for index in range(40)]
    lines = workflow_commands(sheet(*changes)).splitlines()
    assert len(lines) == MAX_ANNOTATIONS
    assert lines[-1].endswith("::31 more of this level are not shown here; the other outputs of this run have all.")
    assert len(workflow_commands(sheet(*changes[:MAX_ANNOTATIONS])).splitlines()) == MAX_ANNOTATIONS


# GitLab


def test_counts() -> None:
    """As Terraform counts: a replacement is one to create and one to delete; no other keys."""
    field_ = (field(Cause.EDITED),)
    changes = [
        one(Action.CREATE),
        one(Action.UPDATE),
        one(Action.REPLACE),
        one(Action.DELETE),
        one(Action.ADOPT),
        one(Action.ADOPT, fields=field_),
        one(Action.FORGET),
        one(Action.NO_CHANGE),
        one(Action.DELETE, blocked="x"),
    ]
    assert json.loads(plan_counts(sheet(*changes))) == {"create": 2, "update": 2, "delete": 2}


def test_counts_of_a_run() -> None:
    """What was done: a replacement of which half failed is none."""
    changes = [one(Action.CREATE), one(Action.REPLACE, address=ANN)]
    report = ended(
        (VIP, Action.CREATE, Status.DONE, ""),
        (ANN, Action.REPLACE, Status.DONE, ""),
        (ANN, Action.REPLACE, Status.FAILED, ""),
    )
    assert json.loads(plan_counts(sheet(*changes, report=report))) == {"create": 1, "update": 0, "delete": 0}


# JUnit

#: Element → (attributes it must have, attributes it may have, children it may have), after Jenkins' junit-10.xsd.
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, set(), {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, set(), {"testcase"}),
    "testcase": ({"name", "classname", "time"}, set(), {"failure", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set(), set()),
    "skipped": ({"message"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def suites(text: str) -> Tree.Element:
    """The document, its shape and its sums checked."""
    root = Tree.fromstring(text)
    assert root.tag == "testsuites"
    for node in root.iter():
        must, may, children = JUNIT[node.tag]
        assert must <= node.attrib.keys() <= must | may
        assert {child.tag for child in node} <= children
    for node in [root, *root]:
        cases = list(node.iter("testcase"))
        assert cases
        assert int(node.attrib["tests"]) == len(cases)
        assert int(node.attrib["failures"]) == sum(1 for case in cases if case.find("failure") is not None)
        skipped = sum(1 for case in cases if case.find("skipped") is not None)
        assert node is root or int(node.attrib["skipped"]) == skipped
        assert node.attrib["errors"] == "0"
    assert len({suite.attrib["name"] for suite in root}) == len(root)
    return root


def test_cases_of_a_plan() -> None:
    """A suite of each kind; what needs a word, and what is blocked, fail."""
    changes = [
        one(Action.UPDATE, address=ANN, fields=(field(Cause.EDITED),)),
        one(Action.CREATE),
        one(Action.DELETE, address=Address("tag", "Old"), blocked="prevent_destroy"),
        one(Action.NO_CHANGE),
    ]
    root = suites(
        plan_suites(sheet(*changes, approvals=(Approval(Allow.DELETES, 1, "why"),), name="production", base="a"))
    )
    assert root.attrib["name"] == "reconciler production"
    assert [suite.attrib["name"] for suite in root] == ["allowances", "contact", "tag"]
    failures = [node.attrib["message"] for node in root.iter("failure")]
    assert failures == ["Approval required: why. To proceed: --allow deletes=1", "blocked: prevent_destroy"]
    case = root.find("testsuite[@name='contact']/testcase")
    assert case is not None
    assert case.attrib["name"] == "update contact/ann@example.com"
    assert case.findtext("system-out") == 'a/site.yaml:4:3\nlocale: "en" → "fr": edited'


def test_cases_of_a_run() -> None:
    """Failed steps are failures with their reason; what was not done is skipped."""
    report = ended(
        (VIP, Action.CREATE, Status.DONE, ""),
        (ANN, Action.CREATE, Status.FAILED, "email: in use"),
        (Address("tagging", "a/VIP"), Action.CREATE, Status.SKIPPED, "needs contact/a"),
    )
    changes = [one(Action.CREATE, address=outcome.step.address) for outcome in report.outcomes]
    root = suites(plan_suites(sheet(*changes, report=report)))
    assert [node.attrib for node in root.iter("failure")] == [{"type": "failed", "message": "failed: email: in use"}]
    assert [node.attrib["message"] for node in root.iter("skipped")] == ["skipped: needs contact/a"]
    assert root.attrib["tests"] == "3"


def test_cases_on_a_quiet_day() -> None:
    """One that passes: an empty report is taken for a broken one."""
    for text in (
        plan_suites(sheet(one(Action.NO_CHANGE))),
        drift_suites(DriftReport((), 3, 1)),
        problems_suites(FileProblems(())),
    ):
        assert suites(text).attrib["failures"] == "0"


def test_cases_of_drift_and_of_files() -> None:
    """Each resource that drifted, and each problem, is a failure."""
    root = suites(drift_suites(DRIFTS))
    assert [node.attrib["type"] for node in root.iter("failure")] == ["conflict", "drift"]
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["contact/ann@example.com", "tag/VIP"]
    root = suites(problems_suites(PROBLEMS_FOUND))
    assert [node.attrib["message"] for node in root.iter("failure")] == ["unknown key `x`; did you mean `y`?", "odd"]
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["a.yaml:3:7", "odd"]


@given(st.text(), st.text(min_size=1))
def test_any_text_is_xml(note: str, name: str) -> None:
    """Control characters and the rest that XML forbids are spelled out; all else arrives."""
    change = one(Action.DELETE, address=Address("tag", name), note=f"{note}\x00\ufffe", blocked=note or "x")
    root = suites(plan_suites(sheet(change, name=name)))
    case = root.find(".//testcase")
    assert case is not None
    found = case.attrib["name"].replace("\\ufffe", "\ufffe").replace("\\uffff", "\uffff")
    assert found == f"delete tag/{wording.printable(name)}"


# SARIF


def test_rules_help() -> None:
    """Each rule has a name that is not its id, and says what to do about it."""
    driver = json.loads(sarif.log(sheet(one(Action.DELETE))))["runs"][0]["tool"]["driver"]
    assert driver["informationUri"].startswith("https://")
    assert [rule["id"] for rule in driver["rules"] if not re.fullmatch("([A-Z][a-z]+)+", rule["name"])] == []
    assert [rule["id"] for rule in driver["rules"] if rule["help"]["text"] == rule["shortDescription"]["text"]] == []


def _of(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_MESSAGE = _of({"text": _TEXT}, "text")
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_NUMBER = {"type": "integer", "minimum": 1}
#: What of SARIF 2.1.0 is used here, strict in everything that the standard is strict in; and, as code scanning asks
#: for it, with a file, a line and a rule in every result.
SARIF = _of(
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": _of(
                {
                    "tool": _of(
                        {
                            "driver": _of(
                                {
                                    "name": _TEXT,
                                    "version": _TEXT,
                                    "informationUri": {"type": "string", "format": "uri"},
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+([-+].*)?$"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": _of(
                                            {
                                                "id": _TEXT,
                                                "name": _TEXT,
                                                "shortDescription": _MESSAGE,
                                                "fullDescription": _MESSAGE,
                                                "defaultConfiguration": _of({"level": _LEVEL}),
                                                "help": _of({"text": _TEXT, "markdown": _TEXT}, "text"),
                                            },
                                            "id",
                                            "shortDescription",
                                            "help",
                                        ),
                                    },
                                },
                                "name",
                                "rules",
                            )
                        },
                        "driver",
                    ),
                    "automationDetails": _of({"id": _TEXT}, "id"),
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "originalUriBaseIds": {"type": "object", "additionalProperties": _of({"description": _MESSAGE})},
                    "results": {
                        "type": "array",
                        "items": _of(
                            {
                                "ruleId": _TEXT,
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": _LEVEL,
                                "message": _MESSAGE,
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 1,
                                    "items": _of(
                                        {
                                            "physicalLocation": _of(
                                                {
                                                    "artifactLocation": _of(
                                                        {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": "^[^/:%? ]([^:? %]|%[0-9A-F]{2})*$",
                                                            },
                                                            "uriBaseId": _TEXT,
                                                        },
                                                        "uri",
                                                        "uriBaseId",
                                                    ),
                                                    "region": _of(
                                                        {"startLine": _NUMBER, "startColumn": _NUMBER}, "startLine"
                                                    ),
                                                },
                                                "artifactLocation",
                                                "region",
                                            ),
                                            "logicalLocations": {
                                                "type": "array",
                                                "items": _of({"fullyQualifiedName": _TEXT, "kind": _TEXT}),
                                            },
                                        },
                                        "physicalLocation",
                                    ),
                                },
                                "partialFingerprints": {"type": "object", "additionalProperties": _TEXT},
                            },
                            "ruleId",
                            "message",
                            "locations",
                        ),
                    },
                },
                "tool",
                "results",
            ),
        },
    },
    "version",
    "runs",
)


def log(text: str) -> list[dict[str, Any]]:
    """The results, their document checked."""
    document = json.loads(text)
    assert [error.message for error in Draft7Validator(SARIF).iter_errors(document)] == []
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        )
    results: list[dict[str, Any]] = run["results"]
    return results


def test_a_log_of_a_plan() -> None:
    """Only what needs attention, each at its line of the repository."""
    approval = Approval(Allow.CONTACTS, 1, "why")
    changes = (one(Action.CREATE), one(Action.DELETE, Cause.UNLISTED, address=Address("tag", "a b")))
    results = log(sarif.log(sheet(*changes, approvals=(approval,), base="my site", name="p")))
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("needs-allowance", "error"),
        ("delete", "warning"),
    ]
    place = results[1]["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "my%20site/site.yaml"
    assert place["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 3}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "tag/a b"
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20site/reconciler.yaml"
    assert log(sarif.log(sheet(one(Action.NO_CHANGE)))) == []


def test_logs_of_drift_and_of_files() -> None:
    """The same rules, told apart by what the log is about."""
    assert [each["ruleId"] for each in log(sarif.log(DRIFTS))] == ["conflict", "drift"]
    assert [each["ruleId"] for each in log(sarif.log(PROBLEMS_FOUND))] == ["configuration", "configuration"]
    ids = {
        json.loads(text)["runs"][0]["automationDetails"]["id"]
        for text in (sarif.log(DRIFTS), sarif.log(PROBLEMS_FOUND))
    }
    assert ids == {"reconciler/drift/site/", "reconciler/files/site/"}


def test_a_result_is_known_again() -> None:
    """By what it is about, wherever its line has moved to."""
    changes = [
        one(Action.DELETE, Cause.UNLISTED, address=address, origin=Origin("a.yaml", line, 1))
        for address, line in ((VIP, 3), (VIP, 9), (Address("tag", "Other"), 3))
    ]
    marks = [log(sarif.log(sheet(each)))[0]["partialFingerprints"] for each in changes]
    assert marks[0] == marks[1] != marks[2]


def test_rules_last() -> None:
    """Dashboards and suppressions refer to them; a new one is added, none is renamed."""
    assert {rule.id for rule in RULES} == {
        "configuration",
        "failed",
        "needs-allowance",
        "not-done",
        "blocked",
        "conflict",
        "drift",
        "delete",
        "irreversible",
        "note",
    }


@given(st.text(), st.text(min_size=1))
def test_any_text_is_a_log(note: str, file: str) -> None:
    """Names of files become valid references, and messages stay what they are."""
    change = one(Action.DELETE, Cause.UNLISTED, note=f"x{note}", origin=Origin(f"x{file}", 1, 1))
    (result,) = log(sarif.log(sheet(change)))
    assert result["message"]["text"].endswith(wording.printable(f"x{note}"))


# the table


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_what_it_says(form: str) -> None:
    """Each entry of the table names a function that is there; every text ends with a line end."""
    plan = sheet(one(Action.DELETE, Cause.UNLISTED), document={"a": 1}, name="x")
    told: dict[str, Any] = {PLAN: plan, DRIFT: DRIFTS, PROBLEMS: PROBLEMS_FOUND}
    for subject, value in told.items():
        if form in names(subject):
            assert rendered(form, subject, value).endswith("\n")
    assert form in names(PLAN)
    assert FORMATS[form].about
