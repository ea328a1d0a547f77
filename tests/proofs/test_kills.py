"""``kill -9`` before and after every request and every commit of the ledger, then the same command again."""

from __future__ import annotations

import pytest

from tests.proofs import estate
from tests.proofs.conftest import WHOLE
from tests.proofs.forks import Moment, Right, Worker

APPLY = ("apply", "--yes", *estate.ALLOW)
SLICES = 8 if WHOLE else 2
#: Every so many points in a sample; no divisor of anything regular in a run.
STRIDE = 1 if WHOLE else 83


def survive(owned: Moment, worker: Worker, right: Right, point: int, *flags: str) -> None:
    """Killed at ``point``, the next run makes everything as if nothing had been."""
    account, project = owned.restore(), owned.project
    killed = worker.run(project, *APPLY, *flags, point=point)
    assert killed.code in (-9, 0), killed.err
    assert estate.unmanaged(account.state()) == estate.unmanaged(right.state)
    again = worker.run(project, *APPLY, *flags)
    assert again.code == 0, again.err + again.out
    assert worker.run(project, "plan", "--detailed-exitcode").code == 0
    account.clear()
    assert worker.run(project, *APPLY, *flags).code == 0  # what was accepted late is in the ledger now
    assert not account.writes
    right.check(project)


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("flags", [("--parallel", "1"), ("--parallel", "8")] if WHOLE else [("--parallel", "4")])
def test_a_killed_apply_is_finished_by_the_next(
    owned: Moment, worker: Worker, part: int, flags: tuple[str, ...]
) -> None:
    """Nothing is made twice, nothing is lost, nothing unmanaged is touched, wherever the process dies."""
    owned.restore()
    done = worker.run(owned.project, *APPLY, *flags)
    right = Right.of(owned.project)
    assert done.code == 0 and done.events is not None, done.err
    assert len(owned.project.account.writes) >= 60
    points = range(1 + part * STRIDE // SLICES, done.events + 1, STRIDE)
    if WHOLE:
        points = range(1 + part, done.events + 1, SLICES)
    for point in points:
        try:
            survive(owned, worker, right, point, *flags)
        except AssertionError as error:
            raise AssertionError(f"killed at event {point} of {done.events}: {error}") from error
    print(f"{len(points)} of {done.events} points, {' '.join(flags)}")
