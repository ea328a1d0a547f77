"""What the tests promise about themselves, and what no file of the repository says."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import ROOT
from tests.mutation import modules

REPOSITORY = ROOT.parent
TESTS = sorted((REPOSITORY / "tests").rglob("test_*.py"))
TEXTS = [
    path
    for top in ("reconciler", "tests", "docs", "examples", "schema", ".ci")
    for path in sorted((REPOSITORY / top).rglob("*"))
    if path.is_file()
    and path.suffix in ("", ".py", ".md", ".yaml", ".json", ".toml", ".csv", ".txt")
    and not {"__pycache__", ".reconciler"} & set(path.parts)
] + [REPOSITORY / name for name in ("README.md", "Makefile", "pyproject.toml")]
ADDRESS = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
OURS = re.compile(r"(^|\.)(example\.(com|org|net)(\.json)?|example|invalid|test|localhost)$", re.IGNORECASE)


def test_every_test_says_what_it_shows() -> None:
    """One line each, and one for each file."""
    silent = []
    for path in TESTS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"]
        silent += [f"{path.name}: {node.name}" for node in tests if not ast.get_docstring(node)]
        silent += [path.name] if not ast.get_docstring(tree) else []
    assert silent == []


def test_no_real_address_is_named() -> None:
    """Mail addresses belong to names that are reserved for examples."""
    found = {}
    for path in TEXTS:
        text = re.sub(r"\w+://\S+", "", path.read_text(encoding="utf-8"))
        hosts = {host for host in ADDRESS.findall(text) if not OURS.search(host)}
        hosts = {host for host in hosts if re.search(r"\.[a-z]{2,}$", host)}
        if hosts:
            found[str(path.relative_to(REPOSITORY))] = sorted(hosts)
    assert found == {}


def test_no_place_of_a_machine_is_named() -> None:
    """Nothing depends on where it was written."""
    home = re.compile(r"(?<![\w.])/(root|home|Users|work)/\w")
    named = [str(path.relative_to(REPOSITORY)) for path in TEXTS if home.search(path.read_text(encoding="utf-8"))]
    assert named == []


def test_the_mutated_modules_exist() -> None:
    """``make prove`` puts faults into modules by name and asks tests by name; both move now and then."""
    assert [module for module in modules.MODULES if not modules.path_of(module).exists()] == []
    assert [name for name in modules.TESTS if not (REPOSITORY / name).exists()] == []
