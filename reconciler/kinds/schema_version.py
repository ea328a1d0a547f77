"""Schema versions of webhook events: how declaration, plan and requests write them (api.md §5.8).

| where | default version | another version |
| --- | --- | --- |
| files | `SALE_NEW`, or `{event: SALE_NEW, schema_version: 2}` | `{event: SALE_NEW, schema_version: 1}` |
| plan, ledger | `SALE_NEW` | `SALE_NEW (version 1)` |
| requests | `"SALE_NEW"` | `{"event": "SALE_NEW", "schemaVersion": 1}` |
| answers | a plain word, or `{"event": …, "schemaVersion": 2}` | `{"event": …, "schemaVersion": 1}` |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VERSIONED = re.compile(r"(.+) \(version (\d+)\)")


def from_declared(item: Any, defaults: Mapping[str, int]) -> str:
    """The word of an item of a file: a word, or a mapping with `event` and `schema_version`."""
    return item if isinstance(item, str) else _word(item["event"], item.get("schema_version"), defaults)


def from_answer(item: Any, defaults: Mapping[str, int]) -> str:
    """The word of an item of an answer."""
    return item if isinstance(item, str) else _word(item["event"], item.get("schemaVersion"), defaults)


def _word(event: str, version: int | None, defaults: Mapping[str, int]) -> str:
    return event if version in (None, defaults.get(event)) else f"{event} (version {version})"


def base(word: str) -> str:
    """The event of a word, without its version."""
    found = _VERSIONED.fullmatch(word)
    return found.group(1) if found else word


def to_declared(word: str) -> Any:
    """The item of a file: the inverse of :func:`from_declared`."""
    return _item(word, "schema_version")


def to_request(word: str) -> Any:
    """The item of a request body."""
    return _item(word, "schemaVersion")


def _item(word: str, key: str) -> Any:
    found = _VERSIONED.fullmatch(word)
    return {"event": found.group(1), key: int(found.group(2))} if found else word
