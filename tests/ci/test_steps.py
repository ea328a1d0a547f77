"""The steps of the action that speak with GitHub and decide: what becomes of what is missing, odd or broken."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.ci.github import REPOSITORY, GitHub
from tests.ci.jobs import FILE, ROOT, outputs_of

HEAD, MERGED = "b" * 40, "c" * 40
NAME = f"reconciler-plan-default-{HEAD}"
PULL = {"number": 7, "merged_at": "2026-01-01T00:00:00Z", "head": {"sha": HEAD}, "base": {"ref": "main"}}
RUN = {
    "id": 1,
    "event": "pull_request",
    "path": FILE,
    "head_sha": HEAD,
    "repository": {"full_name": REPOSITORY},
    "head_repository": {"full_name": REPOSITORY},
}
FAULTS = (403, 404, 500, 0, -1)


class Done(NamedTuple):
    """How a step ended: exit code, what it printed, its outputs, the summary."""

    code: int
    said: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, github: GitHub, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Carries out one step in this process: ``step("tell", BODY="…")``; the event is ``event={…}``."""
    monkeypatch.syspath_prepend(str(ROOT / "integrations" / "github"))
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    import act

    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH")}
    fixed = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": MERGED,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF_NAME": "main",
        "TOKEN": "job-token",
        "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/{FILE}@refs/heads/main",
        "RECONCILER_GITHUB_PAUSE": "0.001",
        "RECONCILER_GITHUB_TIMEOUT": "0.15",
        "AUTHOR": "github-actions[bot]",
        "NAME": "default",
        "ARTIFACT": "reconciler-plan-default",
        "MISSING_KEY": "auto",
        "HAS_KEY": "true",
        "PROJECT": ".",
        **{name: str(path) for name, path in files.items()},
    }

    def carry_out(name: str, event: dict[str, Any] | None = None, **told: str) -> Done:
        for variable, value in {**fixed, **told}.items():
            monkeypatch.setenv(variable, value)
        files["GITHUB_EVENT_PATH"].write_text(json.dumps(event or {}))
        for path in (files["GITHUB_OUTPUT"], files["GITHUB_STEP_SUMMARY"]):
            path.write_text("")
        code = act.main(name)
        said = "".join(capfd.readouterr())
        assert "job-token" not in said
        return Done(code, said, outputs_of(files["GITHUB_OUTPUT"]), files["GITHUB_STEP_SUMMARY"].read_text())

    return carry_out


# gate


