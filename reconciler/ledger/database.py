"""Database connections of ledgers: SQLite files, PostgreSQL or memory; driver errors become LedgerErrors."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from reconciler.errors import DamagedValue, LedgerError, Locked
from reconciler.ledger.lock_holder import LockRecord

FORMS = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"

#: psycopg gives up on a silent server well before a lock of 60 s expires. The URL may override this.
PATIENCE = {"connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}

#: Seconds to wait for another process's transaction; seconds after which a server ends an idle one, whose process or
#: machine was stopped. Well below the 60 s of a lock, after which another run may take over.
WAIT, IDLE = 5.0, 30.0


class DatabaseLocation(NamedTuple):
    """The location of a ledger: ``path`` for a file, ``url`` for a server, neither for memory."""

    path: Path | None = None
    url: URL | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        return "memory" if self.url is None else shown(self.url)

    def __repr__(self) -> str:
        return f"Place({str(self)!r})"


def shown(url: URL) -> str:
    """A URL that may be printed: no password, and no options but the schema, as they may hold one."""
    name = schema_of(url)
    kept = {"schema": name} if name else {}
    return url.set(password=None, query=kept).render_as_string(hide_password=True)


def schema_of(url: URL) -> str | None:
    """The schema that holds the ledger, where the URL names one: one database holds many ledgers."""
    found = url.query.get("schema")
    return found if isinstance(found, str) else None


def locate(url: str, root: Path) -> DatabaseLocation:
    """Parse ``sqlite:///relative`` (below ``root``), ``sqlite:////absolute`` or ``postgresql[+psycopg]://…``.

    Raises LedgerError, which never repeats the URL, since it may contain a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise LedgerError(f"invalid ledger URL; {FORMS}") from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend == "sqlite" and not driver:
        return DatabaseLocation(path=_file(parsed, root))
    if backend in {"postgresql", "postgres"} and driver in {"", "psycopg"}:
        _check_schema(parsed, url)
        return DatabaseLocation(url=parsed.set(drivername="postgresql+psycopg"))
    raise LedgerError(f"unsupported ledger database {parsed.drivername!r}; {FORMS}")


def _check_schema(url: URL, text: str) -> None:
    """Raises LedgerError for a name that PostgreSQL would cut, or keeps for itself, and for an empty one.

    An empty one (a variable that is not set) is in ``text`` only: SQLAlchemy drops parameters without a value.
    """
    is_empty = re.search(r"[?&]schema=?(&|$)", text) is not None
    if "schema" not in url.query and not is_empty:
        return
    name = schema_of(url) if not is_empty else None
    if name is None or not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", name) or name.lower().startswith("pg_"):
        raise LedgerError("invalid schema in the ledger URL; use one name of letters, digits, - and _")


def _file(url: URL, root: Path) -> Path:
    if url.host or url.query or not url.database or url.database == ":memory:":
        raise LedgerError(
            "the ledger URL does not name a file; use sqlite:///FILE, with four slashes for an absolute path"
        )
    return root / url.database


def make_file(path: Path) -> None:
    """Create the folder (0700) and the file (0600) before SQLite opens it; -wal and -shm inherit the file's mode.

    An existing file is not opened: closing it would drop the locks that SQLite holds on it in this process
    (sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        for folder in reversed([p for p in path.parents if not p.exists()]):
            folder.mkdir(mode=0o700, exist_ok=True)
        _make(path)
    except OSError as error:
        raise LedgerError(
            f"cannot write the ledger {path}: {error.strerror}; make the file and its folder writable for "
            "you, or use another file with --ledger"
        ) from error


def _make(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def refuse_links(path: Path) -> None:
    """Raise LedgerError if the file, or one that SQLite keeps beside it, is a symbolic link."""
    for each in _files(path):
        if each.is_symlink():
            raise LedgerError(f"the ledger {each} is a symbolic link; use the file that it points to with --ledger")


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]


def _close_to_others(path: Path) -> None:
    """Set mode 0600, once the file is known to be a database; other files keep their mode."""
    for each in _files(path):
        if each.is_file() and each.stat().st_mode & 0o077:
            each.chmod(0o600)


def file_engine(path: Path, *, patience: float, reading: bool) -> Engine:
    """An engine with one connection to an existing file; waits up to ``patience`` seconds for other processes."""
    return _sqlite(lambda: _connect(path, patience, reading))


def memory_engine() -> Engine:
    """An in-memory engine."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    return _sqlite(connect)


