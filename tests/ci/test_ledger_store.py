"""A ledger in a store of the user's: fetched before, stored after, and loud when either fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ci.jobs import ROOT, outputs_of
from tests.support.project import Project

ACT = ROOT / "integrations" / "github" / "act.py"


@pytest.fixture
def step(project: Project, tool: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """``step("fetch", "cp … $LEDGER_FILE")``: exit code and words, the summary of the job with them."""
    temp = tmp_path / "temp"
    temp.mkdir()
    (temp / "reconciler-tool").symlink_to(tool)

    def carry_out(name: str, command: str, **told: str) -> tuple[int, str]:
        for file in ("output", "summary"):
            (temp / file).write_text("")
        env = {
            **project.environment(),
            "COMMAND": "apply",
            "PROJECT": ".",
            "LEDGER_COMMAND": command,
            "RECONCILER_LEDGER_KEY": "a-key-of-the-team",
            "RECONCILER_GITHUB_PAUSE": "0.001",
            "RUNNER_TEMP": str(temp),
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            "GITHUB_WORKSPACE": str(project.folder),
            "STORE": str(tmp_path / "store.json"),
            **told,
        }
        done = subprocess.run(
            [sys.executable, "-I", ACT, name],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            cwd=project.folder,
        )
        assert "Traceback" not in done.stderr
        project.env["FETCHED"] = outputs_of(temp / "output").get("ledger", project.env.get("FETCHED", ""))
        return done.returncode, done.stdout + done.stderr + (temp / "summary").read_text()

    return carry_out


def test_what_is_stored_is_fetched(project: Project, step: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """The first time there is nothing, if that is said; then what was applied is known to the next runner."""
    project.write("tags: [VIP]\n")
    code, said = step("fetch", "true", LEDGER_NEW="true")
    assert code == 0, said
    assert project.run("apply", "--yes", "--ledger", project.env["FETCHED"]).code == 0
    code, said = step("store", 'cp "$LEDGER_FILE" "$STORE"')
    assert code == 0, said
    assert len(json.loads((tmp_path / "store.json").read_text())["entries"]) == 1
    Path(project.env["FETCHED"].removeprefix("sqlite:///")).unlink()
    code, said = step("fetch", 'cp "$STORE" "$LEDGER_FILE"')
    assert code == 0, said
    listed = project.run("ledger", "list", "--ledger", project.env["FETCHED"])
    assert "tag/VIP" in listed.out
    left = [path.name for path in (tmp_path / "temp" / "reconciler-ledger").iterdir()]
    assert "ledger.json" not in left


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        ("exit 7", 1, "`ledger-fetch` failed"),
        ("cp /nowhere/at/all $LEDGER_FILE", 1, "`ledger-fetch` failed"),
        ("false | true", 1, "`ledger-fetch` failed"),
        ("true", 3, "ledger-new: true"),
        ("echo no-ledger > $LEDGER_FILE", 1, "no ledger of this project"),
    ],
)
def test_a_ledger_that_does_not_come_stops_everything(
    step: Callable[..., tuple[int, str]], command: str, code: int, text: str
) -> None:
    """A new one would call nothing ours, and take the old one's place."""
    ended, said = step("fetch", command)
    assert ended == code, said
    assert text in said


def test_a_store_that_fails_is_loud(project: Project, step: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Tried again, and then an error that nobody overlooks; a store that works the second time is enough."""
    step("fetch", "true", LEDGER_NEW="true")
    project.write("tags: [VIP]\n")
    assert project.run("apply", "--yes", "--ledger", project.env["FETCHED"]).code == 0
    tries = tmp_path / "tries"
    code, said = step("store", f"echo x >> {tries}; false")
    assert code == 1
    assert said.count("THE LEDGER IS NOT STORED") == 2
    assert len(tries.read_text().split()) == 3
    code, said = step("store", f"echo x >> {tries}; test $(wc -l < {tries}) -ge 5")
    assert code == 0, said


def test_commands_do_not_see_our_key(step: Callable[..., tuple[int, str]]) -> None:
    """They bring files, and need no seal; nor do they start in the checkout."""
    code, said = step("fetch", "env; pwd; false")
    assert code == 1
    assert "a-key-of-the-team" not in said.replace("::add-mask::a-key-of-the-team", "")
    assert "reconciler-ledger\n" in said


def test_no_ledger_is_stored_where_none_was_made(step: Callable[..., tuple[int, str]]) -> None:
    """An apply that was refused before it began leaves the store as it was."""
    code, said = step("store", "exit 1")
    assert code == 0, said
    assert "none to store" in said


def test_the_tool_itself_refuses_a_ledger_that_is_lost(project: Project) -> None:
    """In CI, where nobody has named one."""
    project.write("tags: [VIP]\n")
    result = project.run("apply", "--yes", env={"CI": "true"})
    assert result.code == 1
    assert "would be lost" in result.err
    assert not project.account.writes
