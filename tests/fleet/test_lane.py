"""Lanes in this process: each account becomes one result with its texts, whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from reconciler.fleet import account as account_module
from reconciler.fleet.account import AccountJob, AccountOutput, change_digests
from reconciler.fleet.declaration import read_fleet
from reconciler.fleet.lane import LaneControl, lanes_of, run_lanes
from reconciler.model.fleet import AccountState
from tests.fleet.conftest import FleetProject

MakeFleet = Callable[..., FleetProject]
Run = Callable[..., dict[str, AccountOutput]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(fleet, "apply")``: the outputs by name; further arguments are fields of the jobs."""

    def made(fleet: FleetProject, command: str, control: LaneControl | None = None, **more: object) -> object:
        for name, value in fleet.env.items():
            monkeypatch.setenv(name, value)
        declared = read_fleet(fleet.folder, os.environ)
        jobs = [
            AccountJob(each, declared.folder, declared.common, command, **more)  # type: ignore[arg-type]
            for each in declared.accounts
        ]
        outputs: list[AccountOutput] = []
        run_lanes(lanes_of(jobs, 0, declared.parallel), outputs.append, control or LaneControl())
        assert len(outputs) == len(jobs)
        return {output.result.name: output for output in outputs}

    return made  # type: ignore[return-value]


def states(outputs: dict[str, AccountOutput]) -> list[str]:
    """The states in the order of the names."""
    return [outputs[name].result.state.value for name in sorted(outputs)]


def test_plan_apply_drift(make_fleet: MakeFleet, run: Run) -> None:
    """The life of two accounts, one of which drifts."""
    fleet = make_fleet("acme", "bolt")
    planned = run(fleet, "plan")
    assert states(planned) == ["changes", "changes"]
    assert len(planned["acme"].changes) == 16 and planned["acme"].changes == planned["bolt"].changes
    applied = run(fleet, "apply", approved=planned["acme"].changes)
    assert states(applied) == ["applied", "applied"]
    assert applied["acme"].result.writes == 2
    assert "POST /api/tags" in applied["acme"].files["log.txt"]
    assert states(run(fleet, "apply")) == ["unchanged", "unchanged"]
    fleet.accounts["bolt"].replace({"tags": ["VIP"]}, {})
    drifted = run(fleet, "drift")
    assert states(drifted) == ["unchanged", "drifted"]
    assert "tag/Lead" in drifted["bolt"].files["drift.json"]


def test_only_approved_changes_are_made(make_fleet: MakeFleet, run: Run) -> None:
    """Another change makes the plan stale; fewer are the rest of a run."""
    fleet = make_fleet("acme")
    assert states(run(fleet, "apply", approved=change_digests([]))) == ["refused"]
    assert fleet.account.writes == []
    fleet.write("tags: [VIP]\n", "common/tags.yaml")
    wanted = run(fleet, "plan")["acme"].changes
    assert states(run(fleet, "apply", approved=wanted + b"12345678")) == ["applied"]


def test_people_are_redacted(make_fleet: MakeFleet, run: Run) -> None:
    """In all texts, of a plan, an apply and drift."""
    fleet = make_fleet("acme")
    fleet.write("contacts:\n  - {email: ann@example.com, locale: en, tags: [VIP]}\n", "common/people.yaml")
    for command in ("plan", "apply", "drift"):
        (output,) = run(fleet, command, flags={"redact": True}).values()
        assert output.result.state.is_good
        assert "ann@example" not in "".join(output.files.values())


def test_refusals_and_failures_are_results(make_fleet: MakeFleet, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing approval, an account that refuses, no ledger to drift from, a defect, a stop."""
    fleet = make_fleet("acme")
    fleet.write(f"tags: {[f'T{number}' for number in range(12)]}\n", "common/tags.yaml")
    run(fleet, "apply")
    fleet.write("tags: [T0]\n", "common/tags.yaml")
    (refused,) = run(fleet, "apply").values()
    assert (refused.result.exit_code, "--allow deletes=11" in refused.result.error) == (3, True)
    assert refused.result.needs[0].number == 11
    fleet.account.fault("status", method="DELETE", times=None, status=403)
    (failed,) = run(fleet, "apply", allow={"deletes": 11}).values()
    assert failed.result.state is AccountState.FAILED and failed.result.error
    fleet.declare(acme="    ledger: none\n")
    assert "no drift can be found" in run(fleet, "drift")["acme"].result.error
    assert states(run(fleet, "plan")) == ["unchanged"]
    monkeypatch.setattr(account_module, "open_account", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in run(fleet, "plan")["acme"].result.error


def test_a_stop_begins_nothing(make_fleet: MakeFleet, run: Run) -> None:
    """After a halt or a stop the rest is not run."""
    fleet, control = make_fleet("acme", "bolt"), LaneControl()
    control.halted.set()
    assert states(run(fleet, "plan", control)) == ["not run", "not run"]
    assert not fleet.account.requests
