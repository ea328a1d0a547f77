"""``watch``: cycles that read all anew, report or apply, fail and come back; in this process, without sleep."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.gateway import client
from reconciler.gateway.retry import Retries
from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import LockHolder
from reconciler.ledger.store import Store
from tests.cli.support import ended, ledger_of
from tests.support.hands import delete_tag, rename_person
from tests.support.postgres import Postgres
from tests.support.project import Project, Result, requests_of
from tests.support.watching import Running, Script, nothing, rounds_of, rss

SITE = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Pauses that do something instead of waiting; and no repeats of calls, whose pauses are real."""
    monkeypatch.setattr(client, "Retries", lambda: Retries(tries=1))
    return Script(monkeypatch)


def break_connection(project: Project, status: str = "FAILED") -> None:
    """What the gateway makes of a connection whose key was revoked."""
    project.server.gateway.connections[project.account.connection].status = status


def test_it_only_reports(project: Project, script: Script) -> None:
    """Without --apply nothing but GETs is sent and nothing is recorded; the last cycle says 2: there are changes."""
    project.write(SITE)
    result = script.run(project, "--max-cycles", "3", steps=[nothing] * 2)
    ended(result, 2, "reporting only")
    assert rounds_of(result) == ["changes"] * 3
    assert all(line.startswith("GET ") for line in requests_of(project.account))
    assert ledger_of(project) == []


def test_the_plan_is_shown_when_it_is_another_one(project: Project, script: Script) -> None:
    """Once while it stays the same, again after an edit; each cycle has its line."""
    project.write(SITE)
    steps = [nothing, lambda: project.write(SITE.replace("[VIP]\ncon", "[VIP, Gold]\ncon")), nothing]
    result = script.run(project, "--max-cycles", "4", steps=steps)
    assert result.out.count("+ tag/VIP") == 2
    assert result.out.count("+ tag/Gold") == 1
    assert len(rounds_of(result)) == 4
    assert "2 to create" in result.err
    assert "3 to create" in result.err


def test_it_applies(project: Project, script: Script) -> None:
    """Cycle by cycle: made, nothing to do, an edit, somebody else's hand; at the end all is as the files say."""
    project.write(SITE)
    steps: list[Callable[[], object]] = [
        nothing,
        lambda: project.write(SITE.replace("Ann,", "Anne,")),
        lambda: rename_person(project, "ann@example.com", first_name="Eve"),
    ]
    result = script.run(project, "--apply", "--max-cycles", "4", steps=steps)
    ended(result, 0, "run 1: 3 done", "1 resource drifted")
    assert rounds_of(result) == ["applied", "unchanged", "applied", "applied"]
    assert result.out.count("first_name") == 3
    assert "Anne" in str(project.account.state()["contacts"])
    project.assert_converged()
    assert "watch" in project.run("history").out


def test_drift_is_reported(project: Project, script: Script) -> None:
    """What the account changed is counted; it is the same that `drift` finds."""
    project.write(SITE)
    project.apply()
    steps = [lambda: rename_person(project, "ann@example.com", first_name="Eve"), lambda: delete_tag(project, "VIP")]
    result = script.run(project, "--max-cycles", "3", steps=steps)
    assert rounds_of(result) == ["unchanged", "changes", "changes"]
    assert "1 resource drifted" in result.err
    assert "3 resources drifted" in result.err
    assert project.run("drift", "--json").document["summary"]["resources"] == 3
    assert project.account.writes == [each for each in project.account.writes if each["method"] == "POST"]


def test_a_closed_approval_stays_closed(make_project: Callable[..., Project], script: Script) -> None:
    """A cycle that would delete too much is refused and told; a person applies, and the next one goes on."""
    project = make_project()
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(12)) + "]\n")
    project.apply()
    project.write("tags: [T0]\n")
    steps = [nothing, lambda: ended(project.run("apply", "--yes", "--allow", "deletes"), 0)]
    result = script.run(project, "--apply", "--max-cycles", "3", "--interval", "5m", steps=steps)
    ended(result, 0, "11 of 12 managed resources", "--allow deletes=11")
    assert rounds_of(result) == ["refused", "refused", "unchanged"]
    assert script.pauses == [300, 300]
    assert result.out.count("- 11 tags") == 1
    ended(script.run(project, "--allow", "deletes", "--apply"), 1, "No such option")


