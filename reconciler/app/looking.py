"""The natural key of a change → the live one that has it, read from the account at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.engine.calls import is_the_one, lookup_for
from reconciler.errors import NoAnswer
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Embedded, Item, Kind, Wire
from reconciler.model.plan import Change
from reconciler.model.values import Address


def look(reader: Reader, change: Change, ids: Mapping[Address, str], wire: Wire) -> Item | None:
    """The item that ``change`` would make, if it is there. Raises NoAnswer where looking cannot decide."""
    kind = KINDS[change.address.kind]
    where = lookup_for(kind, change.attrs, ids)
    if where is None:
        raise NoAnswer(f"{change.address} may or may not have been made, and cannot be looked up")
    items = _list(reader, kind, where.path, where.query)
    found = [item for item in items if is_the_one(kind, item, change.attrs, ids, wire)]
    if len(found) > 1:
        raise NoAnswer(f"{change.address} may have been made: the account has {len(found)} of that name")
    return found[0] if found else None


def _list(reader: Reader, kind: Kind, path: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    if isinstance(kind.source, Embedded):
        inside: list[dict[str, Any]] = reader.get(path).get(kind.source.wire) or []
        return inside
    if isinstance(kind.source, Collection) and not kind.source.paged:
        return reader.whole(path)
    return [item for page in reader.walk(path, query) for item in page]
