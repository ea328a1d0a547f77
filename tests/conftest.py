"""One emulator for each test process, an account of its own for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings

from reconciler.emulator import Account, Emulator
from tests.support.postgres import Postgres, programs
from tests.support.project import Project

_NUMBERS = itertools.count(1)

#: What steers the tests themselves; everything else that steers the tool is none of theirs.
_KEPT = ("RECONCILER_REQUIRE", "RECONCILER_PROVE", "RECONCILER_VENDOR_OPENAPI", "RECONCILER_UPDATE")
for _name in [name for name in os.environ if name == "CI" or name.startswith(("MATON_", "RECONCILER_"))]:
    if _name not in _KEPT:
        del os.environ[_name]


#: jsonschema compiles 38 grammars of this package when it is imported, if a tool has brought it along: 3 seconds in
#: each test process, for formats that no schema here has.
sys.modules["rfc3987_syntax"] = cast(ModuleType, None)

#: Ledgers wait for the disk at each commit, which proves nothing here: temporary files belong into memory.
MEMORY = Path("/dev/shm")
ROOM = 2**30
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > ROOM
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
):
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None
#: Many processes start the same modules: let the first one keep what it compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# How long properties are searched: a sample in every run, the long way with HYPOTHESIS_PROFILE=prove. An example may
# take as long as it takes; fixtures are emptied for each example, so sharing them is meant.
COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("sample", max_examples=12, **COMMON)
settings.register_profile("prove", max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "2000")), **COMMON)
settings.register_profile("unshrunk", max_examples=12, derandomize=True, phases=[Phase.generate], **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "sample"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """With RECONCILER_REQUIRE=all a skip is a failure: CI must not pass by leaving things out."""
    report = yield
    if os.environ.get("RECONCILER_REQUIRE") == "all" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped where nothing may be: {reason}"
    return report


@pytest.fixture(scope="session")
def server() -> Iterator[Emulator]:
    """A running emulator."""
    with Emulator(key="test-key") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of our own."""
    found = programs()
    if found is None:
        pytest.skip("the PostgreSQL server programs (initdb, pg_ctl) are not installed")
    running = Postgres(found)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        running.remove()


@pytest.fixture
def make_account(server: Emulator) -> Callable[..., Account]:
    """Makes accounts: ``make_account({"tags": [...]}, dialect="skill")``."""

    def make(seed: dict[str, Any] | None = None, **options: Any) -> Account:
        return server.account(f"account-{next(_NUMBERS)}", seed or {}, **options)

    return make


@pytest.fixture
def make_project(server: Emulator, make_account: Callable[..., Account], tmp_path: Path) -> Callable[..., Project]:
    """Makes projects: ``make_project({"tags": [...]})`` is a folder with an account seeded so."""

    def make(seed: dict[str, Any] | None = None, **options: Any) -> Project:
        folder = tmp_path / f"project-{next(_NUMBERS)}"
        folder.mkdir()
        project = Project(folder, server, make_account(seed, **options))
        if options.get("dialect"):
            project.env["RECONCILER_DIALECT"] = options["dialect"]
        return project

    return make


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    """A project with an empty account."""
    return make_project()
