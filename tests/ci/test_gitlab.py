"""The jobs for GitLab: scripts as they stand in the template, against the emulator and a stand-in for the API."""

from __future__ import annotations

import json
import runpy
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ci.gitlab import gitlab_jobs
from tests.ci.jobs import ROOT
from tests.support.postgres import Postgres
from tests.support.project import Project, Result

HEAD, MERGED = "b" * 40, "c" * 40
REQUEST = {"iid": 7, "state": "merged", "target_branch": "main", "source_project_id": 5, "sha": HEAD}
PIPELINE = {"id": 3, "ref": "refs/merge-requests/7/head", "sha": HEAD}
JOB = {"id": 9, "name": "reconciler:plan:production", "status": "success"}


class GitLab:
    """``answers`` maps ``METHOD path`` below ``/projects/5`` to JSON or bytes; an int is a status of refusal."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            f"GET /repository/commits/{MERGED}/merge_requests": [REQUEST],
            "GET /merge_requests/7/pipelines": [PIPELINE],
            "GET /pipelines/3/jobs": [JOB],
            "GET /user": {"id": 1},
            "GET /merge_requests/7/notes": [],
        }
        self.requests: list[tuple[str, Any]] = []
        gitlab = self

        class Handler(BaseHTTPRequestHandler):
            """One call."""

            def _handle(self) -> None:
                path = self.path.partition("?")[0].removeprefix("/api/projects/5").removeprefix("/api")
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
                gitlab.requests.append((f"{self.command} {path}", body))
                found = gitlab.answers.get(f"{self.command} {path}", 404 if self.command == "GET" else {})
                status, content = (found, b"{}") if isinstance(found, int) else (200, found)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

            do_GET = do_POST = do_PUT = _handle  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Not on our screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where CI_API_V4_URL leads."""
        return f"http://127.0.0.1:{self.server.server_port}/api"


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    """An API with one merged merge request, whose plan was made."""
    serving = GitLab()
    yield serving
    serving.server.shutdown()
    serving.server.server_close()


@pytest.fixture
def job(project: Project, tool: Path, gitlab: GitLab, tmp_path: Path) -> Callable[..., Result]:
    """``job("plan", CI_…="…")`` carries out before_script and script in the project, ``environment`` is an input."""
    installed = tmp_path / "installed"
    installed.mkdir()
    for name, target in (
        ("bin", tool / "bin"),
        ("lib", tool / "lib"),
        ("pyvenv.cfg", tool / "pyvenv.cfg"),
        ("source", ROOT),
    ):
        (installed / name).symlink_to(target)

    def run(name: str, environment: str = "", **told: str) -> Result:
        template = gitlab_jobs(environment or "production", environment)[
            f"reconciler:{name}:{environment or 'production'}"
        ]
        script = "\n".join([*template["before_script"], *template["script"]])
        env = {
            **template["variables"],
            **project.environment(),
            "CI": "true",
            "TOOL": str(installed),
            "CI_PROJECT_ID": "5",
            "CI_PROJECT_DIR": str(project.folder),
            "RECONCILER_LEDGER_KEY": "a-key-of-the-team",
            "CI_API_V4_URL": gitlab.url,
            "CI_COMMIT_SHA": MERGED,
            "CI_COMMIT_BRANCH": "main",
            "CI_JOB_URL": "https://gitlab.example.com/-/jobs/9",
            "RECONCILER_GITLAB_PAUSE": "0.001",
            **told,
        }
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=project.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return run


def test_what_a_merge_request_planned_is_applied(
    project: Project, job: Callable[..., Result], gitlab: GitLab, postgres: Postgres
) -> None:
    """Plan with counts for the widget and a comment, apply of just that plan, and no drift after it but by hand."""
    project.env["RECONCILER_LEDGER"] = postgres.namespace()
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Ann}]\n")
    told = {
        "CI_MERGE_REQUEST_IID": "7",
        "RECONCILER_GITLAB_TOKEN": "glpat",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
    }
    planned = job("plan", **told)
    assert planned.code == 0, planned.err
    kept = project.folder / "reconciler-plan"
    assert json.loads((kept / "gitlab.json").read_text()) == {"create": 2, "update": 0, "delete": 0}
    (posted,) = [body["body"] for call, body in gitlab.requests if call == "POST /merge_requests/7/notes"]
    assert posted.startswith("<!-- reconciler: reconciler:plan:production -->\n")
    assert "\nreconciler 0.1.0 · to apply: " in posted
    assert posted.endswith(
        f"---\nCommit {HEAD[:8]} · [job](https://gitlab.example.com/-/jobs/9) · people as pseudonyms\n"
    )
    assert "has no effect" not in planned.err
    assert "ann@example.com" not in posted + planned.out + (kept / "plan.json").read_text()

    gitlab.answers["GET /jobs/9/artifacts/reconciler-plan/plan.json"] = (kept / "plan.json").read_bytes()
    applied = job("apply", RECONCILER_GITLAB_TOKEN="glpat")
    assert applied.code == 0, applied.err
    assert project.account.state()["tags"] == ["VIP"]
    project.account.edit("POST", "/api/tags", {"name": "Gold"})
    assert job("drift").code == 0
    project.account.edit("DELETE", f"/api/tags/{project.account.ids()['tags']['VIP']}", None)
    drifted = job("drift")
    assert drifted.code == 2
    assert "tag/VIP" in (project.folder / "reconciler-drift" / "drift.md").read_text()