def test_the_last_cycle_decides(project: Project, script: Script) -> None:
    """--once is one cycle; refused is 3, failed 1, applied in part 4."""
    project.write("tags: [A, B]\n")
    project.account.fault("status", method="POST", nth=2, times=None, status=422)
    ended(script.run(project, "--apply", "--once"), 4, "1 done, 1 failed")
    project.account.set_faults([])
    project.write("tags: [A, ")
    ended(script.run(project, "--once"), 1)
    assert script.pauses == []


def test_broken_files_are_a_failed_round(project: Project, script: Script) -> None:
    """All problems are told once, the loop goes on, pauses grow; once the files are right again all is as before."""
    project.write(SITE)
    broken = "colour: red\nsize: big\n"
    steps = [lambda: project.write(broken), nothing, nothing, lambda: project.write(SITE)]
    result = script.run(project, "--apply", "--max-cycles", "5", "--interval", "60s", steps=steps)
    ended(result, 0, "colour")
    assert rounds_of(result) == ["applied", "failed", "failed", "failed", "unchanged"]
    assert result.err.count("error: ") == 2
    assert result.err.count("as before") == 2
    assert script.pauses == [60, 30, 60, 120]
    assert len(ledger_of(project)) == 3


def test_files_that_are_gone_delete_nothing(project: Project, script: Script) -> None:
    """An empty folder, and one that is no longer there, are failed cycles."""
    path = project.write("tags: [VIP]\n", "site/tags.yaml")
    steps = [path.unlink, lambda: path.parent.rename(project.folder / "elsewhere")]
    result = script.run(project, "site", "--apply", "--max-cycles", "3", steps=steps)
    assert rounds_of(result) == ["applied", "failed", "failed"]
    assert project.account.state()["tags"] == ["VIP"]


def test_the_account_is_away_for_a_while(project: Project, script: Script) -> None:
    """Errors of the server, a revoked connection: each cycle is told, pauses double to the cap, then all is well."""
    project.write(SITE)
    account = project.account
    steps: list[Callable[[], object]] = [
        lambda: account.fault("status", times=None, status=503),
        lambda: (account.set_faults([]), break_connection(project)),
        nothing,
        nothing,
        lambda: break_connection(project, "ACTIVE"),
    ]
    args = ("--apply", "--max-cycles", "6", "--interval", "1m", "--max-backoff", "90s")
    result = script.run(project, *args, steps=steps)
    ended(result, 0, "503")
    assert rounds_of(result) == ["applied", "failed", "failed", "failed", "failed", "unchanged"]
    assert script.pauses == [60, 30, 60, 90, 90]
    project.assert_converged()


def test_the_server_says_when_to_come_back(project: Project, script: Script) -> None:
    """A wait that the answer asks for is kept, where it is longer."""
    project.write(SITE)
    project.account.fault("status", times=1, status=429, headers={"Retry-After": "400"})
    result = script.run(project, "--interval", "1m", "--max-cycles", "2", steps=[nothing])
    assert rounds_of(result) == ["failed", "changes"]
    assert script.pauses == [pytest.approx(400, abs=1)]


def test_what_no_cycle_can_mend_ends_it_at_once(project: Project, script: Script) -> None:
    """No key, no such folder, wrong flags, settings that cannot be read: no cycle at all."""
    project.write(SITE)
    ended(script.run(project, MATON_API_KEY=None), 1, "MATON_API_KEY is not set")
    ended(script.run(project, "nowhere"), 1, "does not exist")
    ended(script.run(project, "--once", "--max-cycles", "2"), 1, "together")
    for flags in (("--interval", "soon"), ("--interval", "0s"), ("--jitter", "120%"), ("--max-cycles", "0")):
        ended(script.run(project, *flags), 1, flags[0])
    project.write("colour: red\n", "reconciler.yaml")
    ended(script.run(project), 1, "colour")
    assert project.account.requests == []
    assert not (project.folder / ".reconciler").exists()


def test_a_protected_environment_wants_its_name(project: Project, script: Script) -> None:
    """--confirm NAME, as for `apply`; for reports nobody asks."""
    project.write("environments: {live: {protect: true}}\n", "reconciler.yaml")
    project.write(SITE)
    project.env["RECONCILER_ENVIRONMENT"] = "live"
    ended(script.run(project, "--apply", "--once"), 3, "--confirm live")
    assert project.account.requests == []
    ended(script.run(project, "--once"), 2)
    ended(script.run(project, "--apply", "--once", "--confirm", "live"), 0)


