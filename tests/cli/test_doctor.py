"""``doctor``: each check fails on its own, says what helps, and bars only what rests on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.commands import doctor
from reconciler.emulator import Emulator
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from tests.support.project import Project

ASKED = ("API base URL", "account", "dialect", "quota", "clock")


@pytest.fixture
def alone() -> Iterator[Emulator]:
    """A gateway with connections of its own."""
    with Emulator(key="test-key") as emulator:
        yield emulator


@pytest.fixture
def project(alone: Emulator, tmp_path: Path) -> Project:
    """A project with a valid file."""
    found = Project(tmp_path, alone, alone.account("first", {}))
    found.write("tags: [VIP]")
    return found


def checked(project: Project, *args: str, **env: str | None) -> dict[str, dict[str, Any]]:
    """The checks by name; the exit code is 1 if, and only if, one failed, and each that failed has its remedy."""
    result = project.run("doctor", "--json", *args, env=env)
    document = result.document
    failed = [each for each in document["checks"] if each["result"] == "failed"]
    assert result.code == int(bool(failed))
    assert document["ok"] is not failed
    assert all(each["remedy"] for each in failed)
    assert not any(each["remedy"] for each in document["checks"] if each["result"] == "ok")
    return {each["name"]: each for each in document["checks"]}


def results(checks: dict[str, dict[str, Any]], *names: str) -> set[str]:
    """The results of these."""
    return {checks[name]["result"] for name in names}


def test_all_is_well(project: Project) -> None:
    """Two GETs, a line for each check, and nothing written anywhere."""
    result = project.run("doctor")
    assert result.code == 0
    assert all(line.startswith(("ok ", "skipped ")) for line in result.out.splitlines()[:-1])
    assert result.out.endswith("All checks passed.\n")
    assert [(each["method"], each["path"]) for each in project.account.requests] == [("GET", "/api/contact_fields")]
    assert sorted(each.name for each in project.folder.iterdir()) == ["site.yaml"]


def test_every_check_is_in_the_list(project: Project) -> None:
    """What is passed over when the settings are broken is all the rest."""
    assert tuple(checked(project)) == ("settings", *doctor.REST)
    project.write("formt: 1", "reconciler.yaml")
    broken = checked(project)
    assert broken["settings"]["result"] == "failed"
    assert results(broken, *doctor.REST) == {"skipped"}


def test_no_key(project: Project) -> None:
    """What needs none is looked at all the same."""
    checks = checked(project, MATON_API_KEY=None)
    assert checks["API key"]["result"] == "failed"
    assert results(checks, "connections API", "connection", *ASKED) == {"skipped"}
    assert results(checks, "ledger", "project folder", "files") == {"ok"}


def test_a_wrong_key(project: Project) -> None:
    """Well-formed, and refused; it is not repeated."""
    checks = checked(project, MATON_API_KEY="wrong-key")
    assert checks["connections API"]["result"] == "failed"
    assert results(checks, "connection", *ASKED) == {"skipped"}
    assert "wrong-key" not in str(checks)


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_a_connection_that_is_not_active(project: Project, alone: Emulator, status: str) -> None:
    """Nothing is sent through it."""
    alone.gateway.set_status("first", status)
    alone.gateway.connections["first"].reads_left = 9
    checks = checked(project)
    assert checks["connection"]["text"] == f"first is {status}"
    assert results(checks, *ASKED) == {"skipped"}
    assert not project.account.requests


def test_a_connection_that_is_not_there(project: Project) -> None:
    """With where it was named."""
    check = checked(project, RECONCILER_CONNECTION="nope")["connection"]
    assert check["text"] == 'No connection "nope" for this key (1 available: first).'
    assert "RECONCILER_CONNECTION" in check["remedy"]


def test_which_connection_is_used(project: Project, alone: Emulator) -> None:
    """Where none is named the oldest active one is, as far as there is one; the plan says that there are several."""
    alone.account("second", {})
    check = checked(project, RECONCILER_CONNECTION=None)["connection"]
    assert check["text"] == "Not set; using first, the oldest of 2 ACTIVE connections"
    plan = project.run("plan", env={"RECONCILER_CONNECTION": None})
    assert ", connection first (oldest of 2 active)\n" in plan.out
    base = project.run("plan", "--json", env={"RECONCILER_CONNECTION": None}).document["base"]
    assert (base["account"], base["connections"]) == ("first", 2)
    assert project.run("plan", "--json").document["base"]["connections"] == 0
    for name in ("first", "second"):
        alone.gateway.set_status(name, "FAILED")
    assert checked(project, RECONCILER_CONNECTION=None)["connection"]["text"] == "none of 2 connections is ACTIVE"


def test_nobody_answers(project: Project) -> None:
    """Both addresses are doubted, the rest is not asked."""
    checks = checked(project, RECONCILER_GATEWAY_URL="http://127.0.0.1:9")
    assert results(checks, "connections API", "API base URL") == {"failed"}
    assert results(checks, "connection", *ASKED[1:]) == {"skipped"}


def test_a_wrong_path(project: Project, alone: Emulator) -> None:
    """The gateway answers, and there is no account where the address leads."""
    checks = checked(project, RECONCILER_GATEWAY_URL=f"{alone.url}/deep", RECONCILER_CONTROL_URL=alone.url)
    assert checks["connection"]["result"] == "ok"
    assert "`/systeme` is added to it" in checks["API base URL"]["remedy"]
    assert results(checks, *ASKED[1:]) == {"skipped"}


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_account_that_does_not_answer(project: Project, status: int) -> None:
    """The path is right, so it is the account."""
    project.account.fault("status", status=status, times=None)
    checks = checked(project)
    assert checks["API base URL"]["result"] == "ok"
    assert checks["account"]["result"] == "failed"


def test_the_other_dialect(project: Project) -> None:
    """One check of its own, with the setting."""
    checks = checked(project, RECONCILER_DIALECT="skill")
    assert checks["dialect"]["remedy"] == "set `dialect: vendor` in reconciler.yaml, or RECONCILER_DIALECT=vendor"
    assert checks["account"]["result"] == "ok"


def test_no_ledger(project: Project) -> None:
    """Nothing is kept, and that is no fault."""
    assert results(checked(project, RECONCILER_LEDGER="none"), "ledger", "ledger account", "lock") == {"skipped"}


def test_a_ledger_of_this_account(project: Project) -> None:
    """With version and size."""
    project.apply()
    checks = checked(project)
    assert results(checks, "ledger", "ledger account", "lock") == {"ok"}
    assert "schema version " in checks["ledger"]["text"]
    assert "1 resource" in checks["ledger"]["text"]


def test_a_ledger_of_another_account(project: Project, alone: Emulator) -> None:
    """Both names, and the way to move it."""
    project.apply()
    alone.account("second", {})
    check = checked(project, RECONCILER_CONNECTION="second")["ledger account"]
    assert check["text"] == "belongs to first, but second is in use"
    assert "`reconciler ledger rebind`" in check["remedy"]


def test_a_ledger_that_cannot_be_read(project: Project) -> None:
    """A file that is none."""
    (project.folder / "broken.db").write_text("no database")
    checks = checked(project, RECONCILER_LEDGER="sqlite:///broken.db")
    assert checks["ledger"]["result"] == "failed"
    assert results(checks, "ledger account", "lock") == {"skipped"}


def test_a_ledger_that_is_lost_with_the_runner(project: Project) -> None:
    """In CI the default place is no place."""
    assert "RECONCILER_LEDGER" in checked(project, CI="true")["ledger"]["remedy"]


def test_a_ledger_that_is_held(project: Project) -> None:
    """By whom and since when; it is no fault."""
    project.apply()
    with Store.open("sqlite:///.reconciler/ledger.db", root=project.folder) as store, Lock.acquire(store):
        check = checked(project)["lock"]
    assert check["result"] == "skipped"
    assert "`reconciler ledger unlock`" in check["text"]


def test_a_folder_that_takes_no_files(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger and saved plans would have no place."""
    may = doctor.os.access
    denied: Callable[..., bool] = lambda path, mode, **more: mode & doctor.os.W_OK == 0 and may(path, mode)  # noqa: E731
    monkeypatch.setattr(doctor.os, "access", denied)
    assert checked(project)["project folder"]["result"] == "failed"


