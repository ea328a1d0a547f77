"""The measurement of the guide, with few accounts; `make prove` runs it with a thousand, on a slowed clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from tests.fleet.measure import MeasuredFleet

PROVE = bool(os.environ.get("RECONCILER_PROVE"))


def test_no_account_is_forgotten_or_planned_twice(tmp_path: Path) -> None:
    """Three reads for each account: a page of tags, of fields and of people. The driver stays small."""
    accounts, keys = (1000, 100) if PROVE else (24, 4)
    with Emulator(key="key") as server:
        fleet = MeasuredFleet(tmp_path, server, accounts, keys)
        adopted = fleet.run("apply", "--yes")
        assert adopted.report["summary"]["applied"] == accounts
        found = fleet.run("plan", "--workers", "2", "--detailed-exitcode", rate=0.1 if PROVE else 0)
    assert found.requests == [3] * accounts
    assert [each["name"] for each in found.report["accounts"]] == [f"client-{n}" for n in range(accounts)]
    assert found.report["summary"]["unchanged"] == accounts
    if PROVE:  # alone in its process: the peak of a child counts that of the process that forked it
        assert found.memory < 200
        assert found.seconds <= 1.15 * found.bound


def test_rate_limits_hold(tmp_path: Path) -> None:
    """No run is shorter than the limits of its keys allow."""
    with Emulator(key="key") as server:
        fleet = MeasuredFleet(tmp_path, server, 10, 2)
        fleet.run("apply", "--yes")
        found = fleet.run("plan", "--workers", "2", rate=4)
    assert found.bound == pytest.approx(2.75)
    assert found.seconds >= found.bound
