"""Defects provoked on purpose: the traceback is told, with none of our secrets and, redacted, nobody's name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canaries.world import FIRST, KEY, PEOPLE, SECRETS, World, found

DEFECT = """
import sys
from reconciler.cli import main

def broken(*args, **more):
    raise RuntimeError(f"boom: {{{what}}}")

import {module}
{module}.{name} = broken
main.main(sys.argv[1:])
"""


def defective(world: World, module: str, name: str, what: str, *args: str) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own whose ``module.name`` raises with ``what`` (an expression) in it."""
    script = DEFECT.format(module=module, name=name, what=what)
    environ = {**os.environ, **world.project.env, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", script, *args],
        cwd=world.project.folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("module", "name", "what"),
    [
        (
            "reconciler.commands.plan",
            "build",
            "[change.attrs['secret'].value for change in args[0] if 'secret' in change.attrs]",
        ),
        ("reconciler.commands.plan", "build", "args[0]"),
        ("reconciler.gateway.client", "read", "__import__('os').environ"),
        ("reconciler.apply.executor", "Executor", "more"),
    ],
    ids=["value", "changes", "environment", "executor"],
)
@pytest.mark.parametrize("flags", [(), ("--redact", "-vv")], ids=["plain", "redacted"])
def test_a_traceback_tells_no_secret(
    make_world: Callable[[], World], flags: tuple[str, ...], module: str, name: str, what: str
) -> None:
    """Keys, secrets and tokens are hidden even where an exception carries them."""
    world = make_world()
    world.project.write(FIRST)
    done = defective(world, module, name, what, *flags, "apply", "--yes")
    assert done.returncode == 1
    assert "RuntimeError: boom" in done.stderr
    assert "This is a bug in reconciler" in done.stderr
    artefacts = [("stdout", done.stdout.encode()), ("stderr", done.stderr.encode())]
    assert found([KEY, *SECRETS.values()], iter(artefacts)) == []
    if flags:
        assert found(PEOPLE, iter(artefacts)) == []


def test_a_defect_in_a_worker_is_an_outcome(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks inside a worker fails that step by its type only, and the run ends in order."""

    def broken(*_: object) -> object:
        raise RuntimeError(f"boom {SECRETS['webhook secret']}")

    monkeypatch.setattr("reconciler.apply.step.bind", broken)
    world.project.write(FIRST)
    result = world.run("-vv", "apply", "--yes")
    assert result.code in (1, 4)
    assert "unexpected RuntimeError" in result.out
    assert found(SECRETS.values(), world.artefacts()) == []
