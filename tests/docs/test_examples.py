"""Every example can be followed to its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT, on_its_account
from tests.support.project import Project, requests_of

ACCOUNTS = sorted(path.stem for path in (ROOT / "examples" / "accounts").glob("*.yaml"))
PROJECTS = [name for name in ACCOUNTS if (ROOT / "examples" / name).is_dir()]
OPTIONS = {"environments": ["-e", "staging"]}
FILES = [path for name in ("accounts", *PROJECTS) for path in sorted((ROOT / "examples" / name).rglob("*.yaml"))]


def test_there_is_a_project_for_each_account() -> None:
    """An account to try it on, and a project to try; a guide makes the project of any other account."""
    assert {"course", "environments", "quickstart", "school"} <= set(PROJECTS)
    guides = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "guides").glob("*.md"))
    assert [name for name in set(ACCOUNTS) - set(PROJECTS) if f"seed={name}" not in guides] == []


@pytest.mark.parametrize("name", PROJECTS)
def test_it_validates_plans_applies_and_converges(name: str, example: Callable[[str], Project]) -> None:
    """validate, plan (2), apply, plan (0): and what is unmanaged is as it was."""
    project, options = on_its_account(example(name), "staging"), OPTIONS.get(name, [])
    before = {each["email"]: each for each in project.account.state()["contacts"]}
    assert project.run(*options, "validate").out.startswith("Valid: ")
    assert project.run(*options, "plan", "--detailed-exitcode").code == 2
    assert requests_of(project.account, writes=True) == []
    applied = project.run(*options, "apply", "--yes")
    assert applied.code == 0, applied.err
    again = project.run(*options, "plan", "--detailed-exitcode")
    assert again.code == 0, again.out + again.err
    files = [*project.folder.rglob("*.yaml"), *project.folder.rglob("*.csv")]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    after = {each["email"]: each for each in project.account.state()["contacts"]}
    unmanaged = {email for email in before if email not in text}
    assert unmanaged
    for email in unmanaged:
        assert after[email]["fields"] == before[email]["fields"]
        assert len(after[email]["tags"]) == len(before[email]["tags"])


def test_production_asks_for_its_name(example: Callable[[str], Project]) -> None:
    """A protected environment wants --confirm, and takes nothing else for it."""
    project = on_its_account(example("environments"), "production")
    assert project.run("-e", "production", "apply", "--yes").code == 3
    assert requests_of(project.account, writes=True) == []
    assert project.run("-e", "production", "apply", "--confirm", "production").code == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_the_modeline_leads_to_the_schema(path: Path) -> None:
    """Editors find the schema of every file; accounts have none."""
    found = re.search(r"^# yaml-language-server: \$schema=(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if path.parent.name == "accounts":
        assert found is None
        return
    assert found
    wanted = "settings" if path.name == "reconciler.yaml" else "reconciler"
    assert (path.parent / found.group(1)).resolve() == ROOT / "schema" / f"{wanted}.schema.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_names_are_reserved_ones(path: Path) -> None:
    """No address and no host of an example belongs to anybody."""
    text = path.read_text(encoding="utf-8")
    hosts = re.findall(r"@([\w.-]+\.\w+)|https?://([\w.-]+)", text)
    assert [host for pair in hosts for host in pair if host and not host.endswith("example.com")] == []
