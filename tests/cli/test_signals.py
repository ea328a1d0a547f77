"""An interrupted apply, and one that asks a person on a terminal: processes of their own."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.cli import context as commands
from tests.cli.support import ended, ledger_of
from tests.support.hooks import before
from tests.support.project import Project
from tests.support.waiting import PATIENCE, line_with, until

MakeProject = Callable[..., Project]

TAGS = "tags: [" + ", ".join(f"T{n}" for n in range(30)) + "]\n"


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """A shell starts background jobs with SIGINT ignored, and children inherit that; here it has to count."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def environment(project: Project) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, **project.env, "TERM": "xterm"}


def started(project: Project, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *args],
        cwd=project.folder,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_writes(project: Project, number: int) -> None:
    until(lambda: len(project.account.writes) >= number)


def hold(project: Project, method: str = "POST", nth: int = 1) -> None:
    """From the n-th one on requests are not answered, until there are other faults."""
    project.account.fault("latency", method=method, nth=nth, times=None, seconds=2 * PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_apply_in_order(project: Project, number: signal.Signals) -> None:
    """No new calls, what is in flight ends and is recorded, 130; the next apply does the rest, and nothing twice."""
    project.write(TAGS)
    hold(project, nth=3)
    running = started(project, "apply", "--yes", "--parallel", "2")
    wait_for_writes(project, 4)
    running.send_signal(number)
    assert running.stderr is not None
    line_with("Stopping", running.stderr)
    project.account.set_faults([])
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    sent, made = len(project.account.writes), project.account.state()["tags"]
    assert len(made) == sent == 4
    assert len(ledger_of(project)) == len(made)
    assert "not run" in out + err or "not_run" in out + err
    ended(project.run("apply", "--yes"), 0)
    assert len(project.account.writes) == 30
    project.assert_converged()


def test_a_second_signal_ends_at_once(project: Project) -> None:
    """130 again, without waiting for what is in flight; the next apply finds out what became of it."""
    project.write(TAGS)
    hold(project)
    running = started(project, "apply", "--yes", "--parallel", "2")
    wait_for_writes(project, 2)
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    line_with("Stopping", running.stderr)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    project.account.set_faults([])
    ended(project.run("apply", "--yes"), 0)
    assert len(project.account.state()["tags"]) == 30
    assert len(project.account.writes) == 30
    project.assert_converged()


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_killed_apply_is_taken_up(project: Project, waited_for: bool) -> None:
    """After a kill the lease of the dead is taken over at once, and nothing is made twice.

    A process that nobody waited for is still listed, as a zombie.
    """
    project.write(TAGS)
    hold(project, nth=3)
    running = started(project, "apply", "--yes", "--parallel", "3")
    wait_for_writes(project, 5)
    running.kill()
    if waited_for:
        running.communicate(timeout=PATIENCE)
    else:
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
    project.account.set_faults([])
    ended(project.run("apply", "--yes"), 0)
    running.communicate(timeout=PATIENCE)
    assert len(project.account.state()["tags"]) == 30
    assert len(ledger_of(project)) == 30
    refused = [each for each in project.account.writes if each["status"] == 422]  # still on its way when all was read
    assert len(project.account.writes) - len(refused) == 30
    project.assert_converged()


def test_a_signal_while_reading(make_project: MakeProject) -> None:
    """A plan that is interrupted asks for no further page and ends with 130 and no traceback."""
    project = make_project({"tags": [f"T{n}" for n in range(250)]})
    project.write("tags: [A]\n")
    hold(project, "GET")
    running = started(project, "plan")
    until(lambda: project.account.requests)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert len(project.account.requests) == 1


def test_two_at_once(project: Project) -> None:
    """While one apply holds the ledger another one is refused with 3."""
    project.write(TAGS)
    hold(project)
    running = started(project, "apply", "--yes", "--parallel", "1")
    wait_for_writes(project, 1)
    result = project.run("apply", "--yes")
    running.kill()
    running.communicate(timeout=PATIENCE)
    ended(result, 3)


def on_terminal(project: Project, typed: str, *args: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own and types once it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is ignored or blocked here stays so behind exec
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.chdir(project.folder)
        os.execve(sys.executable, [sys.executable, "-m", "reconciler", *args], environment(project))
    said, asked, end = b"", False, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
        if not asked and (b"to continue" in said or b"Forget" in said):
            os.write(terminal, typed.encode())
            asked = True
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), said.decode(errors="replace")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("typed", "code"), [("production\n", 0), ("yes\n", 3), ("Production\n", 3)])
def test_a_protected_environment_wants_its_name(project: Project, typed: str, code: int) -> None:
    """There the name is typed."""
    project.write("environments: {production: {protect: true}}\n", "reconciler.yaml")
    project.write("tags: [A]\n")
    ended_with, said = on_terminal(project, typed, "-e", "production", "apply", "--yes")
    assert ended_with == code, said
    assert len(project.account.writes) == (1 if code == 0 else 0)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_colour_on_a_terminal(project: Project) -> None:
    """A terminal gets colour, a dumb one and NO_COLOR do not."""
    project.write("tags: [A]\n")
    assert "\x1b[32m" in on_terminal(project, "", "plan")[1]
    project.env["NO_COLOR"] = "1"
    assert "\x1b[32m" not in on_terminal(project, "", "plan")[1]


def test_a_signal_within_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one while the first is still being told of ends the process too, and is no defect."""
    told: list[str] = []

    def say(text: str, level: int) -> None:
        told.append(text)
        if len(told) == 1:
            signal.raise_signal(signal.SIGINT)
        raise RuntimeError("reentrant call")

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(commands, "log", say)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit) as ended_with, commands.stopping(threading.Event()):
        signal.raise_signal(signal.SIGINT)
    assert ended_with.value.code == 130
    assert len(told) == 2


WAITING = """
import threading, time
from reconciler.cli import main

def run(args, program):
    threading.Thread(target=linger).start()
    return 0

def linger():
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    print("ending", flush=True)
    time.sleep(PATIENCE)

main.run = run
main.main([])
"""


def test_a_signal_while_the_process_ends(project: Project) -> None:
    """Ctrl-C while the interpreter waits for a thread ends the process, without a message of the interpreter."""
    running = subprocess.Popen(
        [sys.executable, "-c", WAITING.replace("PATIENCE", str(PATIENCE))],
        env={**environment(project), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ending\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (130, "")


def test_fail_fast_begins_nothing_after_a_failure(project: Project) -> None:
    """Without it the other resources are written; with it the rest is left for the next run."""
    project.write("tags: [A, B, C, D]\n")
    for flags, created in (("--fail-fast",), 0), ((), 3):
        project.account.fault("status", method="POST", nth=1, times=1, status=422, body={"detail": "no"})
        result = project.run("apply", "--yes", "--json", "--parallel", "1", *flags)
        assert result.code == 4
        assert len(project.account.state()["tags"]) == created
        project.account.set_faults([])
    assert project.run("apply", "--yes", env={"RECONCILER_FAIL_FAST": "1"}).code == 0


def test_an_interrupt_of_this_process_ends_with_130(project: Project) -> None:
    """The write under way is recorded, and none begins after it."""
    project.write("tags: [A, B]\n")
    before(project.account, "POST", "/api/tags", lambda: os.kill(os.getpid(), signal.SIGINT))
    ended(project.run("apply", "--yes", "--parallel", "1"), 130, "created   tag/A")
    assert project.account.state()["tags"] == ["A"]
    ended(project.run("apply", "--yes"), 0)
    project.assert_converged()
