"""Connections of a key: which one the project uses, and waiting for a new one to become active."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reconciler.commands import ledgers
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Interrupted, LedgerError, Locked, NotConnected
from reconciler.gateway.connections import ACTIVE, Connection, Connections, oldest_of

#: Seconds between two reads of a connection that is not active yet (api.md §10).
POLL = 2.0
FAILED = "FAILED"
#: Connections that a message names; the rest is counted.
LISTED = 5

CONFIGURED, OF_LEDGER, DEFAULT = "configured", "ledger", "default"

#: Sleeps for the given seconds; returns True if the run has to stop.
Sleep = Callable[[float], bool | None]


def users_of(connections: Iterable[Connection], settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Notes by connection: configured in this project, bound to its ledger, or the gateway's default."""
    oldest = None if settings.connection else oldest_of(connections)
    found: dict[str, list[str]] = {}
    for connection, word in (
        (settings.connection, CONFIGURED),
        (oldest.id if oldest else None, DEFAULT),
        (ledger_account(settings), OF_LEDGER),
    ):
        if connection:
            found.setdefault(connection, []).append(word)
    return {connection: tuple(words) for connection, words in found.items()}


def ledger_account(settings: Settings) -> str | None:
    """The connection that the project's ledger belongs to, or None, also if the ledger cannot be read."""
    if settings.ledger == "none":
        return None
    try:
        store = ledgers.peek(settings)
        if store is None:
            return None
        with store:
            return store.describe().account
    except (ConfigurationError, LedgerError, Locked):
        return None


def unknown_connection(wanted: str, listed: Sequence[Connection]) -> str:
    """``No connection "x" for this key (2 available: a, b).``"""
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    names = f": {', '.join(each.id for each in listed[:LISTED])}{more}" if listed else ""
    return f'No connection "{wanted}" for this key ({len(listed)} available{names}).'


def wait_until_active(
    connections: Connections,
    wanted: str,
    seconds: float,
    *,
    sleep: Sleep = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Connection:
    """Read the connection every two seconds until it is active.

    Raises NotConnected if it failed or ``seconds`` are over, Interrupted if ``sleep`` was interrupted.
    """
    until = clock() + seconds
    while True:
        found = connections.get(wanted)
        if found.status == ACTIVE:
            return found
        if found.status == FAILED:
            raise NotConnected(
                f"connection {wanted} FAILED: delete it with `reconciler connections delete {wanted}`, and create "
                "a new one with `reconciler connections create`"
            )
        left = until - clock()
        if left <= 0:
            raise NotConnected(
                f"connection {wanted} is still {found.status or 'without a status'} after {seconds:g} s; open its "
                f"address and finish it, then see `reconciler connections show {wanted}`"
            )
        if sleep(min(POLL, left)):
            raise Interrupted(f"stopped waiting; connection {wanted} is {found.status}, and stays")


def connection_document(connection: Connection, users: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The JSON of a connection, without its URL, which grants access."""
    return {
        "id": connection.id,
        "status": connection.status,
        "app": connection.app,
        "method": connection.method,
        "created": connection.created,
        "updated": connection.updated,
        "used_by": list(users.get(connection.id, ())),
    }
