"""``apply``: a person approves the very plan, or nothing happens, whatever the client tries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import ElicitResult

from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from tests.mcp.assistant import GENERATIONS, YES, Assistant, Person, declining, typed
from tests.support.project import Project

SITE = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""
each_generation = pytest.mark.parametrize("mode", GENERATIONS)


@pytest.fixture
def site(project: Project) -> Iterator[Project]:
    """A project that was never applied."""
    project.write(SITE)
    yield project


def yes(question: str) -> ElicitResult:
    """A person who confirms everything."""
    return YES


def applying(project: Project, person: Person | None = yes, *args: str, mode: str = "auto") -> Assistant:
    """An assistant whose server may apply."""
    return Assistant(project, "--allow-apply", *args, person=person, mode=mode)


def unchanged(project: Project) -> bool:
    """Whether nothing was sent but reads."""
    return project.account.writes == []


@each_generation
def test_a_person_approves(site: Project, mode: str) -> None:
    """The question is that of the terminal: plan, account, counts, people; the next plan is empty."""
    with applying(site, mode=mode) as assistant:
        (tool,) = (t for t in assistant.portal.call(assistant.client.list_tools).tools if t.name == "apply")
        assert tool.annotations and tool.annotations.destructive_hint and not tool.annotations.read_only_hint
        assert set(tool.input_schema["properties"]) == {"plan"}
        plan = assistant.ask("plan")
        assert unchanged(site)
        report = assistant.ask("apply", plan=plan["plan"])
        assert report["complete"] and report["steps"]["done"] == 3 and report["calls"]["writes"] == 3
        assert assistant.ask("plan")["total"] == 0
    (question,) = assistant.questions
    terminal = site.run("plan", "--redact")
    for text in (f"connection {site.account.connection}", "+ tag/VIP", "Apply to", "3 calls", "1 person touched"):
        assert text in question
    assert question.endswith('Type "yes" to apply.') and "ann@example.com" not in question
    assert set(assistant.forms[0]["properties"]) == {"confirm"}
    assert terminal.code == 0
    site.assert_converged()


@each_generation
@pytest.mark.parametrize(
    "person",
    [declining("decline"), declining("cancel"), typed(confirm="no"), typed(confirm="YES"), typed(confirm="")],
    ids=["decline", "cancel", "no", "capitals", "empty"],
)
def test_a_person_declines(site: Project, mode: str, person: Person) -> None:
    """Nothing changes, and the plan is used up: an assistant cannot ask until somebody is tired of it."""
    with applying(site, person, mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        assert assistant.fail("apply", plan=plan)["error"] == "declined"
        assert assistant.fail("apply", plan=plan)["error"] == "misuse"
    assert len(assistant.questions) == 1 and unchanged(site)


@each_generation
@pytest.mark.parametrize("content", [{}, {"confirm": True}, {"confirm": ["yes"]}, None], ids=str)
def test_an_answer_in_another_form(site: Project, mode: str, content: Any) -> None:
    """A client that accepts without what was asked for has not asked anybody."""
    with applying(site, lambda question: ElicitResult(action="accept", content=content), mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        assert assistant.call("apply", plan=plan).is_error
    assert unchanged(site)


@each_generation
def test_a_client_that_cannot_ask(site: Project, mode: str) -> None:
    """It is told so; the plan stays, and a person can apply its file."""
    with applying(site, None, mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        error = assistant.fail("apply", plan=plan)
        assert error["error"] == "misuse" and "cannot ask a person" in error["message"]
        assert assistant.ask("show", plan=plan)["total"] == 3
    assert unchanged(site)


def test_without_the_flag_there_is_no_such_tool(site: Project) -> None:
    """A person who only wants plans starts the server without --allow-apply."""
    with Assistant(site, person=yes) as assistant:
        plan = assistant.ask("plan")["plan"]
        assert assistant.call("apply", plan=plan).is_error
    assert unchanged(site) and not assistant.questions


@each_generation
def test_other_ids(site: Project, mode: str, make_project: Any) -> None:
    """A made-up id, that of another server, a plan file, no id: nobody is asked."""
    other = make_project()
    other.write(SITE)
    with applying(other) as stranger, applying(site, mode=mode) as assistant:
        foreign = stranger.ask("plan")["plan"]
        kept = assistant.ask("plan")["plan"]
        for name in (foreign, "0" * 12, "", kept.upper() + "0", kept[:-1], f".reconciler/plan-{kept}.json", "../x"):
            assert assistant.fail("apply", plan=name)["error"] == "misuse"
        assert assistant.call("apply").is_error
        assert assistant.call("apply", plan=kept, answered={"action": "accept"}).is_error
        assert assistant.call("apply", plan=kept, confirm="yes", allow="deletes").is_error
    assert unchanged(site) and unchanged(other) and not assistant.questions


@each_generation
def test_twice(site: Project, mode: str) -> None:
    """The second time nobody is asked, and nothing is sent."""
    with applying(site, mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        assistant.ask("apply", plan=plan)
        site.account.clear()
        assert assistant.fail("apply", plan=plan)["error"] == "misuse"
    assert unchanged(site) and len(assistant.questions) == 1


@each_generation
def test_at_the_same_time(site: Project, mode: str) -> None:
    """Of many calls with one id one applies it; the others change nothing."""
    with applying(site, mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        calls = [assistant.start("apply", plan=plan) for _ in range(6)]
        wait(calls, 60)
        assert sorted(call.result().is_error for call in calls) == [False, *[True] * 5]
    assert len(site.account.writes) == 3
    site.assert_converged()


@each_generation
@pytest.mark.parametrize("changed", ["files", "account"])
def test_a_stale_plan(site: Project, mode: str, changed: str) -> None:
    """What the person saw is not what would happen now."""
    with applying(site, mode=mode) as assistant:
        plan = assistant.ask("plan")["plan"]
        if changed == "files":
            site.write(SITE.replace("[VIP]\n", "[VIP, Gold]\n", 1))
        else:
            site.account.seed({"tags": ["VIP"]})
        error = assistant.fail("apply", plan=plan)
        assert error["error"] == "stale" and "changed since" in error["untrusted"]["message"]
    assert unchanged(site)


def test_a_replayed_answer(site: Project) -> None:
    """The answer to one plan is none to the next, and counts once."""
    with applying(site, mode=GENERATIONS[0]) as assistant:
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
        forged = {**answers, "request_state": "x" + asked.request_state[1:]}
        with pytest.raises(MCPError):
            call(first, **forged)
        assert hasattr(call(first, input_responses=answers["input_responses"]), "input_requests")  # asked again
        assert unchanged(site)
        assert not call(first, **answers).is_error
        site.account.clear()
        assert call(first, **answers).is_error
    assert unchanged(site)


def deletions(project: Project) -> str:
    """A project whose next plan needs an approval for deletions; returns its files."""
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(20)) + "]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [T0]\n")
    return "deletes=19"


def test_approvals_are_given_in_the_question(project: Project) -> None:
    """With the number of the plan; without it, or with another one, nothing is sent."""
    needed = deletions(project)
    for typing in (
        typed(confirm="yes"),
        typed(confirm="yes", allow="deletes=3"),
        typed(confirm="yes", allow="nonsense"),
    ):
        with applying(project, typing) as assistant:
            plan = assistant.ask("plan")
            assert plan["approvals"] == {"deletes": 19}
            assert assistant.fail("apply", plan=plan["plan"])["error"] in ("approval_required", "configuration_error")
        assert "--allow deletes=19" in assistant.questions[0] and "allow" in assistant.forms[0]["properties"]
    assert unchanged(project)
    with applying(project, typed(confirm="yes", allow=needed)) as assistant:
        assert assistant.ask("apply", plan=assistant.ask("plan")["plan"])["steps"]["done"] == 19
    project.assert_converged()


def test_approvals_are_given_at_start(project: Project) -> None:
    """Then the question does not ask for them."""
    needed = deletions(project)
    with applying(project, yes, "--allow", needed) as assistant:
        assert assistant.ask("apply", plan=assistant.ask("plan")["plan"])["complete"]
    assert set(assistant.forms[0]["properties"]) == {"confirm"}
    refused = project.run("mcp", "--allow", needed)
    assert refused.code == 1 and "--allow-apply" in refused.err


def test_a_protected_environment(project: Project) -> None:
    """The person types its name."""
    project.write("environments:\n  production: {protect: true}\n", "reconciler.yaml")
    project.write(SITE)
    env = {"RECONCILER_ENVIRONMENT": "production"}
    for person, code in ((yes, "declined"), (typed(confirm="production"), None)):
        with Assistant(project, "--allow-apply", person=person, env=env) as assistant:
            plan = assistant.ask("plan")["plan"]
            if code:
                assert assistant.fail("apply", plan=plan)["error"] == code
            else:
                assert assistant.ask("apply", plan=plan)["complete"]
        assert assistant.questions[0].endswith('Type "production" to apply.')


@pytest.mark.parametrize(
    "setting", ["limits: {deletes: 100}", "prune: {tag: all}", "connection: other", "ledger: none", "dialect: skill"]
)
def test_an_assistant_cannot_loosen_the_rules(site: Project, setting: str) -> None:
    """It may edit reconciler.yaml; what the server may do was decided when it started."""
    del site.env["RECONCILER_CONNECTION"]
    site.write(f"connection: {site.account.connection}\n", "reconciler.yaml")
    with applying(site) as assistant:
        first = "" if setting.startswith("connection") else f"connection: {site.account.connection}\n"
        plan = assistant.ask("plan")["plan"]
        site.write(f"{first}{setting}\n", "reconciler.yaml")
        assert "restart the server" in assistant.fail("apply", plan=plan)["untrusted"]["message"]
    assert unchanged(site)


def test_a_locked_ledger(site: Project) -> None:
    """Another run holds it; the person is told by which error."""
    site.apply()
    site.account.clear()
    site.write(SITE.replace("first_name: Ann", "first_name: Anne"))
    with applying(site) as assistant:
        plan = assistant.ask("plan")["plan"]
        with Store.open("sqlite:///.reconciler/ledger.db", root=site.folder) as store, Lock.acquire(store):
            assert assistant.fail("apply", plan=plan)["error"] == "locked"
        assert unchanged(site)
        assert assistant.ask("apply", plan=assistant.ask("plan")["plan"])["complete"]


def test_a_failed_step(site: Project) -> None:
    """What failed and what was skipped is reported; the next plan holds the rest."""
    site.account.fault("status", method="POST", path="/api/contacts$", status=422, body={"detail": "not today"})
    with applying(site) as assistant:
        report = assistant.ask("apply", plan=assistant.ask("plan")["plan"])
        assert not report["complete"]
        assert report["steps"] | {"done": 1, "failed": 1, "skipped": 1} == report["steps"]
        assert {row["status"] for row in report["untrusted"]["rows"]} == {"failed", "skipped"}
        assert "ann@example.com" not in json.dumps(report)
        assert assistant.ask("plan")["total"] == 2


def test_a_partial_plan(site: Project) -> None:
    """It is applied as it was cut."""
    with applying(site) as assistant:
        plan = assistant.ask("plan", targets=["tag"])
        assert plan["total"] == 1
        assert assistant.ask("apply", plan=plan["plan"])["steps"]["done"] == 1
    assert len(site.account.writes) == 1


def test_nothing_to_do(site: Project) -> None:
    """Adoptions only need the ledger."""
    site.account.seed({"tags": ["VIP"]})
    site.write("tags: [VIP]\n")
    with applying(site) as assistant:
        plan = assistant.ask("plan")
        assert plan["summary"]["adopt"] == 1
        assert assistant.ask("apply", plan=plan["plan"])["complete"]
        assert assistant.ask("plan")["summary"]["no_change"] == 1
    assert unchanged(site)


def test_settings_that_cannot_be_read(site: Project) -> None:
    """A server that may apply does not start with them; one that only reads does, and says what is wrong."""
    site.write("limits: {deletes: many}\n", "reconciler.yaml")
    result = site.process("mcp", "--allow-apply", stdin="")
    assert result.code == 1 and "reconciler.yaml:1" in result.err and result.out == ""
    with Assistant(site) as assistant:
        assert not assistant.ask("doctor")["ok"]
