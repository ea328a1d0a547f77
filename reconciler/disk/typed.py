"""Nodes whose scalars are all text → the same nodes with null, truth values and numbers where the schema has them.

| the schema allows    | plain scalar                          | quoted |
|----------------------|---------------------------------------|--------|
| text                 | as it stands: ``no``, ``01234``       | text   |
| text, nothing        | ``null``, ``~`` and nothing are None  | text   |
| text, nothing        | ``Null`` and ``NULL`` are refused     | text   |
| whole number         | digits with or without a sign         | text   |
| number               | the same, fractions and exponents     | text   |
| true or false        | ``true True TRUE false False FALSE``  | text   |
| mapping or list only | nothing is None, the rest stays text  | text   |

What does not fit stays as it is, and validation says so; only what this pass knows better is said here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Table
from typing import Any, NamedTuple

from reconciler.disk.findings import MOST, Finding
from reconciler.disk.interpolation import Unknown, interpolate
from reconciler.disk.nodes import Mapping, Node, Sequence, value_origin
from reconciler.disk.shapes import Shape

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
#: Null to YAML, and a name to people: whoever writes it where text may stand has to say which.
_NAMES = ("Null", "NULL")

_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")


class Sealed(NamedTuple):
    """A place where a secret belongs: the mapping ``{env: NAME}`` or ``{file: PATH}`` and what holds it."""

    container: Mapping | Sequence
    key: str | int
    node: Mapping


class Typed(NamedTuple):
    """What the pass found: problems, and the places of secrets that are to be filled once all is valid."""

    findings: list[Finding]
    sealed: list[Sealed]


def resolve(node: Node, shape: Shape, variables: Table[str, str], environ: Table[str, str]) -> Typed:
    """Resolve a whole document in place. ``variables`` serve ``${var.x}``, ``environ`` serves ``${env.X}``."""
    walk = _Walk(variables, environ)
    if isinstance(node, Mapping) and shape.forms:
        walk.mapping(node, shape)
    elif isinstance(node, Sequence) and shape.items:
        walk.sequence(node, shape.items)
    return Typed(walk.findings, walk.sealed)


class _Walk:
    def __init__(self, variables: Table[str, str], environ: Table[str, str]) -> None:
        self.findings: list[Finding] = []
        self.sealed: list[Sealed] = []
        self._variables = variables
        self._environ = environ

    def mapping(self, node: Mapping, shape: Shape) -> None:
        """The hot loop: text in a text field costs two look-ups and no call."""
        fields, rest, _ = shape.form(node)
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

    def sequence(self, node: Sequence, inner: Shape) -> None:
        """Every item by the one shape."""
        for index, value in enumerate(node):
            if type(value) is str:
                if inner.text and "$" not in value and value not in NULLS:
                    continue
                node[index] = self.scalar(value, inner, node, index, index)
            else:
                self._inner(value, inner, node, index)

    def _inner(self, value: Any, inner: Shape, container: Mapping | Sequence, key: str | int) -> None:
        if type(value) is Mapping and inner.forms:
            if inner.form(value).secret:
                self.sealed.append(Sealed(container, key, value))
            self.mapping(value, inner)
        elif type(value) is Sequence and inner.items is not None:
            self.sequence(value, inner.items)

    def scalar(self, text: str, shape: Shape, container: Any, key: Any, index: int) -> Any:
        """One scalar that is not simply text, with everything that may be wrong about it."""
        plain = container.is_plain_at(index, key)
        if plain and text in NULLS:
            return self._nothing(text, shape, container, key)
        if shape.sealed:
            return self._literal(text, container, key)
        if "$" in text:
            text = self._interpolated(text, container, key)
        if shape.text or not plain:
            return text
        return self._plain(text, shape, container, key)

    def _nothing(self, text: str, shape: Shape, container: Any, key: Any) -> Any:
        if shape.null and shape.text and text in _NAMES:
            what = f"`{text}` without quotes is null to YAML and could be meant as a name"
            self._say(container, key, what, f'write "{text}" for the name, or null for no value')
            return text
        if shape.null or not shape.text:
            return None
        if text:
            what = f"`{text}` means nothing, and text is needed here"
            self._say(container, key, what, f'write "{text}" for the word')
        else:
            self._say(container, key, "there is no value here, and one is needed", 'write "" for an empty text')
        return text

    def _plain(self, text: str, shape: Shape, container: Any, key: Any) -> Any:
        if shape.boolean and text in _TRUTH:
            return _TRUTH[text]
        if shape.integer and _INTEGER.fullmatch(text):
            return int(text)
        if shape.number and _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
            return int(text) if _INTEGER.fullmatch(text) else number
        if shape.boolean and text.lower() in _OLD_TRUTH:
            self._say(container, key, f"`{text}` is only a word here", f"write {_OLD_TRUTH[text.lower()]}")
        return text

    def _literal(self, text: str, container: Any, key: Any) -> str:
        self._say(container, key, "a secret does not belong into the file", "write it as {env: NAME} or {file: PATH}")
        return text

    def _interpolated(self, text: str, container: Any, key: Any) -> str:
        try:
            return interpolate(text, self._variables, self._environ)
        except Unknown as unknown:
            self._say(container, key, *unknown.args)
            return text

    def _say(self, container: Mapping | Sequence, key: str | int, what: str, hint: str) -> None:
        if len(self.findings) < MOST:
            self.findings.append(Finding(value_origin(container, key), what, hint))
