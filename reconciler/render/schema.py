"""The JSON Schemas of what ``plan --json``, ``apply --json`` and ``apply --json-events`` print."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.effects import Consequence
from reconciler.model.plan import Action, Cause, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Status
from reconciler.render.events import EVENTS, PLANNED
from reconciler.render.machine import FORMAT_VERSION

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}


def plan_schema() -> dict[str, Any]:
    """Of ``plan --json``: minor versions add keys, so unknown ones are to be ignored."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler plan",
        "description": f"Format {FORMAT_VERSION}. Minor versions add keys, major ones break.",
        **_plan(),
    }


def report_schema() -> dict[str, Any]:
    """Of ``apply --json``: the plan, and what came of it."""
    plan = _plan()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler report",
        "description": f"Format {FORMAT_VERSION}. The plan with the outcome of every step.",
        **plan,
        "required": [*plan["required"], "outcomes"],
        "properties": {
            **plan["properties"],
            "run": {**_COUNT, "description": "Number of the run in the ledger."},
            "stopped": {**_MAYBE_TEXT, "description": "Why the run ended early."},
            "outcomes": {"type": "array", "items": _outcome()},
        },
    }


def event_schema() -> dict[str, Any]:
    """Of one line of ``apply --json-events``."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler event",
        "description": f"Format {FORMAT_VERSION}. One line of the stream: begin first, report or error last. "
        "Minor versions add keys and events, so unknown ones are to be ignored.",
        "type": "object",
        "required": ["event", "time", "number"],
        "properties": {
            "event": {"enum": list(EVENTS)},
            "time": {**_TEXT, "format": "date-time", "description": "RFC 3339, UTC."},
            "number": {**_COUNT, "description": "Events so far, this one included."},
        },
        "allOf": [
            {
                "if": {"properties": {"event": {"const": event}}},
                "then": {"description": EVENTS[event], **fields},
            }
            for event, fields in _events().items()
        ],
    }


def _events() -> dict[str, dict[str, Any]]:
    """What each event holds beside its name, time and number."""
    plan, report = _plan(), report_schema()
    properties = plan["properties"]
    kind = _object({"done": _COUNT, "total": {"type": ["integer", "null"]}, "about": {"type": "boolean"}})
    pulse = _object(
        {
            "kinds": {"type": "object", "additionalProperties": kind, "description": "How far each kind is."},
            "calls": _COUNT,
            "rate": {"type": "number", "description": "Calls, or once it writes steps, a second."},
            "seconds": {"type": "number", "description": "Since reading, or writing, began."},
            "waiting": {"type": "number", "description": "Seconds until the gateway takes the next call."},
            "done": _COUNT, "total": _COUNT, "failed": _COUNT,
            "left": {"type": ["number", "null"], "description": "Seconds to the end at this rate."},
        },
        "done", "total", "failed", "left",
    )  # fmt: skip
    outcome = _outcome()["properties"]
    return {
        "begin": _object({"format_version": properties["format_version"], "version": _TEXT, "command": _TEXT}),
        "plan": _object({name: properties[name] for name in PLANNED}),
        "started": _object({"address": _TEXT, "verb": _enum(Verb)}),
        "ended": _object({**outcome, "done": _COUNT, "total": _COUNT}),
        "heartbeat": pulse,
        "waiting": pulse,
        "report": {key: report[key] for key in ("required", "properties")},
        "error": _object({"message": _TEXT, "exit_code": {"type": "integer"}}),
    }


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _enum(words: Any, *more: Any) -> dict[str, Any]:
    return {"enum": [*(word.value for word in words), *more]}


def _plan() -> dict[str, Any]:
    calls = {"reads": _COUNT, "writes": _COUNT}
    return _object({
        "format_version": {"type": "string", "pattern": r"^1\.[0-9]+$"},
        "base": _object({"account": _MAYBE_TEXT, "lineage": _TEXT, "serial": _COUNT, "dialect": _TEXT}),
        "partial": {"type": "boolean", "description": "--target or --exclude cut the plan."},
        "summary": {
            **_object({**{action.value: _COUNT for action in Action}, "withheld": _COUNT}),
            "description": "How many changes of each action.",
        },
        "calls": _object({**calls, "sent": _object(calls)}, "sent"),
        "foreign": {"type": "object", "additionalProperties": _COUNT, "description": "Live, not ours, by kind."},
        "routes": {
            "type": "object", "additionalProperties": _TEXT, "description": "How a kind was read, where not whole.",
        },
        "needs": {"type": "array", "items": _object({"allow": _enum(Allow), "count": _COUNT, "reason": _TEXT})},
        "changes": {"type": "array", "items": _change()},
    })  # fmt: skip


def _change() -> dict[str, Any]:
    origin = _object({"file": _TEXT, "line": _COUNT, "column": _COUNT})
    return _object({
        "address": {**_TEXT, "pattern": "^[a-z_]+/."},
        "action": _enum(Action),
        "cause": _enum(Cause, None),
        "withheld": {**_MAYBE_TEXT, "description": "Why policy holds it back."},
        "moved_from": {**_MAYBE_TEXT, "description": "The address that the ledger knew it by."},
        "note": _MAYBE_TEXT,
        "remote_id": _MAYBE_TEXT,
        "fields": {"type": "array", "items": _field()},
        "effects": {"type": "array", "items": _TEXT, "description": "What it sets off."},
        "consequences": {"type": "array", "items": _enum(Consequence), "description": "How far it reaches."},
        "origin": {"anyOf": [origin, {"type": "null"}], "description": "The line that caused it."},
        "requests": {"type": "array", "items": _object({"method": _TEXT, "path": _TEXT, "body": {}})},
    })  # fmt: skip


def _field() -> dict[str, Any]:
    return _object(
        {
            "path": _TEXT, "cause": _enum(Cause), "before": {}, "after": {}, "sensitive": {"const": True},
            "note": _TEXT,
        },
        "before", "after", "sensitive", "note",
    )  # fmt: skip


def _outcome() -> dict[str, Any]:
    return _object({
        "address": _TEXT, "verb": _enum(Verb), "action": _enum(Action), "status": _enum(Status),
        "remote_id": _MAYBE_TEXT, "message": _TEXT,
        "differs": {"type": "object", "description": "What the server made of a value: sent, and is."},
    })  # fmt: skip
