"""The typed settings of an emulated account, read from the mappings of seeds and tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import get_type_hints

from reconciler.emulator.dialect import DIALECTS

DEFAULT_NO_MX = ("nomx.example.com",)


@dataclass
class Quota:
    """The vendor's limit: `limit` requests in each window of `per_seconds`.

    `retry_after` replaces the computed Retry-After, for tests that must not wait a second.
    """

    limit: int
    per_seconds: float
    retry_after: int | None = None


@dataclass
class Options:
    """What api.md leaves open, or what a test wants to be different, for one account."""

    dialect: str = "vendor"
    unique_tags: bool = True
    last_name_slug: str = "surname"
    default_locale: str = "en"
    membership_delay: int = 0
    payments: bool = True
    subscriptions_max_limit: int = 100
    inclusive_cursor: bool = False
    loose_emails: bool = False
    normalise_phone: bool = False
    list_unset_fields: bool = False
    strict_webhook_patch: bool = True
    keep_disabled_events: bool = True
    deliveries: bool = False
    no_mx: Collection[str] = DEFAULT_NO_MX
    quota: Quota | None = None
    latency: float = 0.0  # milliseconds before each answer
    id_offset: int = 0  # added to the first id of every kind, so that two accounts share none

    def change(self, changes: Mapping[str, object]) -> None:
        """Set options by name. Raises ValueError for unknown names and impossible values."""
        for name, value in changes.items():
            if name not in OPTION_NAMES:
                raise ValueError(f"unknown option {name!r}")
            setattr(self, name, _read(name, value))

    def plain(self) -> dict[str, object]:
        return {**asdict(self), "no_mx": sorted(self.no_mx)}


OPTION_NAMES = frozenset(field.name for field in fields(Options))
_TYPES = get_type_hints(Options)
_CHOICES = {"dialect": tuple(DIALECTS), "last_name_slug": ("surname", "last_name")}


def _read(name: str, value: object) -> object:
    if name == "quota":
        return Quota(**value) if isinstance(value, Mapping) else value
    if name == "no_mx":
        return _names(value)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"option {name!r} must be one of {', '.join(_CHOICES[name])}")
    expected = (int, float) if _TYPES[name] is float else _TYPES[name]
    if not isinstance(value, expected) or (isinstance(value, bool) and _TYPES[name] is not bool):
        raise ValueError(f"option {name!r} cannot be {value!r}")
    return value


def _names(value: object) -> Collection[str]:
    if isinstance(value, str) or not isinstance(value, Collection):
        raise ValueError("option 'no_mx' must be a list of domains")
    return tuple(str(item).lower() for item in value)
