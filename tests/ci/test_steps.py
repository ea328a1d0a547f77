"""The steps of the action one by one: inputs that are checked, plans that are found or refused, what is reported."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.ci.conftest import Repository
from tests.ci.github import BOT, REPOSITORY, GitHub
from tests.ci.jobs import FILE, ROOT, load, outputs_of

HEAD, MERGED = "b" * 40, "c" * 40
NAME = "reconciler-plan-default"
PULL = {"number": 7, "merged_at": "2026-01-01T00:00:00Z", "head": {"sha": HEAD}, "base": {"ref": "main"}}
RUN = {
    "id": 1,
    "event": "pull_request",
    "path": FILE,
    "head_sha": HEAD,
    "repository": {"full_name": REPOSITORY},
    "head_repository": {"full_name": REPOSITORY},
}
FAULTS = (403, 404, 500, 0)


class Done(NamedTuple):
    """How a step ended: exit code, its log, its outputs, the job summary."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def step(folder: Path, *command: object, **env: str) -> Done:
    """Run a step as the runner does, with its files in ``folder``."""
    output, summary = folder / "output", folder / "summary"
    for file in (output, summary):
        file.write_text("")
    files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "RUNNER_TEMP": str(folder)}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [str(part) for part in command], env={**kept, **files, **env}, cwd=folder, capture_output=True, text=True
    )
    log = done.stdout + done.stderr
    assert "job-token" not in log
    return Done(done.returncode, log, outputs_of(output), summary.read_text())


# Check the inputs

CHECK = load(ROOT / "action.yml")["runs"]["steps"][0]["run"]
PATHS = [
    (".", "", "default"),
    (".", "production", "production"),
    ("sites/a/", "", "sites-a"),
    ("./site", "staging", "site-staging"),
    ("a b/<--", "x:y", "a-b-x-y"),
]


@pytest.mark.parametrize(("path", "environment", "name"), PATHS)
def test_names_fit_everywhere(tmp_path: Path, path: str, environment: str, name: str) -> None:
    """In the name of an artifact, in a comment of HTML."""
    done = step(tmp_path, "bash", "-c", CHECK, COMMAND="plan", PROJECT=path, ENVIRONMENT=environment, HAS_KEY="true")
    assert done.outputs == {"run": "true", "name": name, "artifact": f"reconciler-plan-{name}"}


def test_an_unknown_command_is_refused_first(tmp_path: Path) -> None:
    """Before anything is installed."""
    done = step(tmp_path, "bash", "-c", CHECK, COMMAND="destroy", HAS_KEY="true")
    assert done.code == 1
    assert "::error title=reconciler::command is 'destroy': use plan, apply or drift" in done.log


@pytest.mark.parametrize(("head", "actor"), [("eve/account", "eve"), (REPOSITORY, "dependabot[bot]")])
def test_pull_requests_that_get_no_secrets_are_skipped(repository: Repository, head: str, actor: str) -> None:
    """A notice and a summary, and no failure; nothing is installed and nothing asked of GitHub."""
    ended = repository.plan(head=head, actor=actor, secrets={})
    assert not ended.failed
    assert "::notice title=reconciler::Pull requests of forks" in ended.log
    assert "get no secrets" in ended.summary
    assert not repository.github.requests


def test_a_missing_key_fails_where_there_could_be_one(repository: Repository) -> None:
    """Of this repository's own pull requests, and after the merge."""
    assert "maton-api-key is empty" in repository.plan(secrets={}).log
    assert repository.merge(secrets={}).failed


def test_a_ledger_that_would_be_lost_is_refused(repository: Repository) -> None:
    """In a file that is not there: a new one would call nothing managed, and be gone with the runner."""
    repository.ledger.unlink()
    repository.project.write("tags: [VIP]\n")
    ended = repository.plan()
    assert ended.failed
    assert "does not exist, and a new one would be lost" in ended.log
    assert not repository.plan(env={**repository.env, "RUNNER_ENVIRONMENT": "self-hosted"}).failed


