"""The repository, a copy of what its documents name, and projects made from the examples."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.emulator import Account
from reconciler.emulator.seedfiles import read
from tests.support.project import Project

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"CRM_WEBHOOK_SECRET": "one", "ORDERS_WEBHOOK_SECRET": "two"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What a reader of the pages has before them, to run commands in."""
    folder = tmp_path / "copy"
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".reconciler"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def example(copy: Path, make_project: Callable[..., Project], make_account: Callable[..., Account]) -> object:
    """``example("school")``: the project of that name, with its account on the emulator."""

    def make(name: str) -> Project:
        project = make_project(read(copy / "examples" / "accounts" / f"{name}.yaml"))
        project.folder = copy / "examples" / name
        project.env |= SECRETS
        return project

    return make


@pytest.fixture
def shell() -> dict[str, str]:
    """The environment of a reader: the tool on the path, and no settings of it."""
    own = ("RECONCILER_", "MATON_", "CI", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    first = (Path(sys.executable).parent, ROOT / "tests" / "docs" / "programs")  # stand-ins for password managers
    return clean | {"PATH": os.pathsep.join([*map(str, first), os.environ["PATH"]])}


def on_its_account(project: Project, environment: str) -> Project:
    """The same project, with the account of the test as that of an environment."""
    settings = project.folder / "reconciler.yaml"
    if settings.exists():
        text = settings.read_text(encoding="utf-8")
        ours = text.replace(f"    connection: {environment}", f"    connection: {project.account.connection}")
        settings.write_text(ours, encoding="utf-8")
    return project
