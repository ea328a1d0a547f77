"""``connections``: what is shown, what is never shown, what has to be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import connections as handlers
from reconciler.cli import prompt
from reconciler.commands import connections
from reconciler.emulator import Emulator
from tests.support.project import Project

LONG_AGO = "2020-01-01T00:00:00+00:00"


@pytest.fixture
def alone() -> Iterator[Emulator]:
    """A gateway with connections of its own, where a new one takes three looks to become active."""
    with Emulator(key="test-key", activate_after=3) as emulator:
        yield emulator


@pytest.fixture
def project(alone: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on it; waiting takes no time."""
    monkeypatch.setattr(connections, "POLL", 0.0)
    return Project(tmp_path, alone, alone.account("first", {}))


def made(project: Project, *args: str) -> str:
    """The id of a new connection."""
    found = re.search(r"Connection (\S+) is", project.run("connections", "create", *args).err)
    assert found
    return found[1]


def test_a_list_says_who_uses_what(project: Project, alone: Emulator) -> None:
    """The configured one and the ledger's."""
    alone.account("second", {})
    project.write("tags: [VIP]")
    project.apply()
    result = project.run("connections", "list", env={"RECONCILER_CONNECTION": "second"})
    lines = {line.split()[0]: line for line in result.out.splitlines()}
    assert "bound to this project's ledger" in lines["first"]
    assert "configured in this project" in lines["second"]
    assert all(re.search(r"ACTIVE +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC ", line) for line in lines.values())
    assert result.err == "2 connections.\n"


def test_without_a_name_the_oldest_active_one_is_used(project: Project, alone: Emulator) -> None:
    """As the gateway does it."""
    alone.account("older", {})
    alone.gateway.connections["older"].creation_time = LONG_AGO
    result = project.run("connections", "list", "--json", env={"RECONCILER_CONNECTION": None})
    assert {each["id"]: each["used_by"] for each in result.document["connections"]} == {
        "first": [],
        "older": ["default"],
    }


def test_a_list_may_be_cut_by_status(project: Project, alone: Emulator) -> None:
    """An empty one says what to do."""
    alone.gateway.set_status("first", "FAILED")
    (only,) = project.run("connections", "list", "--status", "failed", "--json").document["connections"]
    assert (only["id"], only["status"]) == ("first", "FAILED")
    assert "`reconciler connections create`" in project.run("connections", "list", "--status", "ACTIVE").err


def test_one_is_shown(project: Project) -> None:
    """For people, and for machines; what is not there is said."""
    assert "configured in this project" in project.run("connections", "show", "first").out
    assert project.run("connections", "show", "first", "--json").document["status"] == "ACTIVE"
    result = project.run("connections", "show", "nope")
    assert (result.code, result.err) == (
        1,
        "error: no connection nope for this key; see `reconciler connections list`\n",
    )


def test_a_new_one_is_waited_for(project: Project) -> None:
    """Only its address is on stdout, so that a script can open it."""
    result = project.run("connections", "create")
    assert result.code == 0
    assert re.fullmatch(r"https://connect\.example\.com/\?session_token=\w+\n", result.out)
    assert "is ACTIVE" in result.err


def test_a_new_one_need_not_be_waited_for(project: Project, alone: Emulator) -> None:
    """``--wait 0`` leaves it pending."""
    number = made(project, "--wait", "0")
    assert alone.gateway.connections[number].status == "PENDING"


def test_a_new_one_that_fails_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do; it ends the waiting."""
    gateway = project.server.gateway
    look = gateway.read
    monkeypatch.setattr(gateway, "read", lambda each: {**look(each), "status": "FAILED"})
    result = project.run("connections", "create")
    assert result.code == 1
    assert re.search(r"error: connection (\S+) FAILED: delete it with `reconciler connections delete \1`", result.err)


def test_waiting_has_an_end(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stays, and can be finished later."""
    gateway = project.server.gateway
    look = gateway.read
    monkeypatch.setattr(gateway, "read", lambda each: {**look(each), "status": "PENDING"})
    result = project.run("connections", "create", "--wait", "0.01")
    assert result.code == 1
    assert "is still PENDING after 0.01 s" in result.err


