"""What is said when a ledger cannot be used, and that it goes on when it can be again."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import LedgerError, Locked
from reconciler.ledger.database import write_ahead
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.resource import LedgerEntry
from tests.support.postgres import Postgres
from tests.support.waiting import PATIENCE
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import FULL, VIP, tag


def test_a_server_without_that_database_says_so(postgres: Postgres, tmp_path: Path) -> None:
    """The server's own words, and where to look."""
    with pytest.raises(
        LedgerError, match=r"database \"missing\" does not exist; check that .* the ledger URL is right"
    ):
        Store.open(postgres.url.replace("/postgres?", "/missing?"), root=tmp_path)


def test_a_file_that_is_no_database(file: Where) -> None:
    """For opening and for looking."""
    (file.root / ".reconciler").mkdir()
    (file.root / ".reconciler/ledger.db").write_text("tags:\n  - VIP\n" * 100)
    for look in (Store.open, Store.peek):
        with pytest.raises(LedgerError, match=r"\.reconciler/ledger\.db is not a ledger: .*name another file"):
            look(file.url, root=file.root)


def test_a_database_of_another_program_is_left_alone(file: Where) -> None:
    """Its tables would be mixed with ours."""
    (file.root / ".reconciler").mkdir()
    raw = sqlite3.connect(file.root / ".reconciler/ledger.db")
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    with pytest.raises(LedgerError, match="another program"):
        file.open()
    assert Store.peek(file.url, root=file.root) is None


def test_a_corrupted_file(file: Where) -> None:
    """Pages overwritten in the middle."""
    store = file.held()
    store.write([LedgerEntry(VIP._replace(key=str(n)), "1", {"x": "y" * 50}) for n in range(2000)])
    store.close()
    path = file.root / ".reconciler/ledger.db"
    size = path.stat().st_size
    with path.open("r+b") as raw:
        raw.seek(4096 * 12)
        raw.write(b"\xff" * (size - 4096 * 14))
    with pytest.raises(LedgerError, match=r"is damaged; put back a copy"), file.open() as damaged:
        damaged.load()


def test_an_empty_file_is_a_ledger_not_yet_begun(file: Where) -> None:
    """What a run leaves that was killed before its first transaction."""
    (file.root / ".reconciler").mkdir()
    (file.root / ".reconciler/ledger.db").touch()
    assert Store.peek(file.url, root=file.root) is None
    assert file.open().load().serial == 0


def test_a_full_disk(file: Where) -> None:
    """Nothing of the transaction stays, and the ledger goes on when there is room again."""
    store = file.held()
    with store.session.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LedgerError, match="disk is full; free some space"):
        store.write([LedgerEntry(VIP, "1", {"x": "y" * 100_000})])
    assert store.load().serial == 0
    with store.session.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store.write([FULL])
    assert store.load().serial == 1


