"""Packages from npm that ``.ci/run`` installs into the environment of the tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import reconciler

NODE_MODULES = Path(reconciler.__file__).parents[1] / ".venv" / "node" / "node_modules"


def require(*packages: str) -> None:
    """Skip the test unless node and these packages are there."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    for package in packages:
        if not (NODE_MODULES / package).is_dir():
            pytest.skip(f"{package} is not installed (npm install --prefix .venv/node {package})")


def run(script: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """A script of CommonJS that finds the packages by their names; ``args`` are ``process.argv[1]`` and on."""
    command = ["node", "-e", script, "--", *map(str, args)]
    environment = {"NODE_PATH": str(NODE_MODULES), "PATH": str(Path(shutil.which("node") or "node").parent)}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
