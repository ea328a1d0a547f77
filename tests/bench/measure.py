"""A command → how long it took, what it cost, how much it held; and an emulator in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

KEY, CONNECTION = "bench-key", "bench"
MIB = 1024 * 1024


class Run(NamedTuple):
    """One process: seconds of wall and of user plus system time, peak resident bytes, exit code, its two texts."""

    wall: float
    cpu: float
    peak: int
    code: int
    out: str
    err: str


def run(command: list[str], cwd: Path, env: Mapping[str, str]) -> Run:
    """Run to the end. The usage is that of this child alone, by wait4."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begin = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=dict(env), stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        texts = [(stream.seek(0), stream.read())[1] for stream in (out, err)]
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, child.returncode, *texts)


def middle(runs: list[Run]) -> Run:
    """Medians, each figure by itself; code and texts of the last."""
    return runs[-1]._replace(
        wall=median(each.wall for each in runs),
        cpu=median(each.cpu for each in runs),
        peak=int(median(each.peak for each in runs)),
    )


def bare_memory(cwd: Path, env: Mapping[str, str]) -> int:
    """Peak of an interpreter that does nothing, in bytes; by itself where the system says so.

    A child's own figure can include what its parent held when it was started, so it is not used for small ones.
    """
    look = "print(next((w.split()[1] for w in open('/proc/self/status') if w.startswith('VmHWM')), ''))"
    done = run([sys.executable, "-c", look], cwd, env)
    return int(done.out) * 1024 if done.code == 0 and done.out.strip() else done.peak


class Server:
    """The admin side of an emulator."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """One call below the account; raises RuntimeError for a refusal."""
        parts = urlsplit(self.url)
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        kind = {"Content-Type": "application/json"} if body else {}
        link.request(method, f"/_emulator/accounts/{CONNECTION}{path}", body, kind)
        answer = link.getresponse()
        content = answer.read()
        link.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content) if content else None

    def start_over(self, seed: Path) -> None:
        """An account with the content of a seed file, and nothing else."""
        self.ask("PUT", "", seed.read_bytes())

    def latency(self, milliseconds: float) -> None:
        """How long every answer takes from now on."""
        self.ask("PATCH", "/options", json.dumps({"latency": milliseconds}).encode())

    def calls(self) -> tuple[int, int]:
        """Reads and writes since the last time."""
        log = self.ask("GET", "/requests")["requests"]
        self.ask("DELETE", "/requests")
        reads = sum(entry["method"] == "GET" for entry in log)
        return reads, len(log) - reads


@contextmanager
def emulator() -> Iterator[Server]:
    """An emulator on a free port."""
    command = [sys.executable, "-m", "reconciler", "emulator", "--port", "0", "--key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            words = process.stdout.readline().split()
            if words[:2] != ["listening", "on"]:
                raise RuntimeError("the emulator did not start")
            yield Server(words[2])
        finally:
            process.terminate()


def environment(url: str) -> dict[str, str]:
    """What a measured process sees: nothing of the caller's settings."""
    own = ("RECONCILER_", "MATON_", "CI", "PYTHON")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return clean | {
        "MATON_API_KEY": KEY,
        "RECONCILER_GATEWAY_URL": url,
        "RECONCILER_CONNECTION": CONNECTION,
        "RECONCILER_RATE_LIMIT": "0",
        "RECONCILER_EMAILS": "1000000",
        "BENCH_SECRET": "a secret",
        "RECONCILER_ENV_ALLOW": "BENCH_SECRET",
        "PYTHONIOENCODING": "utf-8",
    }
