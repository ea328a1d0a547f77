"""Remote ids ⇄ natural names in requests, so that a scenario reads without a table of ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

#: Section of the account → natural name → remote id.
Ids = Mapping[str, Mapping[str, Any]]

_BODIES = {"tagId": "tags", "contactId": "contacts", "modules": "modules"}


def named(path: str, body: Any, ids: Ids) -> tuple[str, Any]:
    """``/api/contacts/3/tags`` → ``/api/contacts/{ann@example.com}/tags``; the same for ids in bodies."""
    names = {section: {str(number): name for name, number in known.items()} for section, known in ids.items()}
    path = _each(path, ids, lambda section, part: f"{{{names[section][part]}}}" if part in names[section] else part)
    if not isinstance(body, dict):
        return path, body
    return path, {key: _named(value, names.get(_BODIES.get(key, ""), {})) for key, value in body.items()}


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    return f"{{{names[str(value)]}}}" if str(value) in names else value


def numbered(path: str, body: Any, ids: Ids) -> tuple[str, Any]:
    """The inverse of :func:`named`; raises KeyError for a name that the account does not have."""

    path = _each(path, ids, lambda section, part: str(ids[section][part[1:-1]]) if part[:1] == "{" else part)
    if not isinstance(body, dict):
        return path, body
    return path, {key: _numbered(value, ids.get(_BODIES.get(key, ""), {})) for key, value in body.items()}


def _numbered(value: Any, numbers: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_numbered(item, numbers) for item in value]
    return numbers[value[1:-1]] if numbers and isinstance(value, str) and value[:1] == "{" else value


def _each(path: str, ids: Ids, change: Callable[[str, str], str]) -> str:
    """Every id in a path, changed: what follows a section's name. A ``/`` inside braces belongs to the name."""
    parts = re.findall(r"{[^{}]*}|[^/]+", path)
    pairs = zip(("", *parts), parts, strict=False)
    return "/" + "/".join(change(before, part) if before in ids else part for before, part in pairs)
