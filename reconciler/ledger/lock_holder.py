"""Identifies the process that holds a lock, and decides whether it is certainly dead."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.ledger.codec import check_types, decoding

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")


class LockHolder(NamedTuple):
    """The holder of a lock. Facts that the platform does not provide are empty and prove nothing.

    ``machine`` survives a reboot, ``boot`` does not; ``space`` is the process-id namespace (two containers of one
    machine share the boot but not the process ids); ``started`` tells a process from a later one with its pid; and
    ``job`` is the URL of the CI job.
    """

    who: str
    host: str
    pid: int
    started: str = ""
    boot: str = ""
    space: str = ""
    machine: str = ""
    job: str = ""

    def __str__(self) -> str:
        return f"{self.who} on {self.host} (process {self.pid})" + (f", {self.job}" if self.job else "")


class LockRecord(NamedTuple):
    """A lock as stored; times in seconds of the epoch."""

    holder: LockHolder
    acquired: float
    renewed: float
    expires: float

    def __str__(self) -> str:
        return f"{self.holder} since {datetime.fromtimestamp(self.acquired, UTC):%Y-%m-%d %H:%M:%S UTC}"


def held(head: Any) -> LockRecord | None:
    """The lock in a row of the head table."""
    if head.token is None:
        return None
    with decoding():
        check_types(*((moment, float) for moment in (head.acquired, head.renewed, head.expires)))
        return LockRecord(LockHolder(*json.loads(head.holder)), head.acquired, head.renewed, head.expires)


def here(proc: Path = PROC, machine_id: Path = MACHINE_ID) -> LockHolder:
    """This process as a holder."""
    pid = os.getpid()
    return LockHolder(
        who=_user(),
        host=socket.gethostname(),
        pid=pid,
        started=_state_and_start(pid, proc)[1],
        boot=_text(proc / "sys/kernel/random/boot_id"),
        space=_link(proc / "self/ns/pid"),
        machine=_machine(machine_id),
        job=job_url(os.environ),
    )


def job_url(environ: Mapping[str, str]) -> str:
    """The URL of the GitLab or GitHub job that runs this process, or an empty text."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name, "") for name in names)
    url = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
    url = environ.get("CI_JOB_URL") or url
    return url if url.startswith(("https://", "http://")) else ""


def is_gone(holder: LockHolder, me: LockHolder, proc: Path = PROC) -> bool:
    """Whether ``holder`` has certainly ended, as seen from ``me``; in doubt, False.

    | boot  | process ids | verdict                                                              |
    |-------|-------------|----------------------------------------------------------------------|
    | same  | same space  | gone when the pid is free, a zombie's, or that of a later process    |
    | same  | other space | unknown: another container of this machine                           |
    | other |             | gone if it is the same machine, which has been rebooted since        |
    """
    if not holder.boot or not me.boot:
        return False
    if holder.boot != me.boot:
        return bool(holder.machine) and (holder.machine, holder.host) == (me.machine, me.host)
    return holder.space == me.space and not _is_running(holder, proc)


def _is_running(holder: LockHolder, proc: Path) -> bool:
    state, started = _state_and_start(holder.pid, proc)
    if state:
        return state not in "ZX" and started == holder.started
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # /proc hides the processes of other users, but this one exists
    return True


def _state_and_start(pid: int, proc: Path) -> tuple[str, str]:
    """State letter and start time of a process; proc(5): fields 3 and 22 of ``stat``, after the name in brackets."""
    fields = _text(proc / str(pid) / "stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _machine(path: Path) -> str:
    """machine-id(5) asks for a hash where the id leaves the machine."""
    text = _text(path)
    return hashlib.sha256(f"reconciler {text}".encode()).hexdigest()[:16] if text else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an account: KeyError before Python 3.13
        return f"uid {os.getuid()}"


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
