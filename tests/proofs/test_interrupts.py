"""Signals and bounds end a run in order, and the next one completes it."""

from __future__ import annotations

import re
import signal

import pytest

from tests.proofs.conftest import WHOLE
from tests.proofs.forks import Moment, Right, Worker
from tests.proofs.test_two_applies import APPLY, finish, running
from tests.support.waiting import PATIENCE, line_with, until


def complete(owned: Moment, right: Right) -> None:
    """The same command once more does the rest."""
    owned.project.account.set_faults([])
    again = owned.project.run(*APPLY)
    assert again.code == 0, again.err
    finish(owned, right)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_in_order(owned: Moment, right: Right, number: signal.Signals) -> None:
    """What is in flight ends and is recorded, nothing new begins, and the report says what was and was not done."""
    account, project = owned.restore(), owned.project
    with running(project) as process:
        until(lambda: len(account.writes) >= 12)
        account.fault("latency", times=None, seconds=2 * PATIENCE)
        process.send_signal(number)
        assert process.stderr is not None
        line_with("Stopping: requests in flight", process.stderr)
        account.set_faults([])
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Stopped: interrupted" in out
    assert "not run" in out
    sent = account.writes
    assert len(sent) >= 12
    assert all(each["status"] for each in sent), "every answer was waited for"
    complete(owned, right)


def test_two_signals_end_at_once(owned: Moment, right: Right) -> None:
    """Nobody waits for an answer that does not come; the next run finds what was in flight."""
    account, project = owned.restore(), owned.project
    account.fault("latency", method="POST", path="/api/contacts$", times=None, seconds=2 * PATIENCE)
    with running(project) as process:
        until(lambda: any(each["path"] == "/api/contacts" for each in account.writes))
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        line_with("Stopping", process.stderr)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in err
    complete(owned, right)


@pytest.mark.parametrize("calls", range(9, 70) if WHOLE else [9, 31])
def test_a_number_of_calls_ends_in_order(owned: Moment, right: Right, calls: int) -> None:
    """No step begins beyond it; exit code 4 says that a part is done."""
    account, project = owned.restore(), owned.project
    ended = project.run(*APPLY, "--parallel", "1", "--max-calls", str(calls))
    assert ended.code == 4, ended.err
    assert f"Stopped: --max-calls {calls} reached" in ended.out
    assert len(account.requests) <= calls + 3, "the last step and a look for what was accepted"
    complete(owned, right)


def test_an_amount_of_time_ends_in_order(owned: Moment, right: Right) -> None:
    """Nothing begins after it."""
    account, project = owned.restore(), owned.project
    ended = project.run(*APPLY, "--max-minutes", "0.0000001")
    assert ended.code == 4, ended.err
    assert "--max-minutes reached; no further call was made" in ended.err
    assert not account.writes
    complete(owned, right)


@pytest.mark.parametrize("nth", range(1, 140) if WHOLE else (1, 2, 3, 20, 121))
def test_a_full_disk_ends_in_order(owned: Moment, right: Right, worker: Worker, nth: int) -> None:
    """No call after the one whose end could not be recorded; the message says why; the next run recovers it."""
    account, project = owned.restore(), owned.project
    ended = worker.run(project, *APPLY, "--parallel", "1", full=nth)
    assert "the disk is full" in ended.out + ended.err
    assert ended.code == (4 if re.search(r"[1-9]\d* of \d+ done", ended.out) else 1), ended.out[-400:] + ended.err
    assert len(account.writes) <= nth // 2 + 1
    complete(owned, right)
