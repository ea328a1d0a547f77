"""A JSON Schema → rows that say, key by key, what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docs.generate.markdown import code, listed

Schema = Mapping[str, Any]
#: What a definition is called where its own name is not the reader's word.
NAMES = {"target": "reference"}
#: From so many keys of one sort without descriptions on they share a row.
MANY = 5
_TEXT = {"string", "number", "boolean"}
_WORDS = {"array": "list", "object": "mapping", "boolean": "`true` or `false`", "string": "text", "integer": "number"}


class Row(NamedTuple):
    """One key: its path, what it holds, its default, whether it has to be there, what it means."""

    path: str
    holds: str
    default: str
    required: bool
    doc: str


def rows(schema: Schema, path: str = "", *, deep: bool = True, told: bool = True) -> Iterator[Row]:
    """Every key of an object, those inside it after it; many of one sort as one row; ``told``: what words mean."""
    properties = schema.get("properties") or {}
    kinds = {holds(inner) for inner in properties.values()}
    if len(properties) >= MANY and len(kinds) == 1 and not any("description" in each for each in properties.values()):
        yield Row(f"{path}…", kinds.pop(), "", False, f"For each of {listed(properties)}.")
        return
    for name, inner in properties.items():
        here = f"{path}{name}"
        default = code(json.dumps(inner["default"], ensure_ascii=False)) if "default" in inner else ""
        doc = " ".join(filter(None, (inner.get("description", ""), meanings(inner) if told else "")))
        yield Row(here, holds(inner), default, name in schema.get("required", ()), doc)
        if deep:
            yield from _inside(inner, here, told)


def _inside(schema: Schema, path: str, told: bool) -> Iterator[Row]:
    for each in (schema, *schema.get("anyOf", ())):
        yield from rows(each, f"{path}.", told=told)
    items = schema.get("items")
    if isinstance(items, dict):
        yield from rows(items, f"{path}[].", told=told)


def meanings(schema: Schema) -> str:
    """What each word of a closed list means, where the schema says it: `a`: this; `b`: that."""
    pairs = zip(schema.get("enum", ()), schema.get("enumDescriptions", ()), strict=False)
    told = [f"{code('null' if word is None else word)}: {text.rstrip('.')}" for word, text in pairs]
    return "; ".join(told) + "." if told else ""


def holds(schema: Schema) -> str:
    """What a value may be, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        name = NAMES.get(name, name)
        return f"[{name}](#{name})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(holds(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return listed("null" if word is None else word for word in schema["enum"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    return " ".join(filter(None, (_type(schema), _bounds(schema))))


def _type(schema: Schema) -> str:
    names = schema.get("type", [])
    types = [names] if isinstance(names, str) else list(names)
    null = [code("null")] if "null" in types else []
    types = [each for each in types if each != "null"]
    if set(types) == _TEXT:
        return " or ".join(["text", *null])
    if types == ["array"] and isinstance(schema.get("items"), dict):
        return " or ".join([f"list of {holds(schema['items'])}", *null])
    if types == ["object"] and isinstance(schema.get("additionalProperties"), dict):
        return " or ".join([f"mapping to {holds(schema['additionalProperties'])}", *null])
    return " or ".join([*(_WORDS.get(each, each) for each in types), *null]) or "anything"


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return f"from {schema['minimum']}" if schema.get("minimum") else ""