def test_without_a_key_there_is_no_plan(project: Project, job: Callable[..., Result]) -> None:
    """A fork is told so, and its pipeline goes on."""
    project.write("tags: [VIP]\n")
    result = job("plan", MATON_API_KEY="")
    assert result.code == 0
    assert "forks get none" in result.out
    assert not project.account.requests


@pytest.mark.parametrize(("told", "code"), [({"MATON_API_KEY": ""}, 0), ({"RECONCILER_LEDGER_KEY": "short"}, 1)])
def test_a_plan_that_was_committed_is_not_kept(
    project: Project, job: Callable[..., Result], told: dict[str, str], code: int
) -> None:
    """What the job uploads is made by the job: a folder of that name in the merge request is removed first."""
    project.write("tags: [VIP]\n")
    project.write("{}", "reconciler-plan/plan.json")
    assert job("plan", **told).code == code
    assert not (project.folder / "reconciler-plan" / "plan.json").exists()


def test_a_plan_that_was_committed_is_not_applied(project: Project, job: Callable[..., Result]) -> None:
    """The plan job may have made none; then a file of the repository would be taken for its plan."""
    project.write("tags: [VIP]\n")
    project.write("{}", "reconciler-plan/plan.json")
    for command in (["init", "--quiet"], ["add", "reconciler-plan"]):
        subprocess.run(["git", *command], cwd=project.folder, check=True)
    refused = job("apply-by-hand")
    assert refused.code == 1
    assert "reconciler-plan is part of the repository" in refused.out
    assert not project.account.requests


def test_a_protected_environment_is_confirmed_by_the_job(
    project: Project, job: Callable[..., Result], gitlab: GitLab, postgres: Postgres
) -> None:
    """By the input that chooses it; the secret of a webhook is a variable, and an approval is given by hand."""
    project.env["RECONCILER_LEDGER"] = postgres.namespace()
    settings = "environments: {live: {protect: true, limits: {deletes: 1, floor: 0}, prune: {tag: all}}}\n"
    project.write(settings, "reconciler.yaml")
    hook = "{name: Orders, url: 'https://o.example.com/', secret: {env: ORDERS_WEBHOOK_SECRET}, events: [SALE_NEW]}"
    project.write(f"tags: [A, B, C]\nwebhooks: [{hook}]\n")
    told = {"environment": "live", "RECONCILER_GITLAB_TOKEN": "glpat", "ORDERS_WEBHOOK_SECRET": "0rders"}
    kept = project.folder / "reconciler-plan" / "plan.json"
    gitlab.answers["GET /pipelines/3/jobs"] = [{**JOB, "name": "reconciler:plan:live"}]
    assert job("plan", **told).code == 0
    gitlab.answers["GET /jobs/9/artifacts/reconciler-plan/plan.json"] = kept.read_bytes()
    applied = job("apply", **told)
    assert applied.code == 0, applied.err
    assert project.account.state()["webhooks"][0]["secret"] == "0rders"
    project.write(f"tags: [A]\nwebhooks: [{hook}]\n")
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    assert job("plan", CI_MERGE_REQUEST_IID="7", **told).code == 0
    (posted,) = [body["body"] for call, body in gitlab.requests if call == "POST /merge_requests/7/notes"]
    assert "`RECONCILER_ALLOW=deletes=2" in posted
    assert job("apply-by-hand", **told).code == 3
    by_hand = job("apply-by-hand", RECONCILER_ALLOW="deletes=2 updates", **told)
    assert by_hand.code == 0, by_hand.err
    assert "has no effect" not in by_hand.err
    assert project.account.state()["tags"] == ["A"]


REFUSED = {
    "no merge request": ({f"GET /repository/commits/{MERGED}/merge_requests": []}, 3, "without a merge request"),
    "of a fork": (
        {f"GET /repository/commits/{MERGED}/merge_requests": [{**REQUEST, "source_project_id": 6}]},
        3,
        "from a fork",
    ),
    "no pipeline": ({"GET /merge_requests/7/pipelines": []}, 3, "there is no plan of the head"),
    "of an older head": ({"GET /merge_requests/7/pipelines": [{**PIPELINE, "sha": "d" * 40}]}, 3, "there is no plan"),
    "of a branch": ({"GET /merge_requests/7/pipelines": [{**PIPELINE, "ref": "feature"}]}, 3, "there is no plan"),
    "failed": ({"GET /pipelines/3/jobs": [{**JOB, "status": "failed"}]}, 3, "there is no plan"),
    "another job": ({"GET /pipelines/3/jobs": [{**JOB, "name": "other"}]}, 3, "there is no plan"),
    "no right": ({"GET /merge_requests/7/pipelines": 403}, 1, "403 Client Error"),
    "out of order": ({"GET /pipelines/3/jobs": 500}, 1, "500 Server Error"),
    "expired": ({}, 1, "404 Client Error"),
    "no JSON": ({"GET /pipelines/3/jobs": b"<html>"}, 1, "Expecting value"),
}