def test_the_address_is_shown_once(project: Project) -> None:
    """No list, no detail, no log and no document repeats what opens a session."""
    result = project.run("-vv", "connections", "create", "--json", "--wait", "0")
    token = re.search(r"session_token=(\w+)", result.err)
    assert token
    assert token[1] not in result.out
    assert "url" not in json.loads(result.out)
    number = json.loads(result.out)["id"]
    for args in (("list",), ("list", "--json"), ("show", number), ("show", number, "--json")):
        later = project.run("-vv", "connections", *args)
        assert later.code == 0
        assert "session_token" not in later.out + later.err


def test_deleting_needs_somebody_to_ask(project: Project, alone: Emulator) -> None:
    """Without a terminal nothing is deleted; of the one in use one is warned."""
    result = project.run("connections", "delete", "first")
    assert result.code == 3
    assert "warning: connection first is in use: configured in this project" in result.err
    assert "first" in alone.gateway.connections


def test_deleting(project: Project, alone: Emulator) -> None:
    """``--yes`` stands for the answer; one that is nobody's warns of nothing."""
    alone.account("second", {})
    result = project.run("connections", "delete", "second", "--yes")
    assert (result.code, result.out, result.err) == (0, "deleted connection second\n", "")
    assert list(alone.gateway.connections) == ["first"]
    assert project.run("connections", "delete", "second", "--yes").code == 1


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 3)])
def test_somebody_is_asked(
    project: Project, alone: Emulator, monkeypatch: pytest.MonkeyPatch, answer: bool, code: int
) -> None:
    """No means that nothing is deleted."""
    alone.account("second", {})
    monkeypatch.setattr(prompt, "can_ask", lambda: True)
    monkeypatch.setattr(prompt, "confirm", lambda question: answer)
    assert project.run("connections", "delete", "second").code == code
    assert ("second" in alone.gateway.connections) is not answer


@pytest.mark.parametrize("args", [("--yes",), ("--yes", "--confirm", "second"), ()])
def test_the_projects_own_connection_takes_its_id(project: Project, alone: Emulator, args: tuple[str, ...]) -> None:
    """A yes is not enough: the account is out of reach afterwards."""
    result = project.run("connections", "delete", "first", *args)
    assert (result.code, result.out) == (3, "")
    assert "confirm with --confirm first; nothing was deleted" in result.err
    assert "first" in alone.gateway.connections
    assert project.run("connections", "delete", "first", "--confirm", "first").code == 0
    assert "first" not in alone.gateway.connections


@pytest.mark.parametrize(("typed", "code"), [("first", 0), ("yes", 3)])
def test_the_id_is_typed_on_a_terminal(
    project: Project, alone: Emulator, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    """And nothing else counts."""
    monkeypatch.setattr(handlers, "can_ask", lambda: True)
    monkeypatch.setattr(prompt, "answer", lambda question: typed)
    assert project.run("connections", "delete", "first", "--yes").code == code
    assert ("first" in alone.gateway.connections) is (code == 3)


@pytest.mark.parametrize("args", [("list",), ("show", "first"), ("create",), ("delete", "first", "--yes")])
def test_without_a_key_nothing_is_asked(project: Project, args: tuple[str, ...]) -> None:
    """The message says where to get one."""
    result = project.run("connections", *args, env={"MATON_API_KEY": None})
    assert (result.code, result.out) == (1, "")
    assert "MATON_API_KEY is not set" in result.err


def test_a_ledger_that_cannot_be_asked_is_no_obstacle(project: Project) -> None:
    """Connections are what one looks at when things are broken."""
    (project.folder / "broken.db").write_text("no database")
    result = project.run("connections", "list", "--ledger", "sqlite:///broken.db")
    assert result.code == 0
    assert "configured in this project" in result.out


def test_a_gateway_that_gives_no_address(project: Project, alone: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody documents the answer; then the connection is finished where connections are kept."""
    connect = alone.gateway.connect

    def without(*args: Any, **more: Any) -> Any:
        account = connect(*args, **more)
        alone.gateway.connections[account.connection].url = ""
        return account

    monkeypatch.setattr(alone.gateway, "connect", without)
    result = project.run("connections", "create", "--wait", "0")
    assert (result.code, result.out) == (0, "")
    assert "The gateway returned no URL to open. Finish the connection at maton.ai." in result.err
