"""The source of a module and the number of a fault → the module with that one fault in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

#: An operator and what it is mistaken for.
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
#: Enumerations that decide; a member is mistaken for the next one that the module names.
ENUMS = frozenset({"Action", "Cause", "EntryState", "Provenance", "Prune", "Status", "Verb", "Way"})
#: Statements that may be left out.
DROPPED = (ast.Expr, ast.AugAssign, ast.Continue, ast.Raise, ast.Delete)

Edit = Callable[[], object]
#: Line, description, and the edit of the tree.
Variant = tuple[int, str, Edit]


@dataclass(frozen=True)
class Fault:
    """Where it is, and what it is; ``node`` and ``variant`` find it again in a fresh tree."""

    module: str
    line: int
    what: str
    node: int
    variant: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}"


def faults_of(module: str, source: str) -> list[Fault]:
    """Every fault that a module can have, in the order of its lines."""
    tree = ast.parse(source)
    members = _members(tree)
    found = [
        Fault(module, line, what, index, variant)
        for index, node in _deciding(tree)
        for variant, (line, what, _) in enumerate(_variants(node, members))
    ]
    return sorted(found, key=lambda fault: (fault.line, fault.node, fault.variant))


def with_fault(source: str, node: int, variant: int) -> ast.Module:
    """The tree of the module with that fault."""
    tree = ast.parse(source)
    found = dict(_deciding(tree))[node]
    list(_variants(found, _members(tree)))[variant][2]()
    return ast.fix_missing_locations(tree)


def _deciding(tree: ast.Module) -> Iterator[tuple[int, ast.AST]]:
    """The nodes inside functions, without wording; what is said at the top of a module is data or imports.

    A function that only the top of the module calls makes such data: a fault that is put in later has no effect.
    """
    done = _at_import(tree)
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name not in done]
    inside = {id(node) for each in functions for node in _body(each)}
    inside -= {id(node) for each in ast.walk(tree) if _is_wording(each) for node in ast.walk(each)}
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in inside:
            yield index, node


def _at_import(tree: ast.Module) -> set[str]:
    """The private functions of a module that are called at its top, and named nowhere else."""
    top = [each for each in tree.body if not isinstance(each, ast.FunctionDef | ast.ClassDef)]
    called = {id(node.func) for each in top for node in ast.walk(each) if isinstance(node, ast.Call)}
    called -= {
        id(node)
        for each in top
        for within in ast.walk(each)
        if isinstance(within, ast.Lambda)
        for node in ast.walk(within)
    }
    done = {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("_")}
    while named := done & {
        node.id
        for each in tree.body
        if getattr(each, "name", None) not in done
        for node in ast.walk(each)
        if isinstance(node, ast.Name) and id(node) not in called
    }:
        done -= named
    return done


def _is_wording(node: ast.AST) -> bool:
    """A text with values in it, or a choice between two texts, such as singular and plural: no decision."""
    if isinstance(node, ast.IfExp):
        return all(isinstance(each, ast.JoinedStr) or _is_text(each) for each in (node.body, node.orelse))
    return isinstance(node, ast.JoinedStr)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _body(function: ast.FunctionDef) -> Iterator[ast.AST]:
    yield function
    for statement in function.body:
        yield from ast.walk(statement)


def _members(tree: ast.Module) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ENUMS:
            found.setdefault(node.value.id, set()).add(node.attr)
    return {name: sorted(members) for name, members in found.items()}


def _variants(node: ast.AST, members: dict[str, list[str]]) -> Iterator[Variant]:
    """Each fault that this node can have."""
    yield from _of_conditions(node)
    yield from _of_values(node, members)
    yield from _of_statements(node)


def _of_conditions(node: ast.AST) -> Iterator[Variant]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node.lineno, "condition negated", lambda: setattr(node, "test", _negated(node.test))
    elif isinstance(node, ast.comprehension):
        for place, test in enumerate(node.ifs):
            yield test.lineno, "filter dropped", _setter(node.ifs, place, ast.Constant(True))
    elif isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            other = COMPARED[type(op)]
            yield node.lineno, f"{type(op).__name__} → {other.__name__}", _setter(node.ops, place, other())
    elif isinstance(node, ast.BoolOp):
        neutral = ast.Constant(isinstance(node.op, ast.And))
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node.lineno, f"{type(node.op).__name__} swapped", lambda: setattr(node, "op", swapped)
        for place, value in enumerate(node.values):
            yield value.lineno, f"operand {place + 1} dropped", _setter(node.values, place, neutral)


def _of_values(node: ast.AST, members: dict[str, list[str]]) -> Iterator[Variant]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node.lineno, f"{node.value} flipped", lambda: setattr(node, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield node.lineno, f"{node.value} + 1", partial(setattr, node, "value", node.value + 1)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in members:
        known = members[node.value.id]
        if len(known) > 1:
            other = known[(known.index(node.attr) + 1) % len(known)]
            yield node.lineno, f"{node.attr} → {other}", lambda: setattr(node, "attr", other)


def _of_statements(node: ast.AST) -> Iterator[Variant]:
    if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.With | ast.While | ast.Try):
        for place, statement in enumerate(node.body):
            text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant | ast.Yield)
            if isinstance(statement, DROPPED) and not text:
                yield statement.lineno, "statement dropped", _setter(node.body, place, ast.Pass())


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _setter(places: list[Any], at: int, value: ast.AST) -> Edit:
    return partial(places.__setitem__, at, value)
