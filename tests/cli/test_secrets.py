"""``secrets``: files and folders are looked through, what is found is told by its place, and never shown."""

from __future__ import annotations

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SECRET = "hunter2-and-more"
SITE = f"webhooks:\n  - {{name: CRM, url: 'https://crm.example.com/', secret: {SECRET}, events: [SALE_NEW]}}\n"


def test_a_clean_project_passes(project: Project) -> None:
    """Exit 0, and how much was looked through."""
    project.write("tags: [VIP]\n")
    project.write("email\nann@example.com\n", "people/students.csv")
    ended(project.run("secrets"), 0, "2 files looked through")


def test_a_secret_is_told_and_not_shown(project: Project) -> None:
    """File, line and column, what to do about it, and exit 1."""
    project.write(SITE)
    said = ended(project.run("secrets"), 1, "site.yaml:2:58: this looks like the value of secret", "{env: NAME}")
    assert SECRET not in said


@pytest.mark.parametrize("name", ["reconciler.yaml", "people/csv.csv", ".hidden/notes.yml", "targets.txt"])
def test_every_file_of_a_project_is_looked_through(project: Project, name: str) -> None:
    """Settings, CSV sources, lists and hidden files as well, in comments too."""
    project.write(f"# old token: {SECRET}\n", name)
    ended(project.run("secrets"), 1, f"{name}:1:14: ")


def test_files_may_be_named(project: Project) -> None:
    """Those and no others, whatever they are called."""
    project.write(SITE)
    project.write(f"password={SECRET}\n", "notes.md")
    project.write("tags: [VIP]\n", "tags.yaml")
    ended(project.run("secrets", "tags.yaml"), 0, "1 file looked through")
    said = ended(project.run("secrets", "tags.yaml", "notes.md"), 1, "notes.md:1:10")
    assert "site.yaml" not in said


def test_it_is_told_as_json(project: Project) -> None:
    """One document, with the exit code of the text."""
    project.write(SITE)
    result = project.run("secrets", "--json")
    assert result.code == 1
    assert result.document["clean"] is False
    assert result.document["problems"][0]["where"] == "site.yaml:2:58"
    assert SECRET not in result.out
    project.write("tags: [VIP]\n")
    assert project.run("secrets", "--json").document == {"clean": True, "files": 1, "problems": []}


def test_no_key_and_no_account_are_needed(project: Project) -> None:
    """It is offline."""
    project.write("tags: [VIP]\n")
    ended(project.run("secrets", env={"MATON_API_KEY": None, "RECONCILER_GATEWAY_URL": None}), 0)
    assert not project.account.requests


def test_what_is_not_there_is_said(project: Project) -> None:
    """A mistyped path is no clean project."""
    ended(project.run("secrets", "nothing.yaml"), 1, "nothing.yaml: there is no such file or folder")


def test_bytes_that_are_no_text_do_not_stop_it(project: Project) -> None:
    """What cannot be decoded cannot hide what stands behind it."""
    project.write("", "blob.yaml").write_bytes(b"\xff\xfe\x00\n# password: hunter2-and-more\n")
    ended(project.run("secrets"), 1, "blob.yaml:2:13")
