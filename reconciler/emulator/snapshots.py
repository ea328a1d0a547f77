"""Turns accounts into rows of an SQLite file and back: one JSON document for each account."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconciler.emulator.options import Options
from reconciler.emulator.rows import (
    Community,
    Contact,
    ContactField,
    Course,
    Enrollment,
    Event,
    Membership,
    Module,
    PendingMembership,
    PricePlan,
    Subscription,
    Tag,
    Webhook,
)
from reconciler.emulator.state import Now, State
from reconciler.emulator.tables import Table

FORMAT = 1
ROWS: dict[str, Any] = {
    "tags": Tag,
    "contacts": Contact,
    "courses": lambda **row: Course(**{**row, "modules": [Module(**m) for m in row["modules"]]}),
    "enrollments": Enrollment,
    "communities": Community,
    "memberships": Membership,
    "plans": PricePlan,
    "subscriptions": Subscription,
}


def freeze(state: State) -> dict[str, Any]:
    """Everything of an account as JSON values."""
    tables = {name: _table(state, name) for name in ROWS}
    return {
        "format": FORMAT,
        "options": state.options.plain(),
        "tables": {
            name: {"next": table.next_id, "rows": [asdict(row) for row in table.rows.values()]}
            for name, table in tables.items()
        },
        "fields": [asdict(row) for row in state.fields.values()],
        "pending": [asdict(row) for row in state.pending],
        "webhooks": [asdict(row) for row in state.webhooks.values()],
        "next_module": state.next_module,
        "next_uuid": state.next_uuid,
    }


def thaw(content: dict[str, Any], now: Now) -> State:
    options = Options()
    options.change(content["options"])
    state = State(options, now)
    for name, make in ROWS.items():
        table, frozen = _table(state, name), content["tables"][name]
        for row in frozen["rows"]:
            if name == "contacts":
                state.add_contact(make(**row))
            else:
                table.put(make(**row))
        table.next_id = frozen["next"]
    state.fields = {row["slug"]: ContactField(**row) for row in content["fields"]}
    state.pending = [PendingMembership(**row) for row in content["pending"]]
    for row in content["webhooks"]:
        state.webhooks[row["id"]] = Webhook(**{**row, "events": [Event(**event) for event in row["events"]]})
    state.next_module, state.next_uuid = content["next_module"], content["next_uuid"]
    return state


def _table(state: State, name: str) -> Table[Any]:
    table: Table[Any] = getattr(state, name)
    return table


class Store:
    """The file. A connection is opened for each use, so any thread may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS accounts ("
                "connection TEXT PRIMARY KEY, face TEXT NOT NULL, content TEXT NOT NULL)"
            )

    def load(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Connection id, what the gateway knows of it, content; the oldest connection first."""
        with closing(sqlite3.connect(self.path)) as database:
            rows = database.execute("SELECT connection, face, content FROM accounts ORDER BY rowid").fetchall()
        for connection, face, content in rows:
            yield connection, json.loads(face), json.loads(content)

    def save(self, connection: str, face: dict[str, Any], content: dict[str, Any]) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(
                "INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT (connection) "
                "DO UPDATE SET face = excluded.face, content = excluded.content",
                (connection, json.dumps(face), json.dumps(content)),
            )

    def forget(self, connection: str) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("DELETE FROM accounts WHERE connection = ?", (connection,))
