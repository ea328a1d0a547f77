"""A ledger URL into a session: made, upgraded, copied or only looked at."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import cast

from sqlalchemy import Engine

from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ledger import place as places
from reconciler.ledger import schema
from reconciler.ledger.faults import explained
from reconciler.ledger.place import Place
from reconciler.ledger.session import Clock, Session


def writer(url: str, root: Path, clock: Clock | None, patience: float) -> Session:
    """A session on a ledger that exists when this returns, at today's version."""
    place = places.locate(url, root)
    if place.path is not None:
        places.refuse_links(place.path)
        places.make_file(place.path)
    return _prepared(_engine(place, patience, reading=False), place, clock)


def memory(clock: Clock | None) -> Session:
    """A session on a new ledger in memory."""
    return _prepared(places.memory_engine(), Place(), clock)


def reader(url: str, root: Path, clock: Clock | None, patience: float) -> Session | None:
    """A session that only reads; None when there is no ledger. An older file is upgraded in a copy in memory."""
    place = places.locate(url, root)
    if place.path is not None:
        places.refuse_links(place.path)
        if not _has_content(place.path):
            return None
    engine = _engine(place, patience, reading=True)
    try:
        session = _looked_at(engine, place, clock)
    except ReconcilerError:
        engine.dispose()
        raise
    if session is None or session.engine is not engine:
        engine.dispose()
    return session


def exists(url: str, root: Path) -> bool:
    """Whether there is a ledger at the place; makes nothing."""
    session = reader(url, root, None, places.WAIT)
    if session is not None:
        session.close()
    return session is not None


def _looked_at(engine: Engine, place: Place, clock: Clock | None) -> Session | None:
    with explained(place), engine.connect().execution_options(reading=True) as connection:
        version = schema.read_version(connection)
    if version is None:
        return None
    schema.check_version(version)
    if version == schema.newest():
        return _session(engine, place, clock, reading=True)
    if place.path is None:
        raise LedgerError(
            f"the ledger {place} is of version {version} and this reconciler works with {schema.newest()}; "
            "the next `reconciler apply` upgrades it"
        )
    return _prepared(places.memory_engine(_driver(engine)), place, clock, reading=True)


def _driver(engine: Engine) -> sqlite3.Connection:
    """The driver's own connection, which alone can copy a whole database."""
    with closing(engine.raw_connection()) as pooled:
        return cast(sqlite3.Connection, pooled.driver_connection)


def _prepared(engine: Engine, place: Place, clock: Clock | None, *, reading: bool = False) -> Session:
    """A session on a ledger at today's version; one that is at it already is not locked for that."""
    try:
        with explained(place), engine.connect().execution_options(reading=True) as connection:
            version = schema.read_version(connection)
        if version != schema.newest():
            with explained(place), engine.begin() as connection:
                schema.prepare(connection)
        return _session(engine, place, clock, reading=reading)
    except ReconcilerError:
        engine.dispose()
        raise


def _session(engine: Engine, place: Place, clock: Clock | None, *, reading: bool) -> Session:
    """A file and memory are this machine's, and so is their clock; a server has its own."""
    return Session(engine, place, clock if place.url is not None else clock or time.time, reading=reading)


def _engine(place: Place, patience: float, *, reading: bool) -> Engine:
    if place.path is not None:
        return places.file_engine(place.path, patience=patience, reading=reading)
    assert place.url is not None
    return places.server_engine(place.url, patience=patience, reading=reading)


def _has_content(path: Path) -> bool:
    """An empty file is what a run leaves that was killed before its first transaction."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerError(
            f"the ledger {path} cannot be read: {error.strerror}; make the file and its folder readable for you"
        ) from error
