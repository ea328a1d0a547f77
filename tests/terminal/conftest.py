"""A project whose commands run on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.project import Project
from tests.terminal.screen import Screen

#: Puts the command on a terminal: ``on("plan", columns=20)``.
On = Callable[..., Screen]


def environment(project: Project, **more: str) -> dict[str, str]:
    """What a person's shell would have set."""
    own = ("PATH", "HOME", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name in own or name.startswith("COVERAGE_")}
    return {**kept, **project.env, "LANG": "C.UTF-8", **more}


@pytest.fixture
def on(project: Project) -> Iterator[On]:
    """Commands of one project, each on a terminal of its own."""
    with ExitStack() as open_ones:

        def start(*args: str, columns: int = 80, rows: int = 60, **env: str) -> Screen:
            command = [sys.executable, "-m", "reconciler", *args]
            options: dict[str, Any] = {"columns": columns, "rows": rows}
            given = environment(project, **env)
            return open_ones.enter_context(Screen(command, cwd=project.folder, env=given, **options))

        yield start
