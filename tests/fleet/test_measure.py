"""The measurement of the guide, with few accounts; `make prove` runs it with a thousand, on a slowed clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from tests.fleet.measure import MeasuredFleet

PROVE = bool(os.environ.get("RECONCILER_PROVE"))


def test_no_account_is_forgotten_or_planned_twice(tmp_path: Path) -> None:
    """Three reads for each account: a page of tags, of fields and of people. No run is shorter than the limits of its
    keys allow; the long way, it is hardly longer either, and the driver stays small."""
    accounts, keys, rate = (1000, 100, 0.05) if PROVE else (10, 2, 4)
    with Emulator(key="key") as server:
        fleet = MeasuredFleet(tmp_path, server, accounts, keys)
        adopted = fleet.run("apply", "--yes")
        assert adopted.report["summary"]["applied"] == accounts
        found = fleet.run("plan", "--workers", "2", "--detailed-exitcode", rate=rate)
    assert found.requests == [3] * accounts
    assert [each["name"] for each in found.report["accounts"]] == [f"client-{n}" for n in range(accounts)]
    assert found.report["summary"]["unchanged"] == accounts
    assert found.bound == pytest.approx(580 if PROVE else 2.75)
    assert found.seconds >= found.bound
    if PROVE:  # alone in its process: the peak of a child counts that of the process that forked it
        assert found.memory < 200
        assert found.seconds <= 1.15 * found.bound
