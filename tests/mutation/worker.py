"""One process of the mutation run: tests with one fault in place, or without any and with the lines they execute.

python -m tests.mutation.worker {"module": …, "node": …, "variant": …, "tests": [node ids]}
python -m tests.mutation.worker {"lines": "out.json", "tests": [paths]}
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ARGUMENTS = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--tb=no"]


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from its tree with the fault in it."""

    def __init__(self, module: str, tree: ast.Module, path: str) -> None:
        self.module, self.tree, self.path = module, tree, path

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, self.path, "exec"), module.__dict__)


class Lines:
    """Which lines of the watched modules each test executes, and how long it takes."""

    def __init__(self) -> None:
        from coverage import Coverage

        from tests.mutation.__main__ import MODULES, path_of

        self.coverage = Coverage(
            data_file=None, config_file=False, include=[str(path_of(module)) for module in MODULES]
        )
        self.seconds: dict[str, float] = {}
        self.bad: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.coverage.switch_context(item.nodeid)
        began = time.monotonic()
        yield
        self.seconds[item.nodeid] = time.monotonic() - began
        self.coverage.switch_context("")
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.bad.append(report.nodeid)

    def document(self) -> dict[str, Any]:
        """Tests by module and line."""
        data = self.coverage.get_data()
        lines = {path: data.contexts_by_lineno(path) for path in data.measured_files()}
        return {"lines": lines, "seconds": self.seconds, "bad": self.bad}


def main() -> int:
    """Runs what the first argument says; ends as pytest does."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if "lines" in job:
        plugin = Lines()
        plugin.coverage.start()
        code = pytest.main([*(arg for arg in ARGUMENTS if arg != "-x"), *job["tests"]], plugins=[plugin])
        plugin.coverage.stop()
        Path(job["lines"]).write_text(json.dumps(plugin.document()), encoding="utf-8")
        return int(code)
    from tests.mutation.__main__ import path_of
    from tests.mutation.faults import with_fault

    path = path_of(job["module"])
    tree = with_fault(path.read_text(encoding="utf-8"), job["node"], job["variant"])
    sys.meta_path.insert(0, Faulty(job["module"], tree, str(path)))
    return int(pytest.main([*ARGUMENTS, *job["tests"]]))


if __name__ == "__main__":
    sys.exit(main())
