"""Resolves plain YAML scalars to null, booleans and numbers where the JSON Schema (draft 7) allows them.

| the schema allows    | plain scalar                          | quoted |
|----------------------|---------------------------------------|--------|
| text                 | unchanged: ``no``, ``01234``          | text   |
| text, nothing        | ``null``, ``~`` and nothing are None  | text   |
| text, nothing        | ``Null`` and ``NULL`` are refused     | text   |
| whole number         | digits with or without a sign         | text   |
| number               | the same, fractions and exponents     | text   |
| true or false        | ``true True TRUE false False FALSE``  | text   |
| mapping or list only | nothing is None, the rest stays text  | text   |

Other values stay text and are reported by validation; this pass reports only errors that need the original text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from collections.abc import Mapping as Table
from typing import Any, NamedTuple

from reconciler.config.positions import MappingNode, Node, SequenceNode, value_origin
from reconciler.config.problems import MAX_FINDINGS, Finding
from reconciler.config.variables import DefinedIn, Unknown, interpolate
from reconciler.model.resource import EMPTY

#: Keywords that add to the meaning of a ``$ref``.
_STRUCTURE = frozenset(("type", "anyOf", "oneOf", "allOf", "items", "properties", "additionalProperties"))

#: The definition of a secret: a mapping with ``env``, ``file`` or ``command``.
SECRET = "#/definitions/secret"  # noqa: S105 - the name of a definition


class MappingForm(NamedTuple):
    """One form of a mapping: the shape of each key, of any further key, and whether it is a secret."""

    fields: Mapping[str, ExpectedShape]
    rest: ExpectedShape | None
    secret: bool


class ExpectedShape:
    """The types that one place allows. Without ``text`` a plain scalar is resolved to another allowed type."""

    __slots__ = ("boolean", "forms", "integer", "items", "null", "number", "text", "unresolved")

    def __init__(self) -> None:
        self.text = self.null = self.boolean = self.integer = self.number = False
        self.items: ExpectedShape | None = None
        self.forms: tuple[MappingForm, ...] = ()
        #: Only a secret is allowed here, so a literal is refused.
        self.unresolved = False

    def form(self, keys: Mapping[str, Any]) -> MappingForm:
        """The form with most of the keys; the first of several."""
        if len(self.forms) == 1:
            return self.forms[0]
        return max(self.forms, key=lambda form: len(form.fields.keys() & keys.keys()))


def compile_schema(schema: Mapping[str, Any]) -> ExpectedShape:
    """The shape of a whole document; ``$ref`` may point into ``#/definitions``, also in circles."""
    return _ShapeCompiler(schema).shape(schema)


class _ShapeCompiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._named: dict[str, ExpectedShape] = {}

    def shape(self, schema: Any) -> ExpectedShape:
        """A new shape, or the existing one of a reference."""
        if not isinstance(schema, Mapping):
            return ExpectedShape()
        reference = schema.get("$ref")
        if isinstance(reference, str) and not schema.keys() & _STRUCTURE:
            if reference not in self._named:
                self._named[reference] = ExpectedShape()
                self._add(self._named[reference], schema)
            return self._named[reference]
        shape = ExpectedShape()
        self._add(shape, schema)
        return shape

    def _add(self, shape: ExpectedShape, schema: Mapping[str, Any], secret: bool = False) -> None:
        """Add the types that the schema and its branches allow to the shape."""
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
        shape.unresolved = not _any_scalar(shape) and any(form.secret for form in shape.forms)

    def _form(self, shape: ExpectedShape, schema: Mapping[str, Any], secret: bool) -> None:
        fields = {key: self.shape(inner) for key, inner in schema.get("properties", {}).items()}
        rest = schema.get("additionalProperties")
        shape.forms += (MappingForm(fields, self.shape(rest) if isinstance(rest, Mapping) else None, secret),)

    def _scalars(self, shape: ExpectedShape, types: frozenset[str]) -> None:
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
    """The types that a schema allows itself, derived from ``enum`` or ``const`` where it has no ``type``."""
    named = schema.get("type")
    if named is not None:
        return frozenset([named] if isinstance(named, str) else named)
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(_TYPES[type(value)] for value in values if type(value) in _TYPES)


_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def _any_scalar(shape: ExpectedShape) -> bool:
    return shape.text or shape.boolean or shape.integer or shape.number


NULLS = frozenset(("", "~", "null", "Null", "NULL"))
#: Null in YAML, but also a surname: ambiguous where text is allowed.
_NAMES = ("Null", "NULL")

_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")


class UnresolvedSecret(NamedTuple):
    """A reference to a secret, such as ``{env: NAME}``, and its place in the document."""

    container: MappingNode | SequenceNode
    key: str | int
    node: MappingNode


