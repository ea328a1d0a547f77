"""A server that never ends an answer does not hold a command: one signal or --max-minutes ends it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.cli.support import ended
from tests.cli.test_signals import environment, heard
from tests.support.project import Project
from tests.support.waiting import PATIENCE, until
from tests.unit.gateway.server import DRIPS, RawServer

__all__ = ["heard"]


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_max_minutes_ends_a_read(project: Project, command: tuple[str, ...]) -> None:
    """Exit 4, as for every run that stops at a limit, and nothing was sent but that read."""
    project.write("tags: [A]\n")
    with RawServer([DRIPS["headers"]]) as server:
        project.env["RECONCILER_GATEWAY_URL"] = server.url
        result = project.run(*command, "--max-minutes", "0.02")
    ended(result, 4, "--max-minutes reached")
    assert [seen.method for seen in server.seen] in ([], ["GET"]), "under load the time may be up before"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_read(project: Project, number: signal.Signals) -> None:
    """130, without a second signal."""
    project.write("tags: [A]\n")
    with RawServer([DRIPS["body in chunks"]]) as server:
        project.env["RECONCILER_GATEWAY_URL"] = server.url
        running = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "plan"],
            cwd=project.folder,
            env=environment(project),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        until(lambda: server.seen)
        running.send_signal(number)
        try:
            _, err = running.communicate(timeout=PATIENCE)
        finally:
            running.kill()
    assert running.returncode == 130, err
    assert "Traceback" not in err
