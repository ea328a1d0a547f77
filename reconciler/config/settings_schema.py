"""The names of kinds and sections → the JSON Schema (draft 7) of ``reconciler.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from reconciler.config.setting_types import RATE_HINT, RATE_PATTERN
from reconciler.kinds.schema import meant
from reconciler.model.policy import Limits

#: Preset → gateway and control address; the second is the pair of hosts that older documents name.
PRESETS = {
    "maton": ("https://api.maton.ai", "https://api.maton.ai"),
    "maton-legacy": ("https://gateway.maton.ai", "https://ctrl.maton.ai"),
}
DIALECTS = {
    "vendor": "The OpenAPI document of Systeme.io; the default.",
    "skill": "The documents of the gateway.",
}
PRUNING = {
    "none": "Nothing is deleted.",
    "created": "Resources that this project created.",
    "owned": "Resources that this project created or adopted.",
    "all": "All resources that the files do not declare, unmanaged ones too.",
}
WORKERS = 64
#: Formats of notifications, and the events to notify about.
NOTICES = ("json", "slack")
EVENTS = ("drift", "apply", "failure")

_TEXT = {"type": ["string", "number", "boolean"]}
_NAMES: dict[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}
_GATEWAY_HINT = (
    "a gateway's address comes from --gateway-url or RECONCILER_GATEWAY_URL only, so that nobody who may edit the "
    f"files can send the API key elsewhere; the file names a preset: {', '.join(PRESETS)}"
)


def settings_schema(kinds: Sequence[str] = (), sections: Sequence[str] = ()) -> dict[str, Any]:
    """The schema: ``kinds`` may be pruned, ``sections`` may have defaults."""
    shared = _shared(kinds, sections)
    environment = {name: _or_null(value) for name, value in {**shared, "files": _files_of_environment()}.items()}
    environment["protect"] = _protect()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler.yaml",
        "description": "The settings of a project.",
        **_closed(
            {
                "format": {"enum": [1], "description": "The format of this file."},
                "requires": _text("The versions of reconciler that may be used, e.g. `>=0.1,<1`."),
                **shared,
                "files": {
                    **_NAMES,
                    "minItems": 1,
                    "description": "Files, folders, patterns to read instead of all; `!` leaves out.",
                },
                "environments": {
                    "type": "object",
                    "description": "Named environments, chosen with -e; each overrides what is set above.",
                    "propertyNames": {
                        "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$",
                        "x-hint": "an environment's name has letters, digits, - and _",
                    },
                    "additionalProperties": _closed(environment),
                },
            }
        ),
        "patternProperties": {"^x-": {"description": "Ignored: a place for anchors that are used elsewhere."}},
    }


def _shared(kinds: Sequence[str], sections: Sequence[str]) -> dict[str, Any]:
    """Settings of the file and of each environment."""
    return {
        "gateway": {
            "type": "string", "enum": list(PRESETS), "x-hint": _GATEWAY_HINT, "description": "The gateway's preset.",
        },
        "connection": _text("The connection to use, by id (Maton-Connection)."),
        "ledger": _text("`sqlite:///PATH` below the project, or `none`. In CI only RECONCILER_LEDGER counts."),
        "dialect": {
            "type": "string", **meant(DIALECTS), "description": "Description of the API that the account follows.",
        },
        "defaults": {
            **_closed({section: {"type": "object"} for section in sections}),
            "description": "Keys for each item of a section that does not have them.",
        },
        "prune": {
            **_closed({kind: {"type": "string", **meant(PRUNING)} for kind in kinds}),
            "description": "What may be deleted once the files no longer name it, by kind.",
        },
        "limits": {**_closed(_limits()), "description": "How much at once, and how fast."},
        "vars": {
            "type": "object", "additionalProperties": _TEXT, "description": "Values for ${var.NAME} in the files.",
        },
        "redact": {"type": "boolean", "description": "Replace personal data with pseudonyms in every output."},
        "notify": {
            **_closed({
                "format": {"type": "string", "enum": list(NOTICES), "description": "How a notification is written."},
                "on": {
                    "type": "array", "items": {"type": "string", "enum": list(EVENTS)}, "minItems": 1,
                    "description": "Events to notify about.",
                },
            }),
            "description": "Notifications to the address in RECONCILER_NOTIFY_URL; never in this file.",
        },
    }  # fmt: skip


def _limits() -> dict[str, Any]:
    found = {limit.name: _limit(limit.metadata["doc"], limit.metadata["most"]) for limit in fields(Limits)}
    return {
        **found,
        "rate_limit": {
            "type": ["number", "string"], "minimum": 0, "pattern": RATE_PATTERN, "x-hint": RATE_HINT,
            "description": "`10/second`, `30/minute`, a number per second, 0 for no limit, or a Systeme.io plan: "
            "`free` (30 per minute), `startup` (60), `webinar` (120), `unlimited` (only the gateway's limit).",
        },
        "fresh": {
            "type": "number", "minimum": 0,
            "description": "Seconds for which a reading may be written upon; 0 reads again before each write.",
        },
        "wait": {
            "type": "number", "minimum": 0,
            "description": "Seconds an apply waits for accepted memberships to appear; 0 looks without pauses.",
        },
        "parallel": {
            "type": "integer", "minimum": 1, "maximum": WORKERS, "description": "Requests under way at once.",
        },
    }  # fmt: skip


def _limit(doc: str, most: int | None) -> dict[str, Any]:
    largest = {} if most is None else {"maximum": most}
    return {"type": "integer", "minimum": 0, **largest, "description": doc}


def _files_of_environment() -> dict[str, Any]:
    return {
        "description": "Files to read instead, or what to add to and drop from those of the project.",
        "anyOf": [{**_NAMES, "minItems": 1}, _closed({"add": _NAMES, "drop": _NAMES})],
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Settings of the top level that an environment may unset, as a whole or entry by entry."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found = {**schema, "type": [*types, "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    if "enumDescriptions" in schema:
        found["enumDescriptions"] = [*schema["enumDescriptions"], "Not set."]
    if "properties" in schema:
        found["properties"] = {name: _or_null(inner) for name, inner in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = _or_null(schema["additionalProperties"])
    return found


def _protect() -> dict[str, Any]:
    return {"type": "boolean", "description": "Ask for the environment's name before anything is written."}


def _text(description: str) -> dict[str, Any]:
    return {**_TEXT, "minLength": 1, "description": description}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}
