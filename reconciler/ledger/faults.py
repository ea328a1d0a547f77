"""What a database driver complains about into a LedgerError that says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import LedgerError, Locked
from reconciler.ledger.host import Held
from reconciler.ledger.place import IDLE, Place

_SQLITE = {
    sqlite3.SQLITE_NOTADB: "is not a ledger: the file is no SQLite database; name another file with --ledger",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged; put back a copy, or move the file away and run `reconciler pull --own` to take over anew"
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


#: What reading raises for values that no reconciler wrote.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError)


@contextmanager
def explained(place: Place, holder: Callable[[], Held | None] = lambda: None) -> Iterator[None]:
    """Turns every database error of the block into a LedgerError, or Locked, which names the ``holder``."""
    try:
        yield
    except _UNREADABLE:
        raise LedgerError(f"the ledger {place} {_SQLITE[sqlite3.SQLITE_CORRUPT]}") from None
    except SQLAlchemyError as error:
        if is_busy(error):
            raise Locked(f"the ledger {place} is locked by {_locked(place, holder())}") from None
        raise LedgerError(f"the ledger {place} {_reason(error, place)}") from None


def is_busy(error: SQLAlchemyError) -> bool:
    """Whether another process did not end its transaction for as long as this one waited."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "sqlstate", None) == "55P03"


def _locked(place: Place, holder: Held | None) -> str:
    """A file is locked by its process alone, so nobody can take it over; a server ends the transaction by itself."""
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


def _reason(error: SQLAlchemyError, place: Place) -> str:
    if not isinstance(error, DBAPIError):
        return f"cannot be used: {type(error).__name__}; open it again"
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) or 0
        return _SQLITE.get(code & 0xFF, f"cannot be used: {cause}")
    state = getattr(cause, "sqlstate", None) or ""
    known = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    return known or _unknown(str(cause), state, place)


def _unknown(text: str, state: str, place: Place) -> str:
    """The server's first line, without the password and the options of the URL, which the driver may repeat."""
    line = (text.strip() or "no reason given").splitlines()[0]
    for secret in _secrets(place):
        line = line.replace(secret, "***")
    if state and not state.startswith("08"):
        return f"cannot be used: {line}"
    return f"cannot be reached: {line}; check that the server runs and that the ledger URL is right"


def _secrets(place: Place) -> Iterator[str]:
    """Texts of the URL that are not shown; options that are numbers are times and ports."""
    if place.url is None:
        return
    if place.url.password:
        yield str(place.url.password)
    for found in place.url.query.values():
        yield from (text for text in ([found] if isinstance(found, str) else found) if text and not text.isdigit())
