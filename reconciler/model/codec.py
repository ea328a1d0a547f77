"""Attribute values to plain JSON and back, for the ledger, plan files and machine output; secrets never go along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.values import Address, Attrs, Ref, Secret, Value


def to_json(value: Value) -> Any:
    """One value as JSON; its only marks are ``{"$ref": address}``, ``{"$secret": source}``, ``{"$set": [...]}``."""
    if isinstance(value, Ref):
        return {"$ref": str(value.target)}
    if isinstance(value, Secret):
        return {"$secret": value.source}
    if isinstance(value, frozenset):
        return {"$set": sorted((to_json(item) for item in value), key=repr)}
    return value


def from_json(value: Any) -> Value:
    """The inverse of :func:`to_json`; a secret comes back without its value. Anything else: ValueError."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        mark, content = next(iter(value.items()))
        if mark == "$ref" and isinstance(content, str):
            return Ref(Address.parse(content))
        if mark == "$secret" and isinstance(content, str):
            return Secret(content, "")
        if mark == "$set" and isinstance(content, list):
            return frozenset(from_json(item) for item in content)
    raise ValueError(f"not an attribute value: {value!r}")


def attrs_to_json(attrs: Attrs) -> dict[str, Any]:
    """All attributes, sorted by name, so that equal attributes give equal text."""
    return {name: to_json(attrs[name]) for name in sorted(attrs)}


def attrs_from_json(attrs: Mapping[str, Any]) -> dict[str, Value]:
    """The inverse of :func:`attrs_to_json`."""
    return {name: from_json(value) for name, value in attrs.items()}
