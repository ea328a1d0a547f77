"""Builds the two forms of a notification from counts and kinds.

It receives no address, value, error message or path, so that it cannot name anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.plan import Action
from reconciler.model.report import Status
from reconciler.model.resource import EMPTY
from reconciler.output import wording

FORMAT_VERSION = "1.0"
EVENTS = ("drift", "apply", "failure")

_SIGNS = {"drift": ":warning:", "apply": ":white_check_mark:", "failure": ":x:"}
_DONE = {"done": "done", "pending": "pending", "failed": "failed", "skipped": "skipped", "not_run": "not run"}


@dataclass(frozen=True)
class Notice:
    """One event of a run. ``changes`` counts by kind and action, ``drift`` resources by kind, ``outcomes`` steps by
    status; ``needs`` are the classes that would have to be allowed, ``error`` is the name of the error alone.
    """

    event: str
    command: str
    environment: str | None = None
    run: int | None = None
    cycle: int | None = None
    exit_code: int = 0
    error: str | None = None
    resolved: bool = False
    changes: Mapping[tuple[str, str], int] = field(default_factory=lambda: EMPTY)
    drift: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    outcomes: Mapping[str, int] = field(default_factory=lambda: EMPTY)
    blocked: int = 0
    needs: tuple[str, ...] = ()
    link: str | None = None


def notice_document(notice: Notice) -> dict[str, Any]:
    """The generic form; minor versions add keys, major versions may change them."""
    changes: dict[str, dict[str, int]] = {}
    for (kind, action), number in sorted(notice.changes.items()):
        changes.setdefault(kind, {})[action] = number
    return {
        "format_version": FORMAT_VERSION, "tool": "reconciler", "event": notice.event, "command": notice.command,
        "environment": notice.environment, "run": notice.run, "cycle": notice.cycle, "exit_code": notice.exit_code,
        "error": notice.error, "resolved": notice.resolved, "changes": changes,
        "drift": dict(sorted(notice.drift.items())), "outcomes": dict(sorted(notice.outcomes.items())),
        "blocked": notice.blocked, "needs": list(notice.needs), "link": notice.link, "text": notice_text(notice),
    }  # fmt: skip


def slack_document(notice: Notice) -> dict[str, Any]:
    """The body for incoming webhooks of Slack and compatible services: a text, and blocks for richer clients."""
    text = _escaped(notice_text(notice))
    sign = _SIGNS["apply" if notice.resolved else notice.event]
    said = f"{sign} {text}" + (f"\n<{notice.link}|Open the run>" if notice.link else "")
    return {"text": text, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": said}}]}


def notice_text(notice: Notice) -> str:
    """One line for people."""
    name = f"reconciler {notice.command}" + (f", {notice.environment}" if notice.environment else "")
    run = f" (run {notice.run})" if notice.run else ""
    return f"{name}: {_head(notice)}{run}" + "".join(f"; {part}" for part in _details(notice)) + "."


def _head(notice: Notice) -> str:
    if notice.resolved:
        return "works again"
    if notice.event == "drift":
        number = sum(notice.drift.values())
        return f"{wording.count(number, 'resource')} changed in the account since the last run"
    if notice.event == "failure":
        return "refused" if notice.exit_code == 3 else "failed"
    return "applied" if notice.exit_code == 0 else "applied in part"


def _details(notice: Notice) -> Iterator[str]:
    if notice.error:
        yield notice.error
    if notice.event == "drift":
        yield ", ".join(f"{number:,} {kind}" for kind, number in sorted(notice.drift.items()))
    done = [f"{notice.outcomes[key]:,} {said}" for key, said in _DONE.items() if notice.outcomes.get(key)]
    if done:
        yield ", ".join(done)
    actions: dict[str, int] = {}
    for (_, action), number in notice.changes.items():
        actions[action] = actions.get(action, 0) + number
    if actions and not done:
        yield ", ".join(f"{actions[a.value]:,} to {a.value}" for a in Action if actions.get(a.value)) + " waiting"
    if notice.blocked:
        yield f"{notice.blocked:,} blocked"
    if notice.needs:
        yield f"needs --allow {', '.join(notice.needs)}"


def _escaped(text: str) -> str:
    """The text with the three characters escaped that Slack interprets."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notification_schema() -> dict[str, Any]:
    """The JSON Schema of the plain form."""
    count = {"type": "integer", "minimum": 0}
    counts = {"type": "object", "additionalProperties": count}
    maybe = {"type": ["integer", "null"], "minimum": 0}
    text = {"type": ["string", "null"]}
    properties = {
        "format_version": {"type": "string", "pattern": r"^1\.[0-9]+$"},
        "tool": {"const": "reconciler"},
        "event": {"enum": list(EVENTS)},
        "command": {"enum": ["apply", "drift", "watch"]},
        "environment": text,
        "run": {**maybe, "description": "Number of the run in the ledger."},
        "cycle": {**maybe, "description": "Number of the cycle of a watch."},
        "exit_code": {**count, "description": "Exit code of the command, or of the cycle."},
        "error": {**text, "description": "Class of the error; its message is in the log only."},
        "resolved": {"type": "boolean", "description": "A reported failure is over."},
        "changes": {
            "type": "object", "description": "Number of planned changes, by kind and action.",
            "additionalProperties": {
                "type": "object", "propertyNames": {"enum": [action.value for action in Action]},
                "additionalProperties": count,
            },
        },
        "drift": {**counts, "description": "Number of drifted resources, by kind."},
        "outcomes": {
            **counts, "propertyNames": {"enum": [status.value for status in Status]},
            "description": "Number of steps, by result.",
        },
        "blocked": {**count, "description": "Number of changes blocked by policy."},
        "needs": {"type": "array", "items": {"type": "string"}, "description": "Classes that need --allow."},
        "link": {**text, "description": "RECONCILER_NOTIFY_LINK, as it was given."},
        "text": {"type": "string", "description": "The same as one line."},
    }  # fmt: skip
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler notification",
        "description": f"Format {FORMAT_VERSION}. Minor versions add keys, major ones break. Names nobody.",
        "type": "object", "properties": properties, "required": list(properties),
    }  # fmt: skip
