"""``apply``: a person approves the very plan, or nothing happens, whatever the client tries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import ElicitResult

from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from tests.mcp.assistant import GENERATIONS, YES, Assistant, Person, declining, typed
from tests.mcp.conftest import Start
from tests.support.project import Project

SITE = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""


def yes(question: str) -> ElicitResult:
    """A person who confirms everything."""
    return YES


@pytest.fixture
def site(writer: Assistant) -> Project:
    """The project of that assistant, never applied."""
    writer.project.write(SITE)
    return writer.project


def unchanged(project: Project) -> bool:
    """Whether nothing was sent but reads."""
    return project.account.writes == []


def test_a_person_approves(writer: Assistant, site: Project) -> None:
    """The question is that of the terminal: plan, account, counts, people; the next plan is empty."""
    (tool,) = (t for t in writer.portal.call(writer.client.list_tools).tools if t.name == "apply")
    assert tool.annotations and tool.annotations.destructive_hint and not tool.annotations.read_only_hint
    assert set(tool.input_schema["properties"]) == {"plan"}
    plan = writer.ask("plan")
    assert unchanged(site)
    report = writer.ask("apply", plan=plan["plan"])
    assert report["complete"] and report["steps"]["done"] == 3 and report["calls"]["writes"] == 3
    assert writer.ask("plan")["total"] == 0
    (question,) = writer.questions
    for text in (f"connection {site.account.connection}", "+ tag/VIP", "Apply 2 creations", "2 to create"):
        assert text in question
    assert question.endswith('Type "yes" to apply.') and "ann@example.com" not in question
    assert set(writer.forms[0]["properties"]) == {"confirm"}
    site.assert_converged()


@pytest.mark.parametrize(
    "person",
    [declining("decline"), declining("cancel"), typed(confirm="no"), typed(confirm="YES"), typed(confirm="")],
    ids=["decline", "cancel", "no", "capitals", "empty"],
)
def test_a_person_declines(writer: Assistant, site: Project, person: Person) -> None:
    """Nothing changes, and the plan is used up: an assistant cannot ask until somebody is tired of it."""
    writer.person = person
    plan = writer.ask("plan")["plan"]
    assert writer.fail("apply", plan=plan)["error"] == "declined"
    assert writer.fail("apply", plan=plan)["error"] == "misuse"
    assert len(writer.questions) == 1 and unchanged(site)


@pytest.mark.parametrize("content", [{}, {"confirm": True}, {"confirm": ["yes"]}, None], ids=str)
def test_an_answer_in_another_form(writer: Assistant, site: Project, content: Any) -> None:
    """A client that accepts without what was asked for has not asked anybody."""
    writer.person = lambda question: ElicitResult(action="accept", content=content)
    assert writer.call("apply", plan=writer.ask("plan")["plan"]).is_error
    assert unchanged(site)


@pytest.mark.parametrize("mode", GENERATIONS)
def test_a_client_that_cannot_ask(start: Start, mode: str) -> None:
    """The error says so; the plan stays, and a person can apply its file."""
    assistant = start(f"mute-{mode}", "--allow-apply", mode=mode)
    assistant.reset().write(SITE)
    plan = assistant.ask("plan")["plan"]
    error = assistant.fail("apply", plan=plan)
    assert error["error"] == "misuse" and "cannot ask a person" in error["message"]
    assert assistant.ask("show", plan=plan)["total"] == 3
    assert unchanged(assistant.project)


def test_without_the_flag_there_is_no_such_tool(reader: Assistant) -> None:
    """A person who only wants plans starts the server without --allow-apply."""
    reader.project.write(SITE)
    assert reader.call("apply", plan=reader.ask("plan")["plan"]).is_error
    assert unchanged(reader.project)


def test_other_ids(writer: Assistant, site: Project, reader: Assistant) -> None:
    """A made-up id, that of another server, a plan file, no id: nobody is asked."""
    reader.project.write(SITE)
    foreign, kept = reader.ask("plan")["plan"], writer.ask("plan")["plan"]
    for name in (foreign, "0" * 12, "", kept.upper() + "0", kept[:-1], f".reconciler/plan-{kept}.json", "../x"):
        assert writer.fail("apply", plan=name)["error"] == "misuse"
    assert writer.call("apply").is_error
    assert writer.call("apply", plan=kept, answered={"action": "accept"}).is_error
    assert writer.call("apply", plan=kept, confirm="yes", allow="deletes").is_error
    assert unchanged(site) and unchanged(reader.project) and not writer.questions


def test_twice(writer: Assistant, site: Project) -> None:
    """The second time nobody is asked, and nothing is sent."""
    plan = writer.ask("plan")["plan"]
    writer.ask("apply", plan=plan)
    site.account.clear()
    assert writer.fail("apply", plan=plan)["error"] == "misuse"
    assert unchanged(site) and len(writer.questions) == 1


def test_at_the_same_time(writer: Assistant, site: Project) -> None:
    """Of many calls with one id one applies it; the others change nothing."""
    plan = writer.ask("plan")["plan"]
    calls = [writer.start("apply", plan=plan) for _ in range(6)]
    assert sorted(call.result(60).is_error for call in calls) == [False, *[True] * 5]
    assert len(site.account.writes) == 3
    site.assert_converged()


@pytest.mark.parametrize("changed", ["files", "account"])
def test_a_stale_plan(writer: Assistant, site: Project, changed: str) -> None:
    """What the person saw is not what would happen now."""
    plan = writer.ask("plan")["plan"]
    if changed == "files":
        site.write(SITE.replace("[VIP]\n", "[VIP, Gold]\n", 1))
    else:
        site.account.seed({"tags": ["VIP"]})
    error = writer.fail("apply", plan=plan)
    assert error["error"] == "stale" and "tag/" in error["untrusted"]["message"]
    assert unchanged(site)


def test_a_replayed_answer(start: Start) -> None:
    """The answer to one plan is none to the next, and counts once."""
    assistant = start(f"writer-{GENERATIONS[0]}", "--allow-apply", person=yes, mode=GENERATIONS[0])
    site = assistant.reset(yes)
    site.write(SITE)
    session, portal = assistant.client.session, assistant.portal

    def call(plan: str, **more: Any) -> Any:
        async def send() -> Any:
            return await session.call_tool("apply", {"plan": plan}, allow_input_required=True, **more)

        return portal.call(send)

    first, second = assistant.ask("plan")["plan"], assistant.ask("plan", targets=["tag"])["plan"]
    asked = call(first)
    answers = {
        "input_responses": dict.fromkeys(asked.input_requests, YES),
        "request_state": asked.request_state,
    }
    with pytest.raises(MCPError):
        call(second, **answers)
    with pytest.raises(MCPError):
        call(first, **{**answers, "request_state": "x" + asked.request_state[1:]})
    assert hasattr(call(first, input_responses=answers["input_responses"]), "input_requests")  # asked again
    assert unchanged(site)
    assert not call(first, **answers).is_error
    site.account.clear()
    assert call(first, **answers).is_error
    assert unchanged(site)


def deletions(project: Project) -> str:
    """Makes a project whose next plan needs an approval; returns that approval."""
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(20)) + "]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [T0]\n")
    return "deletes=19"


def test_approvals_are_given_in_the_question(writer: Assistant) -> None:
    """With the number of the plan; without it, or with another one, nothing is sent."""
    project = writer.project
    needed = deletions(project)
    for allow, code in (("", "approval_required"), ("deletes=3", "approval_required"), ("x", "configuration_error")):
        writer.person = typed(confirm="yes", allow=allow)
        plan = writer.ask("plan")
        assert plan["approvals"] == {"deletes": 19}
        assert writer.fail("apply", plan=plan["plan"])["error"] == code
        assert "--allow deletes=19" in writer.questions[-1] and "allow" in writer.forms[-1]["properties"]
    assert unchanged(project)
    writer.person = typed(confirm="yes", allow=f"--allow {needed}")
    assert writer.ask("apply", plan=writer.ask("plan")["plan"])["steps"]["done"] == 19
    project.assert_converged()


def test_approvals_are_given_at_start(start: Start) -> None:
    """Then the question does not ask for them; they are of no use to a server that only reads."""
    assistant = start("allowing", "--allow-apply", "--allow", "deletes=19", person=yes)
    deletions(assistant.reset(yes))
    assert assistant.ask("apply", plan=assistant.ask("plan")["plan"])["complete"]
    assert set(assistant.forms[0]["properties"]) == {"confirm"}
    refused = assistant.project.run("mcp", "--allow", "deletes=19")
    assert refused.code == 1 and "--allow-apply" in refused.err


def test_a_protected_environment(project: Project) -> None:
    """The person types its name."""
    project.write("environments:\n  production: {protect: true}\n", "reconciler.yaml")
    project.write(SITE)
    env = {"RECONCILER_ENVIRONMENT": "production"}
    with Assistant(project, "--allow-apply", person=yes, env=env) as assistant:
        assert assistant.fail("apply", plan=assistant.ask("plan")["plan"])["error"] == "declined"
        assert assistant.questions[0].endswith('Type "production" to apply.')
        assistant.person = typed(confirm="production")
        assert assistant.ask("apply", plan=assistant.ask("plan")["plan"])["complete"]


@pytest.mark.parametrize("setting", ["limits: {deletes: 100}", "prune: {tag: all}", "ledger: none", "dialect: skill"])
def test_an_assistant_cannot_loosen_the_rules(writer: Assistant, site: Project, setting: str) -> None:
    """It may edit reconciler.yaml; what the server may do was decided when it started."""
    plan = writer.ask("plan")["plan"]
    site.write(f"{setting}\n", "reconciler.yaml")
    assert "restart the server" in writer.fail("apply", plan=plan)["untrusted"]["message"]
    assert unchanged(site)


def test_a_locked_ledger(writer: Assistant, site: Project) -> None:
    """Another run holds it; nothing is sent, and a new plan can be applied afterwards."""
    site.apply()
    site.account.clear()
    site.write(SITE.replace("first_name: Ann", "first_name: Anne"))
    plan = writer.ask("plan")["plan"]
    with Store.open("sqlite:///.reconciler/ledger.db", root=site.folder) as store, Lock.acquire(store):
        assert writer.fail("apply", plan=plan)["error"] == "locked"
    assert unchanged(site)
    assert writer.ask("apply", plan=writer.ask("plan")["plan"])["complete"]


def test_a_failed_step(writer: Assistant, site: Project) -> None:
    """What failed and what was skipped is reported; the next plan holds the rest."""
    site.account.fault("status", method="POST", path="/api/contacts$", status=422, body={"detail": "not today"})
    report = writer.ask("apply", plan=writer.ask("plan")["plan"])
    assert not report["complete"]
    assert report["steps"] | {"done": 1, "failed": 1, "skipped": 1} == report["steps"]
    assert {row["status"] for row in report["untrusted"]["rows"]} == {"failed", "skipped"}
    assert "ann@example.com" not in json.dumps(report)
    assert writer.ask("plan")["total"] == 2


def test_a_partial_plan(writer: Assistant, site: Project) -> None:
    """It is applied as it was cut."""
    plan = writer.ask("plan", targets=["tag"])
    assert plan["total"] == 1
    assert writer.ask("apply", plan=plan["plan"])["steps"]["done"] == 1
    assert len(site.account.writes) == 1


def test_adoptions_only_need_the_ledger(writer: Assistant) -> None:
    """No request is sent; the next plan has nothing to do."""
    writer.project.account.seed({"tags": ["VIP"]})
    writer.project.write("tags: [VIP]\n")
    plan = writer.ask("plan")
    assert plan["summary"]["adopt"] == 1
    assert writer.ask("apply", plan=plan["plan"])["complete"]
    assert writer.ask("plan")["summary"]["no_change"] == 1
    assert unchanged(writer.project)


def test_settings_that_cannot_be_read(reader: Assistant) -> None:
    """A server that may apply does not start with them; one that only reads does, and says what is wrong."""
    reader.project.write("limits: {deletes: many}\n", "reconciler.yaml")
    result = reader.project.run("mcp", "--allow-apply")
    assert result.code == 1 and "reconciler.yaml:1" in result.err and result.out == ""
    assert not reader.ask("doctor")["ok"]
