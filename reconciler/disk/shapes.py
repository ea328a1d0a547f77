"""A draft-7 JSON Schema → shapes: tables that say, place by place, what a plain scalar may be resolved to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: Keywords that would add to what a reference means.
_STRUCTURE = frozenset(("type", "anyOf", "oneOf", "allOf", "items", "properties", "additionalProperties"))

#: The definition that stands for a secret: a mapping with ``env`` or ``file``.
SECRET = "#/definitions/secret"  # noqa: S105 - the name of a definition


class Form(NamedTuple):
    """One way to write a mapping: the shape of each key, of any further key, and whether it stands for a secret."""

    fields: Mapping[str, Shape]
    rest: Shape | None
    secret: bool


class Shape:
    """What may stand in one place. Without ``text`` a plain scalar is resolved to what else is allowed."""

    __slots__ = ("boolean", "forms", "integer", "items", "null", "number", "sealed", "text")

    def __init__(self) -> None:
        self.text = self.null = self.boolean = self.integer = self.number = False
        self.items: Shape | None = None
        self.forms: tuple[Form, ...] = ()
        #: Only a secret may stand here, so a literal is refused.
        self.sealed = False

    def form(self, keys: Mapping[str, Any]) -> Form:
        """The form that knows most of the keys; the first of them when several do."""
        if len(self.forms) == 1:
            return self.forms[0]
        return max(self.forms, key=lambda form: len(form.fields.keys() & keys.keys()))


def compile_schema(schema: Mapping[str, Any]) -> Shape:
    """The shape of a whole document; ``$ref`` may point into ``#/definitions``, also in circles."""
    return _Compiler(schema).shape(schema)


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._named: dict[str, Shape] = {}

    def shape(self, schema: Any) -> Shape:
        """A new shape, or the one that a reference made before."""
        if not isinstance(schema, Mapping):
            return Shape()
        reference = schema.get("$ref")
        if isinstance(reference, str) and not schema.keys() & _STRUCTURE:
            if reference not in self._named:
                self._named[reference] = Shape()
                self._add(self._named[reference], schema)
            return self._named[reference]
        shape = Shape()
        self._add(shape, schema)
        return shape

    def _add(self, shape: Shape, schema: Mapping[str, Any], secret: bool = False) -> None:
        """Everything that the schema and its branches allow, added to the shape."""
        if "$ref" in schema:
            self._add(shape, self._follow(schema["$ref"]), schema["$ref"] == SECRET)
        for keyword in ("anyOf", "oneOf", "allOf"):
            for branch in schema.get(keyword, ()):
                self._add(shape, branch, secret)
        self._scalars(shape, _types(schema))
        if "items" in schema and isinstance(schema["items"], Mapping):
            shape.items = self.shape(schema["items"])
        if "properties" in schema or "additionalProperties" in schema:
            self._form(shape, schema, secret)
        shape.sealed = not _any_scalar(shape) and any(form.secret for form in shape.forms)

    def _form(self, shape: Shape, schema: Mapping[str, Any], secret: bool) -> None:
        fields = {key: self.shape(inner) for key, inner in schema.get("properties", {}).items()}
        rest = schema.get("additionalProperties")
        shape.forms += (Form(fields, self.shape(rest) if isinstance(rest, Mapping) else None, secret),)

    def _scalars(self, shape: Shape, types: frozenset[str]) -> None:
        shape.text = shape.text or "string" in types
        shape.null = shape.null or "null" in types
        shape.boolean = shape.boolean or "boolean" in types
        shape.integer = shape.integer or "integer" in types
        shape.number = shape.number or "number" in types

    def _follow(self, reference: str) -> Mapping[str, Any]:
        target: Any = self._root
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        found: Mapping[str, Any] = target
        return found


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema allows by itself, read off ``enum`` or ``const`` where it names none."""
    named = schema.get("type")
    if named is not None:
        return frozenset([named] if isinstance(named, str) else named)
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(_TYPES[type(value)] for value in values if type(value) in _TYPES)


_TYPES: Mapping[type, str] = {
    str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null",
}  # fmt: skip


def _any_scalar(shape: Shape) -> bool:
    return shape.text or shape.boolean or shape.integer or shape.number
