"""Ledgers to test with: a file, and a private PostgreSQL server where its programs are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.lock import Lock
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
        Lock.acquire(store)
        return store


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """The same test on both databases."""
    url = "sqlite:///.reconciler/ledger.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").namespace()
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
