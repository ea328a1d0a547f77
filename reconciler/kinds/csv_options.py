"""Kinds → which sections a CSV file may fill, what its rows are, and what each cell has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.kinds.base import Kind
from reconciler.kinds.field import Field, FieldShape

#: Encodings that a CSV source may say it has; the first is taken when it says none.
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")

_TEXT = {"type": ["string", "number", "boolean"], "minLength": 1}


class CsvForm(NamedTuple):
    """The CSV source of one section: the address of each row goes to the field ``fills``.

    ``cells`` has, by attribute, the JSON Schema that a cell has to fit, ``entries`` the same for every attribute
    ``name.slug``. Only a kind whose rows are resources of their own takes more than the address.
    """

    fills: str
    cells: Mapping[str, Mapping[str, Any]]
    entries: Mapping[str, Mapping[str, Any]]

    def cell(self, name: str) -> Mapping[str, Any] | None:
        """The JSON Schema of the cells for an attribute; None for what no column can fill."""
        head, dot, _ = name.partition(".")
        return self.entries.get(head) if dot else self.cells.get(name)


def forms(kinds: Mapping[str, Kind], schema: Mapping[str, Any]) -> dict[str, CsvForm]:
    """By section, what its CSV source may hold; ``schema`` is that of the files."""
    return {kind.section: _form(kind, kinds, schema["definitions"]) for kind in kinds.values() if kind.rows}


def _form(kind: Kind, kinds: Mapping[str, Kind], definitions: Mapping[str, Any]) -> CsvForm:
    if kind.gather:
        person = kinds[kind.field(kind.gather).ref or ""]
        return CsvForm(kind.gather, {kind.gather: definitions[person.name]["properties"][person.key[0]]}, {})
    properties = definitions[kind.name]["properties"]
    cells = {field.name: properties[field.name] for field in (kind.field(kind.csv_source), *texts_of(kind))}
    entries = {each.name: properties[each.name]["additionalProperties"] for each in entries_of(kind)}
    return CsvForm(kind.csv_source, cells, entries)


def texts_of(kind: Kind) -> Iterable[Field]:
    """The fields that a column may fill, the key apart."""
    return [each for each in kind.fields if each.shape is FieldShape.TEXT and each.name not in kind.key]


def entries_of(kind: Kind) -> Iterable[Field]:
    """The fields of which a column may fill one entry."""
    return [each for each in kind.fields if each.shape is FieldShape.ENTRIES]


def csv_source_property(kind: Kind) -> dict[str, Any]:
    """The schema of the key ``csv``: a path, or a mapping that says more about the file."""
    properties: dict[str, Any] = {
        "file": {**_TEXT, "description": "Path of the CSV file, below the project folder."},
        "column": {**_TEXT, "description": "Column of the e-mail addresses, by name or by number from 1."},
        "delimiter": {
            **_TEXT,
            "pattern": r'^([^\s"]|tab)$',
            "x-hint": "use a single character, or the word tab",
            "default": ",",
            "description": "What stands between two cells: one character, or `tab`.",
        },
        "encoding": {"enum": list(ENCODINGS), "description": "How the file is encoded.", "default": ENCODINGS[0]},
    }
    if kind.csv_source:
        properties |= _mapping(kind)
    long = {"type": "object", "additionalProperties": False, "required": ["file"], "properties": properties}
    what = "One of these for each row" if kind.csv_source else "Adds the address in each row"
    return {"description": f"A CSV file. {what}.", "anyOf": [_TEXT, long]}


def _mapping(kind: Kind) -> dict[str, Any]:
    names = [each.name for each in texts_of(kind)]
    slugs = [rf"{each.name}\.[A-Za-z0-9_]+" for each in entries_of(kind)]
    words = ", ".join((*names, *(f"{each.name}.SLUG" for each in entries_of(kind))))
    return {
        "fields": {
            "type": "object",
            "additionalProperties": _TEXT,
            "propertyNames": {"pattern": rf"^({'|'.join((*names, *slugs))})$", "x-hint": f"columns go to {words}"},
            "description": "Further columns, by name or by number from 1, by the field that they fill.",
        },
        "empty": {
            "enum": ["unmanaged", None],
            "default": "unmanaged",
            "description": "What an empty cell says: nothing about the field, or (null) that it is empty.",
        },
    }
