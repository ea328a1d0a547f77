"""``plan --out`` and ``apply --plan``: exactly the plan that was looked at, or a refusal that says why."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import ended, ledger_of
from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with a ledger, and a plan of two changes in plan.json."""
    project.env |= {"HOOK": "s3cret-value"}
    project.write("tags: [Old]\n")
    project.apply()
    hook = "{name: H, url: 'https://h.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}"
    project.write(f"tags: [Old, New]\nwebhooks: [{hook}]\n")
    ended(project.run("plan", "--out", "plan.json"), 0, "plan.json")
    project.account.clear()
    return project


def refused(project: Project, code: int, *texts: str, **env: str | None) -> str:
    """Applying the saved plan ends so, writes nothing and leaves the ledger alone."""
    before = ledger_of(project)
    said = ended(project.run("apply", "--plan", "plan.json", "--yes", env=env), code, *texts)
    assert project.account.writes == []
    assert ledger_of(project) == before
    return said


def edit(path: Path, change: Callable[[dict[str, Any]], None], *, reseal: bool = False) -> None:
    """Edit a plan file as somebody would who knows JSON, and how checksums are made."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    if reseal:
        document.pop("integrity")
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        document["integrity"] = {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_fresh_plan_is_applied(saved: Project) -> None:
    """Exactly the changes that were shown, even when the files have changed since; then it is stale."""
    saved.write("tags: [Something, Else]\n")
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 0)
    assert requests_of(saved.account, writes=True) == ["POST /api/tags", "POST /api/webhooks"]
    assert saved.account.state()["webhooks"][0]["secret"] == "s3cret-value"
    saved.account.clear()
    assert saved.run("apply", "--plan", "plan.json", "--yes").code in (0, 3)
    assert saved.account.writes == []


def test_the_file_is_private_and_holds_no_secret(saved: Project) -> None:
    """0600, and neither the secret's value nor the key in it."""
    path = saved.folder / "plan.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes()
    assert b"s3cret-value" not in text
    assert saved.server.key.encode() not in text
    assert b"env:HOOK" in text


def test_it_replaces_an_older_file_whole(saved: Project) -> None:
    """A file that is there, readable by all, becomes a private one; nothing is left beside it."""
    path = saved.folder / "plan.json"
    path.write_text("old")
    path.chmod(0o644)
    ended(saved.run("plan", "--out", "plan.json"), 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in saved.folder.glob("*plan*")) == ["plan.json"]
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 0)


def test_a_stale_plan(saved: Project) -> None:
    """What changed in the account since is listed, and nothing is done."""
    saved.account.edit("POST", "/api/tags", {"name": "New"})
    refused(saved, 3, "stale", "tag/New", "create then, adopt now")


def test_a_plan_overtaken_by_another_run(saved: Project) -> None:
    """The ledger moved on: what is done already is no longer what was planned."""
    saved.write("tags: [Old, New]\n")
    saved.apply()
    saved.account.clear()
    refused(saved, 3, "stale", "tag/New")


def test_a_foreign_change_does_not_make_it_stale(saved: Project) -> None:
    """Only what the plan is about counts."""
    saved.account.edit("POST", "/api/tags", {"name": "Foreign"})
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 0)


@pytest.mark.parametrize("reseal", [False, True])
def test_an_edited_plan(saved: Project, reseal: bool) -> None:
    """An edit is found, also when the checksum was made anew: only the ledger's key can seal."""

    def other_name(document: dict[str, Any]) -> None:
        for each in document["desired"]["resources"]:
            if each["address"] == "tag/New":
                each["attrs"]["name"] = "Evil"

    edit(saved.folder / "plan.json", other_name, reseal=reseal)
    refused(saved, 3, "plan.json")