@pytest.mark.parametrize(("answers", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_without_the_plan_that_was_reviewed_nothing_is_applied(
    gitlab: GitLab,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, Any],
    code: int,
    text: str,
) -> None:
    """The reason and the way on; the job ends there."""
    gitlab.answers |= answers
    told = {
        "CI_PROJECT_ID": "5",
        "CI_API_V4_URL": gitlab.url,
        "CI_COMMIT_SHA": MERGED,
        "CI_COMMIT_BRANCH": "main",
        "RECONCILER_GITLAB_TOKEN": "glpat",
        "RECONCILER_GITLAB_PAUSE": "0.001",
        "RECONCILER_PLAN_JOB": JOB["name"],
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    step = runpy.run_path(str(ROOT / "integrations" / "gitlab" / "act.py"))["main"]
    assert step("find", str(tmp_path / "plan.json")) == code
    assert text in capsys.readouterr().err
    assert not (tmp_path / "plan.json").exists()


def test_the_token_does_not_follow_a_redirect(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts may lie on another host; nor does a ~/.netrc take the token's place."""
    for name, value in (("CI_API_V4_URL", gitlab.url), ("CI_PROJECT_ID", "5"), ("RECONCILER_GITLAB_TOKEN", "glpat")):
        monkeypatch.setenv(name, value)
    session = runpy.run_path(str(ROOT / "integrations" / "gitlab" / "act.py"))["GitLab"]().session
    request = session.prepare_request(requests.Request("GET", gitlab.url))
    assert request.headers["Authorization"] == "Bearer glpat"
    assert [name for name in request.headers if "TOKEN" in name.upper()] == []
    assert session.should_strip_auth(gitlab.url, "https://storage.example.com/")


@pytest.mark.parametrize(
    "answers",
    [
        {"GET /user": 401},
        {"GET /merge_requests/7/notes": 403},
        {"GET /merge_requests/7/notes": b"<html>"},
        {"POST /merge_requests/7/notes": 500},
    ],
)
def test_a_plan_is_not_lost_for_want_of_a_comment(
    project: Project, job: Callable[..., Result], gitlab: GitLab, answers: dict[str, Any]
) -> None:
    """It is in the artifacts; the job says so and passes, and no comment is written twice."""
    project.write("tags: [VIP]\n")
    gitlab.answers |= answers
    planned = job("plan", CI_MERGE_REQUEST_IID="7", RECONCILER_GITLAB_TOKEN="glpat")
    assert planned.code == 0, planned.err
    assert "could not write the comment in GitLab" in planned.err
    assert (project.folder / "reconciler-plan" / "plan.json").exists()
    assert len([call for call, _ in gitlab.requests if not call.startswith("GET")]) <= 1


def test_an_own_comment_is_updated(project: Project, job: Callable[..., Result], gitlab: GitLab) -> None:
    """By its first line and its author."""
    project.write("tags: [VIP]\n")
    own = {"id": 4, "author": {"id": 1}, "body": "<!-- reconciler: reconciler:plan:production -->\nold"}
    gitlab.answers["GET /merge_requests/7/notes"] = [{**own, "id": 3, "author": {"id": 2}}, own]
    assert job("plan", CI_MERGE_REQUEST_IID="7", RECONCILER_GITLAB_TOKEN="glpat").code == 0
    assert [call for call, _ in gitlab.requests if not call.startswith("GET")] == ["PUT /merge_requests/7/notes/4"]


@pytest.mark.parametrize("name", ["production", "staging"])
def test_an_apply_at_a_time_and_files_for_developers_only(name: str) -> None:
    """What the template promises at its head; only applies are deployments."""
    jobs = {key.split(":")[1]: job for key, job in gitlab_jobs(name).items() if key.startswith("reconciler:")}
    assert {job["resource_group"] for key, job in jobs.items() if "apply" in key} == {f"reconciler-{name}"}
    kept = [job["artifacts"] for job in jobs.values() if "artifacts" in job]
    assert all(each["access"] == "developer" for each in kept)
    assert jobs["plan"]["artifacts"]["reports"]["terraform"] == "reconciler-plan/gitlab.json"
    for key, job in jobs.items():
        applies = "apply" in key
        assert job["environment"] == (
            {"name": name, "action": "start"} if applies else {"name": f"{name}-plan", "action": "access"}
        )
        rules = " ".join(rule["if"] for rule in job["rules"])
        assert not applies or "DEFAULT_BRANCH" in rules
        assert ("merge_request_event" in rules) == (key == "plan")
