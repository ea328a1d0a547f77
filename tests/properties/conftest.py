"""What the properties share: an account and a ledger that are emptied for each example."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Account, Emulator
from tests.properties.bench import Bench


@pytest.fixture
def bench(server: Emulator, make_account: Callable[..., Account], tmp_path: Path) -> Iterator[Bench]:
    """A folder, an account and a ledger in memory; ``start`` empties all three."""
    made = Bench(server, make_account(), tmp_path)
    yield made
    made.close()
