"""Ledgers to test with: a file, and a private PostgreSQL server where its programs are found."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.lease import Lease
from reconciler.ledger.store import Store


class FakeClock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Where:
    """A place for one test's ledger; everything opened here is closed after the test."""

    url: str
    root: Path
    opened: list[Store] = field(default_factory=list)

    def open(self, **options: Any) -> Store:
        store = Store.open(self.url, root=self.root, **options)
        self.opened.append(store)
        return store

    def held(self, **options: Any) -> Store:
        """An open ledger whose lease is ours; no thread renews it."""
        store = self.open(**options)
        Lease.acquire(store)
        return store


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _unprivileged() -> str | None:
    """The servers refuse to run as root, so root starts them as somebody else."""
    if os.getuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _missing(reason: str) -> None:
    if os.environ.get("RECONCILER_REQUIRE") == "all":
        pytest.fail(f"required, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a database on a server of our own, reached through a socket in a temporary folder."""
    programs = _programs()
    if programs is None:
        _missing("the PostgreSQL server programs (initdb, pg_ctl) are not installed")
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    user = _unprivileged()
    if user is not None:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(programs / program), "-D", str(folder / "data"), *arguments],
            check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip

    try:
        run("initdb", "-A", "trust", "-U", "ledger", "--no-sync", "-E", "UTF8", "--locale=C")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-F -k {folder} -c listen_addresses=''", "start")
        try:
            yield f"postgresql+psycopg://ledger@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _namespace(server: str) -> str:
    import psycopg

    name = f"t_{uuid.uuid4().hex}"
    folder = server.partition("host=")[2]
    with psycopg.connect(host=folder, user="ledger", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """The same test on both databases."""
    url = "sqlite:///.reconciler/ledger.db"
    if request.param == "postgresql":
        url = _namespace(request.getfixturevalue("server"))
    place = Where(url, tmp_path)
    yield place
    for store in place.opened:
        store.close()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Where]:
    """A place for a file, for what only files can do."""
    place = Where("sqlite:///.reconciler/ledger.db", tmp_path)
    yield place
    for store in place.opened:
        store.close()
