"""Transactions on a ledger: reads, writes, and fenced writes, which fail unless this run holds the lock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ClauseElement,
    Connection,
    Dialect,
    Double,
    Engine,
    RootTransaction,
    bindparam,
    extract,
    func,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.errors import DamagedValue, LedgerError, Locked, ReconcilerError
from reconciler.ledger import database, schema
from reconciler.ledger.database import IDLE, WAIT, DatabaseLocation, explained
from reconciler.ledger.lock_holder import LockRecord, held
from reconciler.ledger.schema import HEAD

Clock = Callable[[], float]


class Ticket(NamedTuple):
    """Proof of a lock: the token of its owner, the fencing number, and the seconds for which a renewal extends it.

    The fencing number grows with each new owner, so that a write of an earlier owner is refused.
    """

    token: str
    fence: int
    duration: float


class Statement:
    """A statement that the driver executes itself: through SQLAlchemy it takes twice as long.

    ``build`` makes it for the name of a dialect. It is compiled once in a process, when it is first executed.
    """

    def __init__(self, build: Callable[[str], ClauseElement]) -> None:
        self._build = build
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def execute(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute for each row of values; returns the number of rows in the database that it changed."""
        dialect, driver = connection.dialect, cast(Any, connection.connection)
        text, names = self._compiled.get(dialect.name) or self._compile(dialect)
        given: Any = rows if names is None else [[row[name] for name in names] for row in rows]
        try:
            cursor = driver.cursor()
            if len(given) == 1:
                cursor.execute(text, given[0])
            else:
                cursor.executemany(text, given)
            return int(cursor.rowcount)
        except dialect.loaded_dbapi.Error as error:
            is_gone = dialect.is_disconnect(error, driver, None)
            if is_gone:
                connection.invalidate()
            raise DBAPIError(None, None, error, connection_invalidated=is_gone) from None

    def _compile(self, dialect: Dialect) -> tuple[str, Sequence[str] | None]:
        compiled: Any = self._build(dialect.name).compile(dialect=dialect)
        self._compiled[dialect.name] = str(compiled), compiled.positiontup
        return self._compiled[dialect.name]


@dataclass(eq=False, slots=True)
class _Write:
    """A write that a thread waits for; ``needs``: seconds for which the lock must still be valid."""

    carry_out: Callable[[Connection], object]
    needs: float
    is_over: bool = False
    error: Exception | None = None


