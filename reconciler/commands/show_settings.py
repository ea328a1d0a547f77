"""Lists the effective settings with their sources; keys and passwords are hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple

from reconciler.config.setting_types import without_password
from reconciler.config.settings import Settings

#: Shown instead of a key.
HIDDEN = "set, not shown"

#: Fields of :class:`Settings` that users do not set, or that :func:`_grouped` shows.
_NOT_PLAIN = frozenset(
    {"root", "format", "ci", "sources", "ledger", "limits", "notify", "files", "files_roots"}
    | {"prune", "vars", "vars_defined_in", "defaults"}
)


class SettingRow(NamedTuple):
    """One setting: its value as JSON, and its source: flag, variable or position."""

    name: str
    value: Any
    source: str


def effective(settings: Settings) -> list[SettingRow]:
    """All settings, sorted by name; entries of mappings singly, e.g. ``prune.tag``."""
    return sorted(SettingRow(name, value, settings.sources.get(name, "default")) for name, value in _values(settings))


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """The values of the fields; a field without ``repr`` is a secret."""
    for each in fields(settings):
        if each.name not in _NOT_PLAIN:
            value = getattr(settings, each.name)
            yield each.name, value if each.repr or not value else HIDDEN
    yield from _grouped(settings)


def _grouped(settings: Settings) -> Iterator[tuple[str, Any]]:
    notify = settings.notify
    yield "notify_url", HIDDEN if notify.url else None
    yield "notify_format", notify.form
    yield "notify_on", sorted(notify.events)
    yield "notify_link", notify.link
    yield "ledger", without_password(settings.ledger)
    yield from asdict(settings.limits).items()
    yield "files", list(settings.files) if settings.files is not None else None
    yield "files_roots", [str(root) for root in settings.files_roots]
    yield from ((f"prune.{kind}", word.value) for kind, word in settings.prune.items())
    yield from ((f"vars.{name}", value) for name, value in settings.vars.items())
    for section, values in settings.defaults.items():
        yield from ((f"defaults.{section}.{key}", _plain(value)) for key, value in values.items())


def _plain(value: Any) -> Any:
    """The plain value of a node; secrets appear as their source only."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
