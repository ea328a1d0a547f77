"""Plans and reports for machines, against their published schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan, Step, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin
from reconciler.output.json_documents import plan_document, report_document, summary
from reconciler.output.schema import plan_schema, report_schema
from reconciler.planner.approvals import Approval

VIP, ANN = Address("tag", "VIP"), Address("contact", "ann@example.com")
PLAN = Plan(
    Base("account", "lineage", 3, "vendor"),
    (
        Change(
            ANN,
            Action.UPDATE,
            Cause.EDITED,
            origin=Origin("a.yaml", 1, 2),
            remote_id="7",
            moved_from=VIP,
            note="n",
            fields=(
                FieldChange("locale", "en", "fr", Cause.EDITED),
                FieldChange("secret", None, None, Cause.ROTATED, sensitive=True),
            ),
            effects=("starts automations",),
        ),
        Change(VIP, Action.DELETE, Cause.REMOVED, blocked="prevent_destroy"),
    ),
    unmanaged={"tag": 2},
    reads=4,
    partial=True,
)
REQUESTS = {ANN: [("PATCH", "/api/contacts/7", {"locale": "fr"})]}
APPROVALS = [Approval(Allow.DELETES, 1, "because")]
REPORT = Report(
    (
        Outcome(
            Step(ANN, Verb.MAKE),
            Action.UPDATE,
            Status.DONE,
            "7",
            "x",
            differs={"events": (frozenset({"a"}), frozenset({"b"}))},
        ),
    ),
    5,
    1,
    9,
    "interrupted",
)


def document() -> dict[str, Any]:
    return plan_document(PLAN, REQUESTS, APPROVALS)


def errors(schema: dict[str, Any], content: Any) -> list[str]:
    return [error.message for error in Draft7Validator(schema).iter_errors(content)]


def test_a_plan_is_one_document() -> None:
    """Counts, calls, needs and changes with their requests."""
    found = document()
    assert found["calls"] == {"reads": 4, "writes": 1}
    assert found["needs"] == [{"allow": "deletes", "count": 1, "reason": "because"}]
    assert found["changes"][0]["origin"] == {"file": "a.yaml", "line": 1, "column": 2}
    assert found["changes"][0]["requests"] == [
        {"method": "PATCH", "path": "/api/contacts/7", "body": {"locale": "fr"}}
    ]
    assert found["changes"][1]["origin"] is None
    assert found["changes"][1]["blocked"] == "prevent_destroy"


def test_what_is_blocked_is_counted_apart() -> None:
    """Every action has a count, zero too."""
    counts = summary(PLAN)
    assert (counts["update"], counts["delete"], counts["blocked"]) == (1, 0, 1)
    assert set(counts) == {*(action.value for action in Action), "blocked"}


def test_a_report_is_the_plan_with_its_outcomes() -> None:
    """And what the server made of values, as JSON."""
    found = report_document(document(), REPORT)
    assert found["calls"] == {"reads": 4, "writes": 1, "sent": {"reads": 5, "writes": 1}}
    assert found["outcomes"][0]["differs"] == {"events": {"sent": {"$set": ["a"]}, "is": {"$set": ["b"]}}}
    assert (found["run"], found["stopped"]) == (9, "interrupted")


@pytest.mark.parametrize(
    ("schema", "content"), [(plan_schema(), document()), (report_schema(), report_document(document(), REPORT))]
)
def test_documents_follow_their_schemas(schema: dict[str, Any], content: Any) -> None:
    """The whole of them; a newer minor version may add keys."""
    Draft7Validator.check_schema(schema)
    content = json.loads(json.dumps(content))
    assert errors(schema, content) == []
    assert errors(schema, {**content, "later": 1}) == []


@pytest.mark.parametrize(
    "broken", [{"format_version": "2.0"}, {"changes": [{}]}, {"summary": {}}, {"needs": [{"allow": "everything"}]}]
)
def test_schemas_refuse_what_they_do_not_describe(broken: dict[str, Any]) -> None:
    """Major versions break, and so may readers."""
    assert errors(plan_schema(), {**document(), **broken})
    assert errors(report_schema(), document())
