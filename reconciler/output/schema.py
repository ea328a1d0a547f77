"""The JSON Schemas of the documents that ``--json`` and ``--json-events`` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.fleet import AccountState
from reconciler.model.plan import Action
from reconciler.output.events import EVENTS, PLANNED
from reconciler.output.json_documents import FORMAT_VERSION
from reconciler.output.meanings import ACCOUNT_STATES, ACTIONS, ALLOWS, CAUSES, CONSEQUENCES, STATUSES, VERBS

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}


def plan_schema() -> dict[str, Any]:
    """The schema of ``plan --json``. Minor versions add keys, so readers ignore unknown ones."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler plan",
        "description": f"Format {FORMAT_VERSION}. Minor versions add keys, major ones break.",
        **_plan(),
    }


def report_schema() -> dict[str, Any]:
    """The schema of ``apply --json``: the plan and its outcomes."""
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
            "outcomes": _list(_outcome(), "Every step, in the order in which they ended."),
        },
    }


def fleet_report_schema() -> dict[str, Any]:
    """The schema of ``fleet plan --json``, ``fleet apply --json`` and ``fleet drift --json``."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler fleet report",
        "description": f"Format {FORMAT_VERSION}. Minor versions add keys, major ones break.",
        **_object(
            {
                "format_version": _format_version(),
                "command": {"enum": ["plan", "apply", "drift"], "description": "The command of the run."},
                "fleet": _said(_TEXT, "Name of the folder of the fleet."),
                "seconds": _seconds("Duration of the whole run."),
                "stopped": _said(_MAYBE_TEXT, "Why the run ended early."),
                "summary": _said(_object(dict.fromkeys(_account_states(), _COUNT)), "Accounts by state."),
                "accounts": _list(_account(), "Every account of the run, in the order of the declaration."),
            }
        ),
    }


def _account() -> dict[str, Any]:
    calls = {"reads": _said(_COUNT, "Calls that read."), "writes": _said(_COUNT, "Calls that write.")}
    return _object(
        {
            "name": _said(_TEXT, "Name of the account in fleet.yaml."),
            "state": {"enum": list(_account_states()), "enumDescriptions": list(ACCOUNT_STATES.values())},
            "exit_code": {"type": "integer", "description": "Exit code of this account alone."},
            "counts": {
                "type": "object",
                "additionalProperties": _COUNT,
                "propertyNames": {"enum": [*(action.value for action in Action), "drifted", "blocked"]},
                "description": "Changes by action; of `drift` the drifted resources.",
            },
            "calls": _said(_object(calls), "Calls that were made."),
            "people": _said(_COUNT, "How many people the plan affects."),
            "seconds": _seconds("Duration of this account."),
            "wave": {"type": ["integer", "null"], "minimum": 1, "description": "The wave that applied it, from 1."},
            "error": _said(_MAYBE_TEXT, "Why it failed, was refused or was not run."),
            "needs": _list(_approval(), "Approvals that its plan needs; `--allow` takes the sum of all accounts."),
        }
    )


def _account_states() -> tuple[str, ...]:
    return tuple(state.value.replace(" ", "_") for state in AccountState)


def _seconds(text: str) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "description": text}


def event_schema() -> dict[str, Any]:
    """The schema of one line of ``apply --json-events``."""
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
    """The keys of each event beside its name, time and number."""
    plan, report = _plan(), report_schema()
    properties = plan["properties"]
    kind = _object({"done": _COUNT, "total": {"type": ["integer", "null"]}, "about": {"type": "boolean"}})
    beat = _object(
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
        "started": _object({"address": _TEXT, "verb": _words(VERBS)}),
        "ended": _object({**outcome, "done": _COUNT, "total": _COUNT}),
        "heartbeat": beat,
        "waiting": beat,
        "report": {key: report[key] for key in ("required", "properties")},
        "error": _object({"message": _TEXT, "exit_code": {"type": "integer"}}),
    }


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _words(meanings: Mapping[Any, str]) -> dict[str, Any]:
    """An enumeration with the meaning of each word for editors."""
    return {"enum": [word and word.value for word in meanings], "enumDescriptions": list(meanings.values())}


def _said(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {**schema, "description": text}


def _list(items: dict[str, Any], text: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": text}


def _plan() -> dict[str, Any]:
    calls = {"reads": _said(_COUNT, "Calls that read."), "writes": _said(_COUNT, "Calls that write.")}
    sent = _said(_object(calls), "Of a run: the calls that were made.")
    return _object({
        "format_version": _format_version(),
        "base": _said(_base(), "What the plan rests on."),
        "partial": {"type": "boolean", "description": "--target or --exclude cut the plan."},
        "summary": {
            **_object({**{action.value: _COUNT for action in Action}, "blocked": _COUNT}),
            "description": "How many changes of each action.",
        },
        "calls": _said(_object({**calls, "sent": sent}, "sent"), "What reading took, and what writing takes."),
        "people": _said(_object({
            "affected": _said(_COUNT, "Those whom a change names, or who lose a tag or a value by a deletion."),
            "emailed": _said(_COUNT, "Those who may receive e-mail."),
        }), "How many people the plan affects."),
        "unmanaged": {
            "type": "object", "additionalProperties": _COUNT, "description": "Unmanaged live resources, by kind.",
        },
        "routes": {
            "type": "object", "additionalProperties": _TEXT, "description": "How a kind was read, where not whole.",
        },
        "needs": _list(_approval(), "Approvals that are required before the plan can be applied."),
        "changes": _list(_change(), "Every resource, those without a change included, by address."),
    })  # fmt: skip


def _format_version() -> dict[str, Any]:
    return {"type": "string", "pattern": r"^1\.[0-9]+$", "description": "Major and minor version."}


def _approval() -> dict[str, Any]:
    return _object(
        {
            "allow": _words(ALLOWS),
            "count": _said(_COUNT, "The number N of --allow: of changes, or for emails of people."),
            "reason": _said(_TEXT, "Why."),
        }
    )


def _base() -> dict[str, Any]:
    return _object({
        "account": _said(_MAYBE_TEXT, "The connection, by id."),
        "lineage": _said(_TEXT, "Which ledger."),
        "serial": _said(_COUNT, "How often the ledger had been written."),
        "dialect": _said(_TEXT, "How bodies are spelled."),
        "connections": _said(_COUNT, "Active connections of which this is the oldest; 0 if it was configured."),
    }, "connections")  # fmt: skip


def _change() -> dict[str, Any]:
    origin = _object({"file": _TEXT, "line": _said(_COUNT, "From 1."), "column": _said(_COUNT, "From 1.")})
    request = _object({
        "method": _TEXT, "path": _said(_TEXT, "Native path of the API; {kind/key} stands for an id."),
        "body": {"description": "JSON; secrets by their source, null where there is none."},
    })  # fmt: skip
    loss = _object({
        "people": _said(_COUNT, "How many contacts lose it."),
        "unmanaged": _said(_COUNT, "How many of them are not in the ledger."),
        "least": {"type": "boolean", "description": "Not all contacts were read: there may be more."},
    })  # fmt: skip
    causes: dict[Any, str] = dict(CAUSES)
    return _object({
        "address": {**_TEXT, "pattern": "^[a-z_]+/.", "description": "Our name for the resource."},
        "action": _words(ACTIONS),
        "cause": _words({**causes, None: "There is no change."}),
        "blocked": {**_MAYBE_TEXT, "description": "Why policy holds it back."},
        "moved_from": {**_MAYBE_TEXT, "description": "The address that the ledger knew it by."},
        "note": _said(_MAYBE_TEXT, "A remark for people."),
        "remote_id": _said(_MAYBE_TEXT, "Its id in the account, where it has one."),
        "loss": {"anyOf": [loss, {"type": "null"}], "description": "Contacts from which a deletion takes something."},
        "fields": _list(_field(), "What differs."),
        "effects": {"type": "array", "items": _TEXT, "description": "What it sets off."},
        "consequences": _list(_words(CONSEQUENCES), "How far it reaches."),
        "origin": {"anyOf": [origin, {"type": "null"}], "description": "The line that caused it."},
        "requests": _list(request, "The calls that it takes, in order."),
    })  # fmt: skip


def _field() -> dict[str, Any]:
    return _object(
        {
            "path": _said(_TEXT, "The field; of a map with its key, e.g. fields.company."),
            "cause": _words(CAUSES),
            "before": {"description": "What is live."}, "after": {"description": "What is asked for."},
            "sensitive": {"const": True, "description": "Neither side is shown."},
            "note": _said(_TEXT, "A remark for people."),
        },
        "before", "after", "sensitive", "note",
    )  # fmt: skip


def _outcome() -> dict[str, Any]:
    return _object({
        "address": _said(_TEXT, "Our name for the resource."), "verb": _words(VERBS), "action": _words(ACTIONS),
        "status": _words(STATUSES), "remote_id": _said(_MAYBE_TEXT, "Its id in the account."),
        "message": _said(_TEXT, "What went wrong, or is to be known."),
        "differs": {"type": "object", "description": "What the server made of a value: sent, and is."},
    })  # fmt: skip
