"""Calls of a run with ``--max-calls``: what it waits for costs calls as well."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.support import ended
from tests.support.project import Project, requests_of


def test_an_accepted_write_is_not_awaited_without_calls_left(make_project: Callable[..., Project]) -> None:
    """The membership is the last call that is allowed; the next run sees that it is there."""
    project = make_project({"communities": [{"name": "Club"}], "contacts": [{"email": "ann@example.com"}]})
    project.write("memberships: [{community: Club, contacts: [ann@example.com]}]\n")
    reads = project.plan()["calls"]["reads"]
    project.account.clear()
    ended(project.run("apply", "--yes", "--max-calls", str(reads + 1)), 0, "accepted and not shown yet")
    assert [line.partition(" ")[0] for line in requests_of(project.account)[reads:]] == ["POST"]
    project.assert_converged()
