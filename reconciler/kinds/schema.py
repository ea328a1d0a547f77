"""The JSON Schema (draft 7) of resource files, derived from the kinds.

Draft 7 is the newest that YAML language servers support. The type of a text field is ``string, number, boolean``,
because the loader reads ``12``, ``no`` and ``2024-01-01`` as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.kinds.base import Kind, Sugar
from reconciler.kinds.canonical_order import sections
from reconciler.kinds.csv_options import csv_source_property
from reconciler.kinds.field import Field, FieldShape

ANY_TEXT = ["string", "number", "boolean"]

_COMMON: dict[str, Any] = {
    "handle": {
        "type": ANY_TEXT,
        "description": "A stable name for the address, kept across renames.",
        "pattern": r"^[A-Za-z0-9_.-]+$",
        "x-hint": "use a-z, 0-9, dots, dashes and underscores",
        "examples": ["vip"],
    },
    "renamed_from": {
        "type": ANY_TEXT,
        "description": "The previous key; the resource is renamed, not deleted and created.",
        "minLength": 1,
        "examples": ["Gold"],
    },
    "id": {"type": ANY_TEXT, "description": "Remote id of the live resource to manage.", "minLength": 1},
    "lifecycle": {"$ref": "#/definitions/lifecycle"},
}

_DEFINITIONS: dict[str, Any] = {
    "secret": {
        "title": "Secret",
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "description": "Source of the value, which never stands in the file.",
        "properties": {
            "env": {"type": "string", "minLength": 1, "description": "Name of an environment variable."},
            "file": {"type": "string", "minLength": 1, "description": "Path below the project folder."},
            "command": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "description": "Program and arguments that print it; RECONCILER_SECRET_COMMANDS must allow them.",
                "examples": [["op", "read", "op://Operations/CRM webhook/secret"]],
            },
        },
    },
    "lifecycle": {
        "title": "Lifecycle",
        "type": "object",
        "additionalProperties": False,
        "description": "Restrictions on changes to the resource.",
        "properties": {
            "prevent_destroy": {
                "type": "boolean",
                "description": "Never delete or replace the resource.",
                "default": False,
            },
            "ignore": {
                "type": "array",
                "items": {"type": "string"},
                "uniqueItems": True,
                "description": "Fields that are set on create and never updated.",
            },
            "create_before_destroy": {
                "type": "boolean",
                "default": False,
                "description": "On replacement, create the new resource first (webhooks).",
            },
        },
    },
    "target": {
        "title": "Reference",
        "description": "Name, or path or id.",
        "anyOf": [
            {"type": ANY_TEXT},
            {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {
                    "id": {"type": ANY_TEXT, "description": "Remote id."},
                    "path": {"type": ANY_TEXT, "description": "Path of a course or community."},
                    "name": {"type": ANY_TEXT, "description": "Name."},
                },
            },
        ],
    },
}


def build(kinds: Iterable[Kind]) -> dict[str, Any]:
    """The schema of one YAML file: a mapping of sections, each a list of resources."""
    declared = sections(kinds)
    sugars = _sugars(declared)
    resources = {
        kind.name: _resource(kind, [sugar for sugar in sugars if sugar.parent == kind.name]) for kind in declared
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler",
        "description": "Desired state of a Systeme.io account.",
        "type": "object",
        "additionalProperties": False,
        "properties": {kind.section: _section(kind) for kind in declared},
        "patternProperties": {"^x-": {"description": "Ignored: for anchors."}},
        "definitions": {**_DEFINITIONS, **resources},
    }


def meant(choices: Mapping[str, str], *, null: bool = False) -> dict[str, Any]:
    """The allowed values, each with its meaning."""
    unset = {None: "Not set."} if null else {}
    return {"enum": [*choices, *unset], "enumDescriptions": [*choices.values(), *unset.values()]}


def _sugars(declared: list[Kind]) -> list[Sugar]:
    """The short forms of a kind's block; those of declarable kinds come first."""
    names = [kind.name for kind in declared]
    found = [(kind.field(kind.sugar.fills).ref not in names, kind.sugar) for kind in declared if kind.sugar]
    return [sugar for _, sugar in sorted(found, key=lambda each: each[0])]


def _section(kind: Kind) -> dict[str, Any]:
    whole = {"$ref": f"#/definitions/{kind.name}"}
    items: dict[str, Any] = whole
    if kind.short:
        name = _value(kind.field(kind.key[0]))
        # Where no form matches, editors report the first one.
        items = {"anyOf": [whole, {**name, "description": f"Short for {{{kind.key[0]}: …}}."}]}
    return {"type": "array", "description": kind.doc, "items": items}


def _resource(kind: Kind, sugars: list[Sugar]) -> dict[str, Any]:
    properties = {
        field.name: {"description": field.doc, **_value(field)} for field in kind.fields if not field.note_only
    }
    required = [field.name for field in kind.fields if field.required and field.name != kind.rows]
    if kind.gather:
        properties[kind.gather + "s"] = {
            **_list(_target(kind.field(kind.gather))),
            "description": "Several in one block.",
        }
    if kind.rows:
        properties["csv"] = csv_source_property(kind)
    left_out = {"handle", "renamed_from"} if kind.parents else set() if kind.renameable else {"renamed_from"}
    left_out |= {"id"} if kind.gather else properties.keys()
    own = {name: value for name, value in _COMMON.items() if name not in left_out}
    named = {name: own.pop(name) for name in ("handle", "renamed_from") if name in own}
    first = dict(list(properties.items())[:1])
    return {
        "title": kind.name.replace("_", " ").capitalize(),
        "description": kind.doc,
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {**first, **named, **properties, **_authoritative(kind), **_short_forms(sugars), **own},
        **_who(kind),
        **_conditions(kind, sugars),
    }


