"""Where a ledger may be, and who may read its file."""

import os
import stat
import time
from pathlib import Path

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger import transactions
from reconciler.ledger.database import locate
from reconciler.ledger.store import Store
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import tag


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
    [
        "mysql://u:hunter2@h/d",
        "hunter2",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://hunter2/x",
        "sqlite:///a?hunter2=1",
        "postgresql+psycopg2://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "sqlite+pysqlcipher:///hunter2",
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str, tmp_path: Path) -> None:
    """A password may stand anywhere in what somebody mistyped."""
    with pytest.raises(LedgerError, match="sqlite:///FILE") as caught:
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


def test_a_missing_driver_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg is an extra."""

    def missing(*_arguments: object, **_options: object) -> None:
        raise ImportError

    monkeypatch.setattr("reconciler.ledger.database.create_engine", missing)
    with pytest.raises(LedgerError, match=r"pip install 'psycopg\[binary\]'"):
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
        "ledger.db": 0o600,
        "ledger.db-wal": 0o600,
        "ledger.db-shm": 0o600,
    }


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
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


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
    assert str(transactions.DatabaseLocation()) == "memory"


def test_one_database_holds_many_ledgers(tmp_path: Path) -> None:
    """``schema=`` names the place of one of them; it is shown, other options are not."""
    place = locate("postgresql://u:hunter2@h/d?schema=acme&sslmode=require", tmp_path)
    assert str(place) == "postgresql+psycopg://u:***@h/d?schema=acme"


@pytest.mark.parametrize("name", ["pg_x", "PG_x", "a b", 'a"b', "x" * 64, "a&schema=b"])
def test_schemas_that_postgresql_would_not_take(tmp_path: Path, name: str) -> None:
    """Reserved, cut, quoted or repeated names."""
    with pytest.raises(LedgerError, match="invalid schema"):
        locate(f"postgresql://u@h/d?schema={name}", tmp_path)
