"""The lock of a run: no write leaves without enough time on it, and a lock that ran out stays lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from reconciler.errors import Locked
from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import LockHolder, here
from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.hooks import before
from tests.support.project import Project

TAGS = "tags: [A, B]\n"


def expires_in(project: Project, seconds: float | None = None) -> float:
    """Seconds until the lock ends, set to ``seconds`` first."""
    with closing(sqlite3.connect(project.folder / ".reconciler/ledger.db", timeout=30)) as database, database:
        if seconds is not None:
            database.execute("UPDATE reconciler_head SET expires = ?", (time.time() + seconds,))
        (expires,) = database.execute("SELECT expires FROM reconciler_head").fetchone()
    return float(expires) - time.time()


@pytest.mark.parametrize(("seconds", "code", "said"), [(10, 4, "and a write may take 36 s"), (-5, 3, "ran out")])
def test_a_write_needs_time_on_the_lock(project: Project, seconds: float, code: int, said: str) -> None:
    """The first write is under way when the lock is cut short: the second one does not leave.

    With time left the first one is still recorded, so the plan is partially applied.
    """
    project.write(TAGS)
    before(project.account, "POST", "/api/tags", lambda: expires_in(project, seconds))
    ended(project.run("apply", "--yes", "--parallel", "1"), code, said)
    assert [each["body"] for each in project.account.writes] == [{"name": "A"}]
    project.account.clear()
    expires_in(project, -1)
    ended(project.run("apply", "--yes", "--parallel", "1"), 0)
    assert [each["body"] for each in project.account.writes] == [{"name": "B"}]
    project.assert_converged()


def test_a_lock_that_ran_out_is_not_renewed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The background renewal had many chances to prolong it while the first write was under way."""
    acquire = Lock.acquire
    monkeypatch.setattr(Lock, "acquire", lambda store: acquire(store, interval=0.005))
    project.write(TAGS)
    left: list[float] = []

    def sleep() -> None:
        expires_in(project, -5)
        time.sleep(0.2)
        left.append(expires_in(project))

    before(project.account, "POST", "/api/tags", sleep)
    ended(project.run("apply", "--yes", "--parallel", "1"), 3, "ran out")
    assert left[0] < 0
    assert len(project.account.writes) == 1


