"""Validates typed nodes against a JSON Schema and reports each error at its line and column.

jsonschema-rs validates, in about a microsecond per item; jsonschema explains the items that were refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Table
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs

from reconciler.config.positions import MappingNode, SequenceNode, value_origin
from reconciler.config.problems import MAX_FINDINGS, Finding, count, nearest, shown, suggest
from reconciler.config.scalars import compile_schema
from reconciler.kinds import email
from reconciler.model.values import Origin

#: Maximum number of refused items per section that are explained, which is slow; the rest is counted.
MAX_EXPLAINED = MAX_FINDINGS
#: Items of a long list that are always kept, so that rules about the list itself still apply.
ALWAYS_KEPT = 10


class CompiledSchema:
    """A JSON Schema, compiled for any number of documents; ``shape`` has the types of their scalars."""

    def __init__(self, source: Table[str, Any]) -> None:
        self.source = source
        self.shape = compile_schema(source)
        self._validator = jsonschema_rs.Draft7Validator(dict(source))
        self._items: dict[str, Callable[[Any], bool]] = {}

    def findings(self, node: MappingNode, hidden: frozenset[int] = frozenset()) -> list[Finding]:
        """All errors of a document; no message shows a value below a node whose ``id()`` is in ``hidden``."""
        if self._validator.is_valid(node):
            return []
        reduced = self._reduced(node)
        findings = explain(reduced.node, self.source, hidden) or explain(node, self.source, hidden)
        return [*findings, *reduced.left_out(node)] or [self._unexplained(node)]

    def _unexplained(self, node: MappingNode) -> Finding:
        """A finding for a document that jsonschema-rs refuses and jsonschema accepts."""
        inner: Any = node
        origin = node.origin()
        for step in next(error.instance_path for error in self._validator.iter_errors(node)):
            origin, inner = value_origin(inner, step), inner[step]
        return Finding(origin, "this value is not allowed here")

    def _reduced(self, node: MappingNode) -> ReducedDocument:
        """The document with its long lists reduced to their refused items, which are then explained."""
        reduced = MappingNode.at(node.file)
        reduced.place, reduced.marks, reduced.borrowed = node.place, node.marks, node.borrowed
        total = 0
        for key, value in node.items():
            reduced[key] = value
            if isinstance(value, SequenceNode) and len(value) > MAX_EXPLAINED:
                refused = self._refused(key, value)
                total += len(refused) if len(refused) > MAX_EXPLAINED else 0
                reduced[key] = _only(value, sorted({*range(ALWAYS_KEPT), *refused[:MAX_EXPLAINED]}))
        return ReducedDocument(reduced, total)

    def _refused(self, section: str, items: SequenceNode) -> list[int]:
        """The indexes of the items that the schema refuses, each seen alone."""
        return [index for index, item in enumerate(items) if not self.accepts(section, item)]

    def accepts(self, section: str, item: Any) -> bool:
        """Whether one item of a section is valid, seen alone."""
        if section not in self._items:
            schema = self.source.get("properties", {}).get(section, {}).get("items", {})
            alone = {"allOf": [schema], "definitions": self.source.get("definitions", {})}
            self._items[section] = jsonschema_rs.Draft7Validator(alone).is_valid
        return self._items[section](item)


class ReducedDocument(NamedTuple):
    """A document reduced to refused items; ``total`` is their number if some of them are left out, else 0."""

    node: MappingNode
    total: int

    def left_out(self, node: MappingNode) -> list[Finding]:
        """A finding with the total, if not every refused item is explained."""
        if not self.total:
            return []
        what = f"{self.total} invalid items in this file; not all of them are shown"
        return [Finding(node.origin(), what, "fix these first")]


def _only(items: SequenceNode, indexes: list[int]) -> SequenceNode:
    """Some items of a list, with their positions."""
    kept = SequenceNode(items[index] for index in indexes)
    kept.file, kept.place = items.file, items.place
    kept.marks = tuple(items.marks[index] for index in indexes)
    return kept


_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_FORMS = {"array": "write a list, e.g. `[one, two]`", "object": "write `key: value` lines below it"}


#: A jsonschema ValidationError; its published types call every attribute possibly unset.
Fault = Any

#: Maximum number of unknown keys that are reported per mapping.
MAX_UNKNOWN_KEYS = 50

#: Text that would be a number or a boolean without its quotes.
_UNQUOTED = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?|true|false")

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
#: Errors whose own advice is better than the ``x-hint`` of the schema.
_SELF_EVIDENT = frozenset(("required", "additionalProperties", "maxLength", "minLength", "uniqueItems"))


@cache
def _fits(pattern: str) -> Callable[[str], bool]:
    r"""Whether a text matches, by the rules of jsonschema-rs: ``\w`` is ASCII, and ``$`` is the very end."""
    is_valid: Callable[[str], bool] = jsonschema_rs.Draft7Validator({"pattern": pattern}).is_valid
    return is_valid


@cache
def _validator_class() -> Any:
    """The validator of jsonschema; it takes long to import, and most files are valid."""
    import jsonschema

    def matches(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[jsonschema.ValidationError]:
        if isinstance(instance, str) and not _fits(pattern)(instance):
            yield jsonschema.ValidationError(pattern)

    return jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": matches})  # type: ignore[no-untyped-call]


class ErrorPlace(NamedTuple):
    """One error and the position of its node; ``hidden`` when its value may not be shown."""

    error: Fault
    origin: Origin
    hidden: bool

    def value(self) -> str:
        """The refused value for a message, or only its type when it may not be shown."""
        if self.hidden or isinstance(self.error.instance, dict | list):
            return _kind(self.error.instance)
        return shown(self.error.instance)

    def named(self) -> str:
        """The refused value after the key that it belongs to, ``country "France"``; the key alone if hidden."""
        key = next(reversed(self.error.absolute_path), None)
        label = key.replace("_", " ") if isinstance(key, str) else "value"
        if "propertyNames" in self.error.absolute_schema_path:
            label = "key"
        return label if self.hidden else f"{label} {self.value()}"


def explain(node: MappingNode, schema: Table[str, Any], hidden: frozenset[int]) -> list[Finding]:
    """All errors of a document; no message shows a value below a node whose ``id()`` is in ``hidden``."""
    validator = _validator_class()(dict(schema))
    errors = islice(validator.iter_errors(node), MAX_FINDINGS)
    return [finding for error in errors for finding in _explained(node, error, hidden)]


def _explained(root: MappingNode, error: Fault, hidden: frozenset[int]) -> Iterator[Finding]:
    """The findings of one error; in a union, those of the branch that matches the type of the node."""
    place = _place(root, error, hidden)
    if error.validator in ("anyOf", "oneOf") and not _needs_one_of(error):
        if not place.hidden and (text := _unquoted_colon(error)):
            yield Finding(place.origin, "text that contains `: ` is read as a mapping", f"put it into quotes: {text}")
            return
        chosen = _branch_of_type(error)
        if chosen is None:
            yield _union(place)
        for inner in chosen or ():
            yield from _explained(root, inner, hidden)
        return
    phrase = _PHRASES.get(str(error.validator), _other)
    for origin, what, hint in phrase(place):
        closer = hint if error.validator == "pattern" else ""
        yield Finding(origin, what, closer or _hint(error) or hint)


def _hint(error: Fault) -> str:
    """The advice of the schema about the format of a value."""
    if error.validator in _SELF_EVIDENT:
        return ""
    return str(error.schema.get("x-hint") or error.schema.get("errorMessage") or "")


def _place(root: MappingNode, error: Fault, hidden: frozenset[int]) -> ErrorPlace:
    node: Any = root
    origin, secret = root.origin(), False
    for step in error.absolute_path:
        origin = value_origin(node, step)
        node = node[step]
        secret = secret or id(node) in hidden
    if "propertyNames" in error.absolute_schema_path and isinstance(node, MappingNode):
        origin = node.origin(error.instance)
    return ErrorPlace(error, origin, secret)


def _needs_one_of(error: Fault) -> bool:
    """Whether the branches differ by a required key only: ``oneOf: [{required: [a]}, {required: [b]}]``."""
    return all(set(branch) == {"required"} for branch in error.validator_value)


def _branch_of_type(error: Fault) -> list[Fault] | None:
    """The errors of the branch with the fewest of those that accept the type of the node; None if none does."""
    branches: dict[Any, list[Fault]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [errors for errors in branches.values() if not any(_is_of_other_type(error, inner) for inner in errors)]
    return min(fitting, key=_distance) if fitting else None


def _unquoted_colon(error: Fault) -> str:
    """``"Sale: 50%"`` for ``Sale: 50%`` without braces, where text is allowed and no mapping has such a key."""
    node, inner = error.instance, list(error.context or ())
    types = [
        name for each in inner if _is_of_other_type(error, each) for name in _names(each.validator_value, "type")
    ]
    if "string" not in types or not isinstance(node, MappingNode) or len(node) != 1:
        return ""
    ((key, value),) = node.items()
    known = [name for each in inner if each.validator == "additionalProperties" for name in each.schema["properties"]]
    has_braces = node.origin() != node.origin(key)
    if has_braces or not isinstance(value, str) or difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.7):
        return ""
    return f'"{shown(key)[1:-1]}: {shown(value)[1:-1]}"'


def _is_of_other_type(union: Fault, inner: Fault) -> bool:
    return bool(inner.validator == "type" and inner.absolute_path == union.absolute_path)


def _distance(errors: list[Fault]) -> int:
    """The number of missing and of unknown keys of a mapping, by which the most similar branch is chosen."""
    return sum(len(_extra(error)) if error.validator == "additionalProperties" else 1 for error in errors)


def _union(place: ErrorPlace) -> Finding:
    """The finding for a node whose type no branch accepts."""
    types = [name for inner in place.error.context or () for name in _names(inner.validator_value, inner.validator)]
    if not types:
        return Finding(place.origin, f"{place.value()} matches more than one form", "remove one of them")
    return Finding(place.origin, f"expected {_expected(types)}, got {_kind(place.error.instance)}", _form(types))


def _names(value: Any, validator: Any) -> list[str]:
    if validator != "type":
        return []
    return [value] if isinstance(value, str) else list(value)


Phrases = Iterator[tuple[Origin, str, str]]


def _type(place: ErrorPlace) -> Phrases:
    types = _names(place.error.validator_value, "type")
    got = place.error.instance
    hint = _form(types)
    if got is None:
        hint = "write [] for an empty list" if "array" in types else "add a value or remove the key"
    elif isinstance(got, str) and not hint and _UNQUOTED.fullmatch(got):
        hint = "remove the quotes"
    yield place.origin, f"expected {_expected(types)}, got {_kind(got)}", hint


def _expected(types: Iterable[str]) -> str:
    """Types in words; for a text field without numbers and booleans, which it accepts too."""
    names = list(dict.fromkeys(types))
    if "string" in names:
        names = [name for name in names if name not in ("number", "integer", "boolean")]
    words = [_WORDS.get(name, name) for name in names if name != "null"] or ["null"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _form(types: Iterable[str]) -> str:
    return next((_FORMS[name] for name in types if name in _FORMS), "")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "null"
    kinds: dict[type, str] = {str: "text", int: "a number", float: "a number", dict: "a mapping", list: "a list"}
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), "something else")


def _extra(error: Fault) -> list[str]:
    """The keys that match neither a property nor a pattern of the schema."""
    patterns = [_fits(pattern) for pattern in error.schema.get("patternProperties", ())]
    known = error.schema.get("properties", {})
    return [key for key in error.instance if key not in known and not any(fits(key) for fits in patterns)]


def _unknown(place: ErrorPlace) -> Phrases:
    error = place.error
    known = error.schema.get("properties", {})
    for key in _extra(error)[:MAX_UNKNOWN_KEYS]:
        noun = "section" if not error.absolute_path else "key"
        what = f"unknown {noun} {_code(key)}"
        if place.hidden and not _IDENTIFIER.fullmatch(key):  # a value that slipped into the place of a key
            what = f"unknown {noun}, which is not shown"
        yield _key_origin(error.instance, key, place.origin), what, suggest(key, known, noun=f"{noun}s")


def _key_origin(node: Any, key: str, otherwise: Origin) -> Origin:
    return node.origin(key) if isinstance(node, MappingNode) else otherwise


def _code(key: str) -> str:
    return f"`{shown(key)[1:-1]}`"


def _required(place: ErrorPlace) -> Phrases:
    for key in place.error.validator_value:
        if key not in place.error.instance:
            yield place.origin, f"missing key {_code(key)}", f"add `{key}:`"


def _either(place: ErrorPlace) -> Phrases:
    """Findings for a mapping with none, or several, of the keys of which it needs exactly one."""
    keys = [key for branch in place.error.validator_value for key in branch["required"]]
    there = [key for key in keys if key in place.error.instance]
    words = " or ".join(_code(key) for key in keys)
    if not there:
        yield place.origin, f"missing key {words}", f"add `{keys[0]}:`"
    for key in there[1:]:
        origin = _key_origin(place.error.instance, key, place.origin)
        yield origin, f"{_code(there[0])} and {_code(key)} cannot be used together", "remove one of them"


def _apart(place: ErrorPlace) -> Phrases:
    """Findings for keys that cannot be used together."""
    if "required" not in place.error.validator_value:
        yield from _other(place)
        return
    if not isinstance(place.error.instance, dict):
        return  # reported as an error of its type
    first, *others = place.error.validator_value["required"]
    for key in others:
        origin = _key_origin(place.error.instance, key, place.origin)
        yield origin, f"{_code(first)} and {_code(key)} cannot be used together", "remove one of them"


def _enum(place: ErrorPlace) -> Phrases:
    allowed = [shown(value)[1:-1] if isinstance(value, str) else str(value) for value in _allowed(place.error)]
    got = place.error.instance
    near = nearest(got, allowed) if isinstance(got, str) and not place.hidden else ""
    more = ", …" if len(allowed) > 20 else ""
    hint = near or f"use one of {', '.join(allowed[:20])}{more}"
    yield place.origin, f"unsupported {place.named()}", hint


def _allowed(error: Fault) -> list[Any]:
    return [error.validator_value] if error.validator == "const" else list(error.validator_value)


def _length(place: ErrorPlace) -> Phrases:
    long, limit = len(place.error.instance), place.error.validator_value
    if place.error.validator == "maxLength":
        yield place.origin, f"{place.value()} is {count(long, 'character')} long; the limit is {limit}", "shorten it"
    elif long == 0:
        yield place.origin, "empty text is not allowed here", "add a value or remove the key"
    else:
        yield (
            place.origin,
            f"{place.value()} is {count(long, 'character')} long; the minimum is {limit}",
            "write more",
        )


def _pattern(place: ErrorPlace) -> Phrases:
    if not place.error.instance and place.error.schema.get("minLength"):
        return  # reported as empty already
    if place.error.validator_value == email.PATTERN:
        yield place.origin, *email.refusal(place.error.instance, None if place.hidden else shown)
        return
    yield place.origin, f"invalid {place.named()}", ""


def _size(place: ErrorPlace) -> Phrases:
    limit, kind = place.error.validator_value, _kind(place.error.instance)
    has = count(len(place.error.instance), "item" if isinstance(place.error.instance, list) else "key")
    if not place.error.instance:
        what = f"an empty {kind.removeprefix('a ')} is not allowed here"
        yield place.origin, what, "add an entry or remove the key"
    elif str(place.error.validator).startswith("min"):
        yield place.origin, f"{kind} of {has} is too short: at least {limit} required", "add what is missing"
    else:
        yield place.origin, f"{kind} of {has} is too long: at most {limit} allowed", "remove the rest"


def _unique(place: ErrorPlace) -> Phrases:
    items = place.error.instance
    for index, item in enumerate(items):
        if item in items[:index]:
            origin = items.origin(index) if isinstance(items, SequenceNode) else place.origin
            text = shown(item) if isinstance(item, str) and not place.hidden else "the same item"
            yield origin, f"{text} appears twice in this list", "remove one of them"


def _bound(place: ErrorPlace) -> Phrases:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    word, limit = words[str(place.error.validator)], place.error.validator_value
    yield place.origin, f"{place.value()} is not allowed here", f"write {word} {limit}"


def _other(place: ErrorPlace) -> Phrases:
    yield place.origin, f"{place.value()} is not allowed here", ""


_PHRASES: dict[str, Callable[[ErrorPlace], Phrases]] = {
    "additionalProperties": _unknown,
    "required": _required,
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "maxLength": _length,
    "minLength": _length,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "anyOf": _either,
    "oneOf": _either,
    "not": _apart,
    "minItems": _size,
    "maxItems": _size,
    "minProperties": _size,
    "maxProperties": _size,
    "minimum": _bound,
    "maximum": _bound,
    "exclusiveMinimum": _bound,
    "exclusiveMaximum": _bound,
}
