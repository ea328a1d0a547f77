"""The canonical order of sections, keys and items in files, derived from the JSON Schema and the kinds.

Keys are ordered as in the schema. The keys of free mappings (``fields:``, ``vars:``) keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.kinds.base import Kind
from reconciler.kinds.email import identity
from reconciler.kinds.field import Field
from reconciler.model.resource import EMPTY
from reconciler.model.values import escape

#: Sort key of an item; comparable with that of any other item.
Rank = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Order:
    """Order of one node: rank of ``keys``, order of their values in ``inner``, ``every`` for the other keys' values.

    ``items`` is the order of each item of a list, ``rank`` sorts the items; None keeps their order.
    """

    keys: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    inner: Mapping[str, Order] = field(default_factory=lambda: EMPTY)
    every: Order | None = None
    items: Order | None = None
    rank: Callable[[Any], Rank] | None = None

    def of(self, key: str) -> Order:
        """The order of the value of a key."""
        return self.inner.get(key) or self.every or FREE

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Merge keys first, known keys by rank, then the other keys in their present order."""
        last = len(self.keys)
        return sorted(names, key=lambda name: -1 if name == "<<" else self.keys.get(name, last))


FREE = Order()


def sections(kinds: Iterable[Kind]) -> list[Kind]:
    """The declarable kinds: targets of references first, kinds that are created last at the end."""
    declared = {kind.name: kind for kind in kinds if kind.section}
    return sorted(
        declared.values(), key=lambda kind: (kind.last, _depth(kind, declared), not kind.short, kind.section)
    )


def _depth(kind: Kind, declared: Mapping[str, Kind]) -> int:
    targets = {each.ref for each in kind.fields if each.ref in declared and each.ref != kind.name}
    return max((1 + _depth(declared[name], declared) for name in targets if name), default=0)


def of_schema(schema: Mapping[str, Any], kinds: Iterable[Kind] = ()) -> Order:
    """The order in a schema; the items of a kind's section are sorted by its natural key."""
    ranks = {kind.section: rank_of(kind) for kind in kinds if kind.section}
    whole = _order(schema, schema)
    inner = {
        key: Order(each.keys, each.inner, each.every, each.items, ranks.get(key)) for key, each in whole.inner.items()
    }
    return Order(whole.keys, inner, whole.every)


def _order(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Order:
    schema = _resolved(schema, root)
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    items = schema.get("items")
    return Order(
        keys={name: rank for rank, name in enumerate(properties)},
        inner={name: _order(each, root) for name, each in properties.items()},
        every=_order(more, root) if isinstance(more, dict) else None,
        items=_order(items, root) if isinstance(items, dict) else None,
    )


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind ``$ref``, and of several alternatives the one with properties or items."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema or "items" in schema:
        return schema
    forms = [_resolved(form, root) for form in schema.get("anyOf", ())]
    return next((form for form in forms if "properties" in form or "items" in form), schema)


def rank_of(kind: Kind) -> Callable[[Any], Rank]:
    """The sort key of a section's items: the fields of the natural key, in their order."""
    fields = [each for each in kind.fields if each.name in kind.key]

    def rank(item: Any) -> Rank:
        if not isinstance(item, Mapping):
            return (_part(item, fields[0]),)
        return tuple(_part(item.get(each.name), each) for each in fields)

    return rank


def _part(value: Any, each: Field) -> tuple[int, str]:
    """Sort key of one field: missing values first, references by another property last."""
    if isinstance(value, str):
        text = value.replace("$${", "${")
        return 1, escape(identity(text) if each.is_email else text)
    if not isinstance(value, Mapping):
        return 0, ""
    return 2, " ".join(f"{key}={text}" for key, text in sorted(value.items()) if isinstance(text, str))