def _who(kind: Kind) -> dict[str, Any]:
    """The rule that a block gives either one address or a CSV source; keys of a single resource exclude ``csv``."""
    one = kind.rows
    if not one:
        optional = [name for name in kind.key if not kind.field(name).required]
        return {"anyOf": [{"required": [name]} for name in (*optional, kind.remote_id)]} if optional else {}
    several = [one + "s", "csv"] if kind.gather else ["csv"]
    return {"anyOf": [{"required": [key]} for key in (one, *several)]}


def _apart(kind: Kind) -> list[dict[str, Any]]:
    """Pairs of keys that exclude each other."""
    if kind.gather:
        pairs = [(kind.gather, kind.gather + "s"), (kind.gather, "csv")]
    else:
        pairs = [(name, "csv") for name in (kind.csv_source, "handle", "id") if kind.csv_source]
    return [{"not": {"required": list(pair)}} for pair in pairs]


def _authoritative(kind: Kind) -> dict[str, Any]:
    if not kind.authoritative:
        return {}
    owner = kind.authoritative
    what = f"Delete all others of this {owner}; several blocks for one {owner} are combined."
    return {"authoritative": {"type": "boolean", "description": what, "default": False}}


def _short_forms(sugars: list[Sugar]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for sugar in sugars:
        properties[sugar.key] = {**_list({"$ref": "#/definitions/target"}), "description": sugar.doc}
        if sugar.authoritative_key:
            what = f"Remove all other {sugar.key}."
            properties[sugar.authoritative_key] = {"type": "boolean", "description": what, "default": False}
    return properties


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _word(field: Field) -> dict[str, Any]:
    """An item of WORDS: a word, or a mapping that adds a schema version to it."""
    word = {"type": "string", **_choices(field)}
    if not field.versions:
        return word
    version = {"type": "integer", "minimum": 1, "description": "Version of the format of the deliveries."}
    mapping = {
        "type": "object",
        "properties": {"event": word, "schema_version": version},
        "required": ["event"],
        "additionalProperties": False,
    }
    return {"anyOf": [word, mapping]}


def _conditions(kind: Kind, sugars: list[Sugar]) -> dict[str, Any]:
    """Values that require another key, e.g. partial access requires modules, and keys that exclude each other."""
    needs: list[tuple[str, Any, str]] = [
        (field.name, value, other) for field in kind.fields for value, other in field.needs.items()
    ]
    needs += [(sugar.authoritative_key, True, sugar.key) for sugar in sugars if sugar.authoritative_key]
    rules = [
        {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"required": [other]}}
        for name, value, other in needs
    ]
    rules += _apart(kind)
    return {"allOf": rules} if rules else {}


def _value(field: Field) -> dict[str, Any]:
    value = _SHAPES[field.shape](field)
    if field.example is not None:
        value = {**value, "examples": [field.example]}
    if field.reset is not None:
        value = {**value, "default": field.reset}
    return value


def _text(field: Field) -> dict[str, Any]:
    null = ["null"] if field.nullable else []
    if field.choices:
        return {"type": ["string", *null], **_choices(field)}
    value: dict[str, Any] = {"type": [*ANY_TEXT, *null]}
    if field.required:
        value["minLength"] = 1
    if field.max_length:
        value["maxLength"] = field.max_length
    if field.pattern:
        value |= {"pattern": field.pattern, "x-hint": field.hint}
    elif field.required:
        value |= {"pattern": r"\S", "x-hint": "write at least one visible character"}
    return {"anyOf": [value, {"$ref": "#/definitions/secret"}]} if field.from_env else value


def _choices(field: Field) -> dict[str, Any]:
    if isinstance(field.choices, Mapping):
        return meant(field.choices, null=field.nullable)
    return {"enum": [*field.choices, *([None] if field.nullable else [])]}


def _entries(field: Field) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^[A-Za-z0-9_]+$", "x-hint": "a slug has a-z, 0-9 and _"},
        "additionalProperties": _text(field),
    }


def _target(field: Field) -> dict[str, Any]:
    return {"$ref": "#/definitions/target"}


_SHAPES: dict[FieldShape, Callable[[Field], dict[str, Any]]] = {
    FieldShape.TEXT: _text,
    FieldShape.FLAG: lambda field: {"type": "boolean"},
    FieldShape.NUMBER: lambda field: {"type": ["integer", "null"] if field.nullable else "integer"},
    FieldShape.WORDS: lambda field: {**_list(_word(field)), "uniqueItems": True},
    FieldShape.ENTRIES: _entries,
    FieldShape.REF: _target,
    FieldShape.REFS: lambda field: {**_list(_target(field)), "minItems": 1},
    FieldShape.SECRET: lambda field: {"$ref": "#/definitions/secret"},
}
