"""Secrets that a command prints, through whole commands: sent once, and found nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.config import secret_commands
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


OUTPUTS = """\
#!/bin/sh
case $1 in
  own) printf %s "${MATON_API_KEY-none}${RECONCILER_LEDGER-none}$GIVEN" ;;
  waits) exec sleep 60 ;;
  fails) exit 6 ;;
  dies) kill -9 $$ ;;
  bytes) printf '\\377' ;;
  nothing) echo ;;
  most) head -c 65536 /dev/zero | tr '\\0' x ;;
  more) head -c 65537 /dev/zero | tr '\\0' x ;;
esac
"""
#: What refers to a secret, and what is wrong with it.
REFERENCES = {
    "{env: GOOD_WEBHOOK}": "",
    "{env: LINE_WEBHOOK}": "",
    "{env: B_OTHER}": "",
    "{env: NO_WEBHOOK}": "environment variable NO_WEBHOOK is not set",
    "{env: EMPTY_WEBHOOK}": "environment variable EMPTY_WEBHOOK is empty",
    "{env: BYTES_WEBHOOK}": "environment variable BYTES_WEBHOOK is not UTF-8",
    "{env: OTHER}": "set RECONCILER_ENV_ALLOW=A,B_*,OTHER where reconciler runs",
    "{env: maton_webhook}": "configuration files cannot read maton_webhook",
    "{file: good}": "",
    "{file: no}": "no such file: no",
    "{file: empty}": "the file empty is empty",
    "{file: bytes}": "the file bytes is not UTF-8",
    "{file: most}": "",
    "{file: more}": "the file more is larger than 65,536 bytes",
    "{command: [out, own]}": "",
    "{command: [out, most]}": "",
    "{command: [out, more]}": "out printed more than 65,536 bytes",
    "{command: [out, fails]}": "out failed with exit code 6",
    "{command: [out, dies]}": "out was ended by signal 9",
    "{command: [out, bytes]}": "out printed something that is not UTF-8",
    "{command: [out, nothing]}": "out printed nothing",
    "{command: [gone, own]}": "cannot find the program gone",
    "{command: [bad]}": "cannot run bad: exec format error",
    '{command: [out, "a\\0b"]}': "cannot run out: embedded null byte",
    "{command: [outer, own, -x, y]}": 'set RECONCILER_SECRET_COMMANDS="out,gone,bad,,outer own"',
    "{env: A, file: good}": "a mapping of 2 keys is too long",
    "{env: [A]}": "expected text",
    "{vault: good}": "vault",
    "{command: out own}": "expected a list",
    "{command: []}": "an empty list",
    "{command: [out, [A]]}": "expected text",
}


def programs(folder: Path) -> str:
    """A folder with a program of many outputs, and one that is none; as PATH."""
    folder.mkdir()
    for name, content in (("out", OUTPUTS.encode()), ("bad", b"\x7fELF")):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_every_secret_is_read_or_has_its_error(project: Project, tmp_path: Path) -> None:
    """The environment, files and commands: what is allowed, and everything that can be wrong with a value."""
    env = {"GOOD_WEBHOOK": "s", "LINE_WEBHOOK": "s\n", "B_OTHER": "s", "EMPTY_WEBHOOK": "\n", "OTHER": "s"}
    env |= {"BYTES_WEBHOOK": "s\udcff", "maton_webhook": "s", "RECONCILER_ENV_ALLOW": " A,, B_*"}
    env |= {"PATH": programs(tmp_path / "programs"), "RECONCILER_SECRET_COMMANDS": "out,gone,bad,"}
    for name, content in {"good": b"s", "empty": b"\r\n", "bytes": b"\xff", "most": b"x" * 65536}.items():
        (project.folder / name).write_bytes(content)
    (project.folder / "more").write_bytes(b"x" * 65537)
    hook = "  - {{name: H{0}, url: 'https://h{0}.example.com/', events: [SALE_NEW], secret: {1}}}\n"
    project.write("webhooks:\n" + "".join(hook.format(number, ref) for number, ref in enumerate(REFERENCES)))
    lines = ended(project.run("plan", env=env), 1).splitlines()
    for number, (reference, words) in enumerate(REFERENCES.items(), 2):
        mine = [line for line in lines if line.startswith(f"error: site.yaml:{number}:")]
        assert len(mine) == bool(words), (reference, mine)
        assert all(words in line for line in mine), (reference, mine)
    allowed = [line for line in lines[:-1] if "may not run" not in line]
    assert ended(project.run("validate", env=env), 1).splitlines()[:-1] == allowed


def test_a_command_that_does_not_end(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped, and the remedy is the usual cause: a program that waits for somebody."""
    monkeypatch.setattr(secret_commands, "SECONDS", 0.2)
    project.env |= {"PATH": programs(tmp_path / "programs"), "RECONCILER_SECRET_COMMANDS": "out"}
    project.write(
        "webhooks: [{name: H, url: 'https://h.example.com/', secret: {command: [out, waits]}, events: [SALE_NEW]}]\n"
    )
    ended(project.run("plan"), 1, "out did not finish within 0.2 seconds; sign in to it first")


def test_a_command_sees_no_key_of_reconciler(project: Project, tmp_path: Path) -> None:
    """It gets the other variables, and its output without one line end is the secret."""
    project.env |= {
        "PATH": programs(tmp_path / "programs"),
        "RECONCILER_SECRET_COMMANDS": "out own",
        "GIVEN": "!\n\n",
    }
    hook = "{name: H, url: 'https://h.example.com/', events: [SALE_NEW], secret: {command: [out, own]}}"
    project.write(f"webhooks: [{hook}]\n")
    project.apply()
    assert [hook["secret"] for hook in project.account.state()["webhooks"]] == ["nonenone!\n"]
