"""Renders the settings of a run and their sources as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.output.wording import printable

_WIDEST = 48


def setting_lines(rows: Iterable[tuple[str, Any, str]]) -> Iterator[str]:
    """The ``rows`` (name, value, source) in three columns; the last one is never cut."""
    shown = [(printable(name), _value(value), printable(source)) for name, value, source in rows]
    names = max((len(name) for name, _, _ in shown), default=0)
    values = min(_WIDEST, max((len(value) for _, value, _ in shown), default=0))
    for name, value, source in shown:
        yield f"{name:<{names}}  {value:<{values}}  {source}"


def _value(value: Any) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
