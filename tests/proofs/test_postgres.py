"""A ledger on a server that goes away in the middle of an apply, and comes back."""

from __future__ import annotations

import threading
import time

import pytest

from tests.support.postgres import Postgres
from tests.support.project import Project, requests_of

TAGS = "tags: [" + ", ".join(f"T{n}" for n in range(30)) + "]\n"


@pytest.mark.parametrize("writes", [1, 7])
def test_a_server_that_goes_away_ends_the_run_in_order(project: Project, postgres: Postgres, writes: int) -> None:
    """The run stops cleanly and says what it did; the next one finishes it, and nothing is made twice."""
    project.env["RECONCILER_LEDGER"] = postgres.namespace()
    project.write(TAGS)
    project.account.fault("latency", method="POST", times=None, seconds=0.05)

    def cut() -> None:
        while len(project.account.writes) < writes:
            time.sleep(0.002)
        postgres.stop()

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        ended = project.process("apply", "--yes", "--parallel", "2")
    finally:
        cutting.join()
        postgres.start()
    assert ended.code in (1, 4), ended
    assert "Traceback" not in ended.err
    assert "ledger" in ended.err
    assert 0 < len(project.account.state()["tags"]) < 30
    again = project.process("apply", "--yes")
    assert again.code == 0, again
    assert len(project.account.state()["tags"]) == 30
    assert len([line for line in requests_of(project.account, writes=True) if line == "POST /api/tags"]) == 30
    project.assert_converged()


def test_a_server_that_is_not_there_stops_before_anything_is_sent(project: Project, postgres: Postgres) -> None:
    """One message, exit 1, nothing read or written."""
    project.env["RECONCILER_LEDGER"] = postgres.namespace()
    project.write(TAGS)
    postgres.stop()
    try:
        ended = project.process("apply", "--yes")
    finally:
        postgres.start()
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert requests_of(project.account) == []