class Transactions:
    """Serves several threads over one connection, one transaction at a time.

    ``clock`` returns seconds of the epoch; without one, the server's clock is used, so that the clocks of several
    machines need not agree. ``reading`` refuses writes.
    """

    def __init__(self, engine: Engine, place: DatabaseLocation, clock: Clock | None, *, reading: bool) -> None:
        self.place = place
        self.reading_only = reading
        self.ticket: Ticket | None = None
        self.engine = engine
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: deque[_Write] = deque()
        with explained(place):
            self._connection = engine.connect()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        with self._lock:
            self._connection.close()
            self.engine.dispose()

    def now(self, connection: Connection) -> float:
        """Seconds of the epoch, by the clock that locks use."""
        if self._clock is not None:
            return self._clock()
        return float(connection.execute(select(_SERVER_NOW)).scalar_one())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction with a consistent snapshot."""
        with self._transaction(_snapshot, reading=True) as connection:
            yield connection

    @contextmanager
    def writing(self, *, patient: bool = False) -> Iterator[Connection]:
        """An exclusive transaction that does not need the lock: for the lock itself and for history.

        ``patient`` waits until a server ends the transaction of a stopped process.
        """
        with self._transaction(_exclude_patiently if patient else _exclude, reading=False) as connection:
            yield connection

    @contextmanager
    def fenced(self, needs: float = 0.0, writes: int = 1) -> Iterator[Connection]:
        """A write that counts in ``serial``. Raises Locked unless the lock is held for ``needs`` more seconds."""
        with self._transaction(
            lambda connection: self._check_and_count(connection, needs, writes), reading=False
        ) as connection:
            yield connection

    def write(self, carry_out: Callable[[Connection], object], needs: float = 0.0) -> None:
        """A fenced write that shares its transaction with those of the threads that wait for the connection.

        Waiting for the disk at the end of a transaction takes longer than everything else in it. Returns when the
        write is committed.
        """
        mine = _Write(carry_out, needs)
        self._waiting.append(mine)
        with self._lock:
            if not mine.is_over:
                group = [self._waiting.popleft() for _ in range(len(self._waiting))]
                self._commit(group if mine in group else [mine, *group])  # an interrupted thread may have taken mine
        if mine.error is not None:
            raise mine.error

    def _commit(self, group: list[_Write]) -> None:
        """Carry out all writes in one transaction; if it fails before its end, each in a transaction of its own."""
        error: Exception | None = None
        try:
            with self.fenced(max(each.needs for each in group), len(group)) as connection:
                for each in group:
                    each.carry_out(connection)
        except Exception as problem:
            if len(group) > 1 and not isinstance(problem, LedgerError):  # it may be about a commit that has happened
                for each in group:
                    self._commit([each])
                return
            error = problem
        for each in group:
            each.is_over, each.error = True, error

    def extend(self, connection: Connection) -> None:
        """Extend the lock at the end of a long fenced transaction, during which no thread could renew it."""
        if self.ticket is not None:
            now = self.now(connection)
            connection.execute(update(HEAD).values(renewed=now, expires=now + self.ticket.duration))

    def _check_and_count(self, connection: Connection, needs: float, writes: int) -> None:
        if self.ticket is None:
            raise Locked(f"the ledger {self.place} can only be written while its lock is held")
        given = {"own_token": self.ticket.token, "number": self.ticket.fence, "needs": needs, "writes": writes}
        if self._clock is not None:
            given["now"] = self._clock()
        count = _COUNT_BY_SERVER_CLOCK if self._clock is None else _COUNT
        if count.execute(connection, [given]) != 1:
            raise Locked(self._lock_message(connection, self.ticket, needs))

    def _lock_message(self, connection: Connection, ticket: Ticket, needs: float) -> str:
        head = connection.execute(select(HEAD)).one()
        left = (head.expires or 0.0) - self.now(connection)
        if head.fence != ticket.fence and head.token is None:
            return f"the lock of this run on the ledger {self.place} was taken over and given back, or unlocked"
        if head.fence != ticket.fence:
            return f"the lock of this run on the ledger {self.place} was taken over by another run"
        if left > 0:
            return f"the lock on the ledger {self.place} ends in {left:.0f} s, and a write may take {needs:.0f} s"
        return (
            f"the lock of this run on the ledger {self.place} ran out {abs(left):.0f} s ago and may be taken over; "
            "nothing more is written, run this again"
        )

    @contextmanager
    def _transaction(self, first: Callable[[Connection], None], *, reading: bool) -> Iterator[Connection]:
        if self.reading_only and not reading:
            raise LedgerError(f"the ledger {self.place} was opened read-only")
        with self._lock, explained(self.place, self._holder):
            begun = self._begin(first, reading)
            try:
                yield self._connection
                begun.commit()
            except BaseException:
                _roll_back(begun)
                raise

    def _holder(self) -> LockRecord | None:
        """The holder of the lock, for messages; read without waiting."""
        try:
            self._connection.execution_options(reading=True)
            with self._connection.begin():
                return held(self._connection.execute(select(HEAD)).one())
        except (SQLAlchemyError, DamagedValue):
            return None

    def _begin(self, first: Callable[[Connection], None], reading: bool) -> RootTransaction:
        """Begin with the first statement; repeated once if a server had closed the idle connection."""
        try:
            return self._begin_once(first, reading)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._begin_once(first, reading)

    def _begin_once(self, first: Callable[[Connection], None], reading: bool) -> RootTransaction:
        self._connection.execution_options(reading=reading)
        begun = self._connection.begin()
        try:
            first(self._connection)
        except BaseException:
            _roll_back(begun)
            raise
        return begun


_SERVER_NOW: Any = extract("epoch", func.clock_timestamp()).cast(Double)


def _count_writes(now: Any) -> ClauseElement:
    """Adds ``writes`` to ``serial``, if the lock stays valid for the seconds that they need."""
    return (
        update(HEAD)
        .where(HEAD.c.token == bindparam("own_token"), HEAD.c.fence == bindparam("number"))
        .where(HEAD.c.expires > now + bindparam("needs"))
        .values(serial=HEAD.c.serial + bindparam("writes"))
    )


_COUNT = Statement(lambda _: _count_writes(bindparam("now")))
_COUNT_BY_SERVER_CLOCK = Statement(lambda _: _count_writes(_SERVER_NOW))


def _snapshot(connection: Connection) -> None:
    """Request a snapshot; SQLite always provides one, PostgreSQL needs a statement."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


