"""A watch as a process: signals, one for each project, its health file, its numbers."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import requests

from reconciler.cli import watch_loop
from tests.cli.support import ended, ledger_of
from tests.cli.test_signals import hold
from tests.support.hands import rename_person
from tests.support.project import Project
from tests.support.watching import Running, Script

SITE = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""
TAGS = "tags: [" + ", ".join(f"T{n}" for n in range(30)) + "]\n"


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """A shell starts background jobs with SIGINT ignored, and children inherit that; here it has to count."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_a_sleep_at_once(project: Project, number: int, code: int) -> None:
    """SIGTERM is how services are stopped, and no failure; Ctrl-C is 130. The health file says that it has ended."""
    project.write(SITE)
    running = Running(project, "--interval", "1h", "--health", "health.json")
    running.wait_for("cycle 1:")
    assert running.end(number) == code
    assert "Stopping" in running.said()
    assert "Traceback" not in running.said()
    assert json.loads((project.folder / "health.json").read_text())["state"] == "stopped"


def test_a_signal_ends_an_apply_in_order(project: Project) -> None:
    """No new calls; what is in flight is recorded; 0, and the next one does the rest and nothing twice."""
    project.write(TAGS)
    project.env["RECONCILER_PARALLEL"] = "2"
    hold(project, nth=3)
    running = Running(project, "--apply", "--interval", "1h")
    running.wait_until(lambda: len(project.account.writes) >= 4)
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("Stopping")
    project.account.set_faults([])
    assert running.end() == 0
    assert "cycle 1: stopped" in running.said()
    made = project.account.state()["tags"]
    assert len(made) == len(project.account.writes) == 4
    assert len(ledger_of(project)) == len(made)
    ended(project.run("watch", "--apply", "--once"), 0)
    assert len(project.account.writes) == 30
    project.assert_converged()


def test_a_second_signal_ends_at_once(project: Project) -> None:
    """Without waiting for what is in flight; the next cycle finds out what became of it."""
    project.write(TAGS)
    hold(project)
    running = Running(project, "--apply")
    running.wait_until(lambda: len(project.account.writes) >= 2)
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("Stopping")
    assert running.end(signal.SIGTERM) == 130
    assert "Stopped. Requests in flight" in running.said()
    project.account.set_faults([])
    ended(project.run("watch", "--apply", "--once"), 0)
    assert len(project.account.state()["tags"]) == len(project.account.writes) == 30


def test_one_watch_for_a_project(project: Project) -> None:
    """The second is refused while the first runs, whatever it wants to do; `apply` is not; afterwards it may."""
    project.write(SITE)
    running = Running(project, "--interval", "1h")
    running.wait_for("cycle 1:")
    for flags in ((), ("--apply",)):
        result = project.run("watch", "--once", *flags)
        ended(result, 3, f"another watch of this project is running (process {running.process.pid})")
    ended(project.run("watch", "--once", "--ledger", "sqlite:///other.db"), 2)
    ended(project.run("apply", "--yes"), 0)
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    ended(project.run("watch", "--once"), 0)