def test_a_lock_is_renewed_while_its_run_works(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short before its end, it is prolonged, and every write leaves."""
    acquire = Lock.acquire
    monkeypatch.setattr(Lock, "acquire", lambda store: acquire(store, interval=0.005))
    project.write(TAGS)

    def cut() -> None:
        expires_in(project, 30)
        while expires_in(project) < 40:
            time.sleep(0.005)

    before(project.account, "POST", "/api/tags", cut)
    ended(project.run("apply", "--yes", "--parallel", "1"), 0)
    assert len(project.account.writes) == 2


def test_two_first_applies_for_two_connections(
    make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One ledger that belongs to nobody yet: the run that gets the lock first binds it, the other one is refused."""
    first, second = make_project(), make_project()
    for each in (first, second):
        each.env["RECONCILER_LEDGER"] = f"sqlite:///{first.folder}/shared.db"
        each.write(TAGS)
    acquire = Lock.acquire

    def late(store: object) -> Lock:
        monkeypatch.setattr(Lock, "acquire", acquire)
        ended(first.process("apply", "--yes"), 0)
        return acquire(store)  # type: ignore[arg-type]

    monkeypatch.setattr(Lock, "acquire", late)
    ended(second.run("apply", "--yes"), 1, first.account.connection, second.account.connection)
    assert second.account.writes == []
    assert len(first.account.writes) == 2
    first.assert_converged()


def test_connections_are_listed_during_a_write(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the ledger is cannot be read then, and everything else can."""
    project.write("tags: [A]\n")
    project.apply()

    def busy(*_: object, **__: object) -> Store:
        raise Locked("another process is in the middle of a write")

    monkeypatch.setattr(Store, "peek", busy)
    said = ended(project.run("connections", "list"), 0)
    assert project.account.connection in said


def test_a_command_ends_after_the_last_renewal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that is on its way when the lock is released does not go on behind it."""
    done = []

    def keep(lock: Lock) -> None:
        lock._stop.wait()
        time.sleep(0.3)
        done.append(lock)

    monkeypatch.setattr(Lock, "keep", keep)
    project.write("tags: [A]\n")
    project.apply()
    assert len(done) == 1


#: What is changed of a holder whose process ended, and whether the lock is free then.
HOLDERS: tuple[tuple[dict[str, object], bool], ...] = (
    ({}, True),
    ({"pid": os.getpid()}, True),  # a later process with that number
    ({"pid": os.getpid(), "started": here().started}, False),
    ({"space": "pid:[1]"}, False),
    ({"boot": "before"}, True),
    ({"boot": "before", "host": "other"}, False),
    ({"boot": "before", "machine": "other"}, False),
    ({"boot": "before", "machine": ""}, False),
    ({"boot": ""}, False),
)


def lock(project: Project, holder: LockHolder, seconds: float = 600) -> None:
    """From now on this holder has the lock, for so long."""
    with closing(sqlite3.connect(project.folder / ".reconciler/ledger.db", timeout=30)) as database, database:
        now = time.time()
        values = ("t", json.dumps(holder), now, now, now + seconds)
        database.execute(
            "UPDATE reconciler_head SET token = ?, holder = ?, acquired = ?, renewed = ?, expires = ?", values
        )


def test_a_lock_is_free_when_its_holder_is_certainly_gone(project: Project) -> None:
    """In doubt, such as in another container or on another machine, it is not; the message names the holder."""
    project.write("tags: [A]\n")
    project.apply()
    gone = here()._replace(pid=2**22 + 1, started="1", job="https://ci.example.com/7")
    for changed, is_free in HOLDERS:
        lock(project, gone._replace(**changed))
        said = ended(project.run("apply", "--yes"), 0 if is_free else 3)
        assert ("is locked by" in said) is not is_free, changed
        assert is_free or "https://ci.example.com/7" in said


def test_without_a_view_of_the_process_a_signal_decides(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where /proc hides the processes of others, one that may not be signalled exists too."""

    def forbidden(*_: object) -> None:
        raise PermissionError

    acquire = Lock.acquire
    monkeypatch.setattr(Lock, "acquire", lambda store: acquire(store, proc=tmp_path))
    project.write("tags: [A]\n")
    project.apply()
    lock(project, here())
    ended(project.run("apply", "--yes"), 3, "is locked by")
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", forbidden)
        ended(project.run("apply", "--yes"), 3, "is locked by")
    lock(project, here()._replace(pid=2**22 + 1))
    ended(project.run("apply", "--yes"), 0)


def test_a_lock_that_ran_out_is_free(project: Project) -> None:
    """Also while its holder lives: its next write is refused."""
    project.write("tags: [A]\n")
    project.apply()
    lock(project, here(), -1)
    ended(project.run("apply", "--yes"), 0)


def test_a_platform_that_shows_less_proves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the boot or the machine of this process, the holder may run on another one."""
    project.write("tags: [A]\n")
    project.apply()
    acquire, before = Lock.acquire, here()._replace(boot="before")
    for holder, unknown in ((before, "boot"), (before._replace(machine=""), "machine")):
        me = here()._replace(**{unknown: ""})
        monkeypatch.setattr(Lock, "acquire", partial(acquire, holder=me))
        lock(project, holder)
        ended(project.run("apply", "--yes"), 3, "is locked by")


def test_a_zombie_holds_no_lock(project: Project) -> None:
    """A process that ended and was not waited for has a number and a start time still."""
    project.write("tags: [A]\n")
    project.apply()
    ends = subprocess.Popen(["sleep", "0"])
    stat = Path(f"/proc/{ends.pid}/stat")
    while (fields := stat.read_text().rpartition(")")[2].split())[0] != "Z":
        time.sleep(0.005)
    lock(project, here()._replace(pid=ends.pid, started=fields[19]))
    ended(project.run("apply", "--yes"), 0)
    ends.wait()


@pytest.mark.parametrize(
    ("env", "job"),
    [
        ({"CI_JOB_URL": "https://ci/1", "GITHUB_SERVER_URL": "https://hub"}, "https://ci/1"),
        (
            {"GITHUB_SERVER_URL": "https://hub", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "5"},
            "https://hub/a/b/actions/runs/5",
        ),
        ({"GITHUB_SERVER_URL": "https://hub", "GITHUB_REPOSITORY": "a/b"}, ""),
        ({"GITHUB_SERVER_URL": "https://hub", "GITHUB_RUN_ID": "5"}, ""),
        ({"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "5"}, ""),
        ({"CI_JOB_URL": "javascript:1"}, ""),
    ],
)
def test_a_lock_names_the_job(project: Project, env: dict[str, str], job: str) -> None:
    """The run that waits for it can be looked at."""
    found = []

    def look() -> None:
        with closing(sqlite3.connect(project.folder / ".reconciler/ledger.db", timeout=30)) as database:
            (holder,) = database.execute("SELECT holder FROM reconciler_head").fetchone()
        found.append(json.loads(holder)[-1])

    nothing = dict.fromkeys(("CI_JOB_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    project.write("tags: [A]\n")
    before(project.account, "POST", "/api/tags", look)
    ended(project.run("apply", "--yes", env={**nothing, **env}), 0)
    assert found == [job]
