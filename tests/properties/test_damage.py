"""Any damage to a ledger: every command that opens it ends with a documented exit code and a sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.project import Project

FILES = "tags: [VIP, Old]\ncontacts: [{email: ann@example.com, first_name: Ann, tags: [VIP]}]\n"
COMMANDS = [
    ("plan",), ("apply", "--yes"), ("destroy", "--yes"), ("drift",), ("history",), ("history", "1"),
    ("undo", "1", "--yes"), ("explain", "tag/VIP"), ("ledger", "list"), ("ledger", "show", "tag/VIP"),
    ("ledger", "export"), ("ledger", "unlock", "--yes"), ("doctor",), ("pull",),
]  # fmt: skip
VALUES = st.sampled_from(["x", "", "[1]", "{", "null", -1, 1e308, 1 << 62, None, b"\xaf", b""]) | st.text(max_size=5)
DAMAGED = (0, 1, 2, 3, 4)


class Ledger(NamedTuple):
    """The ledger of a project after an apply, as it was before any damage."""

    project: Project
    path: Path
    whole: bytes
    columns: list[tuple[str, str]]


@pytest.fixture
def ledger(project: Project) -> Ledger:
    """Its file, its bytes, and every column of every table."""
    project.write(FILES)
    project.apply()
    path = project.folder / ".reconciler" / "ledger.db"
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [(table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    return Ledger(project, path, path.read_bytes(), rows)


def check(project: Project, command: tuple[str, ...]) -> None:
    """The command may work or fail, in words."""
    result = project.run(*command)
    assert result.code in DAMAGED, result.err
    assert "Traceback" not in result.err
    assert result.code not in (1, 3) or "error:" in result.err or "failed" in result.out


@given(st.data())
def test_any_value_in_any_column(ledger: Ledger, data: st.DataObject) -> None:
    """Values of every type, in all rows of one column."""
    project, path, whole, columns = ledger
    path.write_bytes(whole)
    table, column = data.draw(st.sampled_from(columns))
    with sqlite3.connect(path) as connection:
        try:
            connection.execute(f"UPDATE {table} SET {column} = ?", (data.draw(VALUES),))
        except sqlite3.IntegrityError:
            return
    connection.close()
    check(project, data.draw(st.sampled_from(COMMANDS)))


@given(st.data())
def test_any_bytes_in_the_file(ledger: Ledger, data: st.DataObject) -> None:
    """A few bytes anywhere, as a failing disk leaves them."""
    project, path, whole, _ = ledger
    start = data.draw(st.integers(0, len(whole) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=16))
    path.write_bytes(whole[:start] + junk + whole[start + len(junk) :])
    check(project, data.draw(st.sampled_from(COMMANDS)))
