"""Other ledgers of the same account in the same PostgreSQL database, and what they manage.

The comment of a ledger's head table names its account, so that one query of the catalogue finds the others, however
many ledgers the database holds.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, MetaData, Table, quoted_name, select, text
from sqlalchemy.schema import SetTableComment

from reconciler.ledger import codec
from reconciler.ledger.schema import ENTRY, HEAD
from reconciler.model.resource import OtherLedgers
from reconciler.model.values import Address

_SAME_ACCOUNT = text(
    "SELECT space.nspname FROM pg_class AS head JOIN pg_namespace AS space ON space.oid = head.relnamespace "
    "WHERE head.relname = :head AND obj_description(head.oid, 'pg_class') = :comment "
    "AND space.nspname IS DISTINCT FROM current_schema() AND has_table_privilege(head.oid, 'SELECT') "
    "ORDER BY space.nspname"
)
_OWN = text("SELECT obj_description(:head ::regclass, 'pg_class')")


def _comment(account: str) -> str:
    return f"ledger of connection {account}"


def publish_account(connection: Connection, account: str) -> None:
    """Write the account into the comment of the head table, where other ledgers look for it."""
    if connection.dialect.name != "postgresql":
        return
    if connection.execute(_OWN, {"head": HEAD.name}).scalar_one() != _comment(account):
        connection.execute(SetTableComment(Table(HEAD.name, MetaData(), comment=_comment(account))))


def managed_elsewhere(connection: Connection, account: str | None) -> OtherLedgers:
    """Resources that other ledgers of this account in this database manage, by address and by remote id."""
    found = OtherLedgers()
    if connection.dialect.name != "postgresql" or account is None:
        return found
    names = connection.execute(_SAME_ACCOUNT, {"head": HEAD.name, "comment": _comment(account)}).scalars().all()
    for name in names:
        entries = ENTRY.to_metadata(MetaData(), schema=quoted_name(str(name), quote=True))
        rows: Any = connection.execute(select(entries.c.kind, entries.c.key, entries.c.remote_id))
        with codec.decoding():
            for kind, key, remote_id in rows:
                found.add(Address(kind, key), remote_id, str(name))
    return found
