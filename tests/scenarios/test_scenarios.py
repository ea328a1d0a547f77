"""Every file in ``cases``: plan, apply, then plan again (empty) and apply again (nothing sent), then what came later.

``RECONCILER_UPDATE=scenarios`` writes the expectations anew; what changed is then for a person to read, line by line.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Account, Emulator
from tests.scenarios import case as cases
from tests.scenarios.running import Run
from tests.support.project import Project

FOLDER = Path(__file__).parent / "cases"


@pytest.fixture
def make_run(
    server: Emulator, make_account: Callable[..., Account], tmp_path: Path
) -> Callable[[dict[str, Any]], Run]:
    """Makes runs in a folder ``site``."""

    def make(case: dict[str, Any]) -> Run:
        folder = tmp_path / "site"
        folder.mkdir()
        seed = dict(case.get("account") or {})
        project = Project(folder, server, make_account(seed))
        project.env["RECONCILER_DIALECT"] = (seed.get("options") or {}).get("dialect", "vendor")
        return Run(case, project)

    return make


def _pass(days: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on it is so many days later."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + days * 86_400)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_scenario(path: Path, make_run: Callable[[dict[str, Any]], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan, requests, account, ledger and exit code are as written; then nothing is left to do."""
    case = cases.load(path)
    run = make_run(case)
    run.prepare()
    if days := case.get("days_later"):
        _pass(days, monkeypatch)
    if run.plan():
        run.apply()
        if run.found.get("exit") != 3:
            run.again()
    else:
        run.unchanged()
    for act in case.get("later") or []:
        if days := act.get("days_later"):
            _pass(days, monkeypatch)
        run.found.setdefault("outcomes", []).append(run.act(act))
    found = {key: value for key, value in run.found.items() if value}
    if os.environ.get("RECONCILER_UPDATE") == "scenarios":
        cases.save(path, found)
        case = cases.load(path)
    assert found == cases.expected(case)
