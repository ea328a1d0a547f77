"""Who knows whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.source import MODULES, ROOT, Module, named, of_each

PURE = ("errors", "model", "kinds", "planner", "output")
EFFECTS = frozenset(
    "requests urllib3 http socket click rich yaml sqlalchemy sqlite3 os pathlib time random threading logging "
    "subprocess asyncio tempfile shutil secrets uuid getpass platform".split()
)
HEAVY = frozenset(
    "requests jinja2 markupsafe jsonschema jsonschema_rs deepdiff sqlalchemy rich yaml starlette uvicorn "
    "prometheus_client".split()
)
#: Package → the heavy libraries that may be imported at the top of its modules.
HOMES = {
    "requests": {"gateway"},
    "jinja2": {"output"},
    "markupsafe": {"output"},
    "sqlalchemy": {"ledger"},
    "yaml": {"config", "edit", "emulator"},
    "jsonschema": {"config"},
    "jsonschema_rs": {"config"},
    "deepdiff": {"planner"},
    "rich": {"cli", "output"},
    "click": {"cli"},
    "starlette": {"emulator"},
    "uvicorn": {"emulator"},
    "prometheus_client": {"cli"},
}


def test_contracts_are_kept() -> None:
    """The contracts of import-linter in pyproject.toml."""
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_there_are_no_cycles() -> None:
    """Modules can be put in an order in which each knows earlier ones only; imports inside functions count."""
    names = {f"reconciler.{module.name}".rstrip("."): module for module in MODULES}
    graph = {
        name: {target for target, _ in module.imports if target in names and target != name}
        for name, module in names.items()
    }
    TopologicalSorter(graph).prepare()


@of_each(MODULES)
def test_imports_are_honest(module: Module) -> None:
    """No imports for the type checker alone: they hide what knows what."""
    names = {node.id for node in module.nodes if isinstance(node, ast.Name)}
    assert "TYPE_CHECKING" not in names


@of_each(named(*PURE))
def test_the_middle_is_pure(module: Module) -> None:
    """No I/O, no clock, no dice, no log, no print; nowhere, not even inside a function."""
    targets = {target for target, _ in module.imports if not _is_of(target, "rich.cells")}  # widths of characters
    assert {target.partition(".")[0] for target in targets} & EFFECTS == set()
    called = {node.func.id for node in module.nodes if isinstance(node, ast.Call) and _is_name(node.func)}
    assert called & {"print", "open", "input"} == set()


@pytest.mark.parametrize("library", HOMES)
def test_libraries_stay_at_home(library: str) -> None:
    """Each library is spoken in one package only."""
    users = {module.package for module in MODULES if any(_is_of(target, library) for target, _ in module.imports)}
    assert users <= HOMES[library]


def test_the_emulator_knows_nothing_of_the_rest() -> None:
    """It stands in for somebody else's code, so it must not share a mistake with ours; only cli starts it."""
    for module in MODULES:
        targets = {target.split(".")[1] for target, _ in module.imports if target.startswith("reconciler.")}
        if module.package == "emulator":
            assert targets <= {"emulator"}, module.name
        elif module.package != "cli":
            assert "emulator" not in targets, module.name


@pytest.mark.parametrize("args", [["--version"], ["--help"]], ids=lambda args: args[0])
def test_start_up_imports_nothing_heavy(args: list[str]) -> None:
    """Version and help come at once."""
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom reconciler.cli.main import run\n"  # a tracer brings its own
        f"assert run({args!r}) == 0\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert loaded & (HEAVY | {"sqlite3", "http"}) == set()


#: Imported when needed: not on every platform, not in every installation, or only on a terminal.
OPTIONAL = (
    "termios",
    "prometheus_client",
    "reconciler.emulator",
    "reconciler.mcp",
    "reconciler.cli.progress_display",
)
#: Modules that help and completion import: what only a command needs, they import in functions.
START = frozenset({"cli.main", "cli.completers", "cli.redaction"})


@of_each(each for each in named("cli") if each.name not in START)
def test_commands_import_at_the_top(module: Module) -> None:
    """Commands are imported when they are called, so that inside them imports stand at the top."""
    inside = {
        alias.name if isinstance(node, ast.Import) else node.module
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert [name for name in inside if not str(name).startswith(OPTIONAL)] == []


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _is_of(target: str, library: str) -> bool:
    return target == library or target.startswith(library + ".")