class TypedItem(NamedTuple):
    """The problems found, and the places of secrets, which are resolved once the document is valid."""

    findings: list[Finding]
    unresolved: list[UnresolvedSecret]


def resolve(
    node: Node,
    shape: ExpectedShape,
    variables: Table[str, str],
    environ: Table[str, str],
    defined_in: DefinedIn = EMPTY,
) -> TypedItem:
    """Resolve a whole document in place: ``${var.x}`` from ``variables``, ``${env.X}`` from ``environ``.

    ``defined_in`` has the environments that define a variable.
    """
    walk = _TypeWalk(variables, environ, defined_in)
    if isinstance(node, MappingNode) and shape.forms:
        walk.mapping(node, shape.form(node))
    elif isinstance(node, SequenceNode) and shape.items:
        walk.sequence(node, shape.items)
    return TypedItem(walk.findings, walk.unresolved)


class _TypeWalk:
    def __init__(self, variables: Table[str, str], environ: Table[str, str], defined_in: DefinedIn) -> None:
        self.findings: list[Finding] = []
        self.unresolved: list[UnresolvedSecret] = []
        self._variables = variables
        self._environ = environ
        self._defined_in = defined_in

    def mapping(self, node: MappingNode, form: MappingForm) -> None:
        """The hot loop: text in a text field costs two look-ups and no call."""
        fields, rest, _ = form
        for index, (key, value) in enumerate(node.items()):
            inner = fields.get(key, rest)
            if inner is None:
                continue
            if type(value) is str:
                if inner.text and "$" not in value and value not in NULLS:
                    continue
                node[key] = self.scalar(value, inner, node, key, index)
            else:
                self._inner(value, inner, node, key)

    def sequence(self, node: SequenceNode, inner: ExpectedShape) -> None:
        """Every item by the one shape."""
        for index, value in enumerate(node):
            if type(value) is str:
                if inner.text and "$" not in value and value not in NULLS:
                    continue
                node[index] = self.scalar(value, inner, node, index, index)
            else:
                self._inner(value, inner, node, index)

    def _inner(self, value: Any, inner: ExpectedShape, container: MappingNode | SequenceNode, key: str | int) -> None:
        if type(value) is MappingNode and inner.forms:
            form = inner.form(value)
            if form.secret:
                self.unresolved.append(UnresolvedSecret(container, key, value))
            self.mapping(value, form)
        elif type(value) is SequenceNode and inner.items is not None:
            self.sequence(value, inner.items)

    def scalar(self, text: str, shape: ExpectedShape, container: Any, key: Any, index: int) -> Any:
        """The value of one scalar that is not simply text; reports its errors."""
        plain = container.is_plain_at(index, key)
        if plain and text in NULLS:
            return self._nothing(text, shape, container, key)
        if shape.unresolved:
            return self._literal(text, container, key)
        if "$" in text:
            text = self._interpolated(text, container, key)
        if shape.text or not plain:
            return text
        return self._plain(text, shape, container, key)

    def _nothing(self, text: str, shape: ExpectedShape, container: Any, key: Any) -> Any:
        if shape.null and shape.text and text in _NAMES:
            what = f"unquoted `{text}` means null in YAML"
            self._say(container, key, what, f'write "{text}" for the name, or null for no value')
            return text
        if shape.null or not shape.text:
            return None
        if text:
            what = "expected text, found null"
            self._say(container, key, what, f'write "{text}" for the text')
        else:
            self._say(container, key, "expected text, found nothing", 'write "" for an empty text')
        return text

    def _plain(self, text: str, shape: ExpectedShape, container: Any, key: Any) -> Any:
        if shape.boolean and text in _TRUTH:
            return _TRUTH[text]
        if shape.integer and _INTEGER.fullmatch(text):
            return int(text)
        if shape.number and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
            return int(text) if _INTEGER.fullmatch(text) else number
        if shape.boolean and text.lower() in _OLD_TRUTH:
            self._say(container, key, f"expected true or false, got `{text}`", f"write {_OLD_TRUTH[text.lower()]}")
        return text

    def _literal(self, text: str, container: Any, key: Any) -> str:
        self._say(
            container, key, "secrets must not be stored in this file", "use {env: VARIABLE_NAME} or {file: PATH}"
        )
        return text

    def _interpolated(self, text: str, container: Any, key: Any) -> str:
        try:
            return interpolate(text, self._variables, self._environ, self._defined_in)
        except Unknown as unknown:
            self._say(container, key, *unknown.args)
            return text

    def _say(self, container: MappingNode | SequenceNode, key: str | int, what: str, hint: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(value_origin(container, key), what, hint))
