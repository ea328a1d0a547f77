"""What a command imports: help, version and completion of words need no library but click, and no command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
before = set(sys.modules)
from reconciler.cli.main import run
code = run(sys.argv[1:])
print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
sys.exit(code)
"""
#: Libraries that take long to import.
HEAVY = ("sqlalchemy", "requests", "urllib3", "yaml", "jsonschema", "jsonschema_rs", "rich", "jinja2", "deepdiff")


def imported(folder: Path, *args: str, code: int = 0, **env: str) -> set[str]:
    """The modules that a command line has imported, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    """Packages of the product, and libraries from elsewhere."""
    own = {".".join(name.split(".")[:2]) for name in modules if name.startswith("reconciler.")}
    return own | {name for name in modules if name in (*HEAVY, "logging", "hmac", "secrets", "urllib", "asyncio")}


@pytest.mark.parametrize("args", [("--help",), ("--version",)], ids=" ".join)
def test_help_needs_click_alone(tmp_path: Path, args: tuple[str, ...]) -> None:
    """Neither the model nor a library; not even the module that finds the width of a terminal."""
    modules = imported(tmp_path, *args)
    assert packages(modules) == {"reconciler.cli", "reconciler.errors"}
    assert "shutil" not in modules


def commands(modules: set[str]) -> set[str]:
    """The commands whose modules are among these."""
    return {name for name, (module, _) in COMMANDS.items() if f"reconciler.cli.{module}" in modules}


@pytest.mark.parametrize("line", ["reconciler pl", "reconciler --ver", "reconciler -e "])
def test_completion_of_words_needs_no_command(tmp_path: Path, line: str) -> None:
    """The names of commands and the options before them are known without any command."""
    env = {"_RECONCILER_COMPLETE": "bash_complete", "COMP_LINE": line, "COMP_WORDBREAKS": " "}
    modules = imported(tmp_path, **env)
    assert commands(modules) <= {"completion"}
    assert "reconciler.cli.options" not in modules


def test_a_usage_error_needs_no_command(tmp_path: Path) -> None:
    """A misspelt command is looked up in the table."""
    modules = imported(tmp_path, "plann", code=1)
    assert commands(modules) == set()


@pytest.mark.parametrize("command", ["validate", "plan", "history"])
def test_a_command_needs_no_other_command(tmp_path: Path, command: str) -> None:
    """Each is imported alone, for its help as well."""
    assert commands(imported(tmp_path, command, "--help")) == {command}


def test_validate_needs_no_account(tmp_path: Path) -> None:
    """Valid files are read without HTTP, SQL, a progress display, or the library that explains errors."""
    (tmp_path / "site.yaml").write_text("tags: [VIP]\n")
    modules = imported(tmp_path, "validate")
    assert packages(modules) & set(HEAVY) == {"yaml", "jsonschema_rs"}
    assert not {name for name in modules if name.startswith(("reconciler.gateway", "reconciler.ledger"))}
    assert "reconciler.output.redact" not in modules


def test_no_terminal_needs_no_display(tmp_path: Path) -> None:
    """A plan off a terminal, as in CI, imports no library of terminals."""
    assert "rich" not in imported(tmp_path, "plan", "--help")
