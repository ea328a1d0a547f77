"""Jobs for the worker, and a place with an account and a ledger that can be put back to how they were."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

from reconciler.emulator import Account
from reconciler.emulator.snapshots import freeze, thaw
from reconciler.emulator.state import utc_now
from reconciler.ledger.store import Store
from reconciler.model.resource import Ledger
from tests.proofs import estate
from tests.support.project import Project
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    """How a job ended: exit code (negative: by a signal), events counted, what it said."""

    code: int
    events: int | None
    out: str
    err: str


class Worker:
    """A context manager over one worker process."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.proofs.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def run(self, project: Project, *args: str, point: int | None = None, full: int | None = None) -> Ended:
        """One command line in a child of the worker, killed at event ``point``, on a disk that is full some time."""
        assert self.process.stdin and self.process.stdout
        base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        job = {
            "folder": str(project.folder),
            "environ": {**base, **project.env},
            "args": list(args),
            "point": point,
            "full": full,
        }
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return Ended(**json.loads(self.process.stdout.readline()))


class Moment:
    """An account and a ledger at one moment, to come back to."""

    def __init__(self, project: Project) -> None:
        self.project, self.frozen = project, json.dumps(freeze(project.account.content))
        self.ledger, self.kept = project.folder / ".reconciler", project.folder / ".kept"
        shutil.rmtree(self.kept, ignore_errors=True)
        if self.ledger.exists():
            shutil.copytree(self.ledger, self.kept)

    def restore(self) -> Account:
        """The account and the ledger as they were then, nothing in the log, no faults."""
        account = self.project.account
        with account.lock:
            account.content = thaw(json.loads(self.frozen), utc_now)
            account.set_faults([])
            account.clear()
        shutil.rmtree(self.ledger, ignore_errors=True)
        if self.kept.exists():
            shutil.copytree(self.kept, self.ledger)
        return account


def ledger_of(project: Project) -> Ledger:
    """What the project's ledger holds."""
    with Store.peek("sqlite:///.reconciler/ledger.db", root=project.folder) as store:  # type: ignore[union-attr]
        return store.load()


def recorded(project: Project) -> dict[str, Any]:
    """The ledger's entries by address, without what differs from run to run: ids, times, numbers of runs."""
    names = ("applied", "answered", "digests", "depends_on", "provenance", "former", "part_of", "state", "lifecycle")
    return {
        str(address): {name: getattr(entry, name) for name in names}
        for address, entry in ledger_of(project).entries.items()
    }


class Right(NamedTuple):
    """How it ends when nothing goes wrong: the account, how much it ever made, the ledger."""

    state: dict[str, Any]
    ever_made: dict[str, int]
    recorded: dict[str, Any]

    @classmethod
    def of(cls, project: Project) -> Self:
        """How it is in a project now."""
        return cls(project.account.state(), estate.ever_made(project.account), recorded(project))

    def check(self, project: Project) -> None:
        """Nothing was made twice or lost, nothing is in doubt, and the ledger knows what is ours and why."""
        account = project.account
        assert account.state() == self.state
        assert estate.ever_made(account) == self.ever_made
        assert recorded(project) == self.recorded
        assert not ledger_of(project).intents
