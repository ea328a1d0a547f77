"""Secrets that a command prints, through whole commands: sent once, and found nowhere else."""

from __future__ import annotations

import os

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SITE = """\
webhooks:
  - {name: CRM, url: https://crm.example.com/a, events: [SALE_NEW], secret: {command: [op, read, op://Shop/CRM/key]}}
  - {name: Shop, url: {command: [op, read, url]}, events: [SALE_NEW], secret: {command: [op, read, op://Shop/CRM/key]}}
"""
PROGRAM = """\
#!/bin/sh
echo "$2" >> calls
case $2 in url) echo https://shop.example.com/t0ken ;; *) echo s3cret ;; esac
"""


@pytest.fixture
def site(project: Project) -> Project:
    """A project with two webhooks whose secrets a program prints, which counts its calls."""
    programs = project.folder.parent / "programs"
    programs.mkdir()
    (programs / "op").write_text(PROGRAM, encoding="utf-8")
    (programs / "op").chmod(0o755)
    project.env |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "RECONCILER_SECRET_COMMANDS": "op read"}
    project.write(SITE)
    return project


def calls(site: Project) -> list[str]:
    """The arguments of each call since the last time."""
    log = site.folder / "calls"
    found = log.read_text(encoding="utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def test_an_apply_runs_each_command_once(site: Project) -> None:
    """The account gets the value; plan, report, debug log, ledger and saved plan have the source or a digest."""
    said = ended(site.run("-vv", "plan", "--out", "plan.json"), 0, "not shown (command:op read op://Shop/CRM/key)")
    assert sorted(calls(site)) == ["op://Shop/CRM/key", "url"]
    said += ended(site.run("-vv", "apply", "--plan", "plan.json", "--yes", "--output", "json=report.json"), 0)
    assert sorted(calls(site)) == ["op://Shop/CRM/key", "url"]
    hooks = site.account.state()["webhooks"]
    assert [hook["url"] for hook in hooks] == ["https://crm.example.com/a", "https://shop.example.com/t0ken"]
    written = b"".join(file.read_bytes() for file in site.folder.rglob("*") if file.is_file()) + said.encode()
    assert b"s3cret" not in written
    assert b"t0ken" not in written
    ended(site.run("plan"), 0, "No changes.")


def test_a_new_value_is_sent(site: Project) -> None:
    """As with any other secret, the digest differs."""
    site.apply()
    program = site.folder.parent / "programs" / "op"
    program.write_text(PROGRAM.replace("s3cret", "an0ther"), encoding="utf-8")
    assert ended(site.run("plan"), 0).count("2 to update, 0 to replace") == 1


def test_what_is_not_allowed_does_not_run(site: Project) -> None:
    """`plan` names the line to set; `validate` needs no secret."""
    env = {"RECONCILER_SECRET_COMMANDS": None}
    place = "site.yaml:2:87: configuration files may not run `op read`"
    ended(site.run("plan", env=env), 1, place, 'set RECONCILER_SECRET_COMMANDS="op read" where reconciler runs')
    ended(site.run("validate", env=env), 0, "Valid: 2 webhooks.")
    assert calls(site) == []


def test_validate_runs_what_is_allowed(site: Project) -> None:
    """So that a program that fails is found before a plan."""
    (site.folder.parent / "programs" / "op").write_text("#!/bin/sh\nexit 6\n", encoding="utf-8")
    ended(site.run("validate"), 1, "site.yaml:2:87: op failed with exit code 6; run it by hand in the project folder")


def test_a_command_is_a_list(project: Project) -> None:
    """A line for a shell is refused, with its place."""
    project.write(SITE.replace("[op, read, url]", "op read url"))
    ended(project.run("validate"), 1, "site.yaml:3:33: expected a list, got text")
