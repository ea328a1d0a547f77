"""How large things are, and what they must not say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from reconciler.kinds import KINDS
from tests.architecture.source import MODULES, Module, named, of_each

LONGEST_FILE = 500
LONGEST_FUNCTION = 40
LONGEST_KIND = 100

each_module = of_each(MODULES)


@each_module
def test_files_are_short(module: Module) -> None:
    """Below 500 lines: a second file needs a second idea, not a limit."""
    assert module.lines < LONGEST_FILE


@each_module
def test_functions_are_short(module: Module) -> None:
    """At most 40 lines from ``def`` to the end, docstring included."""
    long = {node.name: _length(node) for node in module.functions() if _length(node) > LONGEST_FUNCTION}
    assert long == {}


@each_module
def test_everything_public_is_described(module: Module) -> None:
    """A sentence opens every module, and every class and function that others may use."""
    assert ast.get_docstring(module.tree)
    if module.package != "emulator":  # its handlers are known by their routes
        assert list(_undescribed(module.tree)) == []


@each_module
def test_names_say_something(module: Module) -> None:
    """No Manager, Helper, Util: what is it, then?"""
    words = {node.name for node in module.nodes if isinstance(node, ast.ClassDef)} | {module.name}
    assert [word for word in words if re.search(r"manager|helper|util|common|misc", word, re.IGNORECASE)] == []


def test_class_names_are_unique() -> None:
    """A name leads to one class; the emulator is a program of its own."""
    named_so: dict[str, list[str]] = {}
    for module in MODULES:
        if module.package != "emulator":
            for node in module.nodes:
                if isinstance(node, ast.ClassDef):
                    named_so.setdefault(node.name, []).append(module.name)
    assert {name: modules for name, modules in named_so.items() if len(modules) > 1} == {}


@each_module
def test_only_the_command_line_exits(module: Module) -> None:
    """``sys.exit`` stays in cli; below it an exception carries its exit code."""
    if module.package not in ("cli", "__main__"):
        assert "sys.exit" not in module.text
        assert "SystemExit" not in module.text


@each_module
def test_nothing_replaces_the_standard_streams(module: Module) -> None:
    """Code that writes elsewhere returns its text, or is given a stream."""
    stored = {
        ast.unparse(node)
        for node in module.nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert stored.isdisjoint({"sys.stdout", "sys.stderr"})


def test_a_kind_is_a_short_file() -> None:
    """A kind is data: below 100 lines, with no classes and no imports but the vocabulary and the model."""
    for kind in KINDS:
        (module,) = (each for each in named("kinds") if each.name == f"kinds.{kind}")
        assert module.lines < LONGEST_KIND, kind
        assert not [node for node in module.nodes if isinstance(node, ast.ClassDef)], kind


@of_each(each for each in MODULES if each.package not in ("kinds", "emulator"))
def test_kinds_are_not_told_apart_by_name(module: Module) -> None:
    """What is special about a kind stands in its declaration, not in an ``if`` elsewhere."""
    assert list(_ladders(module)) == []


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _undescribed(tree: ast.Module) -> Iterator[str]:
    """Public classes and functions of the module, and public methods of its public classes.

    Overrides of a library's methods are described there; a property is a noun, and its class describes it.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield node.name
            if isinstance(node, ast.ClassDef) and not _overrides(node):
                methods = (each for each in node.body if isinstance(each, ast.FunctionDef) and not _is_property(each))
                yield from (
                    f"{node.name}.{each.name}"
                    for each in methods
                    if not each.name.startswith("_") and not ast.get_docstring(each)
                )


def _is_property(node: ast.FunctionDef) -> bool:
    return any("property" in ast.unparse(each) for each in node.decorator_list)


def _overrides(node: ast.ClassDef) -> bool:
    """Whether the class fills in a library's: what its methods do is said there."""
    return any(isinstance(base, ast.Attribute | ast.Subscript) for base in node.bases)


def _ladders(module: Module) -> Iterator[str]:
    """Comparisons of anything with the name of a kind, and look-ups in KINDS by a literal."""
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            literals = {leaf.value for side in sides for leaf in ast.walk(side) if isinstance(leaf, ast.Constant)}
            if literals & KINDS.keys():
                yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in KINDS:
            yield f"line {node.lineno}: {ast.unparse(node)}"
