"""Saves accounts as rows of an SQLite file and loads them: one JSON document for each account."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconciler.emulator.options import Options
from reconciler.emulator.rows import ContactField, Course, Event, Module, PendingMembership, Webhook
from reconciler.emulator.state import Now, State
from reconciler.emulator.tables import Table

FORMAT = 1
#: Rows that contain rows: the attribute, and the class of what it lists.
INNER: dict[Any, tuple[str, Any]] = {Course: ("modules", Module), Webhook: ("events", Event)}


def freeze(state: State) -> dict[str, Any]:
    """Everything of an account as JSON values."""
    return {
        "format": FORMAT,
        "options": state.options.plain(),
        "tables": {
            name: {"next": table.next_id, "rows": [asdict(row) for row in table.rows.values()]}
            for name, table in vars(state).items()
            if isinstance(table, Table)
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
    for name, frozen in content["tables"].items():
        table: Table[Any] = getattr(state, name)
        put = state.add_contact if name == "contacts" else table.put
        for row in frozen["rows"]:
            put(_row(table.kind, row))
        table.next_id = frozen["next"]
    state.fields = {row["slug"]: ContactField(**row) for row in content["fields"]}
    state.pending = [PendingMembership(**row) for row in content["pending"]]
    for row in content["webhooks"]:
        state.webhooks[row["id"]] = _row(Webhook, row)
    state.next_module, state.next_uuid = content["next_module"], content["next_uuid"]
    return state


def _row(kind: Any, plain: dict[str, Any]) -> Any:
    """A row, with the rows that are kept in it."""
    key, inner = INNER.get(kind, ("", None))
    return kind(**(plain | {key: [inner(**each) for each in plain[key]]} if inner else plain))


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
