"""What the jobs for GitLab ask of its API: ``act.py find FILE`` and ``act.py comment FILE``.

``find`` writes the plan of the merge request that brought this commit; ``comment`` tells a plan in one comment of the
merge request, updated in its place. Started with ``python -I``; RECONCILER_GITLAB_TOKEN says who asks.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase

#: The job that plans, and its file.
JOB, FILE = "reconciler:plan", "reconciler-plan/plan.json"
ATTEMPTS = 3
MOST_PAGES = 50
#: GitLab takes a million signs; nobody reads more than this.
LONGEST = 200_000

BY_HAND = "To go on: New pipeline on the default branch, look at its plan, then start reconciler:apply-by-hand"


class Failed(Exception):
    """This ends here with ``code`` (1: failure, 3: refused), having said so."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class _Token(AuthBase):
    """As a class of its own: no ~/.netrc can take its place."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["PRIVATE-TOKEN"] = _told("RECONCILER_GITLAB_TOKEN")
        return request


def main(step: str, file: str) -> int:
    """Run one step; what goes wrong is one sentence."""
    try:
        return {"find": find, "comment": comment}[step](Path(file))
    except Failed as failed:
        print(f"{'error' if failed.code else 'note'}: {failed}", file=sys.stderr)
        return failed.code
    except OSError as fault:
        print(f"error: {fault.strerror or fault}: {fault.filename or step}", file=sys.stderr)
        return 1


def find(file: Path) -> int:
    """Write the plan that was reviewed to ``file``; refused where there is none to trust."""
    if not _told("RECONCILER_GITLAB_TOKEN"):
        raise Failed("RECONCILER_GITLAB_TOKEN is not set; without it the plan of the merge request cannot be found")
    sha, branch = _told("CI_COMMIT_SHA"), _told("CI_COMMIT_BRANCH")
    for request in _pages(f"/repository/commits/{quote(sha)}/merge_requests"):
        if request.get("state") == "merged" and request.get("target_branch") == branch:
            job = _job(request)
            file.write_bytes(_call("GET", f"/jobs/{int(job['id'])}/artifacts/{FILE}").content)
            print(f"Applying the plan of merge request !{int(request['iid'])}, from job {int(job['id'])}.")
            return 0
    raise Failed(f"commit {sha[:8]} came to {branch} without a merge request: nobody has seen a plan. {BY_HAND}.", 3)


def _job(request: dict[str, Any]) -> dict[str, Any]:
    """The last job that planned the head of the merge request, in a pipeline of its own and of this project."""
    number = int(request["iid"])
    if str(request.get("source_project_id")) != _told("CI_PROJECT_ID"):
        raise Failed(f"merge request !{number} came from a fork: its plan is not trusted. {BY_HAND}.", 3)
    ours = {f"refs/merge-requests/{number}/{kind}" for kind in ("head", "merge", "train")}
    for pipeline in _pages(f"/merge_requests/{number}/pipelines"):
        head = f"refs/merge-requests/{number}/head"
        if pipeline.get("ref") not in ours or (pipeline["ref"] == head and pipeline.get("sha") != request.get("sha")):
            continue
        found = [job for job in _pages(f"/pipelines/{int(pipeline['id'])}/jobs") if job.get("name") == JOB]
        passed = [job for job in found if job.get("status") == "success"]
        if passed:
            return max(passed, key=lambda job: int(job["id"]))
    raise Failed(f"there is no plan of the head of merge request !{number} to apply. {BY_HAND}.", 3)


def comment(file: Path) -> int:
    """One comment with our marker and of our own; a plan is never lost for want of it."""
    number, token = _told("CI_MERGE_REQUEST_IID"), _told("RECONCILER_GITLAB_TOKEN")
    if not (number and token and file.is_file()):
        return 0
    name = f"{_told('RECONCILER_PATH')} {_told('RECONCILER_ENVIRONMENT')}".strip()
    marker = f"<!-- reconciler: plan {quote(name)} -->\n"
    body = marker + file.read_text(encoding="utf-8").partition("-->\n")[2][:LONGEST]
    try:
        us = _call("GET", "/user", project=False).json()["id"]
        for note in _pages(f"/merge_requests/{int(number)}/notes"):
            if str(note.get("body")).startswith(marker) and note.get("author", {}).get("id") == us:
                _call("PUT", f"/merge_requests/{int(number)}/notes/{int(note['id'])}", json={"body": body})
                return 0
        _call("POST", f"/merge_requests/{int(number)}/notes", attempts=1, json={"body": body})
    except (Failed, KeyError, ValueError) as fault:
        raise Failed(
            f"no comment on the merge request ({fault}); the plan is in the artefacts of this job", 0
        ) from None
    return 0


def _pages(path: str) -> Iterator[dict[str, Any]]:
    for page in range(1, MOST_PAGES + 1):
        try:
            items = _call("GET", path, params={"per_page": 100, "page": page}).json()
        except ValueError:
            raise Failed(f"GitLab's answer to {path} is no JSON") from None
        yield from (item for item in items if isinstance(item, dict))
        if len(items) < 100:
            return


def _call(
    method: str, path: str, *, project: bool = True, attempts: int = ATTEMPTS, **more: Any
) -> requests.Response:
    root = _told("CI_API_V4_URL") + (f"/projects/{_told('CI_PROJECT_ID')}" if project else "")
    timeout = float(_told("RECONCILER_GITLAB_TIMEOUT") or 30)
    for attempt in range(1, attempts + 1):
        try:
            answer = requests.request(method, root + path, timeout=timeout, auth=_Token(), **more)
        except requests.RequestException as fault:
            problem, again = Failed(f"GitLab did not answer {method} {path} ({type(fault).__name__})"), True
        else:
            if answer.ok:
                return answer
            problem = Failed(f"GitLab answered {answer.status_code} to {method} {path}")
            again = answer.status_code >= 500 or answer.status_code == 429
        if not again or attempt == attempts:
            raise problem
        time.sleep(float(_told("RECONCILER_GITLAB_PAUSE") or 2) * attempt)
    raise AssertionError("unreachable")


def _told(name: str) -> str:
    return os.environ.get(name, "").strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
