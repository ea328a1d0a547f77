"""Keys and connection ids, and the accounts behind them, as the gateway has them (api.md 10)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from reconciler.emulator.accounts import Account
from reconciler.emulator.answers import Refusal, gateway_error
from reconciler.emulator.deliveries import Postman
from reconciler.emulator.options import Options
from reconciler.emulator.quota import Bucket, Clock
from reconciler.emulator.state import Now, State

APP = "systeme"
STATUSES = ("ACTIVE", "PENDING", "FAILED")


@dataclass(slots=True)
class Connection:
    """`reads_left` counts the reads after which a pending connection is active."""

    connection_id: str
    status: str
    creation_time: str
    last_updated_time: str
    url: str
    app: str = APP
    method: str = "API_KEY"
    metadata: dict[str, Any] = field(default_factory=dict)
    reads_left: int = 0

    def shown(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "reads_left"}


class Gateway:
    """All connections in the order they were made, and the account behind each."""

    def __init__(self, key: str, now: Now, clock: Clock, activate_after: int = 1, limit: float | None = None) -> None:
        self.key = key
        self.now = now
        self.clock = clock
        self.activate_after = activate_after
        self.bucket = None if limit is None else Bucket(limit, clock)
        self.connections: dict[str, Connection] = {}
        self.accounts: dict[str, Account] = {}
        self.postman = Postman()

    # What every request passes

    def authorize(self, header: str) -> None:
        if header != f"Bearer {self.key}":
            raise Refusal(gateway_error(401, "Invalid or missing API key."))

    def take(self) -> None:
        """One request from the gateway's own limit: its 429 says nothing about when to come back."""
        if self.bucket is not None and not self.bucket.take():
            raise Refusal(gateway_error(429, "Rate limit exceeded."))

    def choose(self, connection: str | None) -> Account:
        """The account of a connection, by default of the oldest active one."""
        if connection is None:
            for entry in list(self.connections.values()):
                if entry.status == "ACTIVE":
                    return self.accounts[entry.connection_id]
            raise Refusal(gateway_error(400, f"No active connection for the app '{APP}'."))
        found = self.connections.get(connection)
        if found is None:
            raise Refusal(gateway_error(400, f"There is no connection '{connection}'."))
        if found.status != "ACTIVE":
            raise Refusal(gateway_error(400, f"Connection '{connection}' is {found.status}, not ACTIVE."))
        return self.accounts[connection]

    # Connections

    def connect(
        self, connection_id: str | None = None, status: str = "ACTIVE", state: State | None = None
    ) -> Account:
        """A new connection with an empty account behind it."""
        number, moment = connection_id or str(uuid.uuid4()), self.now().isoformat()
        url = f"https://connect.example.com/?session_token={uuid.uuid4().hex}"
        made = Connection(number, status, moment, moment, url, reads_left=self.activate_after)
        content = State(Options(), self.now) if state is None else state
        self.connections[number] = made
        self.accounts[number] = Account(number, content, self.now, self.clock, self.postman)
        return self.accounts[number]

    def restore(self, face: Mapping[str, Any], state: State) -> None:
        made = Connection(**face)
        self.connect(made.connection_id, made.status, state).dirty = False
        self.connections[made.connection_id] = made

    def remove(self, connection: str) -> None:
        self.connections.pop(connection, None)
        self.accounts.pop(connection, None)

    def read(self, connection: Connection) -> dict[str, Any]:
        """A connection as a client sees it; each look brings a pending one nearer to active."""
        if connection.status == "PENDING":
            connection.reads_left -= 1
            if connection.reads_left <= 0:
                self.set_status(connection.connection_id, "ACTIVE")
        return connection.shown()

    def set_status(self, connection: str, status: str) -> None:
        if status not in STATUSES:
            raise ValueError(f"a connection is one of {', '.join(STATUSES)}")
        entry = self.connections[connection]
        entry.status, entry.last_updated_time = status, self.now().isoformat()
