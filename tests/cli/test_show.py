"""``show``: a saved plan as it was, offline, checked with the key where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SITE = """\
tags: [VIP]
contacts: [{email: ann@example.com, first_name: Ann, tags: [VIP]}]
webhooks: [{name: W, url: {env: HOOK}, secret: {env: SECRET}, events: [SALE_NEW]}]
"""
SECRETS = {"HOOK": "https://hooks.example.com/canary-1", "SECRET": "canary-2"}


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with a ledger and a plan in plan.json."""
    project.env |= SECRETS
    project.write("tags: [Old]\n")
    project.apply()
    project.write(SITE)
    ended(project.run("plan", "--out", "plan.json"), 0)
    project.account.clear()
    return project


def body(text: str) -> list[str]:
    """All lines but the heading and what was saved where."""
    return [line for line in text.splitlines()[1:] if line.strip()]


def test_it_shows_what_plan_showed(saved: Project) -> None:
    """The same lines, from the file alone: no call, no secret, no key."""
    planned = saved.run("plan", "--calls")
    saved.account.clear()
    shown = saved.run("show", "plan.json", "--calls", env={"MATON_API_KEY": None, "HOOK": None, "SECRET": None})
    said = ended(shown, 0, "+ tag/VIP", "- tag/Old", "POST   /api/tags")
    assert body(shown.out) == body(planned.out)
    assert saved.account.requests == []
    assert "canary" not in said
    assert shown.err == ""


def test_the_document(saved: Project) -> None:
    """The same document as that of the plan."""
    planned = saved.run("plan", "--json").document
    assert saved.run("show", "plan.json", "--json").document == planned


def test_exit_codes(saved: Project) -> None:
    """2 when there are changes and that was asked for; a plan without any says so by 0."""
    assert saved.run("show", "plan.json").code == 0
    assert saved.run("show", "plan.json", "--detailed-exitcode").code == 2
    saved.run("apply", "--plan", "plan.json", "--yes")
    ended(saved.run("plan", "--out", "quiet.json"), 0)
    ended(saved.run("show", "quiet.json", "--detailed-exitcode"), 0, "No changes.")


def test_without_the_key_it_cannot_be_checked(saved: Project, tmp_path: Path) -> None:
    """It is shown, and said that nobody checked it."""
    away = tmp_path / "away"
    away.mkdir()
    place = str(saved.folder / "plan.json")
    ended(saved.run("show", place, "--project", str(away)), 0, "could not be checked", "+ tag/VIP")
    ended(saved.run("show", place, "--ledger", "none"), 0, "could not be checked")


def test_the_key_of_the_environment(project: Project, tmp_path: Path) -> None:
    """RECONCILER_LEDGER_KEY checks a plan everywhere."""
    project.env |= {"RECONCILER_LEDGER_KEY": "k" * 32}
    project.write("tags: [VIP]\n")
    ended(project.run("plan", "--out", "plan.json"), 0)
    assert ended(project.run("show", "plan.json"), 0).count("could not be checked") == 0
    wrong = {"RECONCILER_LEDGER_KEY": "x" * 32}
    ended(project.run("show", "plan.json", env=wrong), 3, "modified after it was created, or signed with another key")


def test_an_edited_plan(saved: Project) -> None:
    """Refused as apply refuses it."""
    path = saved.folder / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"tag/VIP"', '"tag/VAP"'), encoding="utf-8")
    ended(saved.run("show", "plan.json"), 3, "was modified after it was created")


def test_another_version(saved: Project) -> None:
    """A plan from the future is not guessed at."""
    path = saved.folder / "plan.json"
    document = json.loads(path.read_text(encoding="utf-8")) | {"format_version": "9.0"}
    path.write_text(json.dumps(document), encoding="utf-8")
    ended(saved.run("show", "plan.json"), 3, "format 9.0")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format_version": "1.0"}', '"plan"', "\x00"])
def test_what_is_no_plan(project: Project, content: str) -> None:
    """A clear message for anything that is no plan."""
    project.write(content, "x.json")
    result = project.run("show", "x.json")
    assert result.code in (1, 3)
    ended(result, result.code, "x.json")


def test_a_missing_file(project: Project) -> None:
    """The file is named."""
    ended(project.run("show", "nowhere.json"), 1, "cannot read the plan file", "nowhere.json")


def test_a_redacted_plan(saved: Project) -> None:
    """A plan that was redacted when it was made shows marks."""
    ended(saved.run("--redact", "plan", "--out", "redacted.json"), 0)
    said = ended(saved.run("show", "redacted.json", "--calls"), 0, "+ tag/VIP", "contact/c:")
    assert "ann@example.com" not in said
