"""One item of a section as it is read: what it says, where it stands, and the relations that it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.kinds.base import Kind
from reconciler.model.resource import UNGUARDED, Lifecycle
from reconciler.model.rows import Rows
from reconciler.model.values import Address, Origin


class Item(NamedTuple):
    """One resource as written, before its references are understood."""

    kind: Kind
    raw: Mapping[str, Any]
    origin: Origin
    part_of: Address | None = None


class Block(NamedTuple):
    """A block of relations, and the rows of its roster."""

    item: Item
    rows: Rows | None


class Short(NamedTuple):
    """The short form of relations inside the block of one resource, or of all the rows of a roster."""

    child: Kind
    values: Sequence[Any]
    place: Origin
    parents: Sequence[Address]
    by_row: bool


def lifecycle_of(raw: Mapping[str, Any]) -> Lifecycle:
    """How it may be treated."""
    if not (block := raw.get("lifecycle")):
        return UNGUARDED
    return Lifecycle(
        bool(block.get("prevent_destroy")),
        frozenset(block.get("ignore") or ()),
        bool(block.get("create_before_destroy")),
    )


def members(item: Item, rows: Rows | None) -> Iterator[tuple[Origin, Any]]:
    """Everybody in the block: the list first, then the roster."""
    listed = item.raw.get(item.kind.gather + "s") or ()
    for index, each in enumerate(listed):
        yield origin_in(listed, index, item.origin), each
    for origin, cells in rows or ():
        yield origin, cells[item.kind.gather]


def origin_in(node: Any, index: int | str, default: Origin) -> Origin:
    """Nodes of the loader know the position of each item; plain lists do not."""
    find = getattr(node, "origin", None)
    found: Origin = find(index) if find else default
    return found
