"""A process that was stopped in the middle of a write to the ledger keeps nobody waiting for long."""

from __future__ import annotations

import sqlite3

import pytest

from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import here
from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.project import Project

STOPPED = here()._replace(who="ann", host="runner-7", pid=4711)


@pytest.mark.parametrize("command", [("apply", "--yes"), ("ledger", "unlock", "--yes")])
def test_who_holds_a_locked_file_is_named(project: Project, command: tuple[str, ...]) -> None:
    """Exit 3 and what to do; the file is free again as soon as that process is gone."""
    project.write("tags: [A]\n")
    project.apply()
    with Store.open("sqlite:///.reconciler/ledger.db", root=project.folder) as store:
        Lock.acquire(store, STOPPED, duration=1e9)
    raw = sqlite3.connect(project.folder / ".reconciler/ledger.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    ended(project.run(*command), 3, "ann on runner-7 (process 4711) since", "`kill -CONT 4711`", "`kill -KILL 4711`")
    raw.close()
    ended(project.run("ledger", "unlock", "--yes"), 0, "unlocked")
    project.apply()
