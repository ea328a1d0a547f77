"""What a command imports: help, version and completion of words need no library but click."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def imported(folder: Path, *args: str, **env: str) -> set[str]:
    """The modules that a command line has imported, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        check=True,
    )
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


@pytest.mark.parametrize("command", ["plan", "apply", "pull", "watch", "clone", "ledger", "connections"])
def test_help_of_a_command_needs_its_options_alone(tmp_path: Path, command: str) -> None:
    """The classes of --allow and the names of the formats, and no handler."""
    modules = imported(tmp_path, command, "--help")
    assert packages(modules) <= {"reconciler.cli", "reconciler.errors", "reconciler.model", "reconciler.output"}
    assert {name for name in modules if name.startswith(("reconciler.model.", "reconciler.output."))} <= {
        "reconciler.model.policy",
        "reconciler.output.formats",
    }


def test_completion_of_words_needs_no_files(tmp_path: Path) -> None:
    """Commands and flags are known without the project."""
    env = {"_RECONCILER_COMPLETE": "bash_complete", "COMP_LINE": "reconciler plan --de", "COMP_WORDBREAKS": " "}
    assert packages(imported(tmp_path, **env)) <= {
        "reconciler.cli",
        "reconciler.errors",
        "reconciler.model",
        "reconciler.output",
    }


def test_validate_needs_no_account(tmp_path: Path) -> None:
    """Valid files are read without HTTP, SQL, a progress display, or the library that explains errors."""
    (tmp_path / "site.yaml").write_text("tags: [VIP]\n")
    modules = imported(tmp_path, "validate")
    assert packages(modules) & set(HEAVY) == {"yaml", "jsonschema_rs"}
    assert not {name for name in modules if name.startswith(("reconciler.gateway", "reconciler.ledger"))}
    assert "reconciler.output.redact" not in modules
