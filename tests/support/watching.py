"""A watch in this process whose sleeps are steps of a script; and one as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import watch_loop
from reconciler.watch.watch import WatchInputs
from tests.support.project import Project, Result
from tests.support.waiting import PATIENCE


class Script:
    """What happens in the pauses of a watch: ``steps`` run one after the other; ``pauses`` is what was waited for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []
        self.steps: list[Callable[[], Any]] = []

        def world(wait: Callable[[float], bool]) -> WatchInputs:
            return replace(WatchInputs(wait), wait=self._wait, chance=lambda: 0.5)

        patch.setattr(watch_loop, "WatchInputs", world)

    def _wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        if not self.steps:
            return True
        self.steps.pop(0)()
        return False

    def run(self, project: Project, *args: str, steps: Iterable[Callable[[], Any]] = (), **env: str | None) -> Result:
        """One watch: a cycle, the first step, a cycle, the second step and so on, and a last cycle."""
        self.steps, self.pauses = list(steps), []
        return project.run("watch", *args, env=env)


def nothing() -> None:
    """A pause in which nothing happens."""


def rounds_of(result: Result) -> list[str]:
    """How the cycles ended, by the lines that told of them."""
    lines = [line for line in result.err.splitlines() if line.startswith("cycle ")]
    return [line.partition(": ")[2].partition(".")[0].partition(":")[0] for line in lines]


class Running:
    """A watch as a process; what it says goes into files, so that nobody has to read along."""

    def __init__(self, project: Project, *args: str) -> None:
        self.out, self.err = project.folder / "watch.out", project.folder / "watch.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", "watch", *args],
                cwd=project.folder,
                env=project.environment(),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def said(self) -> str:
        """Its standard error so far."""
        return self.err.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Return when it has said so."""
        self.wait_until(lambda: text in self.said())

    def wait_until(self, there: Callable[[], bool]) -> None:
        """Return when it is so; fails when the process ends or takes too long."""
        end = time.monotonic() + PATIENCE
        while not there():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.01)

    def end(self, *numbers: int) -> int:
        """Send these signals, if any, and wait for the end; its exit code."""
        for number in numbers:
            self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)


def rss(process: int) -> int:
    """Resident memory of a process, in KiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no such line")