def pull_request(head: str | None = REPOSITORY) -> dict[str, Any]:
    """The event of a pull request from the repository ``head``; None is one that was deleted since."""
    return {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": head and {"full_name": head}}}}


@pytest.mark.parametrize("head", ["eve/account", None])
def test_a_fork_without_a_key_is_told_so(step: Callable[..., Done], head: str | None) -> None:
    """Skipped with a notice and a summary, and no failure."""
    done = step("gate", pull_request(head), COMMAND="plan", HAS_KEY="false")
    assert done.code == 0
    assert done.outputs["run"] == "false"
    assert "::notice title=reconciler::Pull requests of forks" in done.said
    assert "get no secrets" in done.summary


def test_dependabot_gets_no_key_either(step: Callable[..., Done]) -> None:
    """Its pull requests are of the repository, and get no secrets all the same."""
    done = step("gate", pull_request(), COMMAND="plan", HAS_KEY="false", GITHUB_ACTOR="dependabot[bot]")
    assert (done.code, done.outputs["run"]) == (0, "false")


@pytest.mark.parametrize(
    ("way", "head", "code"),
    [
        ("auto", REPOSITORY, 1),
        ("fail", "eve/account", 1),
        ("skip", REPOSITORY, 0),
        ("auto", "eve/account", 0),
    ],
)
def test_what_a_missing_key_means_can_be_said(step: Callable[..., Done], way: str, head: str, code: int) -> None:
    """Skip or fail, and by default whichever fits."""
    done = step("gate", pull_request(head), COMMAND="plan", HAS_KEY="false", MISSING_KEY=way)
    assert done.code == code
    assert done.outputs.get("run") != "true"


@pytest.mark.parametrize(
    ("told", "code", "text"),
    [
        ({"COMMAND": "destroy"}, 1, "command is 'destroy'"),
        ({"MISSING_KEY": "perhaps"}, 1, "missing-key is 'perhaps'"),
        ({"COMMAND": "apply", "LEDGER_IS_FILE": "true", "LEDGER_GIVEN": "true"}, 3, "gone with it"),
        ({"COMMAND": "drift", "LEDGER_IS_FILE": "true", "LEDGER_GIVEN": "true"}, 3, "gone with it"),
        ({"COMMAND": "apply", "LEDGER_FETCH": "true"}, 1, "belong together"),
        ({"COMMAND": "apply", "LEDGER_STORE": "true"}, 1, "belong together"),
        ({"LEDGER_FETCH": "true", "LEDGER_STORE": "true", "LEDGER_GIVEN": "true"}, 1, "two ways"),
    ],
)
def test_what_cannot_work_is_said_first(
    step: Callable[..., Done], told: dict[str, str], code: int, text: str
) -> None:
    """Before anything is installed."""
    done = step("gate", **{"COMMAND": "plan", **told})
    assert done.code == code
    assert text in done.said
    assert text in done.summary


def test_a_runner_of_ones_own_may_keep_a_file(step: Callable[..., Done]) -> None:
    """A self-hosted runner's disk stays."""
    told = {"COMMAND": "apply", "LEDGER_IS_FILE": "true", "LEDGER_GIVEN": "true", "RUNNER_ENVIRONMENT": "self-hosted"}
    assert step("gate", **told).outputs["run"] == "true"


@pytest.mark.parametrize(
    ("path", "environment", "name"),
    [
        (".", "", "default"),
        (".", "production", "production"),
        ("sites/a/", "", "sites-a"),
        ("./site", "staging", "site-staging"),
        ("a b/<--", "x:y", "a-b-x-y"),
    ],
)
def test_names_fit_everywhere(step: Callable[..., Done], path: str, environment: str, name: str) -> None:
    """In the name of an artefact, in a comment of HTML."""
    done = step("gate", pull_request(), COMMAND="plan", PROJECT=path, ENVIRONMENT=environment)
    assert done.outputs["name"] == name
    assert done.outputs["artifact"] == f"reconciler-plan-{name}-{HEAD}"


# find


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A folder as a plan leaves it."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "plan.json").write_text('{"redacted": true}')
    return folder


def test_the_plan_of_the_merged_pull_request_is_found(step: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """Written to a file of the job; the token goes to the API and to nobody else."""
    github.pulls[MERGED] = [{**PULL, "base": {"ref": "other"}}, {**PULL, "merged_at": None}, PULL]
    github.upload(NAME, plan, RUN)
    done = step("find")
    assert done.code == 0, done.said
    assert Path(done.outputs["plan"]).read_text() == '{"redacted": true}'
    carried = {path.startswith("/blobs/"): "Authorization" in headers for _, path, headers in github.requests}
    assert carried == {False: True, True: False}


FORGED = {
    "fork": ({"head_repository": {"full_name": "eve/account"}}, {}, "of a fork"),
    "fork that says otherwise": ({}, {"head_repository_id": 2}, "of a fork"),
    "other repository": ({"repository": {"full_name": "eve/account"}}, {}, "another repository"),
    "other event": ({"event": "push"}, {}, "set off by push"),
    "other workflow": ({"path": ".github/workflows/other.yml"}, {}, "of another workflow"),
    "other commit": ({"head_sha": "f" * 40}, {}, "of another commit"),
    "other commit of the artefact": ({}, {"head_sha": "f" * 40}, "of another commit"),
}


@pytest.mark.parametrize(("run", "origin", "text"), FORGED.values(), ids=FORGED)
def test_a_forged_plan_is_not_taken(
    step: Callable[..., Done], github: GitHub, plan: Path, run: dict[str, Any], origin: dict[str, Any], text: str
) -> None:
    """An artefact of the right name from the wrong run: refused with the reason, and not even loaded down."""
    github.pulls[MERGED] = [PULL]
    made = github.upload(NAME, plan, {**RUN, **run})
    made["workflow_run"] |= {"head_sha": HEAD, **origin}
    done = step("find")
    assert done.code == 3
    assert text in done.said
    assert "refused" in done.summary
    assert not [path for _, path, _ in github.requests if path.endswith("/zip")]


def test_a_forged_one_does_not_hide_the_real_one(step: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """A later artefact of a fork is passed by."""
    github.pulls[MERGED] = [PULL]
    github.upload(NAME, plan, RUN)
    forged = plan.parent / "forged"
    forged.mkdir()
    (forged / "plan.json").write_text("forged")
    github.upload(NAME, forged, {**RUN, "id": 2, "head_repository": {"full_name": "eve/account"}})
    done = step("find")
    assert Path(done.outputs["plan"]).read_text() == '{"redacted": true}'


def test_the_last_of_several_plans_counts(step: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """A job that was run again leaves a newer one."""
    github.pulls[MERGED] = [PULL]
    github.upload(NAME, plan, RUN)
    (plan / "plan.json").write_text("newer")
    github.upload(NAME, plan, {**RUN, "id": 2})
    assert Path(step("find").outputs["plan"]).read_text() == "newer"


def test_without_a_plan_nothing_is_applied(step: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """A push without a pull request, a pull request without a plan, an expired one: each is said, with the way on."""
    assert "came to main without a pull request" in step("find").said
    github.pulls[MERGED] = [PULL]
    assert f"there is no artefact {NAME}" in step("find").said
    github.upload(NAME, plan, RUN, expired=True)
    done = step("find")
    assert done.code == 3
    assert "has expired" in done.said
    assert "run this workflow by hand" in done.summary


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_an_artefact_that_is_none_is_refused(
    step: Callable[..., Done], github: GitHub, plan: Path, content: bytes
) -> None:
    """Cut, empty, or without the file."""
    github.pulls[MERGED] = [PULL]
    made = github.upload(NAME, plan, RUN)
    github.blobs[made["id"]] = content
    assert step("find").code == 3


def test_another_content_than_was_uploaded_is_refused(step: Callable[..., Done], github: GitHub, plan: Path) -> None:
    """Where GitHub tells a digest, it is held against what came."""
    github.pulls[MERGED] = [PULL]
    made = github.upload(NAME, plan, RUN, digest=f"sha256:{'0' * 64}")
    assert "not what was uploaded" in step("find").said
    made["digest"] = f"sha256:{hashlib.sha256(github.blobs[made['id']]).hexdigest()}"
    assert step("find").code == 0


CALLS = ("commits/.*/pulls", "actions/artifacts$", "actions/runs/", "/zip$", "/blobs/")


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_on_the_way_to_the_plan_ends_the_job(
    step: Callable[..., Done], github: GitHub, plan: Path, call: str, status: int
) -> None:
    """One sentence that names the call, a failed job, and nothing to apply."""
    github.pulls[MERGED] = [PULL]
    github.upload(NAME, plan, RUN)
    github.faults[f"GET {call}"] = status
    done = step("find")
    assert done.code == 1
    assert "GitHub" in done.said
    assert "GitHub" in done.summary
    assert "plan" not in done.outputs


# tell


@pytest.fixture
def body(tmp_path: Path) -> str:
    """The text of a plan as the tool writes it."""
    path = tmp_path / "body.md"
    path.write_text("<!-- reconciler: folder -->\n### A plan\n")
    return str(path)


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", ["GET issues/7/comments", "PATCH issues/comments", "POST issues/7/comments"])
def test_a_plan_is_not_lost_for_want_of_a_comment(
    step: Callable[..., Done], github: GitHub, body: str, call: str, status: int
) -> None:
    """Whatever GitHub answers to it: the job goes on, and says where the plan is."""
    if not call.startswith("POST"):
        github.comments.append(
            {
                "id": 1,
                "issue": 7,
                "user": {"login": "github-actions[bot]"},
                "body": "<!-- reconciler: plan default -->\n",
            }
        )
    github.faults[call] = status
    done = step("tell", pull_request(), COMMAND="plan", BODY=body)
    assert done.code == 0
    if call.startswith("PATCH") and status == 404:  # deleted since: a new one is made
        assert len(github.comments) == 2
    else:
        assert "the plan is in the summary of this job" in done.said
        assert ("::notice" if status in (403, 404) else "::warning") in done.said


def test_a_comment_is_tried_once_only(step: Callable[..., Done], github: GitHub, body: str) -> None:
    """Made twice would be two; what only reads or changes is tried again."""
    github.faults["POST issues/7/comments"] = 500
    step("tell", pull_request(), COMMAND="plan", BODY=body)
    assert len(github.writes()) == 1
    github.faults = {"GET issues/7/comments": 500}
    step("tell", pull_request(), COMMAND="plan", BODY=body)
    assert len([path for method, path, _ in github.requests if method == "GET"]) == 1 + 3


def test_a_read_only_token_is_no_failure(step: Callable[..., Done], github: GitHub, body: str) -> None:
    """The token of a fork's pull request."""
    github.read_only = True
    done = step("tell", pull_request(), COMMAND="plan", BODY=body)
    assert done.code == 0
    assert github.comments == []
    assert "::notice" in done.said


def test_no_comment_where_none_is_wanted(step: Callable[..., Done], github: GitHub, body: str) -> None:
    """``comment: false``, and runs without a pull request."""
    step("tell", pull_request(), COMMAND="plan", BODY=body, COMMENT="false")
    step("tell", COMMAND="plan", BODY=body)
    assert not github.requests


def test_our_comment_is_found_on_a_later_page(step: Callable[..., Done], github: GitHub, body: str) -> None:
    """However much was talked before it."""
    talk = [{"id": n, "issue": 7, "user": {"login": "ann"}, "body": "?"} for n in range(250)]
    ours = {
        "id": 999,
        "issue": 7,
        "user": {"login": "github-actions[bot]"},
        "body": "<!-- reconciler: plan default -->\r\n",
    }
    github.comments += [*talk, ours]
    step("tell", pull_request(), COMMAND="plan", BODY=body)
    assert len(github.comments) == 251
    assert github.comments[-1]["body"] == "<!-- reconciler: plan default -->\n### A plan\n"


@pytest.mark.parametrize("row", ["| + | tag/VIP | site.yaml:1:1 |\n", "| 🎓 | tag/🎓 | site.yaml:1:1 |\n"])
def test_a_plan_over_the_limit_is_told_as_far_as_it_goes(
    step: Callable[..., Done], github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    """The comment is taken, ends in whole lines, and leads to the rest."""
    step("gate", pull_request(), COMMAND="plan")
    import run

    (tmp_path / "reconciler-out").mkdir()
    monkeypatch.setenv("ARTIFACT", NAME)
    run._tell("<!-- reconciler: x -->\n" + row * 5_000, f"artefact `{NAME}`")
    done = step("tell", pull_request(), COMMAND="plan", BODY=str(tmp_path / "reconciler-out" / "body.md"))
    assert done.code == 0
    (comment,) = github.comments
    assert 50_000 < len(comment["body"].encode("utf-16-le")) // 2 <= 65_536
    assert comment["body"].count(row) > 1_000
    assert comment["body"].rstrip().endswith(f"artefact `{NAME}`")
    assert "Cut here" in comment["body"]


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("call", ["GET issues", "POST issues", "PATCH issues"])
def test_drift_that_cannot_be_told_fails_the_job(
    step: Callable[..., Done], github: GitHub, body: str, call: str, status: int
) -> None:
    """Nobody else would tell."""
    if not call.startswith("POST"):
        _issue(github, 1)
    github.faults[call] = status
    done = step("tell", COMMAND="drift", BODY=body, CHANGES="true")
    assert done.code == 1
    assert "::error title=reconciler::GitHub" in done.said


def _issue(github: GitHub, number: int, **more: Any) -> None:
    body = "<!-- reconciler: drift default -->\nold"
    github.issues.append(
        {
            "id": number,
            "number": number,
            "state": "open",
            "user": {"login": "github-actions[bot]"},
            "body": body,
            **more,
        }
    )


def test_one_issue_is_kept_of_several(step: Callable[..., Done], github: GitHub, body: str) -> None:
    """The oldest of ours; pull requests, other projects' and other people's are left alone."""
    _issue(github, 1, body="<!-- reconciler: drift other -->\n")
    _issue(github, 2, user={"login": "eve"})
    _issue(github, 3, pull_request={})
    _issue(github, 4)
    _issue(github, 5)
    assert step("tell", COMMAND="drift", BODY=body, CHANGES="true").code == 0
    assert [each["state"] for each in github.issues] == ["open"] * 4 + ["closed"]
    assert github.issues[3]["body"] == "<!-- reconciler: drift default -->\n### A plan\n"
    assert step("tell", COMMAND="drift", BODY=body, CHANGES="false").code == 0
    assert [each["state"] for each in github.issues] == ["open"] * 3 + ["closed"] * 2


# texts


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that speaks with the runner."""
    monkeypatch.syspath_prepend(str(ROOT / "integrations" / "github"))
    import workflow

    return workflow


def test_what_is_too_long_is_cut_whole(workflow: Any) -> None:
    """Whole lines, nothing left open, and a word about it; what fits is left alone."""
    text = "<details><summary>all</summary>\n\n````text\n" + "```\n| row |\n" * 20_000
    short = workflow.cut(text, 60_000)
    assert 59_000 < len(short) <= 60_000
    assert short.endswith("````\n</details>\n\n*Cut here: the rest is too long to be shown.*\n")
    assert workflow.cut("as it is", 60_000) == "as it is"


def test_text_cannot_leave_its_block(workflow: Any) -> None:
    """A fence is longer than any run of backticks in what it holds."""
    assert workflow.fenced("a ```` b\n```\n@everyone").splitlines()[0] == "`````text"


def test_text_cannot_be_a_command(workflow: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands are stopped by a word that nobody can guess; a message is one line."""
    with workflow.quoted():
        print("::error::from the account")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert lines[-1] == f"::{lines[0].removeprefix('::stop-commands::')}::"
    workflow.error("two\nlines %0A")
    assert capsys.readouterr().out == "::error title=reconciler::two%0Alines %250A\n"


def test_an_output_cannot_begin_another(workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end is a word that nobody can guess."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    workflow.output("name", "x\nEOF\nrun<<EOF\ntrue\nEOF")
    assert set(outputs_of(tmp_path / "output")) == {"name"}


def test_a_summary_has_an_end(workflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below what GitHub takes, in bytes."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    workflow.summary("é row\n" * 300_000)
    assert (tmp_path / "summary").stat().st_size <= 1024 * 1024


STOPPED = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getppid(), signal.SIGTERM)
signal.sigwait([signal.SIGTERM])
print("ended in order", flush=True)
raise SystemExit(130)
"""


def test_a_cancelled_job_ends_in_order(step: Callable[..., Done], capfd: pytest.CaptureFixture[str]) -> None:
    """What the runner sends to the step is passed on to the tool, whose last words and exit code are kept."""
    step("gate", COMMAND="plan")
    import tool

    before = signal.getsignal(signal.SIGTERM)
    assert tool._followed([sys.executable, "-c", STOPPED], dict(os.environ)) == (130, "ended in order\n")
    assert signal.getsignal(signal.SIGTERM) is before
    assert "ended in order" in capfd.readouterr().out


def test_what_the_tool_is_given(step: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings and the secrets that files name; no token of the job, no path of modules, nothing empty."""
    step("gate", COMMAND="plan")
    import tool

    for name in (
        "GITHUB_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "PYTHONPATH",
        "GITHUB_ENV",
    ):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("CRM_WEBHOOK_SECRET", "x")
    monkeypatch.setenv("RECONCILER_CONNECTION", "")
    given = tool.environment_of()
    assert given["CRM_WEBHOOK_SECRET"] == "x"
    assert given["CI"] == "true"
    assert not [name for name in given if "TOKEN" in name or name.startswith("PYTHON") or name == "GITHUB_ENV"]
    assert "RECONCILER_CONNECTION" not in given
