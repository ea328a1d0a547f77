"""A commit of the main branch → the plan that was reviewed for it, from this repository's own run and no other.

push                 the pull request that brought the commit → its head → the artefact of the run that planned it
workflow_dispatch    the artefact that a run of the same workflow, started by hand on the same commit, has left

A fork can run any workflow it likes and leave artefacts of any name. So the run has to be of this repository, of its
own branches, of this workflow file and of the event that plans. The signature of the plan is checked after that.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from api import Api
from tool import emptied
from workflow import Failed, notice, output, told

#: The plan's name in the artefact, and the most bytes that it may unpack to.
FILE = "plan.json"
LARGEST = 256 * 1024 * 1024

BY_HAND = (
    "To go on: run this workflow by hand on the main branch with `plan`, look at that plan, "
    "then run it by hand with `apply`"
)


class Wanted(NamedTuple):
    """Whose plan it should be: the commit that was planned, the event that planned it, and how to speak of it."""

    sha: str
    event: str
    what: str


def find() -> int:
    """Write the plan to a file of this job. Refused with the reason where there is none to trust."""
    with Api() as api:
        return _found(api, _wanted(api))


def _found(api: Api, wanted: Wanted) -> int:
    name = f"{told('ARTIFACT')}-{wanted.sha}"
    reasons: list[str] = []
    for artifact in _newest(api.pages("/actions/artifacts", "artifacts", name=name)):
        reason = _fault(api, artifact, name, wanted)
        if reason is None:
            path = emptied("reconciler-saved") / FILE
            path.write_bytes(_unpacked(api.download(f"/actions/artifacts/{int(artifact['id'])}/zip"), artifact))
            notice(f"Applying the plan of {wanted.what}, from run {artifact['workflow_run']['id']}.")
            output("plan", str(path))
            return 0
        reasons.append(reason)
    found = "".join(f"\n- {reason}" for reason in reasons) or f" there is no artefact {name}"
    raise _refused(f"there is no plan of {wanted.what} to apply:{found}")


def _refused(message: str) -> Failed:
    return Failed(f"{message}. Nothing was changed. {BY_HAND}.", code=3, title="reconciler refused")


def _wanted(api: Api) -> Wanted:
    sha = told("GITHUB_SHA")
    if told("GITHUB_EVENT_NAME") == "workflow_dispatch":
        return Wanted(sha, "workflow_dispatch", f"commit {sha[:7]}, made by hand")
    if told("GITHUB_EVENT_NAME") != "push":
        raise Failed(f"`apply` belongs to push and workflow_dispatch, not to {told('GITHUB_EVENT_NAME')!r}")
    branch = told("GITHUB_REF_NAME")
    for request in api.pages(f"/commits/{sha}/pulls"):
        if request.get("merged_at") and request.get("base", {}).get("ref") == branch:
            head = str(request["head"]["sha"])
            return Wanted(head, "pull_request", f"pull request #{int(request['number'])} ({head[:7]})")
    raise _refused(f"commit {sha[:7]} came to {branch} without a pull request, so nobody has seen a plan of it")


def _newest(artifacts: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(artifacts, key=lambda each: str(each.get("created_at")), reverse=True)


def _fault(api: Api, artifact: dict[str, Any], name: str, wanted: Wanted) -> str | None:
    """Why an artefact is not the plan that was reviewed; None if it is."""
    if artifact.get("name") != name:
        return "an artefact of another name"
    if artifact.get("expired"):
        return "the artefact has expired (see `retention-days`)"
    origin = artifact.get("workflow_run") or {}
    run = api.get(f"/actions/runs/{int(origin.get('id') or 0)}")
    label = f"run {run.get('id')}"
    repository = told("GITHUB_REPOSITORY")
    if (run.get("repository") or {}).get("full_name") != repository:
        return f"{label} is of another repository"
    if (run.get("head_repository") or {}).get("full_name") != repository:
        return f"{label} is of a fork: its plan is not trusted"
    if origin.get("head_repository_id") != origin.get("repository_id"):
        return f"{label} is of a fork: its plan is not trusted"
    if run.get("event") != wanted.event:
        return f"{label} was set off by {run.get('event')}, not by {wanted.event}"
    if run.get("head_sha") != wanted.sha or origin.get("head_sha") != wanted.sha:
        return f"{label} is of another commit"
    if str(run.get("path", "")).partition("@")[0] != _workflow():
        return f"{label} is of another workflow than {_workflow()}"
    return None


def _workflow() -> str:
    """The path of this workflow's file, out of ``OWNER/NAME/PATH@REF``."""
    return told("GITHUB_WORKFLOW_REF").partition("@")[0].removeprefix(f"{told('GITHUB_REPOSITORY')}/")


def _unpacked(content: bytes, artifact: dict[str, Any]) -> bytes:
    """The one file that counts, from an archive that nobody has to trust."""
    digest = str(artifact.get("digest") or "")
    if digest.startswith("sha256:") and digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise _refused("the artefact is not what was uploaded")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(FILE).file_size > LARGEST:
                raise _refused("the plan in the artefact is larger than a plan can be")
            return archive.read(FILE)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError):
        raise _refused(f"the artefact holds no {FILE}") from None
