"""Symbolic links in a checkout: nothing is written, made or closed to others through one."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import ended
from tests.support.hands import rename_person
from tests.support.project import Project

SITE = "tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Ann}]\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is none of the project's, with a file that others may read."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "victim").write_text("precious", encoding="utf-8")
    (folder / "victim").chmod(0o644)
    return folder


@pytest.fixture
def site(project: Project) -> Project:
    """A project with a tag and a person, applied."""
    project.write(SITE)
    project.apply()
    return project


def assert_untouched(outside: Path) -> None:
    """Nothing was written, nothing was added, no rights were changed."""
    assert [path.name for path in outside.iterdir()] == ["victim"]
    assert (outside / "victim").read_text(encoding="utf-8") == "precious"
    assert stat.S_IMODE((outside / "victim").stat().st_mode) == 0o644


FORMATS = ("html", "json", "markdown", "junit", "sarif", "github", "gitlab")
WRITERS = (
    *(["plan", "--output", f"{form}=LINK"] for form in FORMATS),
    ["--redact", "plan", "--output", "html=LINK"],
    ["plan", "--out", "LINK"],
    ["graph", "--out", "LINK"],
    ["ledger", "export", "--out", "LINK"],
    ["apply", "--yes", "--output", "json=LINK"],
)


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_link_is_replaced(site: Project, outside: Path, command: list[str]) -> None:
    """Whatever is written takes its place; where it led to stays as it is."""
    (site.folder / "link").symlink_to(outside / "victim")
    ended(site.run(*(part.replace("LINK", "link") for part in command)), 0)
    assert not (site.folder / "link").is_symlink()
    assert (site.folder / "link").is_file()
    assert_untouched(outside)


@pytest.mark.parametrize("command", WRITERS, ids=" ".join)
def test_a_linked_folder_is_refused(site: Project, outside: Path, command: list[str]) -> None:
    """The message names it."""
    (site.folder / ".link").symlink_to(outside)
    ended(site.run(*(part.replace("LINK", ".link/new") for part in command)), 1, "link is a symbolic link")
    assert_untouched(outside)


def test_a_pull_into_a_linked_folder(site: Project, outside: Path) -> None:
    """Nothing is made there."""
    (site.folder / "link").symlink_to(outside)
    ended(site.run("pull", "link"), 1, "link is a symbolic link")
    assert_untouched(outside)


def test_init_beside_a_dangling_link(project: Project, outside: Path) -> None:
    """It is there already, though it leads to nothing."""
    (project.folder / "reconciler.yaml").symlink_to(outside / "new.yaml")
    ended(project.run("init"), 1, "already exists")
    assert_untouched(outside)
    (project.folder / "reconciler.yaml").unlink()
    (project.folder / "account.yaml").symlink_to(outside / "new.yaml")
    ended(project.run("init"), 0)
    assert_untouched(outside)


def test_a_file_of_the_project_that_leads_out(site: Project, outside: Path) -> None:
    """Neither fmt nor pull follows it."""
    (outside / "victim").write_text("tags:   [ Old ]\n", encoding="utf-8")
    (site.folder / "link.yaml").symlink_to(outside / "victim")
    rename_person(site, "ann@example.com", first_name="Anna")
    ended(site.run("fmt"), 1, "is outside of the project")
    ended(site.run("fmt", "link.yaml"), 1, "is outside of the project")
    ended(site.run("pull", "--all", "--yes"), 1, "is outside of the project")
    assert (outside / "victim").read_text(encoding="utf-8") == "tags:   [ Old ]\n"


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal"])
def test_a_linked_ledger(project: Project, outside: Path, name: str) -> None:
    """Neither it nor what SQLite keeps beside it; reading is refused as well."""
    project.write(SITE)
    (project.folder / ".reconciler").mkdir()
    if name != "ledger.db":
        project.apply()
        (project.folder / ".reconciler" / name).unlink(missing_ok=True)
    (project.folder / ".reconciler" / name).symlink_to(outside / "victim")
    for command in (["apply", "--yes"], ["plan"]):
        said = project.run(*command)
        ended(said, 1, "symbolic link" if name != "ledger.db" else "link")
    assert_untouched(outside)


def test_a_linked_folder_of_the_ledger(project: Project, outside: Path) -> None:
    """The default place is below the project, like one that the file names."""
    project.write(SITE)
    (project.folder / ".reconciler").symlink_to(outside)
    ended(project.run("apply", "--yes"), 1, "is outside of the project", "RECONCILER_LEDGER")
    assert_untouched(outside)


def test_a_ledger_that_is_something_else(project: Project) -> None:
    """Its rights stay, and so does its content."""
    path = project.write("notes", "notes.txt")
    path.chmod(0o644)
    project.write(SITE)
    ended(project.run("apply", "--yes", "--ledger", "sqlite:///notes.txt"), 1, "is not a ledger")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    project.write("ledger: sqlite:///site.yaml\n", "reconciler.yaml")
    ended(project.run("apply", "--yes"), 1, "another extension")
    assert project.account.writes == []


@pytest.mark.parametrize("command", [["apply", "--yes"], ["pull", "new", "--own"], ["watch", "--once"]], ids=" ".join)
def test_git_ignores_the_folder_of_the_ledger(make_project: object, command: list[str]) -> None:
    """Whoever makes it: it holds addresses of people."""
    project = make_project({"tags": ["VIP"]})  # type: ignore[operator]
    if command[0] != "pull":
        project.write(SITE)
    ended(project.run(*command), 2 if command[0] == "watch" else 0)
    subprocess.run(["git", "init", "-q"], cwd=project.folder, check=True)
    (found,) = project.folder.rglob(".reconciler")
    assert (found / ".gitignore").read_text(encoding="utf-8") == "*\n"
    status = subprocess.check_output(["git", "status", "--porcelain", "-uall"], cwd=project.folder, text=True)
    assert ".reconciler" not in status


ENDLESS = (
    ["apply", ".", "--plan", "LINK"],
    ["apply", ".", "--plan", "PIPE"],
    ["show", "LINK"],
    ["plan", "--target-file", "LINK"],
    ["plan", "--target-file", "PIPE"],
    ["ledger", "import", "LINK"],
    ["validate", "LINK"],
    ["fmt", "LINK"],
)


@pytest.mark.parametrize("command", ENDLESS, ids=" ".join)
def test_what_is_no_regular_file_is_not_read(site: Project, command: list[str]) -> None:
    """A device never ends, and a pipe never begins."""
    import os

    (site.folder / "link.yaml").symlink_to("/dev/zero")
    os.mkfifo(site.folder / "pipe.yaml")
    names = {"LINK": "link.yaml", "DEVICE": "/dev/zero", "PIPE": "pipe.yaml"}
    said = ended(site.run(*(names.get(part, part) for part in command)), 1)
    assert any(
        word in said for word in ("regular file", "ordinary file", "symbolic link", "is outside of the project")
    ), said
