"""The gateway's connections API: which accounts a key reaches, and which one is the default."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from reconciler.errors import GatewayError
from reconciler.gateway.client import HttpClient, Query
from reconciler.gateway.headers import instant
from reconciler.gateway.responses import clean
from reconciler.gateway.transport import READ_METHODS
from reconciler.model.report import ApiRequest

APP = "systeme"
ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Connection:
    """One stored access to an account. ``url`` grants access to a browser session, so no repr shows it."""

    id: str
    status: str
    app: str
    created: str = ""
    updated: str = ""
    method: str = ""
    url: str = field(default="", repr=False)


class Connections(HttpClient):
    """Reads the connections of a key. Its transport cannot send anything but GET."""

    _methods = READ_METHODS

    def list(self, app: str = APP, status: str | None = None) -> tuple[Connection, ...]:
        """The connections of an app in the gateway's order; ``status`` is ACTIVE, PENDING or FAILED."""
        query: Query = {"app": app, "status": status}
        found = self._call(ApiRequest("GET", "/connections"), query).body.get("connections")
        if not isinstance(found, list):
            raise GatewayError("GET /connections: the response contains no list of connections")
        every = (_connection(entry) for entry in found)
        return tuple(item for item in every if item.app in ("", app) and status in (None, item.status))

    def get(self, connection_id: str) -> Connection:
        """One connection; raises NotFound."""
        return _connection(self._call(ApiRequest("GET", _path(connection_id))).body)

    def oldest_active(self) -> Connection | None:
        """The connection that the gateway uses by default (api.md §10); one GET."""
        return oldest_of(self.list(status=ACTIVE))


class ConnectionsWriter(Connections):
    """Also creates and deletes connections."""

    _methods = READ_METHODS | {"POST", "DELETE"}

    def create(self, app: str = APP) -> Connection:
        """Create a pending connection, to be completed in a browser at its ``url``; NoAnswer if it may exist."""
        return _connection(self._call(ApiRequest("POST", "/connections", {"app": app})).body)

    def delete(self, connection_id: str) -> None:
        """Delete one connection; raises NotFound."""
        self._call(ApiRequest("DELETE", _path(connection_id)))


def oldest_of(connections: Iterable[Connection]) -> Connection | None:
    """The oldest active connection, or None."""
    return min((each for each in connections if each.status == ACTIVE), key=_age, default=None)


def _path(connection_id: str) -> str:
    return f"/connections/{quote(connection_id, safe='')}"


def _age(connection: Connection) -> tuple[float, str]:
    created = instant(connection.created)
    return (float("inf") if created is None else created), connection.id


def _connection(entry: Any) -> Connection:
    """Decode ``{"connection": {...}}`` or the object itself; the answer of a create is not documented."""
    if isinstance(entry, dict) and isinstance(entry.get("connection"), dict):
        entry = entry["connection"]
    named = entry.get("connection_id") if isinstance(entry, dict) else None
    if not isinstance(named, str) or not named:
        raise GatewayError("the gateway returned a connection without an id")
    texts = {
        name: clean(str(entry.get(key) or ""))
        for name, key in (
            ("status", "status"),
            ("app", "app"),
            ("created", "creation_time"),
            ("updated", "last_updated_time"),
            ("method", "method"),
        )
    }
    return Connection(id=clean(named), url=str(entry.get("url") or ""), **texts)
