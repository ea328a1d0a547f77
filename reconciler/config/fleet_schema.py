"""The JSON Schema (draft 7) of ``fleet.yaml``."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.csv_options import ENCODINGS

#: The variable of the API key where an account names none; all key variables begin so.
DEFAULT_KEY = "MATON_API_KEY"
#: Names of accounts, which are also names of folders and ledgers.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$"

_TEXT: dict[str, Any] = {"type": ["string", "number", "boolean"], "minLength": 1}


def fleet_schema() -> dict[str, Any]:
    """The schema of the file: what holds for all accounts, and the accounts."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "fleet.yaml",
        "description": "Many accounts that are planned and applied together.",
        **_closed(
            {
                "format": {"enum": [1], "description": "The format of this file."},
                "common": {
                    "type": "array",
                    "items": _TEXT,
                    "minItems": 1,
                    "description": "Files and folders that every account reads, e.g. `common`.",
                },
                "key": _key(),
                "rate_limit": {
                    "type": ["number", "string"],
                    "minimum": 0,
                    "description": "For each key: `10/second`, `30/minute`, a number per second, 0 for no limit, or "
                    "the name of a Systeme.io plan.",
                },
                "parallel": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 64,
                    "description": "Accounts of one key side by side (4).",
                },
                "accounts": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"anyOf": [_account(), _source()]},
                    "description": "The accounts, or CSV files with one account in each row.",
                },
            }
        ),
        "required": ["accounts"],
        "patternProperties": {"^x-": {"description": "Ignored: a place for anchors that are used elsewhere."}},
    }


def _shared() -> dict[str, Any]:
    """The keys of an account, and those that a CSV source gives to each of its rows."""
    return {
        "path": {**_TEXT, "description": "Folder or file of the account, beside what is common to all."},
        "environment": {**_TEXT, "description": "Environment of its reconciler.yaml, as -e names it."},
        "vars": {"type": "object", "additionalProperties": _TEXT, "description": "Values for ${var.NAME}."},
        "labels": {
            "type": "object", "additionalProperties": _TEXT,
            "description": "For --only and --exclude, e.g. `plan: gold`.",
        },
        "key": _key(),
    }  # fmt: skip


def _account() -> dict[str, Any]:
    return {
        **_closed({
            "name": {**_name(), "description": "Name of the account in this fleet, its folder and its ledger."},
            "connection": {**_TEXT, "description": "The connection to use, by id (Maton-Connection)."},
            "ledger": {
                **_name(),
                "description": "Name of the ledger (the account's): a schema of the PostgreSQL database in "
                "RECONCILER_LEDGER, else `.reconciler/NAME.db`; or `none`.",
            },
            **_shared(),
        }),
        "required": ["name"],
    }  # fmt: skip


def _source() -> dict[str, Any]:
    path = {**_TEXT, "description": "Path of the CSV file, below the folder of this file."}
    long = {
        **_closed({
            "file": path,
            "delimiter": {"type": "string", "pattern": r'^([^\s"]|tab)$', "description": "One character, or `tab`."},
            "encoding": {"enum": list(ENCODINGS), "description": "How the file is encoded."},
        }),
        "required": ["file"],
    }  # fmt: skip
    about = (
        "One account in each row. Columns: name, connection, path, environment, ledger, key, vars.NAME, labels.NAME."
    )
    return {**_closed({"csv": {"anyOf": [path, long], "description": about}, **_shared()}), "required": ["csv"]}


def _name() -> dict[str, Any]:
    return {**_TEXT, "pattern": NAME, "x-hint": "use letters, digits, - and _, at most 60"}


def _key() -> dict[str, Any]:
    name = {
        "type": "string",
        "pattern": rf"^{DEFAULT_KEY}[A-Z0-9_]*$",
        "x-hint": f"use a variable whose name begins with {DEFAULT_KEY}",
        "description": f"Name of the environment variable, e.g. {DEFAULT_KEY}_NORTH.",
    }
    return {**_closed({"env": name}), "required": ["env"], "description": "Where the API key is read from."}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}
