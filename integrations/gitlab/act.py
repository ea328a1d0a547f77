"""API calls of the jobs for GitLab: ``act.py find FILE`` and ``act.py comment FILE``.

``find`` writes the plan of the merge request that brought this commit; into a folder it writes all files of the job
that planned. ``comment`` keeps one comment with a plan on the merge request. Both are started with ``python -I`` and
use the token RECONCILER_GITLAB_TOKEN.
"""

from __future__ import annotations

import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

PLAN = "reconciler-plan/plan.json"
BY_HAND = "To continue: New pipeline on the default branch, review its plan, then start reconciler:apply-by-hand"


class Refused(Exception):
    """There is no reviewed plan of this commit."""


class GitLab:
    """The project's API; reads are repeated when GitLab is unavailable."""

    def __init__(self) -> None:
        self.session = requests.Session()
        pause = float(os.environ.get("RECONCILER_GITLAB_PAUSE", "2"))
        retry = Retry(3, backoff_factor=pause, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
        self.session.mount("http", HTTPAdapter(max_retries=retry))
        self.session.auth = self._authorize  # before a ~/.netrc; not sent to another host after a redirect
        self.root = f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}"

    @staticmethod
    def _authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {os.environ['RECONCILER_GITLAB_TOKEN']}"
        return request

    def send(self, method: str, url: str, **more: Any) -> requests.Response:
        """One answer; raises requests.RequestException for any other than a success."""
        answer = self.session.request(method, url, timeout=30, **more)
        answer.raise_for_status()
        return answer

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, over all its pages."""
        url = f"{self.root}{path}?per_page=100"
        while url:
            answer = self.send("GET", url)
            yield from answer.json()
            url = answer.links.get("next", {}).get("url", "")


def find(target: Path) -> None:
    """Write the plan that was reviewed to a file, or the plans of a fleet below a folder."""
    gitlab, sha, branch = GitLab(), os.environ["CI_COMMIT_SHA"], os.environ["CI_COMMIT_BRANCH"]
    for request in gitlab.items(f"/repository/commits/{sha}/merge_requests"):
        if request["state"] == "merged" and request["target_branch"] == branch:
            job = _job(gitlab, request)
            kept = f"{gitlab.root}/jobs/{job}/artifacts"
            if target.is_dir():
                zipfile.ZipFile(io.BytesIO(gitlab.send("GET", kept).content)).extractall(target)
            else:
                target.write_bytes(gitlab.send("GET", f"{kept}/{PLAN}").content)
            print(f"Applying the plan of merge request !{request['iid']}, from job {job}.")
            return
    raise Refused(f"commit {sha[:8]} reached {branch} without a merge request, so its plan was not reviewed")


def _job(gitlab: GitLab, request: dict[str, Any]) -> int:
    """The last job that planned the head of the merge request, in a pipeline of its own and of this project."""
    number = request["iid"]
    if str(request["source_project_id"]) != os.environ["CI_PROJECT_ID"]:
        raise Refused(f"merge request !{number} came from a fork, whose plan is not trusted")
    head = f"refs/merge-requests/{number}/head"
    own = {head, f"refs/merge-requests/{number}/merge", f"refs/merge-requests/{number}/train"}
    for pipeline in gitlab.items(f"/merge_requests/{number}/pipelines"):
        if pipeline["ref"] in own and (pipeline["ref"] != head or pipeline["sha"] == request["sha"]):
            jobs = gitlab.items(f"/pipelines/{pipeline['id']}/jobs")
            passed = [
                job["id"]
                for job in jobs
                if job["name"] == os.environ["RECONCILER_PLAN_JOB"] and job["status"] == "success"
            ]
            if passed:
                return int(max(passed))
    raise Refused(f"there is no plan of the head of merge request !{number} to apply")


def comment(file: Path) -> None:
    """Create or update the comment with this plan; an earlier one is found by its first line and its author."""
    number = os.environ.get("CI_MERGE_REQUEST_IID")
    if not (number and os.environ.get("RECONCILER_GITLAB_TOKEN") and file.is_file()):
        return
    gitlab, notes = GitLab(), f"/merge_requests/{number}/notes"
    marker = f"<!-- reconciler: {os.environ['RECONCILER_PLAN_JOB']} -->\n"
    plan = file.read_text(encoding="utf-8").partition("-->\n")[2].rstrip()
    body = {"body": f"{marker}{plan}{_approval_hint(plan)}\n\n---\n{_footer()}\n"}
    user = gitlab.send("GET", f"{os.environ['CI_API_V4_URL']}/user").json()["id"]
    for note in gitlab.items(notes):
        if str(note["body"]).startswith(marker) and note["author"]["id"] == user:
            gitlab.send("PUT", f"{gitlab.root}{notes}/{note['id']}", json=body)
            return
    gitlab.send("POST", f"{gitlab.root}{notes}", json=body)


def _approval_hint(plan: str) -> str:
    """How to give the approvals that a plan lists, as a sentence to add to it; empty without any."""
    approvals = re.findall(r"^- `--allow ([^`]+)`", plan, re.MULTILINE)
    if not approvals:
        return ""
    how = "start a pipeline of the default branch by hand with the variable"
    return (
        "\n\nThe apply after the merge will be refused. To give the approvals, "
        f"{how}\n`RECONCILER_ALLOW={' '.join(approvals)}`."
    )


def _footer() -> str:
    """The commit that was planned, the job, and how people are named."""
    # In a pipeline for merged results CI_COMMIT_SHA is a commit that only GitLab knows.
    commit = os.environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or os.environ["CI_COMMIT_SHA"]
    people = " · people as pseudonyms" if os.environ.get("REDACT") else ""
    return f"Commit {commit[:8]} · [job]({os.environ['CI_JOB_URL']}){people}"


def main(step: str, file: str) -> int:
    """Run one step: 0, 1 for a failure, 3 for a refusal. A failed comment does not fail the job."""
    try:
        (find if step == "find" else comment)(Path(file))
    except Refused as refused:
        print(f"error: {refused}. {BY_HAND}.", file=sys.stderr)
        return 3
    except (requests.RequestException, zipfile.BadZipFile, KeyError, TypeError) as fault:
        what = "get the plan from" if step == "find" else "write the comment in"
        print(f"error: could not {what} GitLab: {fault!s:.500}", file=sys.stderr)
        return 1 if step == "find" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
