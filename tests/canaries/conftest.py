"""An emulator with a key that is a canary, and worlds on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from tests.canaries.world import KEY, World

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def guarded() -> Iterator[Emulator]:
    """A running emulator whose key must never show."""
    with Emulator(key=KEY) as emulator:
        yield emulator


@pytest.fixture
def make_world(guarded: Emulator, tmp_path: Path) -> Callable[[], World]:
    """Makes worlds, each with a folder and an account of its own."""

    def make() -> World:
        number = next(_NUMBERS)
        folder = tmp_path / f"world-{number}"
        folder.mkdir()
        return World(folder, guarded, f"world-{number}")

    return make


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    """One of them."""
    return make_world()