def test_a_locked_file(file: Where) -> None:
    """Another process keeps its transaction open; we wait as long as told, and name who has the lease."""
    store = file.held(patience=0.0)
    raw = sqlite3.connect(file.root / ".reconciler/ledger.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    try:
        wanted = rf"is locked by .* \(process {os.getpid()}\) since .*`kill -CONT {os.getpid()}`"
        with pytest.raises(Locked, match=wanted):
            store.write([tag("VIP")])
        with file.open(patience=0.0) as other, pytest.raises(Locked, match=wanted):
            other.unlock()
    finally:
        raw.close()
    store.write([tag("VIP")])


def test_two_that_make_a_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """The switch to WAL needs the file alone for a moment; as long as allowed, and no longer."""
    path = tmp_path / "new.db"
    first, second = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        first.execute("COMMIT")

    first.execute("BEGIN EXCLUSIVE")
    second.execute("PRAGMA busy_timeout=0")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(second, 0.0, sleep)
    write_ahead(second, 1.0, sleep)
    assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert slept == [0.02]
    first.close()
    second.close()


def test_opening_again_keeps_the_locks_of_the_first(file: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there is not opened beside SQLite: closing it would drop the locks of this process."""
    file.open()
    closed: list[int] = []
    monkeypatch.setattr("os.close", closed.append)
    file.open()
    assert closed == []


def test_a_locked_server(postgres: Postgres, where: Where) -> None:
    """The same, for a row that another session holds."""
    store, other = where.open(patience=0.05), where.open()
    Lock.acquire(store)
    with other.session.writing(), pytest.raises(Locked, match=rf"is locked by .* \(process {os.getpid()}\) since"):
        store.write([tag("VIP")])


def test_a_server_ends_the_write_of_a_stopped_process(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock goes with it: unlock and the next run get on, and the stopped one finds out when it wakes up."""
    url = postgres.namespace()
    with Store.open(url, root=tmp_path, patience=60.0) as waiting:
        monkeypatch.setattr("reconciler.ledger.database.IDLE", 0.2)
        with Store.open(url, root=tmp_path) as stopped:
            Lock.acquire(stopped)
            with pytest.raises(LedgerError, match="gave this process up"), stopped.session.fenced() as connection:
                held = waiting.unlock()
                connection.exec_driver_sql("SELECT 1")
        assert held is not None
        Lock.acquire(waiting)
        waiting.write([tag("VIP")])


def test_a_server_that_dropped_an_idle_connection_is_asked_again(postgres: Postgres, tmp_path: Path) -> None:
    """A restart or a firewall between two writes costs nothing; during one it is an error, and the next goes on."""

    killing = "SELECT pg_terminate_backend(%s)"
    place = Where(postgres.namespace(), tmp_path)
    with place.held() as store, place.open() as other:

        def kill() -> None:
            with other.session.writing() as killer:
                killer.exec_driver_sql(killing, (pid,))

        with store.session.reading() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        kill()
        store.write([tag("VIP")])
        assert list(other.load().entries) == [VIP]
        with pytest.raises(LedgerError, match="not available"), store.session.reading() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            kill()
            connection.exec_driver_sql("SELECT 1")
        assert list(store.load().entries) == [VIP]


def test_a_folder_that_cannot_be_made(file: Where) -> None:
    """A file stands where the folder should be."""
    (file.root / ".reconciler").touch()
    with pytest.raises(LedgerError, match=r"cannot write the ledger .*; make the file and its folder writable"):
        file.open()
    with pytest.raises(LedgerError, match="cannot read the ledger"):
        Store.peek(file.url, root=file.root)


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from reconciler.errors import LedgerError, Locked
from reconciler.ledger.store import Store
Store.none().close()  # everything is imported before the rights are given up
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for look in (Store.open, Store.peek):
    try:
        with look("sqlite:///sub/ledger.db", root=Path(sys.argv[1])) as store:
            print("opened", len(store.load().entries))
    except LedgerError as error:
        print(error)
"""


def as_nobody(folder: Path) -> list[str]:
    """What opening and looking say to somebody who may not do everything, as root may."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNPRIVILEGED, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout.splitlines()


@pytest.fixture
def entered() -> Iterator[Path]:
    """A folder that anybody may enter; a tmp_path is its owner's alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_read_only_folder(entered: Path) -> None:
    """Plan may look, apply may not write; an unreadable file is an error for both."""
    with Store.open("sqlite:///sub/ledger.db", root=entered) as store, Lock.acquire(store):
        store.write([tag("VIP")])
    path = entered / "sub/ledger.db"
    path.chmod(0o444)
    path.parent.chmod(0o555)
    opened, looked = as_nobody(entered)
    assert "cannot write" in opened
    assert looked == "opened 1"
    path.chmod(0o000)
    opened, looked = as_nobody(entered)
    assert "cannot write" in opened
    assert "cannot be opened; make the file and its folder readable" in looked
    path.parent.chmod(0o700)
    path.chmod(0o600)
