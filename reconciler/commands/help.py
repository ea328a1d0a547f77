"""The table of settings and their schema → the topics of ``reconciler help``, with every setting in its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reconciler.commands.init import schema_of
from reconciler.config.settings import _SETTINGS, Setting
from reconciler.output.help_topics import Topic, topics


def manual(flags: Collection[str] = (), told: Mapping[str, str] | None = None) -> tuple[Topic, ...]:
    """Every topic. ``flags`` are the settings that have one; ``told`` says what the schema has no words for."""
    return topics(tuple(_rows(flags, told or {})))


def _rows(flags: Collection[str], told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    schema = schema_of("settings")
    for setting in _SETTINGS:
        where = [f"--{setting.name.replace('_', '-')}"] if setting.name in flags else []
        where.append(f"RECONCILER_{setting.name.upper()}")
        where += [".".join(setting.path)] if setting.path else []
        default = "" if setting.default is None else f" Default: {_plain(setting.default)}."
        about = _described(schema, setting) or told.get(setting.name, "")
        yield setting.name, f"{about.rstrip('.')}.{default} {', '.join(where)}".removeprefix(". ")


def _described(schema: Mapping[str, Any], setting: Setting) -> str:
    node: Any = schema
    for key in setting.path:
        node = node.get("properties", {}).get(key, {})
    return str(node.get("description", "")) if setting.path else ""


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
