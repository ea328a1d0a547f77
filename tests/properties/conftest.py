"""How long the search goes on: a sample in every run, the long one with HYPOTHESIS_PROFILE=prove."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reconciler.emulator import Account, Emulator
from tests.properties.bench import Bench

# Each example is a life over HTTP; the fixtures are emptied for each example, so sharing them is meant.
COMMON = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("sample", max_examples=20, **COMMON)
settings.register_profile("prove", max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "2000")), **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "sample"))


@pytest.fixture
def bench(server: Emulator, make_account: Callable[..., Account], tmp_path: Path) -> Iterator[Bench]:
    """A folder, an account and a ledger in memory; ``start`` empties all three."""
    made = Bench(server, make_account(), tmp_path)
    yield made
    made.close()
