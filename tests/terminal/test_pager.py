"""Long plans on a terminal go through a pager; a missing or failing one loses nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project
from tests.terminal.conftest import On

TAGS = [f"T{number:02d}" for number in range(30)]
LAST = "API calls:"


@pytest.fixture
def pager(project: Project) -> Path:
    """A pager that keeps what it is given, and shows one line."""
    project.write(f"tags: [{', '.join(TAGS)}]\n")
    script = project.folder / "page"
    script.write_text('#!/bin/sh\ncat > "$(dirname "$0")/paged"\necho "paged with $LESS"\n')
    script.chmod(0o755)
    return script


def ended(on: On, *args: str, **options: Any) -> str:
    screen = on(*args, **options)
    code = screen.end()
    assert code == 0, screen.text
    return screen.text


def test_a_long_plan(on: On, pager: Path) -> None:
    """All of it goes to the pager, with the options of less; a taller screen needs none."""
    assert ended(on, "-v", "plan", rows=6, PAGER="false", RECONCILER_PAGER=str(pager)).endswith("paged with FRX")
    text = (pager.parent / "paged").read_text()
    assert all(f"tag/{name}" in text for name in TAGS)
    assert LAST in text
    assert "paged with" not in ended(on, "plan", rows=60, PAGER=str(pager))


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("--no-pager", "help"), {}),
        (("plan", "--no-pager"), {}),
        (("help",), {"RECONCILER_PAGER": ""}),
        (("help",), {"RECONCILER_PAGER": "cat"}),
        (("help",), {"RECONCILER_PAGER": "/nowhere/pager"}),
        (("help",), {"RECONCILER_PAGER": "false"}),
        (("help",), {"RECONCILER_PAGER": "'"}),
        (("-q", "plan"), {}),
        (("plan", "--json"), {}),
        (("plan",), {"CI": "true", "RECONCILER_LEDGER": "none"}),
    ],
)
def test_no_pager(on: On, pager: Path, args: tuple[str, ...], env: dict[str, str]) -> None:
    """By a flag or a variable, for documents, in CI, and where it is missing or fails: everything is printed."""
    text = ended(on, *args, rows=6, **{"PAGER": str(pager), **env})
    assert "paged with" not in text
    last = "}" if "--json" in args else "reconciler help NAME" if "help" in args else LAST
    assert last in text
    assert not (pager.parent / "paged").exists()


def test_a_pager_that_is_left(on: On, pager: Path) -> None:
    """Leaving it before the end is no error."""
    pager.write_text("#!/bin/sh\nread line\necho left\n")
    assert ended(on, "plan", rows=6, PAGER=str(pager)).endswith("left")


def test_history(on: On, project: Project, pager: Path) -> None:
    """The changes of a run are as many as those of its plan."""
    project.apply()
    assert os.access(pager, os.X_OK)
    assert ended(on, "history", "1", rows=6, PAGER=str(pager)).endswith("paged with FRX")
