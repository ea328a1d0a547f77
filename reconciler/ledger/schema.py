"""Defines the tables of a ledger and their version, and creates them."""

from __future__ import annotations

import secrets
import uuid
from importlib import import_module
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    inspect,
    select,
    text,
)
from sqlalchemy.schema import CreateSchema

from reconciler.errors import LedgerError

METADATA = MetaData()

VERSION = Table("reconciler_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

#: One row. Its own table, so that an export or a support request can leave it out.
KEY = Table(
    "reconciler_key",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),
)

#: One row: identity, serial and lock together, so that one UPDATE can check the lock and count the write.
HEAD = Table(
    "reconciler_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("lineage", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("account", Text),
    Column("fence", BigInteger, nullable=False),
    Column("token", Text),
    Column("holder", Text),
    Column("acquired", Double),
    Column("renewed", Double),
    Column("expires", Double),
    Column("sizes", Text),
)

ENTRY = Table(
    "reconciler_entry",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("remote_id", Text),
    Column("applied", Text, nullable=False),
    Column("answered", Text),
    Column("digests", Text),
    Column("depends_on", Text),
    Column("origin", Text),
    Column("lifecycle", Text),
    Column("provenance", Text, nullable=False),
    Column("former", Text),
    Column("part_of", Text),
    Column("state", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("run", Integer, nullable=False),
    Column("managed_since", Integer, nullable=False),
)

RUN = Table(
    "reconciler_run",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("command", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("finished", Double),
    Column("status", Text),
    Column("reads", Integer, nullable=False),
    Column("writes", Integer, nullable=False),
    sqlite_autoincrement=True,
)

INTENT = Table(
    "reconciler_intent",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("run", Integer, ForeignKey(RUN.c.id), nullable=False),
    Column("before", Text, nullable=False),
    Column("sent", Text, nullable=False),
)

OUTCOME = Table(
    "reconciler_outcome",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("run", Integer, ForeignKey(RUN.c.id), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("remote_id", Text),
    Column("message", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("digests", Text),
    Column("provenance", Text),
    Column("tagged", Text),
    sqlite_autoincrement=True,
)

#: The version of these tables. A ledger with another version is refused.
LEDGER_VERSION = 3

#: First key of the PostgreSQL advisory lock that is held while tables are created. The second key is a hash of the
#: schema's name, so that the ledgers of a fleet do not wait for each other.
_ADVISORY_LOCK = 7_281_463


def read_version(connection: Connection) -> int | None:
    """The version of the ledger in this database, or None when there is none."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    return int(connection.execute(select(VERSION.c.version)).scalar_one())


def check_version(found: int) -> None:
    """Raise LedgerError for a ledger of another version."""
    if found != LEDGER_VERSION:
        age = "newer" if found > LEDGER_VERSION else "older"
        raise LedgerError(
            f"the ledger was made by {'a' if age == 'newer' else 'an'} {age} version of reconciler (ledger version "
            f"{found}, this one uses {LEDGER_VERSION}); use that version of reconciler, or a new ledger with --ledger"
        )


def prepare(connection: Connection) -> None:
    """Create the tables if they do not exist, inside the caller's transaction."""
    found = read_version(connection)
    if found is None and connection.dialect.name == "postgresql":
        name = connection.get_execution_options().get("ledger_schema") or ""
        keys = {"lock": _ADVISORY_LOCK, "name": name}
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, hashtext(:name))"), keys)
        if name and not inspect(connection).has_schema(name):
            connection.execute(CreateSchema(name))
        found = read_version(connection)
    if found is None:
        _refuse_unmanaged(connection)
        _create(connection)
    else:
        check_version(found)


def _refuse_unmanaged(connection: Connection) -> None:
    """Raise LedgerError for an SQLite file of another program; a PostgreSQL database may have other tables."""
    if connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise LedgerError("this file is the database of another program; use another file with --ledger")


def _create(connection: Connection) -> None:
    METADATA.create_all(connection, checkfirst=False)  # the caller has looked
    connection.execute(VERSION.insert(), {"version": LEDGER_VERSION})
    connection.execute(KEY.insert(), {"id": 1, "secret": secrets.token_hex(32)})
    connection.execute(HEAD.insert(), {"id": 1, "lineage": str(uuid.uuid4()), "serial": 0, "fence": 0})


def upsert(dialect: str, table: Table) -> Any:
    """``INSERT … ON CONFLICT DO UPDATE`` of all columns, in the dialect of SQLite or PostgreSQL."""
    insert: Any = import_module(f"sqlalchemy.dialects.{dialect}").insert
    statement = insert(table).values({c.name: bindparam(c.name) for c in table.columns})
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)
