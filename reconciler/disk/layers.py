"""The block of an environment over the top level of ``reconciler.yaml`` → one value: added, overridden, or dropped.

Blocks come strongest first. Null in an environment drops what the top level has: one entry, or all under a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.disk.nodes import Mapping, copied
from reconciler.model.resource import EMPTY


def merged(blocks: Sequence[Mapping], key: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The mapping under a key, entry by entry; and by ``key.name`` where each entry stands."""
    found: dict[str, tuple[Any, str]] = {}
    for block in reversed(blocks):
        if block.get(key, EMPTY) is None:
            found.clear()
        for name, value in (block.get(key) or EMPTY).items():
            found[name] = value, str(block[key].origin(name))
    kept = {name: both for name, both in found.items() if both[0] is not None}
    return {name: value for name, (value, _) in kept.items()}, {f"{key}.{n}": place for n, (_, place) in kept.items()}


def defaults(blocks: Sequence[Mapping]) -> tuple[dict[str, Mapping], dict[str, str]]:
    """By section, the keys of the environment with those of the top level that it does not name; and their places.

    Inside of a section null is a value like any other: it clears a field.
    """
    found: dict[str, Mapping | None] = {}
    for block in blocks:
        for section, values in (block.get("defaults") or EMPTY).items():
            if section not in found:
                found[section] = copied(values)
            elif (mine := found[section]) is not None:
                for key in values:
                    if key not in mine:
                        mine.borrow(key, copied(values[key]), values)
        if block.get("defaults", EMPTY) is None:
            break
    kept = {section: values for section, values in found.items() if values is not None}
    places = {f"defaults.{s}.{key}": str(values.origin(key)) for s, values in kept.items() for key in values}
    return kept, places


def files(blocks: Sequence[Mapping]) -> tuple[str, ...] | None:
    """The patterns of the top level, replaced by those of the environment, or added to and dropped from."""
    if blocks[0].get("files", EMPTY) is None:
        return None
    top, chosen = blocks[-1].get("files"), blocks[0].get("files")
    if not isinstance(chosen, Mapping):
        patterns = top if chosen is None else chosen
        return tuple(patterns) if patterns else None
    added, dropped = chosen.get("add") or [], chosen.get("drop") or []
    return (*(top or ["."]), *added, *(f"!{pattern}" for pattern in dropped))