def test_an_edited_plan_that_claims_to_have_no_key(saved: Project) -> None:
    """Taking the seal away, and the mark that there was one, does not help either."""

    def unkeyed(document: dict[str, Any]) -> None:
        document["keyed"] = False
        document["desired"]["resources"][0]["attrs"] = {"name": "Evil"}

    edit(saved.folder / "plan.json", unkeyed, reseal=True)
    refused(saved, 3)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\x00\xff", b"tags: [A]\n", b'{"format_version": "1.0"}', b"[" * 100_000],
)
def test_what_is_no_plan(saved: Project, content: bytes) -> None:
    """Cut, empty and foreign files are refused by name."""
    (saved.folder / "plan.json").write_bytes(content)
    result = saved.run("apply", "--plan", "plan.json", "--yes")
    assert result.code in (1, 3)
    ended(result, result.code, "plan.json")
    assert saved.account.writes == []


def test_a_cut_plan(saved: Project) -> None:
    """Half a plan is none."""
    path = saved.folder / "plan.json"
    path.write_bytes(path.read_bytes()[:-40])
    refused(saved, 1, "plan.json", "cut")


@pytest.mark.parametrize("version", ["2.0", "99", None, 1, ""])
def test_a_future_format(saved: Project, version: Any) -> None:
    """Another major version is not guessed at."""
    edit(saved.folder / "plan.json", lambda document: document.update(format_version=version))
    refused(saved, 3, "format")


def test_a_plan_that_is_not_there(saved: Project) -> None:
    """The file is named."""
    ended(saved.run("apply", "--plan", "missing.json", "--yes"), 1, "missing.json")
    ended(saved.run("apply", "--plan", ".", "--yes"), 1)


def test_the_plan_of_another_account(saved: Project, make_project: MakeProject) -> None:
    """A plan belongs to its connection."""
    other = make_project()
    path = saved.folder / "plan.json"
    (other.folder / "plan.json").write_bytes(path.read_bytes())
    result = other.run("apply", "--plan", "plan.json", "--yes", env={"HOOK": "s3cret-value"})
    assert result.code in (1, 3)
    assert "Traceback" not in result.err
    assert other.account.writes == []


def test_the_plan_of_another_ledger(saved: Project) -> None:
    """And to its ledger."""
    refused_by = saved.run("apply", "--plan", "plan.json", "--yes", "--ledger", "sqlite:///other.db")
    assert refused_by.code in (1, 3)
    ended(refused_by, refused_by.code, "plan.json")
    assert saved.account.writes == []


def test_a_rotated_secret(saved: Project) -> None:
    """A secret that is another one now is a difference, shown by its source only."""
    said = refused(saved, 3, "webhook/H", "secret", HOOK="another-value")
    assert "another-value" not in said
    refused(saved, 1, "HOOK", HOOK=None)


def test_gates_hold_for_saved_plans(project: Project) -> None:
    """What needs --allow needs it when the plan is applied."""
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(10)) + "]\n")
    project.apply()
    project.write("tags: [T1]\n")
    project.run("plan", "--out", "plan.json")
    project.account.clear()
    refused(project, 3, "--allow deletes=9")
    ended(project.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes=9"), 0)
    assert project.account.state()["tags"] == ["T1"]


def test_a_partial_plan_stays_partial(project: Project) -> None:
    """The selection goes along."""
    project.write("tags: [A, B]\n")
    ended(project.run("plan", "--target", "tag/A", "--out", "plan.json"), 0)
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0)
    assert project.account.state()["tags"] == ["A"]


def test_a_saved_plan_is_applied_whole(saved: Project) -> None:
    """--target and --exclude belong to the plan."""
    ended(saved.run("apply", "--plan", "plan.json", "--yes", "--target", "tag/New"), 1, "--target")
    assert saved.account.writes == []


def test_a_plan_before_the_first_apply(project: Project) -> None:
    """Without a ledger the file has a checksum only, and says so; it can be applied."""
    project.env["HOOK"] = "s3cret-value"
    project.write("webhooks: [{name: H, url: 'https://h.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}]\n")
    ended(project.run("plan", "--out", "plan.json"), 0, "checksum only")
    assert b"s3cret-value" not in (project.folder / "plan.json").read_bytes()
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0)
    assert project.account.state()["webhooks"][0]["secret"] == "s3cret-value"
