"""``plan --out`` and ``apply --plan``: exactly the plan that was looked at, or a refusal that says why."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Account
from tests.cli.support import ended, ledger_of
from tests.support.project import Project, requests_of


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
    """Exactly the changes that were shown; after that it is stale."""
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
    refused(saved, 3, "stale", "tag/New", "was create, is now adopt")


def test_a_plan_overtaken_by_another_run(saved: Project) -> None:
    """The ledger moved on: what is done already is no longer what was planned."""
    saved.write("tags: [Old, New]\n")
    saved.apply()
    saved.account.clear()
    refused(saved, 3, "stale", "tag/New")


def test_a_unmanaged_change_does_not_make_it_stale(saved: Project) -> None:
    """Only what the plan is about counts."""
    saved.account.edit("POST", "/api/tags", {"name": "Unmanaged"})
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 0)


@pytest.mark.parametrize("reseal", [False, True])
def test_an_edited_plan(saved: Project, reseal: bool) -> None:
    """An edit is found, also when the checksum was made anew: only the ledger's key can sign."""

    def other_name(document: dict[str, Any]) -> None:
        for each in document["plan"]["changes"]:
            if each["address"] == "tag/New":
                each["attrs"]["name"] = "Evil"

    edit(saved.folder / "plan.json", other_name, reseal=reseal)
    refused(saved, 3, "plan.json")


@pytest.mark.parametrize("key", [None, "k" * 16], ids=["the ledger's key", "RECONCILER_LEDGER_KEY"])
@pytest.mark.parametrize("claims", [{}, {"keyed": False, "secrets": {}}, {"redacted": False}], ids=str)
def test_with_a_key_at_hand_a_checksum_is_not_enough(saved: Project, key: str | None, claims: dict[str, Any]) -> None:
    """The very plan with its signature taken off is refused, whatever the document says of itself."""
    saved.env |= {"RECONCILER_LEDGER_KEY": key} if key else {}
    ended(saved.run("plan", "--out", "plan.json"), 0)
    saved.account.clear()
    edit(saved.folder / "plan.json", lambda document: document.update(claims), reseal=True)
    refused(saved, 3, "plan.json is not signed, but this project has a key")
    ended(saved.run("show", "plan.json"), 3, "is not signed")


def test_a_short_key_is_refused(saved: Project) -> None:
    """By every command that could use it, with what to do; 16 characters are enough."""
    short = {"RECONCILER_LEDGER_KEY": "k" * 15}
    for command in (("plan",), ("apply", "--plan", "plan.json", "--yes"), ("show", "plan.json"), ("history",)):
        ended(saved.run(*command, env=short), 1, "RECONCILER_LEDGER_KEY", "at least 16 characters", "openssl rand")
    ended(saved.run("plan", env={"RECONCILER_LEDGER_KEY": "k" * 16}), 0)


def test_in_ci_a_plan_is_signed(project: Project) -> None:
    """Without a key none is saved, and none that has only a checksum is applied."""
    project.write("tags: [A]\n")
    ended(project.run("plan", "--out", "plan.json"), 0, "only a checksum")
    ci = {"CI": "true", "RECONCILER_LEDGER": "sqlite:///kept.db"}
    ended(project.run("apply", "--plan", "plan.json", "--yes", env=ci), 3, "not signed", "RECONCILER_LEDGER_KEY")
    assert project.account.writes == []
    (project.folder / "kept.db").unlink()
    ended(project.run("plan", "--out", "plan.json", env=ci), 3, "saving a plan in CI needs a persistent key")
    keyed = {**ci, "RECONCILER_LEDGER_KEY": "k" * 16}
    ended(project.run("plan", "--out", "plan.json", env=keyed), 0)
    ended(project.run("apply", "--plan", "plan.json", "--yes", env=keyed), 0, "complete")


def test_a_plan_of_other_files(saved: Project, tmp_path: Path) -> None:
    """Made elsewhere with --target, by somebody without key and ledger: nothing that these files do not declare."""
    away = tmp_path / "away"
    away.mkdir()
    hook = "{name: Evil, url: 'https://attacker.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}"
    (away / "site.yaml").write_text(f"tags: [Evil]\nwebhooks: [{hook}]\n", encoding="utf-8")
    plan = str(saved.folder / "plan.json")
    target = ("--target", "tag/Evil", "--target", "webhook/Evil")
    ended(saved.run("plan", str(away), *target, "--ledger", "none", "--out", plan), 0)
    refused(saved, 3, "is not signed")
    ended(saved.run("apply", "--plan", plan, "--yes", "--ledger", "none"), 1, "tag/Evil")
    (saved.folder / ".reconciler").rename(saved.folder / "lost")
    ended(saved.run("apply", "--plan", plan, "--yes"), 1, "tag/Evil")
    assert saved.account.writes == []