def _sqlite(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # the driver leaves transactions alone (isolation_level=None)
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _connect(path: Path, patience: float, reading: bool) -> sqlite3.Connection:
    """Open a connection. A reader never creates, changes or leaves a file.

    ``synchronous=FULL``, because with NORMAL a power cut can lose a commit in WAL mode, and a lost intent may create
    a resource twice. Workers that wait for the disk at the same time share a commit.
    """
    mode = _reading_mode(path) if reading else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if reading:
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.execute("SELECT count(*) FROM sqlite_master")
            _close_to_others(path)
            write_ahead(connection, patience)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def write_ahead(connection: sqlite3.Connection, patience: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Switch a new file to WAL. SQLite does not wait for other processes in this case, so this function does."""
    waited = 0.0
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited >= patience:
                raise
        sleep(0.02)
        waited += 0.02


def _reading_mode(path: Path) -> str:
    """The open mode of a reader: WAL needs a writable folder for its index; without one the file is immutable."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "rw"
    wal = path.with_name(path.name + "-wal")
    return "ro" if wal.exists() and wal.stat().st_size else "ro&immutable=1"


def server_engine(url: URL, *, patience: float, reading: bool) -> Engine:
    """An engine with one connection to PostgreSQL; raises LedgerError if the driver is not installed."""
    waits = {name: value for name, value in PATIENCE.items() if name not in url.query}
    schema, plain = schema_of(url), url.difference_update_query(["schema"])
    options = {"ledger_schema": schema}
    try:
        engine = create_engine(
            plain, pool_size=1, max_overflow=0, hide_parameters=True, connect_args=waits, execution_options=options
        )
    except ImportError:
        raise LedgerError(
            "a PostgreSQL ledger needs psycopg, which is not installed; run: pip install 'psycopg[binary]'"
        ) from None

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(patience * 1000) or 1}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {int(IDLE * 1000)}")
        cursor.execute(f"SET default_transaction_read_only = {'on' if reading else 'off'}")
        if schema is not None:
            cursor.execute(f'SET search_path = "{schema}"')
        cursor.close()
        connection.commit()

    return engine


_SQLITE = {
    sqlite3.SQLITE_NOTADB: "is not a ledger: the file is no SQLite database; name another file with --ledger",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged; put back a copy, or move the file away and run `reconciler pull --own` to adopt everything again"
    ),
    sqlite3.SQLITE_READONLY: "is read-only; make the file and its folder writable for you",
    sqlite3.SQLITE_PERM: "may not be opened; make the file and its folder readable and writable for you",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; make the file and its folder readable and writable for you",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full; free some space and run this again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error; check the disk and its free space",
}

#: SQLSTATE, or its first two characters (the class), as PostgreSQL's documentation lists them in appendix A.
_POSTGRESQL = {
    "42501": "may not be written: the database user lacks the right; grant it CREATE and usage of the schema",
    "25006": "is read-only on this server; name the primary server in the ledger URL",
    "53100": "cannot grow: the server's disk is full; free some space and run this again",
    "53": "has no room for another connection; try again later",
    "25P03": "gave this process up: it was stopped in the middle of a write; run this again",
    "57": "is not available: the server is stopping or starting; run this again",
}


@contextmanager
def explained(place: DatabaseLocation, holder: Callable[[], LockRecord | None] = lambda: None) -> Iterator[None]:
    """Context manager: database errors become LedgerError, or Locked, which names the ``holder``."""
    try:
        yield
    except (DamagedValue, UnicodeDecodeError):  # the second: the driver, of text that is not UTF-8
        raise LedgerError(f"the ledger {place} {_SQLITE[sqlite3.SQLITE_CORRUPT]}") from None
    except SQLAlchemyError as error:
        if is_busy(error):
            raise Locked(f"the ledger {place} is locked by {_locked(place, holder())}") from None
        raise LedgerError(f"the ledger {place} {_reason(error, place)}") from None


def is_busy(error: SQLAlchemyError) -> bool:
    """Whether the error means that another process held its transaction for too long."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "sqlstate", None) == "55P03"


def _locked(place: DatabaseLocation, holder: LockRecord | None) -> str:
    """The Locked error. A locked file cannot be taken over; a server ends an idle transaction by itself."""
    who = f"{holder}, in the middle of a write" if holder else "another process, in the middle of a write"
    if place.path is None:
        return f"{who}; the server ends it after {IDLE:.0f} s at most. Run this again then"
    if holder is None:
        return f"{who}. Run this again; if nothing changes, find that process with `fuser {place.path}`"
    pid = holder.holder.pid
    return (
        f"{who}. Run this again; if nothing changes, that process is stopped: resume it with `kill -CONT {pid}`, or "
        f"end it with `kill -KILL {pid}`"
    )


def _reason(error: SQLAlchemyError, place: DatabaseLocation) -> str:
    if not isinstance(error, DBAPIError):
        return f"cannot be used: {type(error).__name__}; open it again"
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) or 0
        return _SQLITE.get(code & 0xFF, f"cannot be used: {cause}")
    state = getattr(cause, "sqlstate", None) or ""
    known = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    return known or _unknown(str(cause), state, place)


def _unknown(text: str, state: str, place: DatabaseLocation) -> str:
    """The first line of the server's error, without password and options of the URL, which drivers may repeat."""
    line = (text.strip() or "no reason given").splitlines()[0]
    for secret in _secrets(place):
        line = line.replace(secret, "***")
    if state and not state.startswith("08"):
        return f"cannot be used: {line}"
    return f"cannot be reached: {line}; check that the server runs and that the ledger URL is right"


def _secrets(place: DatabaseLocation) -> Iterator[str]:
    """Parts of the URL to hide; numeric options are time-outs and ports."""
    if place.url is None:
        return
    if place.url.password:
        yield str(place.url.password)
    for found in place.url.query.values():
        yield from (text for text in ([found] if isinstance(found, str) else found) if text and not text.isdigit())