def test_one_protected_meanwhile(project: Project, script: Script) -> None:
    """Settings are read anew as well: from then on cycles are refused."""
    project.env["RECONCILER_ENVIRONMENT"] = "live"
    project.write("environments: {live: {}}\n", "reconciler.yaml")
    project.write(SITE)
    protect = lambda: project.write("environments: {live: {protect: true}}\n", "reconciler.yaml")  # noqa: E731
    result = script.run(project, "--apply", "--max-cycles", "2", steps=[protect])
    assert rounds_of(result) == ["applied", "refused"]
    assert result.code == 3


def test_without_a_ledger(project: Project, script: Script) -> None:
    """--ledger none works by names alone; nothing drifts where nothing is remembered."""
    project.write("tags: [VIP]\n")
    result = script.run(project, "--apply", "--max-cycles", "2", "--ledger", "none", steps=[nothing])
    assert rounds_of(result) == ["applied", "unchanged"]


def test_quiet_and_redacted(project: Project, script: Script) -> None:
    """-q leaves what goes wrong; --redact names nobody, from the first cycle to the last."""
    project.write(SITE)
    quiet = project.run("-q", "watch", "--once", "--apply")
    assert "cycle" not in quiet.err
    rename_person(project, "ann@example.com", first_name="Evelyn")
    shown = project.run("--redact", "watch", "--once")
    assert "drifted" in shown.err
    assert not {"ann@", "Evelyn", "Ann"} & set((shown.out + shown.err).replace('"', " ").split())
    project.write("tags: [")
    assert "failed" in project.run("-q", "watch", "--once").err


def test_logs_as_json(project: Project) -> None:
    """A line is an object with the event and its counts."""
    import json

    project.write(SITE)
    result = project.run("--log-format", "json", "watch", "--once")
    (found,) = [each for each in map(json.loads, result.err.splitlines()) if each["event"] == "cycle"]
    assert (found["number"], found["ending"], found["writes"]) == (1, "changes", 0)
    assert found["reads"] > 0


def test_a_lease_that_another_machine_holds(project: Project, script: Script, postgres: Postgres) -> None:
    """On PostgreSQL: refused and told while it lasts, applied once it is free; a report does not mind."""
    project.write("tags: [VIP]\n")
    url = project.env["RECONCILER_LEDGER"] = postgres.namespace()
    with Store.open(url, root=project.folder) as store:
        lease = Lock.acquire(store, LockHolder("bo", "elsewhere.example.com", 7))
        ended(script.run(project, "--once"), 2)
        steps = [nothing, lease.release]
        result = script.run(project, "--apply", "--max-cycles", "3", "--interval", "1m", steps=steps)
    ended(result, 0, "locked by bo on elsewhere.example.com")
    assert rounds_of(result) == ["refused", "refused", "applied"]
    assert script.pauses == [60, 60]


def test_a_ledger_that_goes_away(project: Project, script: Script, postgres: Postgres) -> None:
    """A cycle without its database fails; the next one goes on."""
    project.write("tags: [VIP]\n")
    project.env["RECONCILER_LEDGER"] = postgres.namespace()
    result = script.run(project, "--apply", "--max-cycles", "3", steps=[postgres.stop, postgres.start])
    assert rounds_of(result) == ["applied", "failed", "unchanged"]


def test_memory_does_not_grow(project: Project) -> None:
    """A process that applies, fails and finds nothing to do, again and again, stays as it was, files included.

    RECONCILER_PROVE=1 takes more cycles.
    """
    last = 1000 if os.environ.get("RECONCILER_PROVE") else 100
    project.write("tags: [" + ", ".join(f"T{n}" for n in range(20)) + "]\n")
    running = Running(
        project, "--apply", "--interval", "0.005s", "--max-backoff", "0.005s", "--max-cycles", str(last)
    )
    seen, files = [], []
    for number in (last // 4, last - 2):
        running.wait_for(f"cycle {number}:")
        seen.append(rss(running.process.pid))
        files.append(len(list(Path(f"/proc/{running.process.pid}/fd").iterdir())))
        project.write("tags: [") if len(seen) == 1 else None
    assert running.end() == 1
    assert {"applied", "unchanged", "failed"} == set(rounds_of(Result(1, "", running.said())))
    assert abs(files[1] - files[0]) <= 3, files  # a cycle may be under way
    assert seen[1] - seen[0] < 2048, seen  # KiB; 73 cycles that leave 30 KiB each would show
