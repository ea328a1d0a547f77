"""A Dask cluster on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path


class Cluster:
    """A scheduler and its workers, as processes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._process("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        while not self._file.exists():
            assert self.scheduler.poll() is None
            time.sleep(0.05)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(json.loads(self._file.read_text())["address"])

    def add_worker(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """One more worker, with this environment."""
        options = ("--nthreads", "2", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1", "--death-timeout", "30")
        self.workers.append(self._process("worker", *options, env=env))
        while self.log().count("Registered to") < len(self.workers):
            assert self.workers[-1].poll() is None, self.log()
            time.sleep(0.05)
        return self.workers[-1]

    def log(self) -> str:
        """What scheduler and workers have logged."""
        return (self._folder / "cluster.log").read_text()

    def _process(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / "cluster.log").open("ab"))
        command = [sys.executable, "-m", "dask", *args, "--scheduler-file", str(self._file)]
        process = subprocess.Popen(
            command, cwd=self._folder, env=env or os.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._stack.callback(stop, process)
        return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it at once."""
    process.kill()
    process.wait()


def is_dask_command(words: list[str]) -> bool:
    """Whether Dask has this command, with these options."""
    command = import_module(f"distributed.cli.dask_{words[1]}").main
    known = {option for each in command.params for option in each.opts + each.secondary_opts}
    return words[0] == "dask" and {word for word in words if word.startswith("--")} <= known
