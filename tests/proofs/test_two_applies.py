"""One ledger, two applies: one at a time, and whoever lost the lease sends nothing more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.emulator import Account
from reconciler.gateway.transport import Reply, Transport
from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import here
from tests.proofs import estate
from tests.proofs.conftest import WHOLE
from tests.proofs.desk import Desk
from tests.proofs.forks import Moment, Right
from tests.proofs.hasty import make_hasty
from tests.support.project import Project
from tests.support.waiting import PATIENCE, until

APPLY = ("apply", "--yes", *estate.ALLOW)


@contextmanager
def running(project: Project, *args: str) -> Iterator[subprocess.Popen[str]]:
    """An apply as a process of its own; it is gone when the block ends."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "reconciler", *APPLY, *args],
        cwd=project.folder,
        text=True,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_second_apply_is_refused_and_sends_nothing(owned: Moment) -> None:
    """It names the holder, exits 3, and has not even read."""
    account, project = owned.restore(), owned.project
    account.fault("latency", method="POST", seconds=PATIENCE)
    with running(project) as first:
        until(lambda: account.writes)
        silent = [each for each in account.requests if each["method"] == "GET"]
        second = project.run(*APPLY)
        assert second.code == 3
        assert f"(process {first.pid})" in second.err
        assert [each for each in account.requests if each["method"] == "GET"][: len(silent)] == silent
        account.set_faults([])
        _, err = first.communicate(timeout=PATIENCE)
        assert first.returncode == 0, err
    assert project.run("plan", "--detailed-exitcode").code == 0


class Intruder:
    """At the n-th write of a run time jumps past the lease, and somebody else takes it."""

    def __init__(self, desk: Desk, account: Account, patch: pytest.MonkeyPatch, nth: int) -> None:
        self.desk, self.account, self.nth = desk, account, nth
        self.now, self.sent_after, self.writes = 1000.0, 0, 0
        self.lease: Lock | None = None
        exchange = Transport.exchange

        def watched(transport: Transport, method: str, *rest: Any) -> Reply:
            if method != "GET":
                self.writes += 1
                self.sent_after += self.lease is not None
                if self.writes == self.nth:
                    self.intrude()
            return exchange(transport, method, *rest)

        patch.setattr(Transport, "exchange", watched)

    def clock(self) -> float:
        return self.now

    def intrude(self) -> None:
        """The machine slept; on another one somebody started an apply."""
        self.now += 100.0
        self.store = self.desk.store(clock=self.clock)
        self.lease = Lock.acquire(self.store, here()._replace(host="elsewhere", boot="another"))


@pytest.mark.parametrize("nth", [1, 5, 23, 47] if WHOLE else [1, 23])
def test_who_slept_past_the_lease_sends_nothing_more(
    right: Right, owned: Moment, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Only the request that was past its check leaves; the report says why, and the new holder finishes the work."""
    account, desk = owned.project.account, Desk(owned.project)
    make_hasty(monkeypatch)
    intruder = Intruder(desk, account, monkeypatch, nth)
    with desk.store(clock=intruder.clock) as store:
        lease = Lock.acquire(store)
        report = desk.carry_out(desk.plan(store), store)
        assert not lease.renew()
    assert report.broken == 3
    assert report.stopped is not None and "taken over by another run" in report.stopped
    assert intruder.sent_after == 0
    assert len(account.writes) == nth
    again = desk.carry_out(desk.plan(intruder.store), intruder.store)
    assert not again.stopped
    assert intruder.lease is not None
    intruder.lease.release()
    intruder.store.close()
    finish(owned, right)


def test_a_repeated_attempt_is_checked_too(owned: Moment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease that is lost while a write waits for its next attempt stops that attempt."""
    account, desk = owned.restore(), Desk(owned.project)
    make_hasty(monkeypatch)
    intruder = Intruder(desk, account, monkeypatch, 3)
    with desk.store(clock=intruder.clock) as store, Lock.acquire(store):
        planned = desk.plan(store)
        account.set_faults([{"kind": "status", "match": {"times": None}, "status": 429}])
        report = desk.carry_out(planned, store)
        account.set_faults([])
    assert report.broken == 3
    assert len(account.writes) == 3
    intruder.store.close()


def finish(owned: Moment, right: Right) -> None:
    """The next plan is empty, the next apply only takes note of late arrivals, and all is as it should be."""
    project = owned.project
    assert project.run("plan", "--detailed-exitcode").code == 0
    project.account.clear()
    assert project.run(*APPLY).code == 0
    assert not project.account.writes
    right.check(project)
