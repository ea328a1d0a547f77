"""The lock of a ledger: one apply at a time, renewed while it runs, taken over from dead holders."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy import bindparam, select, update

from reconciler.errors import LedgerError, Locked
from reconciler.ledger import lock_holder
from reconciler.ledger.codec import check_types, decoding
from reconciler.ledger.lock_holder import LockHolder, LockRecord, held
from reconciler.ledger.schema import HEAD
from reconciler.ledger.transactions import Ticket, Transactions

DURATION = 60.0
INTERVAL = 20.0

#: Sleeps for the given seconds or until the event is set; returns whether it was set.
Wait = Callable[[threading.Event, float], bool]


class Lockable(Protocol):
    """The part of an open Store that the lock needs."""

    @property
    def session(self) -> Transactions:
        """The session whose writes the lock permits."""


_NOBODY: dict[str, Any] = dict.fromkeys(("token", "holder", "acquired", "renewed", "expires"))
LARGEST_FENCE = 1 << 62
_IS_OURS = (HEAD.c.token == bindparam("own_token"), HEAD.c.fence == bindparam("number"))
_RENEW = (
    update(HEAD)
    .where(*_IS_OURS, HEAD.c.expires > bindparam("now"))
    .values(renewed=bindparam("now"), expires=bindparam("until"))
)


class Lock:
    """The right to write. ``with Lock.acquire(store) as lock:`` renews it until the block ends.

    An expired lock is never renewed: a process that slept past its end stops at its next write.
    """

    def __init__(self, session: Transactions, ticket: Ticket, duration: float, interval: float, wait: Wait) -> None:
        self.ticket = ticket
        self._session = session
        self._duration = duration
        self._interval = interval
        self._wait = wait
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def acquire(
        cls,
        store: Lockable,
        holder: LockHolder | None = None,
        *,
        duration: float = DURATION,
        interval: float = INTERVAL,
        proc: Path = lock_holder.PROC,
        wait: Wait = threading.Event.wait,
    ) -> Lock:
        """Take the lock if it is free, expired or held by a process that is certainly dead; else raise Locked."""
        me = holder or lock_holder.here()
        session = store.session
        with session.writing() as connection:
            head = connection.execute(select(HEAD)).one()
            now = session.now(connection)
            other = held(head)
            if other is not None and other.expires > now and not lock_holder.is_gone(other.holder, me, proc):
                raise Locked(_locked(session, other, now))
            ticket = Ticket(str(uuid.uuid4()), _fence(head) + 1, duration)
            mine = {"token": ticket.token, "fence": ticket.fence, "holder": json.dumps(me)}
            connection.execute(update(HEAD).values(**mine, acquired=now, renewed=now, expires=now + duration))
        session.ticket = ticket
        return cls(session, ticket, duration, interval, wait)

    def renew(self) -> bool:
        """Extend the lock from now; False if this process has lost it."""
        with self._session.writing() as connection:
            now = self._session.now(connection)
            given = {"own_token": self.ticket.token, "number": self.ticket.fence}
            done = connection.execute(_RENEW, given | {"now": now, "until": now + self._duration}).rowcount
        return done == 1

    def release(self) -> None:
        """Stop renewing and free the lock if this process still holds it; may be called twice."""
        self.stop()
        with self._session.writing() as connection:
            given = {"own_token": self.ticket.token, "number": self.ticket.fence}
            connection.execute(update(HEAD).where(*_IS_OURS).values(_NOBODY), given)
        if self._session.ticket == self.ticket:
            self._session.ticket = None

    def start(self) -> None:
        """Start renewing in the background."""
        self._thread = threading.Thread(target=self.keep, name="ledger-lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing and wait for the thread to end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def keep(self) -> None:
        """Renew every ``interval`` seconds until stopped or lost; sooner after a database error."""
        pause = self._interval
        while not self._wait(self._stop, pause):
            try:
                if not self.renew():
                    return
                pause = self._interval
            except (LedgerError, Locked):  # the fence of the next write decides whether it was too long
                pause = self._interval / 4

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(LedgerError, Locked):  # it runs out by itself, and what was done under it is done
            self.release()


def _fence(head: Any) -> int:
    """The fencing number of the last lock; raises DamagedValue if it is invalid."""
    with decoding():
        check_types((head.fence, int))
        if not 0 <= head.fence < LARGEST_FENCE:
            raise ValueError("fence out of range")
    return int(head.fence)


def unlock(session: Transactions) -> LockRecord | None:
    """Take the lock away from its holder and return that holder, whose next write is refused."""
    with session.writing(patient=True) as connection:
        holder = held(connection.execute(select(HEAD)).one())
        connection.execute(update(HEAD).values({**_NOBODY, "fence": HEAD.c.fence + 1}))
    return holder


def _locked(session: Transactions, other: LockRecord, now: float) -> str:
    return (
        f"the ledger {session.place} is locked by {other}; the lock expires in "
        f"{other.expires - now:.0f} s unless it is renewed. Wait for that run to end, or, if you know that it is "
        "dead, run `reconciler ledger unlock`"
    )