@pytest.mark.parametrize(
    ("command", "asks", "code"), [("plan", "true", 1), ("apply", "true", 1), ("plan", "false", 0)]
)
def test_a_runner_without_gh_is_named_first(tmp_path: Path, command: str, asks: str, code: int) -> None:
    """Self-hosted ones may lack it; a plan without a comment does not need it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("tr", "sed"):
        (programs / name).symlink_to(str(shutil.which(name)))
    env = {"COMMAND": command, "PROJECT": ".", "HAS_KEY": "true", "ASKS_GITHUB": asks, "PATH": str(programs)}
    done = step(tmp_path, str(shutil.which("bash")), "-c", CHECK, **env)
    assert done.code == code
    assert ("gh is not on this runner: install the GitHub CLI" in done.log) is bool(code)


# Find the plan that was reviewed


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A folder as a plan leaves it."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "plan.json").write_text('{"redacted": true}')
    return folder


@pytest.fixture
def find(tmp_path: Path, github: GitHub) -> Callable[..., Done]:
    """Runs the step on a push of ``MERGED`` to main, which merged pull request 7."""
    github.pulls[MERGED] = [{**PULL, "base": {"ref": "other"}}, {**PULL, "merged_at": None}, PULL]

    def run(**env: str) -> Done:
        push = {"GITHUB_EVENT_NAME": "push", "GITHUB_SHA": MERGED, "GITHUB_REF_NAME": "main", "ARTIFACT": NAME}
        return step(tmp_path, "bash", ROOT / "integrations/github/find.sh", **(told(github) | push | env))

    return run


def told(github: GitHub) -> dict[str, str]:
    """What the runner tells a step that asks GitHub."""
    return {
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SERVER_URL": "http://github.localhost",
        "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/{FILE}@refs/heads/main",
        "GH_TOKEN": "job-token",
        **github.proxy,
    }


def found(folder: Path) -> str:
    """The plan that the step left for the apply."""
    return (folder / "reconciler-saved" / "plan.json").read_text()


def test_the_plan_of_the_merged_pull_request_is_found(
    find: Callable[..., Done], github: GitHub, plan: Path, tmp_path: Path
) -> None:
    """Written to a file of the job; the token goes to the API and to nobody else."""
    github.upload(NAME, plan, RUN)
    done = find()
    assert done.code == 0, done.log
    assert "plan of commit bbbbbbb, from run 1 (pull_request)" in done.log
    assert found(tmp_path) == '{"redacted": true}'
    carried = {path.startswith("/blobs/"): "Authorization" in headers for _, path, headers in github.requests}
    assert carried == {False: True, True: False}


def test_the_plan_of_the_merge_queue_comes_first(
    find: Callable[..., Done], github: GitHub, plan: Path, tmp_path: Path
) -> None:
    """The queue planned the very commit that is now on main."""
    github.upload(NAME, plan, RUN)
    (plan / "plan.json").write_text("of the queue")
    github.upload(NAME, plan, {**RUN, "id": 2, "event": "merge_group", "head_sha": MERGED})
    assert find().code == 0
    assert found(tmp_path) == "of the queue"


FORGED = {
    "fork": {"head_repository": {"full_name": "eve/account"}},
    "deleted fork": {"head_repository": None},
    "other event": {"event": "push"},
    "other workflow": {"path": ".github/workflows/other.yml"},
    "other folder": {"path": ".github/other/reconciler.yml"},
    "other commit": {"head_sha": "f" * 40},
}


@pytest.mark.parametrize("careless", [False, True])
@pytest.mark.parametrize("run", FORGED.values(), ids=FORGED)
def test_a_forged_plan_is_not_taken(
    find: Callable[..., Done], github: GitHub, plan: Path, tmp_path: Path, run: dict[str, Any], careless: bool
) -> None:
    """An artifact of the right name from the wrong run: refused, not downloaded, and it hides no other one."""
    github.careless = careless
    github.upload(NAME, plan, {**RUN, "id": 9, **run})
    done = find()
    assert done.code == 3, done.log
    assert "There is no plan of this commit to apply" in done.log
    assert "reconciler refused" in done.summary
    assert not [path for _, path, _ in github.requests if path.endswith("/zip")]
    (plan / "plan.json").write_text("reviewed")
    github.upload(NAME, plan, RUN)
    assert find().code == 0
    assert found(tmp_path) == "reviewed"


def test_the_last_of_several_plans_counts(
    find: Callable[..., Done], github: GitHub, plan: Path, tmp_path: Path
) -> None:
    """A pull request that was planned again has a newer run; plans of other environments are not this one's."""
    github.upload(NAME, plan, RUN)
    (plan / "plan.json").write_text("newer")
    github.upload(NAME, plan, {**RUN, "id": 2})
    github.upload(f"{NAME}-staging", plan, {**RUN, "id": 3})
    find()
    assert found(tmp_path) == "newer"


