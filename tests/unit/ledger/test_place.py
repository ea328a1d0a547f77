"""Where a ledger may be, who may read its file, and what is said when it cannot be used."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger import opening
from reconciler.ledger.lease import Lease
from reconciler.ledger.place import locate
from reconciler.ledger.store import Store
from reconciler.model.resource import Entry
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import FULL, VIP, tag


def mode(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path) -> None:
    """A relative path starts from the project."""
    assert locate("sqlite:///a/b.db", tmp_path).path == tmp_path / "a/b.db"
    assert locate("sqlite:////srv/b.db", tmp_path).path == Path("/srv/b.db")


@pytest.mark.parametrize("url", ["postgresql+psycopg://u@h/d", "postgresql://u@h/d", "postgres://u@h/d"])
def test_postgresql_always_means_psycopg(url: str, tmp_path: Path) -> None:
    """However the URL was spelt."""
    assert str(locate(url, tmp_path)) == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    "url",
    ["mysql://u:hunter2@h/d", "hunter2", "sqlite://", "sqlite:///:memory:", "sqlite://hunter2/x", "sqlite:///a?hunter2=1",
     "postgresql+psycopg2://u:hunter2@h/d", "postgresql://u:hunter2@h:port/d", "sqlite+pysqlcipher:///hunter2"],
)  # fmt: skip
def test_other_urls_are_refused_without_being_repeated(url: str, tmp_path: Path) -> None:
    """A password may stand anywhere in what somebody mistyped."""
    with pytest.raises(LedgerError, match="write sqlite:///FILE") as caught:
        Store.open(url, root=tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """Neither by an unreachable server, nor by what prints a place; options may hold one too."""
    url = "postgresql+psycopg://ann:hunter2@127.0.0.1:1/db?connect_timeout=1&sslpassword=hunter2"
    with pytest.raises(LedgerError, match=r"cannot be reached: .*check that the server runs") as caught:
        Store.open(url, root=tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(locate(url, tmp_path))
    assert caught.value.__cause__ is None


def test_a_server_without_that_database_says_so(server: str, tmp_path: Path) -> None:
    """The server's own words, and where to look."""
    with pytest.raises(
        LedgerError, match=r"database \"missing\" does not exist; check that .* the ledger URL is right"
    ):
        Store.open(server.replace("/postgres?", "/missing?"), root=tmp_path)


def test_a_missing_driver_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg is an extra."""

    def missing(*_arguments: object, **_options: object) -> None:
        raise ImportError

    monkeypatch.setattr("reconciler.ledger.place.create_engine", missing)
    with pytest.raises(LedgerError, match=r"pip install 'reconciler\[postgresql\]'"):
        Store.open("postgresql://u@h/d", root=tmp_path)


def test_file_and_folder_are_for_the_owner_only(file: Where) -> None:
    """Also what SQLite puts beside the file while it is open, and whatever the umask."""
    before = os.umask(0)
    try:
        file.held().write([tag("VIP")])
    finally:
        os.umask(before)
    folder = file.root / ".reconciler"
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600,
    }  # fmt: skip


def test_a_file_that_others_could_read_is_closed_to_them(file: Where) -> None:
    """A copy that was put back with 0644."""
    file.open().close()
    path = file.root / ".reconciler/ledger.db"
    path.chmod(0o644)
    file.open()
    assert mode(path) == 0o600


def test_an_intent_is_on_disk_when_it_is_announced(file: Where) -> None:
    """Write-ahead log, synchronised at each commit, foreign keys checked."""
    store = file.open()
    with store.session.writing() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                 ("journal_mode", "synchronous", "foreign_keys")]  # fmt: skip
    assert found == ["wal", 2, 1]


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
    store.write([Entry(VIP._replace(key=str(n)), "1", {"x": "y" * 50}) for n in range(2000)])
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
        store.write([Entry(VIP, "1", {"x": "y" * 100_000})])
    assert store.load().serial == 0
    with store.session.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store.write([FULL])
    assert store.load().serial == 1


def test_a_locked_file(file: Where) -> None:
    """Another process that keeps its transaction open; we wait as long as we were told."""
    store = file.held(patience=0.0)
    raw = sqlite3.connect(file.root / ".reconciler/ledger.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(LedgerError, match="locked by another process; wait"):
            store.write([tag("VIP")])
    finally:
        raw.close()
    store.write([tag("VIP")])


def test_a_locked_server(server: str, where: Where) -> None:
    """The same, for a row that another session holds."""
    store, other = where.open(patience=0.05), where.open()
    Lease.acquire(store)
    with other.session.writing(), pytest.raises(LedgerError, match="locked by another process; wait"):
        store.write([tag("VIP")])


def test_a_server_that_dropped_an_idle_connection_is_asked_again(server: str, tmp_path: Path) -> None:
    """A restart or a firewall between two writes costs nothing; during one it is an error, and the next goes on."""
    from tests.unit.ledger.conftest import _namespace

    killing = "SELECT pg_terminate_backend(%s)"
    place = Where(_namespace(server), tmp_path)
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
    with pytest.raises(LedgerError, match=r"cannot be written: .*; make the file and its folder writable"):
        file.open()
    with pytest.raises(LedgerError, match="cannot be read"):
        Store.peek(file.url, root=file.root)


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from reconciler.errors import LedgerError
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
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
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
    with Store.open("sqlite:///sub/ledger.db", root=entered) as store, Lease.acquire(store):
        store.write([tag("VIP")])
    path = entered / "sub/ledger.db"
    path.chmod(0o444)
    path.parent.chmod(0o555)
    opened, looked = as_nobody(entered)
    assert "cannot be written" in opened
    assert looked == "opened 1"
    path.chmod(0o000)
    opened, looked = as_nobody(entered)
    assert "cannot be written" in opened
    assert "cannot be opened; make the file and its folder readable" in looked
    path.parent.chmod(0o700)
    path.chmod(0o600)


def test_a_reader_leaves_nothing_behind(file: Where) -> None:
    """No log, no index, no changed time."""
    file.held().write([tag("VIP")])
    file.opened[0].close()
    folder = file.root / ".reconciler"
    before = (folder / "ledger.db").stat().st_mtime_ns
    with Store.peek(file.url, root=file.root) as store:  # type: ignore[union-attr]
        store.load()
    assert [path.name for path in folder.iterdir()] == ["ledger.db"]
    assert (folder / "ledger.db").stat().st_mtime_ns == before


def test_memory_follows_the_clock_of_this_machine() -> None:
    """Where nobody gives another."""
    with Store.none() as store, store.session.reading() as connection:
        assert abs(store.session.now(connection) - time.time()) < 60
    assert str(opening.Place()) == "memory"
