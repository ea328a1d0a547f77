"""A ledger with damaged values: every command that opens it ends with one sentence."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cli.support import ended
from tests.support.hooks import before
from tests.support.project import Project

DAMAGES = {
    "schema": "UPDATE sqlite_master SET sql = CAST(replace(CAST(sql AS TEXT), 'remote_id', X'AF') AS TEXT) "
    "WHERE name = 'reconciler_entry'",
    "kind": "UPDATE reconciler_entry SET kind = 'nothing'",
    "digests": "UPDATE reconciler_entry SET digests = '[1]'",
    "applied": "UPDATE reconciler_entry SET applied = CAST(X'AF' AS TEXT)",
    "since": "UPDATE reconciler_entry SET since = 'x'",
    "run": "UPDATE reconciler_entry SET run = X'AF'",
    "intent": "INSERT INTO reconciler_intent VALUES ('nothing', 'A', 'create', 1, '{}', '{}')",
    "sizes": "UPDATE reconciler_head SET sizes = '{'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_ends_in_a_sentence(project: Project, damage: str) -> None:
    """Plan, apply, destroy and drift name the ledger, and show no traceback."""
    project.write("tags: [VIP]\n")
    project.apply()
    with sqlite3.connect(project.folder / ".reconciler" / "ledger.db") as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(damage)
    for command in (("plan",), ("apply", "--yes"), ("destroy", "--yes"), ("drift",)):
        ended(project.run(*command), 1, "error: the ledger")


@pytest.mark.parametrize("change", ["after = '{'", "status = 'x'", "kind = 'x'", "digests = '[1]'", "key = X'AF'"])
def test_damaged_history(project: Project, change: str) -> None:
    """Commands that read it end with a sentence."""
    project.write("tags: [VIP]\n")
    project.apply()
    with sqlite3.connect(project.folder / ".reconciler" / "ledger.db") as connection:
        connection.execute(f"UPDATE reconciler_outcome SET {change}")
    for command in (("history", "1"), ("undo", "1", "--yes")):
        ended(project.run(*command), 1, "error: the ledger")


@pytest.mark.parametrize(
    "change", ["expires = 'x'", "acquired = 'x'", "holder = '{'", "fence = -1", "fence = 'x'", "fence = 1 << 62"]
)
def test_a_damaged_lock(project: Project, change: str) -> None:
    """An apply ends with a sentence, before it sends anything."""
    project.write("tags: [VIP]\n")
    project.apply()
    now = """token = 't', holder = '["ann", "host", 1]', acquired = 1.0, renewed = 1.0, expires = 1.0"""
    with sqlite3.connect(project.folder / ".reconciler" / "ledger.db") as connection:
        connection.execute(f"UPDATE reconciler_head SET {now}")
        connection.execute(f"UPDATE reconciler_head SET {change}")
    project.write("tags: [VIP, New]\n")
    project.account.clear()
    ended(project.run("apply", "--yes"), 1, "error: the ledger")
    assert project.account.writes == []


def test_an_end_that_cannot_be_recorded(project: Project) -> None:
    """Everything was sent and recorded; the reason is reported unless the run was ended by another one."""
    project.write("tags: [VIP]\n")
    project.apply()
    ledger = project.folder / ".reconciler" / "ledger.db"
    with sqlite3.connect(ledger) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON reconciler_run BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    project.write("tags: [VIP, New]\n")
    ended(project.run("apply", "--yes"), 4, "the disk is full")
    project.assert_converged()

    def run_out() -> None:
        with sqlite3.connect(ledger) as connection:
            connection.execute("UPDATE reconciler_head SET expires = 1.0")

    project.write("tags: [VIP, New, More]\n")
    before(project.account, "POST", "/api/tags", run_out)
    said = ended(project.run("apply", "--yes"), 3, "ran out")
    assert "the disk is full" not in said