def test_the_lock_without_a_writable_folder(
    project: Project, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the project cannot be written and the ledger is elsewhere, the lock is among the temporary files."""
    project.write(SITE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (project.folder / ".reconciler").write_text("a file where the folder should be")
    ended(script.run(project, "--once", "--ledger", "none"), 2)
    assert len(list(tmp_path.glob("reconciler-*.lock"))) == 1


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Pauses that do something instead of waiting."""
    return Script(monkeypatch)


def test_the_health_file(project: Project, script: Script) -> None:
    """Each cycle leaves a whole file: state, counts, times; nothing about anybody."""
    project.write(SITE)
    seen = []

    def look() -> None:
        seen.append(json.loads((project.folder / "health.json").read_text()))

    steps = [look, lambda: (look(), project.write("tags: [")), look]
    args = ("--apply", "--health", "health.json", "--interval", "5m", "--max-cycles", "4")
    assert script.run(project, *args, steps=steps).code == 1
    first, second, third = seen
    assert [each["state"] for each in seen] == ["waiting"] * 3
    assert [each["last_ending"] for each in seen] == ["applied", "unchanged", "failed"]
    assert [each["failures_in_a_row"] for each in seen] == [0, 0, 1]
    assert (third["last_error"], third["last_success"]) == ("ConfigurationError", second["last_success"])
    assert first["last_failure"] is None
    wait = datetime.fromisoformat(first["next_cycle"]) - datetime.fromisoformat(first["updated"])
    assert wait.total_seconds() == pytest.approx(300, abs=5)
    (path,) = project.folder.glob("*health.json*")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "ann" not in path.read_text()


def test_a_long_cycle_stays_healthy(project: Project, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """While calls are made the file is written anew, so that no probe ends a long apply."""
    project.write(TAGS)
    states = []
    write = watch_loop.write_health

    def noted(path: Path, content: dict[str, object]) -> None:
        states.append(content["state"])
        write(path, content)

    monkeypatch.setattr(watch_loop, "write_health", noted)
    monkeypatch.setattr(watch_loop, "BEAT", 0.0)
    ended(script.run(project, "--apply", "--once", "--health", "health.json"), 0)
    assert states[0] == "starting"
    assert states[-2:] == ["waiting", "stopped"]
    assert states[1:-2] == ["working"] * (1 + len(project.account.requests))


def test_is_it_healthy(project: Project, script: Script) -> None:
    """--healthy says yes while cycles come, and no when the file is old, tells of an end, or is something else."""
    project.write(SITE)
    answers = []

    def ask(*more: str) -> None:
        answers.append(project.run("watch", "--healthy", "health.json", *more).code)

    args = ("--health", "health.json", "--max-cycles", "3")
    script.run(project, *args, steps=[ask, lambda: ask("--within", "0.000001s")])
    assert answers == [0, 1]
    ended(project.run("watch", "--healthy", "health.json"), 1, "Not healthy: stopped")
    ended(project.run("watch", "--healthy", "nothing.json"), 1, "cannot read the health file")
    project.write("[]", "odd.json")
    ended(project.run("watch", "--healthy", "odd.json"), 1, "is not a health file")
    project.write('{"state": "waiting"}', "odd.json")
    ended(project.run("watch", "--healthy", "odd.json"), 1, "is not a health file")


def test_a_health_file_that_cannot_be_written(project: Project, script: Script) -> None:
    """At the start it ends the watch; later it is a warning, and the cycles go on."""
    project.write(SITE)
    ended(script.run(project, "--once", "--health", "nowhere/health.json"), 1, "cannot be written")
    assert project.account.requests == []
    (project.folder / "place").mkdir()
    away = lambda: (project.folder / "place").rename(project.folder / "elsewhere")  # noqa: E731
    result = script.run(project, "--max-cycles", "2", "--health", "place/health.json", steps=[away])
    ended(result, 2, "cycle 2: changes", "warning: the health file")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def numbers(port: int) -> dict[str, float]:
    """What is shown, by name and labels."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert "ann@" not in text
    assert "VIP" not in text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_numbers_for_prometheus(project: Project, script: Script) -> None:
    """Cycles, calls, planned changes, drift, missing approvals; kinds and words only, and zero for what is over."""
    site = SITE + "contact_fields: [" + ", ".join(f"{{slug: f{n}, name: F{n}}}" for n in range(9)) + "]\n"
    project.write(site)
    port, seen = free_port(), []
    look = lambda: seen.append(numbers(port))  # noqa: E731
    steps = [
        lambda: (
            look(),
            rename_person(project, "ann@example.com", first_name="Eve"),
            project.account.fault("status", method="PATCH", times=1, status=422),
        ),
        lambda: (look(), project.write(SITE)),
        look,
    ]
    args = ("--apply", "--metrics", f"localhost:{port}", "--max-cycles", "4")
    assert script.run(project, *args, steps=steps).code == 3
    first, second, third = seen
    assert first['reconciler_cycles_total{outcome="applied"}'] == 1
    assert first['reconciler_calls_total{method="POST",status="201"}'] >= 11
    assert first['reconciler_calls_total{method="GET",status="200"}'] > 0
    assert first["reconciler_cycle_duration_seconds_count"] == 1
    assert first["reconciler_last_success_timestamp_seconds"] > 1.7e9
    assert first['reconciler_approval_required{allow="deletes"}'] == 0
    assert not [name for name, value in first.items() if name.startswith("reconciler_planned") and value]
    assert second['reconciler_cycles_total{outcome="failed"}'] == 1
    assert second["reconciler_failures_in_a_row"] == 1
    assert second['reconciler_drifted_resources{kind="contact"}'] == 1
    assert second['reconciler_planned_changes{action="update",kind="contact"}'] == 1
    assert third['reconciler_cycles_total{outcome="refused"}'] == 1
    assert third['reconciler_approval_required{allow="deletes"}'] == 1
    assert third['reconciler_planned_changes{action="delete",kind="contact_field"}'] == 9
    assert third["reconciler_last_success_timestamp_seconds"] == first["reconciler_last_success_timestamp_seconds"]
    with pytest.raises(requests.ConnectionError):
        numbers(port)


def test_numbers_are_not_for_everybody(project: Project) -> None:
    """Loopback only, unless somebody says otherwise; anything else is told what to write; a taken port is told."""
    project.write(SITE)
    for address in ("0.0.0.0:0", "192.0.2.7:9309", "[::]:0"):
        ended(project.run("watch", "--once", "--metrics", address), 1, "--metrics-public")
    for address in ("9309", "example.com:9309", "127.0.0.1", "127.0.0.1:99999", ""):
        if address:
            ended(project.run("watch", "--once", "--metrics", address), 1, "such as 127.0.0.1:9309")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended(project.run("watch", "--once", "--metrics", f"127.0.0.1:{port}"), 1, "cannot listen on")
    assert project.account.requests == []
    said = ended(project.run("watch", "--once", "--metrics", "0.0.0.0:0", "--metrics-public"), 2)
    assert re.search(r"Metrics at http://0\.0\.0\.0:\d+/metrics", said)


def test_numbers_need_their_library(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without prometheus-client the message says what to install."""
    project.write(SITE)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ended(project.run("watch", "--once", "--metrics", "127.0.0.1:0"), 1, "pip install prometheus-client")
