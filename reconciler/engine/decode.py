"""One JSON object of an answer → attributes in the form in which both sides are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.errors import GatewayError
from reconciler.kinds.base import Item, Kind, Wire
from reconciler.kinds.fields import Field, Shape
from reconciler.model.values import Ref, Value, clean

#: (kind, remote id) → the reference to what has that id.
Refer = Callable[[str, str], Ref]


def decode(kind: Kind, item: Item, wire: Wire, refer: Refer | None = None) -> dict[str, Value]:
    """Every readable field; references only where ``refer`` can say what they lead to.

    Raises GatewayError for an item that is not shaped as its kind is.
    """
    try:
        plain = kind.decode(item, wire) if kind.decode else _by_fields(kind, item, wire)
        return plain | _references(kind, item, wire, refer) if refer and kind.parents else plain
    except (AttributeError, KeyError, TypeError):
        word = kind.name.replace("_", " ")
        raise GatewayError(f"the account shows a {word} in a shape that cannot be read") from None


def _by_fields(kind: Kind, item: Item, wire: Wire) -> dict[str, Value]:
    plain = (field for field in kind.fields if not field.write_only and field.shape is not Shape.REF)
    return {field.name: _plain(field, _shown(field, item, wire)) for field in plain}


def _references(kind: Kind, item: Item, wire: Wire, refer: Refer) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for field in kind.fields:
        if field.shape is Shape.REF and (value := _shown(field, item, wire)) is not None:
            remote_id = value["id"] if isinstance(value, Mapping) else value
            found[field.name] = refer(field.ref or "", str(remote_id))
    return found


def _shown(field: Field, item: Item, wire: Wire) -> Any:
    return item.get(wire.names.get(field.name) or field.answer or field.wire or field.name)


def _plain(field: Field, value: Any) -> Value:
    if isinstance(value, list | dict) and field.shape is Shape.TEXT:
        raise TypeError(f"{field.name} is no text")
    plain: Value = field.normal(clean(value)) if isinstance(value, str) else value
    return plain
