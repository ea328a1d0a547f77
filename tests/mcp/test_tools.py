"""The read-only tools: what each returns, its pages, its schemas, and that bad input ends in an error result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mcp.assistant import Assistant
from tests.support.hands import rename_person
from tests.support.project import Project, requests_of

SITE = """\
tags: [VIP, Gold]
contact_fields:
  - {slug: company, name: Company}
contacts:
  - {email: ann@example.com, first_name: Ann, fields: {company: Acme}, tags: [VIP]}
  - {email: bo@example.com, first_name: Bo}
webhooks:
  - {name: CRM, url: "https://crm.example.com/hook", secret: {env: CRM_SECRET}, events: [CONTACT_CREATED]}
"""
READS = {"validate", "plan", "show", "explain", "drift", "history", "list", "schema", "doctor"}
#: The most characters that a result has: an assistant reads all of them.
LARGEST = 16_000


@pytest.fixture
def applied(reader: Assistant) -> Project:
    """A project that was applied."""
    reader.project.write(SITE)
    reader.project.apply()
    reader.project.account.clear()
    return reader.project


@pytest.fixture
def assistant(reader: Assistant, applied: Project) -> Iterator[Assistant]:
    """An assistant with that project."""
    yield reader
    assert all(line.startswith("GET ") for line in requests_of(applied.account))


def test_the_tools_are_declared(assistant: Assistant) -> None:
    """Nine tools, all of them read-only, each with a description, and schemas of what it takes and returns."""
    tools = {tool.name: tool for tool in assistant.portal.call(assistant.client.list_tools).tools}
    assert set(tools) == READS
    for tool in tools.values():
        assert tool.annotations and tool.annotations.read_only_hint and not tool.annotations.destructive_hint
        assert tool.description and tool.input_schema["additionalProperties"] is False
        assert tool.output_schema and tool.output_schema["type"] == "object"
        assert all(each.get("description") for each in tool.input_schema["properties"].values()), tool.name


def test_validate(assistant: Assistant, applied: Project) -> None:
    """Counts where all is well; else every problem with its place."""
    found = assistant.ask("validate")
    assert found["valid"] and found["resources"] == {
        "tag": 2,
        "contact_field": 1,
        "contact": 2,
        "tagging": 1,
        "webhook": 1,
    }
    applied.write("rooster: []\ntags: [{name: ''}]\n", "more.yaml")
    found = assistant.ask("validate")
    assert not found["valid"] and found["total"] == 2
    assert [row["where"] for row in found["untrusted"]["rows"]] == ["more.yaml:1:1", "more.yaml:2:15"]


def test_plan_and_show(assistant: Assistant, applied: Project) -> None:
    """Counts first, rows after them; the fields of a change are in ``show``, of the id and of the file alike."""
    applied.write(SITE.replace("first_name: Bo", "first_name: Bob").replace(", Gold", ", Silver"))
    plan = assistant.ask("plan")
    assert plan["summary"] | {"create": 1, "update": 1, "delete": 1} == plan["summary"]
    assert plan["people"] == {"affected": 1, "emailed": 0}
    assert plan["calls"]["writes"] == 3
    assert {row["address"] for row in plan["untrusted"]["rows"]} >= {"tag/Gold", "tag/Silver"}
    shown = assistant.rows("show", plan=plan["plan"], match="contact/*")
    (change,) = shown[0]["changes"]
    assert change["path"] == "first_name" and change["before"].startswith("v:")
    assert assistant.rows("show", plan=plan["file"], match="contact/*") == shown
    assert assistant.ask("show", plan=plan["file"])["checked"]
    assert (applied.folder / plan["file"]).stat().st_mode & 0o777 == 0o600


def test_a_plan_file_can_be_applied_in_a_terminal(assistant: Assistant, applied: Project) -> None:
    """It is the same file that ``plan --redact --out`` writes."""
    applied.write(SITE.replace("first_name: Bo", "first_name: Bob"))
    file = assistant.ask("plan")["file"]
    result = applied.run("apply", ".", "--plan", file, "--yes")
    assert result.code == 0, result.err
    applied.account.clear()


def test_parts_of_a_plan(assistant: Assistant, applied: Project) -> None:
    """Targets and excludes cut it, and may name people by their pseudonyms."""
    applied.write(SITE.replace("first_name: Bo", "first_name: Bob").replace(", Gold", ", Silver"))
    plan = assistant.ask("plan", targets=["contact"])
    assert plan["partial"]
    (row,) = plan["untrusted"]["rows"]
    assert assistant.rows("plan", targets=[row["address"]]) == [row]
    assert row not in assistant.rows("plan", excludes=[row["address"]])
    assert assistant.fail("plan", targets=["contact/a*"])["error"] == "misuse"
    assert "matches no resource" in str(assistant.fail("plan", targets=["tag/Nobody"]))


def test_explain(assistant: Assistant) -> None:
    """By address and by pseudonym: the same resource."""
    found = assistant.ask("explain", address="contact/ann@example.com")
    (told,) = found["untrusted"]["rows"]
    assert found["declared"] and found["managed"] and found["live"] and found["action"] == "no_change"
    assert told["address"].startswith("contact/c:") and told["ledger"]["provenance"] == "created"
    assert assistant.ask("explain", address=told["address"])["untrusted"] == found["untrusted"]
    assert assistant.fail("explain", address="contact/c:00000000")["error"] == "misuse"
    assert assistant.fail("explain", address="contact/*")["error"] == "misuse"
    assert "no resource is called nothing/x" in str(assistant.fail("explain", address="nothing/x"))


def test_drift_and_history(assistant: Assistant, applied: Project) -> None:
    """What somebody else changed; the runs, and the steps of one."""
    assert assistant.ask("drift")["total"] == 0
    rename_person(applied, "ann@example.com", first_name="Eve")
    found = assistant.ask("drift")
    (row,) = found["untrusted"]["rows"]
    assert found["summary"]["resources"] == 1 and row["path"] == "first_name" and row["live"].startswith("v:")
    (run,) = assistant.rows("history")
    assert (run["run"], run["command"], run["status"]) == (1, "apply", "done")
    assert {step["address"] for step in assistant.rows("history", run=1)} >= {"tag/VIP", "webhook/CRM"}
    assert "no run 7" in str(assistant.fail("history", run=7)).lower()


def test_lists(assistant: Assistant) -> None:
    """Three sides, by kind and pattern; the account needs a kind."""
    found = assistant.ask("list", side="desired")
    assert found["kinds"] == {"contact_field": 1, "tag": 2, "contact": 2, "tagging": 1, "webhook": 1}
    assert [row["address"] for row in assistant.rows("list", side="ledger", kind="tag")] == ["tag/Gold", "tag/VIP"]
    assert [row["address"] for row in assistant.rows("list", side="live", kind="tag", match="*/V*")] == ["tag/VIP"]
    people = assistant.rows("list", side="live", kind="contact")
    assert len(people) == 2 and all(row["address"].startswith("contact/c:") and row["id"] for row in people)
    assert assistant.fail("list", side="live")["error"] == "misuse"
    assert assistant.fail("list", side="live", kind="nothing")["error"] == "misuse"


def test_schema(assistant: Assistant) -> None:
    """One kind at a time; it refers to nothing that is not there."""
    for kind in ("tag", "contact", "contact_field", "tagging", "enrollment", "membership", "subscription", "webhook"):
        found = assistant.ask("schema", kind=kind)
        references = json.dumps(found["item"]).split('"$ref": "#/definitions/')[1:]
        assert {each.partition('"')[0] for each in references} <= set(found["item"]["definitions"])
    assert assistant.fail("schema", kind="course")["error"] == "misuse"


def test_doctor(assistant: Assistant, applied: Project) -> None:
    """The checks of the command, in one page."""
    found = assistant.ask("doctor")
    assert found["ok"] and "cursor" not in found
    applied.write("limits: {deletes: many}\n", "reconciler.yaml")
    found = assistant.ask("doctor")
    assert not found["ok"] and found["untrusted"]["rows"][0]["result"] == "failed"
    assert assistant.fail("plan")["error"] == "configuration_error"


def test_pages(reader: Assistant) -> None:
    """Small pages by default, as many rows as were counted; a page stays the same when asked again."""
    project = reader.project
    project.write("tags: [" + ", ".join(f"T{number}" for number in range(120)) + "]\n")
    page = reader.ask("plan")
    assert page["total"] == 120 and len(page["untrusted"]["rows"]) == 15
    again = [reader.ask("plan", cursor=page["cursor"]) for _ in range(2)]
    assert again[0] == again[1] and again[0]["plan"] == page["plan"]
    reads = len(requests_of(project.account))
    rows = reader.rows("plan", limit=50)
    assert len({row["address"] for row in rows}) == 120
    assert len(requests_of(project.account)) == reads * 2  # pages read nothing
    for cursor in ("", "x", "x.1", page["cursor"] + "1.5", page["cursor"][:-3] + ".-1", "é.²"):
        assert reader.fail("plan", cursor=cursor)["error"] == "misuse"
    assert reader.fail("drift", cursor=page["cursor"])["error"] == "misuse"
    assert reader.call("plan", limit=0).is_error and reader.call("plan", limit=101).is_error


def test_results_stay_small(reader: Assistant) -> None:
    """Long values are cut, long rows make short pages."""
    people = [f"  - {{email: p{n}@example.com, last_name: '{'x' * 250}'}}" for n in range(90)]
    reader.project.write("contacts:\n" + "\n".join(people) + "\n")
    reader.project.write(f"contact_fields: [{{slug: {'long' * 50}, name: {'Long' * 60}}}]\n", "fields.yaml")
    plan = reader.ask("plan", limit=100)["plan"]
    for result in (
        reader.call("show", plan=plan, limit=100),
        reader.call("list", side="desired", limit=100),
        reader.call("explain", address="contact/p1@example.com"),
    ):
        assert len(json.dumps(result.structured_content)) < LARGEST
    assert len(reader.rows("show", plan=plan, limit=100)) == 91


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("nothing", {}),
        ("apply", {"plan": "x"}),
        ("plan", {"targets": "tag/VIP"}),
        ("plan", {"targets": [1]}),
        ("plan", {"allow": ["deletes"]}),
        ("show", {}),
        ("show", {"plan": "000000000000"}),
        ("show", {"plan": "../other.json"}),
        ("show", {"plan": "/etc/passwd.json"}),
        ("show", {"plan": "site.yaml.json"}),
        ("show", {"plan": "\0.json"}),
        ("explain", {"address": "tag/"}),
        ("history", {"run": 0}),
        ("history", {"run": "latest"}),
        ("list", {"side": "other"}),
        ("schema", {"kind": "\n"}),
    ],
    ids=lambda value: ascii(value),
)
def test_bad_arguments(reader: Assistant, tool: str, arguments: dict[str, Any]) -> None:
    """An error result, and the server goes on."""
    reader.project.write("tags: [VIP]\n")
    result = reader.call(tool, **arguments)
    assert result.is_error and "Traceback" not in str(result.content)
    assert reader.ask("validate")["valid"]
