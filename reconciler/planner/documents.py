"""The parts of written YAML files, and which live values can be written there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from reconciler.kinds import schema_version
from reconciler.kinds.base import Kind
from reconciler.kinds.csv_options import entries_of, texts_of
from reconciler.kinds.field import Field
from reconciler.model.values import Address, Secret, Value, clean

#: A value in a document: text, boolean, integer, list, or mapping in its order.
Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True)
class YamlItem:
    """One item of a section. ``note`` is a comment above it; ``off``: the item is commented out."""

    value: Plain
    note: str = ""
    off: bool = False


@dataclass(frozen=True)
class CsvFile:
    """Rows of a CSV file; the first cell is the e-mail address."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class ExportedFiles:
    """``documents`` by section, ``secrets`` as (variable, resource), ``left_out`` as (address, reason).

    ``values`` holds the values of variables that the account shows; they are never printed.
    """

    documents: dict[str, tuple[YamlItem, ...]] = field(default_factory=dict)
    csv_sources: list[CsvFile] = field(default_factory=list)
    secrets: list[tuple[str, Address]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict, repr=False)
    left_out: list[tuple[Address, str]] = field(default_factory=list)
    declared: int = 0


def sayable(text: str) -> bool:
    """Whether YAML can represent the text; it cannot represent half a surrogate pair."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def may_hold_secret(each: Field, value: Value) -> bool:
    """Whether a URL has a part that may be a token, for fields that may come from the environment."""
    if isinstance(value, Secret):
        return True
    if not each.from_env or not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return True
    return "@" in parts.netloc or bool(parts.query or parts.fragment)


def fits(each: Field, value: Value) -> bool:
    """Whether a live value is valid in the files; values from other sources may not be."""
    if isinstance(value, frozenset):
        return not each.choices or {schema_version.base(str(word)) for word in value} <= set(each.choices)
    if not isinstance(value, str):
        return value is not None or each.nullable
    if each.required and not value.strip():
        return False
    if each.max_length and len(value) > each.max_length:
        return False
    if each.pattern and (value.endswith("\n") or not re.search(each.pattern, value)):
        return False
    return sayable(value) and (not each.choices or value in each.choices)


def gathered(kind: Kind, values: dict[str, Plain], members: list[str], unread: str) -> YamlItem:
    """One block for several resources; commented out if a required field (``unread``) is unknown."""
    several: list[Plain] = [*sorted(members)]
    if not unread:
        return YamlItem({**values, kind.gather + "s": several})
    note = f"The {unread} of these cannot be read: name them, then remove the # in front."
    return YamlItem({**values, unread: ["…"], kind.gather + "s": several}, note, off=True)


def plain_of(value: Value) -> Plain:
    """The value in the document; a set becomes a sorted list."""
    if isinstance(value, frozenset):
        return [schema_version.to_declared(word) for word in sorted(str(each) for each in value)]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} is not written as a plain value")


def cells_of(kind: Kind, value: dict[str, Plain]) -> dict[str, str] | None:
    """The block as a CSV row, or None if a cell cannot hold one of its values."""
    cells: dict[str, str] = {}
    columns = {kind.csv_source, *(each.name for each in texts_of(kind))}
    entries = {each.name for each in entries_of(kind)}
    for name, shown in value.items():
        if name in entries and isinstance(shown, dict):
            cells |= {f"{name}.{slug}": text for slug, text in shown.items() if isinstance(text, str)}
        elif name in columns and isinstance(shown, str):
            cells[name] = shown
        else:
            return None
    safe = "id" not in value and all(clean(text) == text and text.isprintable() for text in cells.values())
    return cells if safe else None