def _exclude(connection: Connection) -> None:
    """Exclude other writers: PostgreSQL locks the head row; SQLite has begun IMMEDIATE."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(HEAD.c.id).with_for_update())


def _exclude_patiently(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = {int((IDLE + WAIT) * 1000)}"))
    _exclude(connection)


def _roll_back(begun: RootTransaction) -> None:
    """Roll back; if that fails, the database does it when the connection ends."""
    try:
        begun.rollback()
    except SQLAlchemyError:
        begun.connection.invalidate()


def writer(url: str, root: Path, clock: Clock | None, patience: float) -> Transactions:
    """A session on a ledger, which is created if it does not exist."""
    place = database.locate(url, root)
    if place.path is not None:
        database.refuse_links(place.path)
        database.make_file(place.path)
    return _prepared(_engine(place, patience, reading=False), place, clock)


def memory(clock: Clock | None) -> Transactions:
    """A session on a new in-memory ledger."""
    return _prepared(database.memory_engine(), DatabaseLocation(), clock)


def reader(url: str, root: Path, clock: Clock | None, patience: float) -> Transactions | None:
    """A read-only session, or None without a ledger."""
    place = database.locate(url, root)
    if place.path is not None:
        database.refuse_links(place.path)
        if not _has_content(place.path):
            return None
    engine = _engine(place, patience, reading=True)
    try:
        session = _open_reader(engine, place, clock)
    except ReconcilerError:
        engine.dispose()
        raise
    if session is None:
        engine.dispose()
    return session


@contextmanager
def server(url: str, root: Path) -> Iterator[Connection | None]:
    """A connection to the database of a ledger that need not exist; None where the ledger is a file."""
    place = database.locate(url, root)
    if place.url is None:
        yield None
        return
    engine = _engine(place, database.WAIT, reading=True)
    try:
        with explained(place), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def exists(url: str, root: Path) -> bool:
    """Whether a ledger exists at the location; creates nothing."""
    session = reader(url, root, None, database.WAIT)
    if session is not None:
        session.close()
    return session is not None


def _open_reader(engine: Engine, place: DatabaseLocation, clock: Clock | None) -> Transactions | None:
    with explained(place), engine.connect().execution_options(reading=True) as connection:
        version = schema.read_version(connection)
    if version is None:
        return None
    schema.check_version(version)
    return _session(engine, place, clock, reading=True)


def _prepared(engine: Engine, place: DatabaseLocation, clock: Clock | None) -> Transactions:
    """A session for writing; tables are created where there are none."""
    try:
        with explained(place), engine.connect().execution_options(reading=True) as connection:
            version = schema.read_version(connection)
        if version != schema.LEDGER_VERSION:
            with explained(place), engine.begin() as connection:
                schema.prepare(connection)
        return _session(engine, place, clock, reading=False)
    except ReconcilerError:
        engine.dispose()
        raise


def _session(engine: Engine, place: DatabaseLocation, clock: Clock | None, *, reading: bool) -> Transactions:
    """A session; files and memory use this machine's clock, a server its own."""
    return Transactions(engine, place, clock if place.url is not None else clock or time.time, reading=reading)


def _engine(place: DatabaseLocation, patience: float, *, reading: bool) -> Engine:
    if place.path is not None:
        return database.file_engine(place.path, patience=patience, reading=reading)
    assert place.url is not None
    return database.server_engine(place.url, patience=patience, reading=reading)


def _has_content(path: Path) -> bool:
    """Whether the file has content; a run killed before its first transaction leaves an empty file."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerError(
            f"cannot read the ledger {path}: {error.strerror}; make the file and its folder readable for you"
        ) from error
