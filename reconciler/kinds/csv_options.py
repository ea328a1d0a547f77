"""CSV sources as the kinds allow them: sections, columns and the schema of their cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.kinds.base import Kind
from reconciler.kinds.field import Field, FieldShape

#: Supported values of ``encoding``; the first is the default.
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")

_TEXT = {"type": ["string", "number", "boolean"], "minLength": 1}


class CsvForm(NamedTuple):
    """The CSV source of one section: the address in each row fills the field ``fills``.

    ``cells`` maps attributes to the JSON Schema of their cells, ``entries`` does so for all attributes
    ``name.slug``. Only a kind whose rows are resources has columns besides the address.
    """

    fills: str
    cells: Mapping[str, Mapping[str, Any]]
    entries: Mapping[str, Mapping[str, Any]]

    def cell(self, name: str) -> Mapping[str, Any] | None:
        """The JSON Schema of the cells of an attribute; None if no column can fill it."""
        head, dot, _ = name.partition(".")
        return self.entries.get(head) if dot else self.cells.get(name)


def forms(kinds: Mapping[str, Kind], schema: Mapping[str, Any]) -> dict[str, CsvForm]:
    """The CSV source of each section; ``schema`` is the schema of the files."""
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
    """The fields that a column may fill, without the key."""
    return [each for each in kind.fields if each.shape is FieldShape.TEXT and each.name not in kind.key]


def entries_of(kind: Kind) -> Iterable[Field]:
    """The fields with entries, one of which a column may fill."""
    return [each for each in kind.fields if each.shape is FieldShape.ENTRIES]


def csv_source_property(kind: Kind) -> dict[str, Any]:
    """The schema of the key ``csv``: a path, or a mapping with options."""
    properties: dict[str, Any] = {
        "file": {**_TEXT, "description": "Path of the CSV file, below the project folder."},
        "column": {**_TEXT, "description": "Column of the e-mail addresses, by name or by number from 1."},
        "delimiter": {
            **_TEXT,
            "pattern": r'^([^\s"]|tab)$',
            "x-hint": "use a single character, or the word tab",
            "default": ",",
            "description": "Delimiter between cells: a single character, or `tab`.",
        },
        "encoding": {"enum": list(ENCODINGS), "description": "Encoding of the file.", "default": ENCODINGS[0]},
    }
    if kind.csv_source:
        properties |= _mapping(kind)
    long = {"type": "object", "additionalProperties": False, "required": ["file"], "properties": properties}
    what = "Each row declares one resource" if kind.csv_source else "Adds the address in each row"
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
            "description": "Meaning of an empty cell: field not mentioned, or (null) field cleared.",
        },
    }