def test_without_a_plan_nothing_is_applied(find: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """A push without a pull request, a pull request without a plan, an expired one: each with what to do."""
    assert "no run on bbbbbbb" in find().log
    github.upload(NAME, plan, RUN, expired=True)
    done = find()
    assert done.code == 3
    assert "or it has expired" in done.log
    assert "run this workflow by hand" in done.summary
    github.pulls.clear()
    assert "Commit ccccccc has no pull request" in find().log
    assert "needs push or workflow_dispatch, not schedule" in find(GITHUB_EVENT_NAME="schedule").log


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_an_artifact_that_is_none_ends_the_job(
    find: Callable[..., Done], github: GitHub, plan: Path, content: bytes
) -> None:
    """Cut or empty."""
    made = github.upload(NAME, plan, RUN)
    github.blobs[made["id"]] = content
    assert find().code == 1


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", ["commits/.*/pulls", "workflows/.*/runs", "runs/1/artifacts", "/zip$", "/blobs/"])
def test_a_fault_on_the_way_to_the_plan_ends_the_job(
    find: Callable[..., Done], github: GitHub, plan: Path, tmp_path: Path, call: str, status: int
) -> None:
    """One sentence, a failed job, and nothing to apply."""
    github.upload(NAME, plan, RUN)
    github.faults[f"GET {call}"] = status
    done = find()
    assert done.code == 1
    assert "::error title=reconciler::Could not get the plan from GitHub" in done.log
    assert not (tmp_path / "reconciler-saved" / "plan.json").exists()


# Comment on the pull request, or keep the issue about drift

MARKER = {command: f"<!-- reconciler: {command} default -->\n" for command in ("plan", "drift")}


@pytest.fixture
def report(tmp_path: Path, github: GitHub) -> Callable[..., Done]:
    """Runs the step with a plan, or with drift that there is or is not."""

    def run(command: str = "plan", changes: bool = True, text: str = "### A plan\n") -> Done:
        body = tmp_path / "body.md"
        body.write_text(MARKER[command] + text, encoding="utf-8")
        env = {"COMMAND": command, "NAME": "default", "PULL_REQUEST": "7", "AUTHOR": BOT, "BODY": str(body)}
        env |= {"CHANGES": str(changes).lower()}
        return step(tmp_path, "bash", ROOT / "integrations/github/report.sh", **(told(github) | env))

    return run


def comment(github: GitHub, **more: Any) -> None:
    """Leave a comment of ours, or another one."""
    github.comments.append({"id": 1, "issue": 7, "user": {"login": BOT}, "body": MARKER["plan"], **more})


def issue(github: GitHub, number: int, **more: Any) -> None:
    """Leave an issue of ours, or another one."""
    own = {"id": number, "number": number, "state": "open", "user": {"login": BOT}, "body": MARKER["drift"] + "old"}
    github.issues.append({**own, **more})


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", ["GET issues/7/comments", "PATCH issues/comments", "POST issues/7/comments"])
def test_a_plan_is_not_lost_for_want_of_a_comment(
    report: Callable[..., Done], github: GitHub, call: str, status: int
) -> None:
    """Whatever GitHub answers: the job goes on, and says where the plan is; nothing is written twice."""
    if not call.startswith("POST"):
        comment(github)
    github.faults[call] = status
    done = report()
    assert done.code == 0
    assert "::warning" in done.log
    assert "The plan is in the summary of the job" in done.log
    assert len(github.writes()) <= 1


def test_our_comment_is_found_on_a_later_page(report: Callable[..., Done], github: GitHub) -> None:
    """However long the discussion; a stranger's copy of the marker is left alone, and so is another project's."""
    for number in range(250):
        comment(github, id=number, user={"login": "ann"})
    comment(github, id=998, body=MARKER["plan"].replace("default", "default-b"))
    comment(github, id=999, body=MARKER["plan"].replace("\n", "\r\n") + "old")
    assert report().code == 0
    assert len(github.comments) == 252
    assert [each["body"] for each in github.comments if "A plan" in each["body"]] == [MARKER["plan"] + "### A plan\n"]
    assert github.writes() == [f"PATCH http://api.github.localhost/repos/{REPOSITORY}/issues/comments/999"]


def test_text_that_gh_could_take_for_more_is_text(report: Callable[..., Done], github: GitHub) -> None:
    """No file is read, nothing is made a number, and nothing is inserted."""
    text = "@/etc/passwd\ntrue {owner} {repo} :owner \\n 🎓\n"
    assert report(text=text).code == 0
    assert github.comments[0]["body"] == MARKER["plan"] + text


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", ["GET issues", "POST issues", "PATCH issues"])
def test_drift_that_cannot_be_reported_fails_the_job(
    report: Callable[..., Done], github: GitHub, call: str, status: int
) -> None:
    """Nobody would know of it."""
    if not call.startswith("POST"):
        issue(github, 1)
    github.faults[call] = status
    done = report("drift")
    assert done.code == 1
    assert "::error title=reconciler::Could not update the issue about drift" in done.log


def test_one_issue_is_kept_of_several(report: Callable[..., Done], github: GitHub) -> None:
    """The oldest of ours; pull requests, other projects' and other people's are left alone."""
    issue(github, 1, body="<!-- reconciler: drift other -->\n")
    issue(github, 2, user={"login": "eve"})
    issue(github, 3, pull_request={})
    issue(github, 4)
    issue(github, 5)
    assert report("drift").code == 0
    assert [each["state"] for each in github.issues] == ["open"] * 4 + ["closed"]
    assert github.issues[3]["body"] == MARKER["drift"] + "### A plan\n"
    assert report("drift", changes=False).code == 0
    assert [each["state"] for each in github.issues] == ["open"] * 3 + ["closed"] * 2
    assert report("drift").code == 0
    assert github.issues[5]["title"] == "Drift detected"


# Run reconciler


@pytest.fixture
def step_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module of the step."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    spec = importlib.util.spec_from_file_location("step_run", ROOT / "integrations/github/run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_plan_that_needs_approval_says_how_to_give_it(step_run: ModuleType) -> None:
    """The arguments to write; only a list item of the report itself counts."""
    report = "**Approval required before apply:**\n\n- `--allow deletes=2` – two\n- `--allow emails=130` – many\n"
    assert step_run.approval_hint(report).endswith("the arguments\n`--allow deletes=2 --allow emails=130`.")
    assert step_run.approval_hint("- `tag/--allow deletes=2`\nx `--allow emails=1`") == ""


def test_text_cannot_leave_its_block(step_run: ModuleType) -> None:
    """A fence is longer than any run of backticks in what it holds."""
    assert step_run.fenced("a ```` b\n```\n@everyone").splitlines()[0] == "`````text"
    assert step_run.fenced("a `b`\n") == "```text\na `b`\n```"


def test_a_message_is_one_line(step_run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot begin another command of the runner."""
    step_run.annotate("two\nlines %0A")
    assert capsys.readouterr().out == "::error title=reconciler::two%0Alines %250A\n"


@pytest.mark.parametrize("name", ["PGPASSWORD", "p:w%40d"])
def test_the_password_of_the_ledger_is_masked(
    step_run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """As it is in the URL, and decoded, as an error of the server could print it."""
    monkeypatch.setenv("RECONCILER_LEDGER", f"postgresql://user:{name}@db.example.com/reconciler")
    step_run.check_ledger()
    printed = capsys.readouterr().out
    assert f"::add-mask::{name.replace('%', '%25')}\n" in printed
    assert f"::add-mask::{name.replace('%40', '@')}\n" in printed


STOPPED = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getppid(), signal.SIGTERM)
signal.sigwait([signal.SIGTERM])
print("::error::from the account", flush=True)
raise SystemExit(130)
"""


def test_a_cancelled_job_ends_in_order(
    step_run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A signal to the step is passed on; what is printed cannot be a command of the runner."""
    python = tmp_path / "reconciler-tool" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nexec {sys.executable} - <<'END'\n{STOPPED}\nEND\n")
    python.chmod(0o755)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert step_run.reconciler(["plan"]) == (130, "::error::from the account\n")
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert lines[-1] == f"::{lines[0].removeprefix('::stop-commands::')}::"
