"""The package's modules → their names, lines, syntax trees and imports."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import reconciler

ROOT = Path(reconciler.__file__).parent

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path

    @property
    def name(self) -> str:
        """Dotted, the package's own name left out: ``engine.diff``."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    @cached_property
    def text(self) -> str:
        """What is written in it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The same as syntax."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of the tree."""
        return list(ast.walk(self.tree))

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in self.nodes if isinstance(node, Function))

    @cached_property
    def imports(self) -> list[tuple[str, int]]:
        """Every module that is imported anywhere in it, with the line."""
        return list(self._imports())

    def _imports(self) -> Iterator[tuple[str, int]]:
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module, f"{self.name}: a relative import"
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if _is_module(inner) else node.module, node.lineno


def _is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


MODULES = [Module(path) for path in sorted(ROOT.rglob("*.py"))]


def of_each(modules: Iterable[Module]) -> Callable[[Callable[[Module], None]], Callable[[], None]]:
    """Makes one test of a test of one module: it names every module that fails."""

    def decorate(test: Callable[[Module], None]) -> Callable[[], None]:
        def whole() -> None:
            failed = []
            for module in modules:
                try:
                    test(module)
                except AssertionError as error:
                    failed.append(f"{module.name}: {error}")
            assert not failed, "\n".join(failed)

        whole.__doc__ = test.__doc__
        return whole

    return decorate


def named(*packages: str) -> list[Module]:
    """The modules of these packages."""
    return [module for module in MODULES if module.package in packages]
