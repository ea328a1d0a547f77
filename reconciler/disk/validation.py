"""Typed nodes and a JSON Schema → findings, each at the line and column that caused it.

jsonschema-rs is the gate and costs about a microsecond an item; jsonschema explains, and only what was refused.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from typing import Any, NamedTuple

import jsonschema_rs

from reconciler.disk.findings import MOST, Finding
from reconciler.disk.nodes import Mapping, Sequence, value_origin

#: So many refused items of one section are explained; the rest is only counted, for explaining is slow.
EXPLAINED = MOST
#: So many items of a long list stay in any case, so that what is asked of the list as such still holds.
SPARED = 10


class Gate:
    """A schema made ready, for any number of documents."""

    def __init__(self, schema: Table[str, Any]) -> None:
        self.schema = schema
        self._gate = jsonschema_rs.Draft7Validator(dict(schema))

    def findings(self, node: Mapping, hidden: frozenset[int] = frozenset()) -> list[Finding]:
        """Everything that the schema refuses; no value below a node whose ``id()`` is in ``hidden`` is shown."""
        if self._gate.is_valid(node):
            return []
        from reconciler.disk.explain import explain  # jsonschema takes long to import, and most files are valid

        thin = self._thin(node)
        findings = explain(thin.node, self.schema, hidden) or explain(node, self.schema, hidden)
        return [*findings, *thin.left_out(node)] or [self._unexplained(node)]

    def _unexplained(self, node: Mapping) -> Finding:
        """The gate has the last word, should it ever refuse what jsonschema accepts."""
        inner: Any = node
        origin = node.origin()
        for step in next(error.instance_path for error in self._gate.iter_errors(node)):
            origin, inner = value_origin(inner, step), inner[step]
        return Finding(origin, "this value is not allowed here")

    def _thin(self, node: Mapping) -> Thin:
        """The document with its long lists cut down to refused items; counted if that leaves some out."""
        thin = Mapping.at(node.file)
        thin.place, thin.marks, thin.borrowed = node.place, node.marks, node.borrowed
        total = 0
        for key, value in node.items():
            thin[key] = value
            if isinstance(value, Sequence) and len(value) > EXPLAINED:
                refused = self._refused(key, value)
                total += len(refused) if len(refused) > EXPLAINED else 0
                thin[key] = _only(value, sorted({*range(SPARED), *refused[:EXPLAINED]}))
        return Thin(thin, total)

    def _refused(self, section: str, items: Sequence) -> list[int]:
        """The indexes of the items that the schema refuses, each seen alone."""
        schema = self.schema.get("properties", {}).get(section, {}).get("items", {})
        alone = {"allOf": [schema], "definitions": self.schema.get("definitions", {})}
        gate = jsonschema_rs.Draft7Validator(alone)
        return [index for index, item in enumerate(items) if not gate.is_valid(item)]


class Thin(NamedTuple):
    """A document cut down to what was refused, and how many that is, if even it leaves some out."""

    node: Mapping
    total: int

    def left_out(self, node: Mapping) -> list[Finding]:
        """A line that says that not every refused item is explained."""
        if not self.total:
            return []
        what = f"{self.total} items of this file are wrong; not all of them are told"
        return [Finding(node.origin(), what, "repair these first")]


def _only(items: Sequence, indexes: list[int]) -> Sequence:
    """Some items of a list, with their positions."""
    kept = Sequence(items[index] for index in indexes)
    kept.file, kept.place = items.file, items.place
    kept.marks = tuple(items.marks[index] for index in indexes)
    return kept