def test_a_ledger_that_cannot_be_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder on the way to it takes a file, or what should be a folder is a file."""
    ledger = f"sqlite:///{project.folder}/site.yaml/deep/ledger.db"
    check = checked(project, "--ledger", ledger)["ledger"]
    assert (check["result"], "site.yaml/deep/ledger.db" in check["text"]) == ("failed", True)
    assert project.run("apply", "--yes", "--ledger", ledger).code == 1
    denied: Callable[..., bool] = lambda path, mode, **more: mode != doctor.os.W_OK | doctor.os.X_OK  # noqa: E731
    monkeypatch.setattr(doctor.os, "access", denied)
    assert checked(project)["ledger"]["result"] == "failed"


def test_broken_files(project: Project) -> None:
    """The first problem, and how many there are."""
    project.write("tagz: [A]\nfoo: 1")
    assert "(and 1 more)" in checked(project)["files"]["text"]


def test_no_files(project: Project) -> None:
    """A path that is not there, and a file that declares nothing."""
    assert "does not exist" in checked(project, "nowhere.yaml")["files"]["text"]
    project.write("# nothing yet\n")
    assert checked(project)["files"]["result"] == "skipped"


def test_requests_can_be_followed(project: Project) -> None:
    """With ``-vv``, on stderr."""
    assert "GET /api/contact_fields → 200" in project.run("-vv", "doctor").err


def test_what_helps_stands_below_what_failed(project: Project) -> None:
    """For people: a mark for each check, and the number of those that failed."""
    lines = project.run("doctor", env={"MATON_API_KEY": None}).out.splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.startswith("failed   API key"))
    assert lines[at + 1].strip() == "→ get a key at maton.ai/settings and export it as MATON_API_KEY"
    assert lines[-1] == "1 check failed."


def test_what_no_ledger_knows(project: Project, alone: Emulator) -> None:
    """Whose it is, where nobody says which account is used; and a ledger of nobody."""
    project.apply("--ledger", "sqlite:///own.db")
    alone.gateway.set_status("first", "FAILED")
    env: dict[str, str | None] = {"RECONCILER_CONNECTION": None, "RECONCILER_LEDGER": "sqlite:///own.db"}
    assert checked(project, **env)["ledger account"]["result"] == "skipped"
    with Store.open("sqlite:///nobody.db", root=project.folder):
        pass
    check = checked(project, RECONCILER_LEDGER="sqlite:///nobody.db")["ledger account"]
    assert check["text"] == "not bound to an account yet; the first apply binds it"
