"""Moves ledger entries to new addresses, with chains, swaps and the references to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from reconciler.errors import LedgerError
from reconciler.ledger.codec import follow, mark
from reconciler.ledger.schema import ENTRY
from reconciler.model.values import Address

_REFERRING = ("applied", "answered", "depends_on", "part_of")
_FIND = select(ENTRY).where(ENTRY.c.kind == bindparam("kind"), ENTRY.c.key == bindparam("key"))
_DROP = delete(ENTRY).where(ENTRY.c.kind == bindparam("a_kind"), ENTRY.c.key == bindparam("a_key"))


def drop(connection: Connection, addresses: Sequence[Address]) -> None:
    """Delete entries; missing ones are ignored."""
    if addresses:
        connection.execute(_DROP, [{"a_kind": a.kind, "a_key": a.key} for a in addresses])


def move(connection: Connection, moves: Sequence[tuple[Address, Address]]) -> None:
    """Move all entries at once, so that ``A → B, B → A`` swaps. Raises LedgerError; the caller rolls back."""
    if not moves:
        return
    names = dict(moves)
    _check(connection, moves, names)
    rows = [_row(connection, old) | {"kind": new.kind, "key": new.key} for old, new in moves]
    drop(connection, list(names))
    connection.execute(insert(ENTRY), rows)
    _follow(connection, {str(old): str(new) for old, new in moves})


def _check(
    connection: Connection, moves: Sequence[tuple[Address, Address]], names: Mapping[Address, Address]
) -> None:
    """Raise LedgerError unless sources and targets are unique and no other entry is overwritten."""
    targets = {new for _, new in moves}
    if len(names) < len(moves) or len(targets) < len(moves):
        raise LedgerError("two moves have the same source or target; nothing was moved")
    for new in targets - names.keys():
        if connection.execute(_FIND, {"kind": new.kind, "key": new.key}).first() is not None:
            raise LedgerError(f"{new} is already in the ledger; move or forget it first")


def _row(connection: Connection, address: Address) -> dict[str, Any]:
    row = connection.execute(_FIND, {"kind": address.kind, "key": address.key}).mappings().first()
    if row is None:
        raise LedgerError(f"{address} is not in the ledger, so it cannot be moved; see `reconciler ledger list`")
    return dict(row)


def _follow(connection: Connection, names: Mapping[str, str]) -> None:
    """Change references to a moved resource to its new address."""
    refers = or_(
        ENTRY.c.depends_on.is_not(None),
        ENTRY.c.part_of.is_not(None),
        ENTRY.c.applied.contains('"$ref"'),
        ENTRY.c.answered.contains('"$ref"'),
    )
    columns = [ENTRY.c.kind, ENTRY.c.key, *(ENTRY.c[name] for name in _REFERRING)]
    marks = frozenset(mark(name) for name in names)
    changed = []
    for kind, key, *texts in connection.execute(select(*columns).where(refers)):
        now = [follow(text, names, marks) for text in texts]
        if now != texts:
            changed.append({"a_kind": kind, "a_key": key, **dict(zip(_REFERRING, now, strict=True))})
    if changed:
        here = (ENTRY.c.kind == bindparam("a_kind"), ENTRY.c.key == bindparam("a_key"))
        connection.execute(update(ENTRY).where(*here).values({n: bindparam(n) for n in _REFERRING}), changed)