def test_the_limits_are_those_of_the_run(project: Project) -> None:
    """A plan made under other limits opens no approval, whatever it says that it needs; pruning is the run's too."""
    names = [f"T{n}" for n in range(12)]
    project.write(f"tags: {json.dumps(names)}\n")
    project.apply()
    project.write("tags: [T1]\n")
    project.write("limits: {deletes: 100, floor: 100000}\n", "reconciler.yaml")
    ended(project.run("plan", "--out", "plan.json"), 0)
    assert json.loads((project.folder / "plan.json").read_text())["needs"] == []
    project.account.clear()
    (project.folder / "reconciler.yaml").unlink()
    refused(project, 3, "--allow deletes=11")
    project.write("prune: {tag: none}\n", "reconciler.yaml")
    refused(project, 3, "the plan is stale", "tag/T0: was delete, is now forget")


def test_files_that_changed_make_it_stale(saved: Project) -> None:
    """What is carried out is what the files declare now, and nothing that they no longer do."""
    saved.write("tags: [Old, New]\n")
    refused(saved, 3, "the plan is stale", "webhook/H: no longer there", "the PATH that the plan was created from")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\x00\xff", b"tags: [A]\n", b'{"format_version": "1.0"}', b"[" * 100_000],
)
def test_what_is_no_plan(saved: Project, content: bytes) -> None:
    """Cut, empty and unmanaged files are refused by name."""
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


@pytest.mark.parametrize("ledger", ["none", "sqlite:///one.db"])
def test_the_plan_of_another_connection(project: Project, make_account: Callable[..., Account], ledger: str) -> None:
    """A plan belongs to its connection, also without a ledger: a plan for staging is not made in production."""
    other = make_account()
    project.write("tags: [A]\n")
    project.env |= {"RECONCILER_LEDGER_KEY": "k" * 16}
    ended(project.run("plan", "--ledger", ledger, "--out", "plan.json"), 0)
    given = ("apply", "--plan", "plan.json", "--yes", "--ledger", ledger)
    there = {"RECONCILER_CONNECTION": other.connection}
    ended(project.run(*given, env=there), 3, "the plan is for connection", f"but this run uses {other.connection}")
    assert project.account.writes == other.writes == []
    ended(project.run(*given), 0, "complete")


def test_the_plan_of_another_ledger(saved: Project) -> None:
    """A plan belongs to its ledger: what is managed there is not what is managed here."""
    saved.env |= {"RECONCILER_LEDGER_KEY": "k" * 16}
    ended(saved.run("plan", "--out", "plan.json"), 0)
    saved.account.clear()
    other = ("--ledger", "sqlite:///other.db")
    ended(saved.run("apply", "--plan", "plan.json", "--yes", *other), 1, "created with another ledger")
    assert saved.account.writes == []


def test_a_rotated_secret(saved: Project) -> None:
    """A secret that is another one now is a difference, shown by its source only."""
    said = refused(saved, 3, "webhook/H: the secret secret has another value", HOOK="another-value")
    assert "another-value" not in said
    refused(saved, 1, "HOOK", HOOK=None)


def test_approvals_hold_for_saved_plans(project: Project) -> None:
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
    """The selection goes along: --target, and --exclude as well."""
    project.write("tags: [A, B]\n")
    ended(project.run("plan", "--target", "tag/A", "--out", "plan.json"), 0)
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0)
    assert project.account.state()["tags"] == ["A"]
    project.write("tags: [A, B, C]\n")
    ended(project.run("plan", "--exclude", "tag/B", "--out", "plan.json"), 0)
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0, "complete")
    assert project.account.state()["tags"] == ["A", "C"]


def test_a_saved_plan_is_applied_whole(saved: Project) -> None:
    """--target and --exclude belong to the plan."""
    ended(saved.run("apply", "--plan", "plan.json", "--yes", "--target", "tag/New"), 1, "--target")
    assert saved.account.writes == []


def test_a_plan_before_the_first_apply(project: Project) -> None:
    """Without a key the file has a checksum only, and says so; it can be applied."""
    project.env["HOOK"] = "s3cret-value"
    project.write("webhooks: [{name: H, url: 'https://h.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}]\n")
    ended(project.run("plan", "--out", "plan.json"), 0, "only a checksum")
    assert b"s3cret-value" not in (project.folder / "plan.json").read_bytes()
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0)
    assert project.account.state()["webhooks"][0]["secret"] == "s3cret-value"


def test_the_plan_of_another_dialect(saved: Project) -> None:
    """Its requests have another form."""
    said = refused(saved, 3, "the plan is for the dialect vendor", RECONCILER_DIALECT="skill")
    assert "this run uses skill" in said
