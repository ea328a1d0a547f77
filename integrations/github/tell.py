"""What a run found → one comment of the pull request, or one issue, updated in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api import Api, ApiFault
from workflow import event, notice, told, warning

#: What a comment may not be made for: it is in the summary of the job, and that is where the reader is sent.
_READ_ONLY = (401, 403, 404)


def tell() -> int:
    """Comment on the pull request, or keep the issue; a plan is never lost for want of a comment."""
    text = Path(told("BODY")).read_text(encoding="utf-8")
    if told("COMMAND") == "drift":
        with Api() as api:
            return _keep_issue(api, _marked("drift", text))
    number = event().get("pull_request", {}).get("number")
    if number and told("COMMENT") != "false":
        try:
            with Api() as api:
                _comment(api, int(number), _marked("plan", text))
        except ApiFault as fault:
            say = notice if fault.status in _READ_ONLY else warning
            say(f"No comment on the pull request ({fault}); the plan is in the summary of this job.")
    return 0


def _marker(kind: str) -> str:
    return f"<!-- reconciler: {kind} {told('NAME')} -->"


def _marked(kind: str, text: str) -> str:
    """With our own marker in front, in place of the one that the tool writes."""
    first, _, rest = text.partition("\n")
    return f"{_marker(kind)}\n{rest if first.startswith('<!-- reconciler') else text}"


def _is_ours(item: dict[str, Any], kind: str) -> bool:
    """By marker and by author: anybody can copy a marker."""
    body = str(item.get("body") or "").replace("\r\n", "\n")
    return body.startswith(_marker(kind) + "\n") and (item.get("user") or {}).get("login") == told("AUTHOR")


def _comment(api: Api, number: int, body: str) -> None:
    for comment in api.pages(f"/issues/{number}/comments"):
        if _is_ours(comment, "plan"):
            try:
                api.patch(f"/issues/comments/{int(comment['id'])}", {"body": body})
                return
            except ApiFault as fault:
                if fault.status != 404:  # deleted between looking and writing
                    raise
    api.post(f"/issues/{number}/comments", {"body": body})


def _keep_issue(api: Api, body: str) -> int:
    """One open issue while there is drift, none when it is gone. A failure here fails the job: nobody else tells."""
    found = list(_issues(api))
    if told("CHANGES") == "true":
        if found:
            api.patch(f"/issues/{int(found[0]['number'])}", {"body": body})
        else:
            api.post("/issues", {"title": _title(), "body": body})
        found = found[1:]
    for issue in found:
        api.patch(f"/issues/{int(issue['number'])}", {"state": "closed", "state_reason": "completed"})
    return 0


def _issues(api: Api) -> Iterator[dict[str, Any]]:
    """Ours that are open, the oldest first."""
    query = {"state": "open", "creator": told("AUTHOR"), "sort": "created", "direction": "asc"}
    for issue in api.pages("/issues", **query):
        if "pull_request" not in issue and _is_ours(issue, "drift"):
            yield issue


def _title() -> str:
    name = "" if told("NAME") == "default" else f" ({told('NAME')})"
    return f"The account has drifted from the files{name}"
