"""Actions at one request that the emulated account receives: before it is carried out, or right after."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from reconciler.emulator import Account
from tests.support.project import Project

Act = Callable[[], object]


def before(account: Account, method: str, path: str, act: Act) -> None:
    """Call ``act`` once, before the first request of that method whose path matches ``path`` is carried out."""
    _hook(account, method, path, first=act)


def after(account: Account, method: str, path: str, act: Act) -> None:
    """Call ``act`` once, after that request was carried out and before it is answered."""
    _hook(account, method, path, then=act)


def _hook(account: Account, method: str, path: str, first: Act | None = None, then: Act | None = None) -> None:
    """Edits behind the tool's back call with ``silent=…``, requests without a keyword."""
    answer, armed = account.answer, [True]

    def hooked(a_method: str, a_path: str, *rest: Any, **more: Any) -> Any:
        due = armed[0] and not more and a_method == method and re.fullmatch(path, a_path) is not None
        if due:
            armed[0] = False
        if due and first:
            first()
        result = answer(a_method, a_path, *rest, **more)
        if due and then:
            then()
        return result

    account.answer = hooked  # type: ignore[method-assign]


def killed(project: Project, method: str, path: str, *args: str, carried_out: bool = True) -> None:
    """Run a command as a process and kill it while it waits for the answer to that request."""
    ready, pid = threading.Event(), [0]

    def kill() -> None:
        ready.wait()
        os.kill(pid[0], signal.SIGKILL)

    if carried_out:
        after(project.account, method, path, kill)
    else:
        _never_carry_out(project.account, method, path, kill)
    running = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *args],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    pid[0] = running.pid
    ready.set()
    _, said = running.communicate(timeout=120)
    assert running.returncode == -signal.SIGKILL, said


def _never_carry_out(account: Account, method: str, path: str, act: Act) -> None:
    """The first such request meets ``act`` and is then left waiting until its client is gone."""
    account.fault("timeout", method=method, path=f"^{path}$", commit=False)
    meet, armed = account.meet_faults, [True]

    def met(a_method: str, a_path: str) -> Any:
        found = meet(a_method, a_path)
        if armed[0] and a_method == method and re.fullmatch(path, a_path):
            armed[0] = False
            act()
        return found

    account.meet_faults = met  # type: ignore[method-assign]
