"""Typed nodes and a JSON Schema → findings, each at the line and column that caused it.

jsonschema-rs is the gate and costs about a microsecond an item; jsonschema explains, and only what was refused.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        findings = explain(thin.node, self.schema, hidden)
        return [*findings, *thin.left_out(node)] or [self._unexplained(node)]

    def _unexplained(self, node: Mapping) -> Finding:
        """The gate has the last word: its regular expressions are stricter about a line break at the end."""
        inner: Any = node
        origin = node.origin()
        for step in next(self._paths(node), []):
            origin, inner = value_origin(inner, step), inner[step]
        return Finding(origin, "this value is not allowed here", "look for a line break at its end")

    def _thin(self, node: Mapping) -> Thin:
        """The document with its long lists cut down to refused items; lists refused as such are kept whole."""
        refused: dict[str, set[int]] = {}
        whole: set[str] = set()
        for path in self._paths(node):
            if len(path) > 1 and isinstance(path[1], int):
                refused.setdefault(str(path[0]), set()).add(path[1])
            elif path:
                whole.add(str(path[0]))
        thin = Mapping.at(node.file)
        thin.place, thin.marks, thin.borrowed = node.place, node.marks, node.borrowed
        left_out = 0
        for key, value in node.items():
            thin[key] = value
            if isinstance(value, Sequence) and len(value) > EXPLAINED and key not in whole:
                indexes = sorted(refused.get(key, ()))
                left_out += max(0, len(indexes) - EXPLAINED)
                thin[key] = _only(value, sorted({*range(SPARED), *indexes[:EXPLAINED]}))
        return Thin(thin, left_out)

    def _paths(self, node: Mapping) -> Iterator[list[str | int]]:
        for error in self._gate.iter_errors(node):
            yield list(error.instance_path)


class Thin(NamedTuple):
    """A document cut down to what was refused, and how many refused items even it leaves out."""

    node: Mapping
    more: int

    def left_out(self, node: Mapping) -> list[Finding]:
        """A line that says how many items were not explained."""
        if not self.more:
            return []
        return [Finding(node.origin(), f"{self.more} more items of this file are wrong", "repair the others first")]


def _only(items: Sequence, indexes: list[int]) -> Sequence:
    """Some items of a list, with their positions."""
    kept = Sequence(items[index] for index in indexes)
    kept.file, kept.place = items.file, items.place
    kept.marks = items.marks[:0]
    kept.marks.extend(items.marks[index] for index in indexes)
    return kept
