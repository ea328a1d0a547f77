"""Runs chosen tests in forks of one pytest process that has collected them: as they are, or with one fault in place.

A fork starts in milliseconds, because modules are imported and tests are collected. The fault is put into functions
that exist already: their code is replaced by that of the changed module.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TypeVar

import pytest
from coverage import Coverage

import reconciler
from tests.mutation.faults import Fault, with_fault
from tests.mutation.modules import MODULES, path_of, source_of

T = TypeVar("T")
#: Exit codes of a fork when a test failed, and when the fork itself did.
FAILED, BROKEN = 3, 70


class Session:
    """A pytest plugin: collects the tests, then gives ``work`` this session instead of running them."""

    def __init__(self, work: Callable[[Session], None]) -> None:
        self.work = work
        self.config: pytest.Config
        self.items: dict[str, pytest.Item] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Takes the place of pytest's own loop."""
        self.config = session.config
        self.items = {item.nodeid: item for item in session.items}
        # The first use empties the folder of all temporary folders: before the forks, not once in each of them.
        self.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        self.work(self)
        return True

    def start(self, job: Callable[[], int], limit: int = 0) -> int:
        """The id of a fork that does ``job`` and ends with its exit code, or is killed after ``limit`` seconds."""
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        code = BROKEN
        try:
            os.setpgid(0, 0)
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            signal.alarm(limit)
            code = job()
        finally:
            os._exit(code)

    def register(self, plugin: object) -> None:
        """Adds a plugin of this process."""
        self.config.pluginmanager.register(plugin)

    def run(self, tests: Sequence[str]) -> Iterator[str]:
        """The tests one after the other, in this process; each is named before it runs.

        What all tests share, such as the server, is left running: the process ends soon.
        """
        items = [self.items[test] for test in tests]
        other = next(item for item in self.items.values() if item is not items[-1])
        for item, following in zip(items, [*items[1:], other], strict=True):
            yield item.nodeid
            self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class StopAtFailure:
    """A pytest plugin that ends the process at the first failure and leaves the name of the test."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called after set-up, call and tear-down of each test."""
        if report.failed:
            self.out.write_text(report.nodeid, encoding="utf-8")
            os._exit(FAILED)


def try_fault(session: Session, fault: Fault, limits: Mapping[str, int], out: Path) -> int:
    """Runs tests with a fault in place until one fails, whose name is written to ``out``, or takes too long."""
    _put(fault)
    session.register(StopAtFailure(out))
    for test in session.run(list(limits)):
        signal.alarm(limits[test])
    return 0


def _put(fault: Fault) -> None:
    """Replace the code of every function of the module by that of the changed module."""
    path = path_of(fault.module)
    tree = with_fault(source_of(fault.module), fault.node, fault.variant)
    changed = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compile(tree, str(path), "exec"))}
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == str(path):
            code = changed.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
            if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
                function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def learn(session: Session, tests: Sequence[str], out: Path) -> int:
    """Runs tests as they are and writes, for each that passes, its processor time and the lines it executes."""
    coverage = Coverage(data_file=None, config_file=False, include=[str(path_of(module)) for module in MODULES])
    coverage.set_option("run:disable_warnings", ["no-data-collected"])  # help pages execute none of these modules
    began: dict[str, float] = {}
    bad: set[str] = set()
    session.register(_Outcomes(bad))
    coverage.start()
    for test in session.run(tests):
        began[test] = time.process_time()
        coverage.switch_context(test)
    coverage.stop()
    ends = [*list(began.values())[1:], time.process_time()]
    found: dict[str, Any] = {
        test: {"seconds": end - start, "lines": {}}
        for (test, start), end in zip(began.items(), ends, strict=True)
        if test not in bad
    }
    data = coverage.get_data()
    for module in MODULES:
        for line, contexts in data.contexts_by_lineno(str(path_of(module))).items():
            for test in set(contexts) & found.keys():
                found[test]["lines"].setdefault(module, []).append(line)
    out.write_text(json.dumps(found), encoding="utf-8")
    return 0


class _Outcomes:
    def __init__(self, bad: set[str]) -> None:
        self.bad = bad

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.bad.add(report.nodeid)


def in_forks(jobs: Iterator[tuple[T, int]], at_once: int) -> Iterator[tuple[T, int]]:
    """Each job (what it is, its process) with its exit code; what the process started ends with it."""
    running: dict[int, T] = {}
    more = True
    while more or running:
        while more and len(running) < at_once:
            job = next(jobs, None)
            more = job is not None
            if job is not None:
                running[job[1]] = job[0]
        for process, what in list(running.items()):
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process, signal.SIGKILL)
                del running[process]
                yield what, os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
