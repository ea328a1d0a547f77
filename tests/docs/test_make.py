"""The first commands a newcomer types."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT
from tests.support.waiting import PATIENCE


def make(*args: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One call of make."""
    return subprocess.run(
        ["make", *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_make_alone_lists_every_target(copy: Path, shell: dict[str, str]) -> None:
    """Nothing is hidden, and nothing is run by accident."""
    done = make(cwd=copy, env=shell)
    assert done.returncode == 0
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\w+) ", done.stdout, re.MULTILINE) == phony.group(1).split()


@pytest.mark.parametrize("python", ["", "false"])
def test_a_missing_python_is_named(python: str, copy: Path, shell: dict[str, str]) -> None:
    """Without an interpreter that is new enough the message says what is needed and how to name one."""
    done = make("demo", f"PYTHON={python}", cwd=copy, env=shell)
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_an_interpreter_is_found(copy: Path, shell: dict[str, str]) -> None:
    """The one that is found makes the environment."""
    recipe = make("-n", "demo", cwd=copy, env=shell).stdout
    assert re.search(r'"/\S+" -m venv \.venv', recipe)


def test_the_demo_ends_well(shell: dict[str, str]) -> None:
    """Every step says what it shows, and the plan after the apply is empty."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        env=shell,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("━━ ") == 7
    assert done.stdout.count("No changes.") == 2


def test_the_ci_script_is_sound() -> None:
    """It parses, stops at the first failure, leaves nothing out, and runs what everybody runs."""
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "set -euo pipefail" in text
    assert "export RECONCILER_REQUIRE=all LOCKED=1" in text
    assert text.rstrip().endswith("make test")
