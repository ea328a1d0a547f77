"""Builds the JSON objects of the event stream of a run; they have the version of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.plan import Step
from reconciler.model.report import Outcome
from reconciler.output.json_documents import FORMAT_VERSION, outcome_document

#: Event → what it says, in the order in which a stream may hold them; the first one is always there, and so is one of
#: the last two, at the end.
EVENTS = {
    "begin": "The stream begins: its format, the tool, the command.",
    "plan": "The plan is made: how much it would change, and what it costs.",
    "started": "A step has begun.",
    "ended": "A step has ended. One that was only accepted may end a second time, in the report.",
    "heartbeat": "The run goes on; how far it is.",
    "waiting": "Nothing leaves for a while: the gateway asked for it.",
    "report": "The run has ended; the document of `apply --json`.",
    "error": "The command has ended without a report; nothing after the last event has happened.",
}

#: What the event ``plan`` tells of the plan's document.
PLANNED = ("base", "partial", "summary", "calls", "people", "unmanaged", "needs")


def begin(version: str, command: str) -> dict[str, Any]:
    """The first one."""
    return {"format_version": FORMAT_VERSION, "version": version, "command": command}


def plan(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the plan without its changes."""
    return {key: document[key] for key in PLANNED}


def started(step: Step) -> dict[str, Any]:
    """A step, as the report names it."""
    return {"address": str(step.address), "verb": step.verb.value}


def ended(outcome: Outcome, done: int, total: int) -> dict[str, Any]:
    """An outcome, as the report has it, and how many there are."""
    return {**outcome_document(outcome), "done": done, "total": total}


def failed(message: str, code: int) -> dict[str, Any]:
    """Why a command ended without a report."""
    return {"message": message, "exit_code": code}
