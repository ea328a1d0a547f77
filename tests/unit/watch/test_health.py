"""The health file and the lock of a watch."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError, Locked
from reconciler.watch.health import only_one, read_health, write_health

NOW = 1_800_000_000.0
CONTENT = {"state": "waiting", "updated": NOW, "last_ending": None, "cycles": 3}


def test_there_and_back(tmp_path: Path) -> None:
    """Times become text that anything can read; age decides."""
    path = tmp_path / "health.json"
    write_health(path, CONTENT)
    assert json.loads(path.read_text())["updated"] == "2027-01-15T08:00:00.000+00:00"
    assert read_health(path, 60, NOW + 60) == (True, "waiting, last cycle still running, 60 s ago")
    assert read_health(path, 60, NOW + 61)[0] is False
    assert read_health(path, 60, NOW - 5)[0] is True  # a clock that was set back
    write_health(path, {**CONTENT, "state": "stopped"})
    assert read_health(path, 60, NOW)[0] is False
    assert [each.name for each in tmp_path.iterdir()] == ["health.json"]


def test_a_place_that_takes_no_file(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(ConfigurationError, match="nowhere"):
        write_health(tmp_path / "nowhere" / "health.json", CONTENT)


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second one is refused until the first has ended; other environments and ledgers are others."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    with only_one(ledger, tmp_path, None):
        with pytest.raises(Locked, match="another watch"), only_one(ledger, tmp_path, None):
            pass
        with only_one("none", tmp_path, None), only_one("none", tmp_path, "staging"):
            pass
        with only_one(f"sqlite:///{tmp_path}/other.db", tmp_path, None):
            pass
    with only_one(ledger, tmp_path, None):
        assert (tmp_path / "ledger.db.watch").exists()


def test_no_place_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside the ledger nor among the temporary files."""
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(file))
    with pytest.raises(ConfigurationError, match="cannot write"), only_one("none", file, None):
        pass


def test_a_clock_is_read_by_nobody_but_the_caller(tmp_path: Path) -> None:
    """What is written now is healthy now."""
    write_health(tmp_path / "health.json", {**CONTENT, "updated": time.time()})
    assert read_health(tmp_path / "health.json", 60, time.time())[0]
