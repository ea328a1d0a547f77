"""Creates the first files of a project, and returns the published schemas by name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.config.fleet_schema import fleet_schema
from reconciler.config.settings_schema import settings_schema
from reconciler.edit import yaml_writer
from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS, SECTIONS, schema
from reconciler.output.notification import notification_schema
from reconciler.output.schema import event_schema, fleet_report_schema, plan_schema, report_schema

#: Folder of the schemas in a project, so that editors need neither network nor installation.
FILES_SCHEMA, SETTINGS_SCHEMA = "reconciler.schema.json", "settings.schema.json"
#: Base URL in the identifiers of the schemas and in the catalogue.
SCHEMA_HOST = "https://example.com/schema"
_MODELINE = "# yaml-language-server: $schema={}\n#\n"

SETTINGS = """\
# Settings of this project. Everything here is optional.
format: 1

# Which account: the Maton connection id. Without it the gateway's oldest active connection is used.
# connection: 21fd90f9-5935-43cd-b6c8-bde9d915ca80

# The ledger records which resources are managed. Teams and CI share a PostgreSQL database (set RECONCILER_LEDGER).
# ledger: sqlite:///.reconciler/ledger.db

# What may be deleted when it leaves the files: created (what we made), owned, all, none.
# prune: {tag: created, contact: none}

# A plan that deletes or updates more than this share (in percent) of what we own needs --allow.
# limits: {deletes: 30, updates: 30, rate_limit: 10}

# Use as ${var.domain} in any text.
# vars: {domain: example.com}

# Chosen with -e NAME; each overrides what stands above.
# environments:
#   production: {connection: …, protect: true}
"""

FIRST = """\
# What the account shall hold. `reconciler plan` shows what that would change, and changes nothing.
tags:
  - VIP

# contact_fields:
#   - {slug: company, name: Company}

# contacts:
#   - email: ann@example.com
#     first_name: Ann
#     fields: {company: Acme}
#     tags: [VIP]

# webhooks:
#   - name: CRM sync
#     url: https://crm.example.com/hook
#     secret: {env: CRM_WEBHOOK_SECRET}
#     events: [CONTACT_CREATED, SALE_NEW]
"""


def write_first_files(folder: Path) -> list[Path]:
    """Write settings, a first file, and missing schemas for editors; returns the paths written.

    Raises ConfigurationError if reconciler.yaml exists already or the folder is not writable.
    """
    if os.path.lexists(folder / "reconciler.yaml"):
        raise ConfigurationError(f"{folder / 'reconciler.yaml'} already exists; nothing was written")
    files = {
        "reconciler.yaml": _MODELINE.format(SETTINGS_SCHEMA) + SETTINGS,
        "account.yaml": _MODELINE.format(FILES_SCHEMA) + FIRST,
        FILES_SCHEMA: schema_text("files"),
        SETTINGS_SCHEMA: schema_text("settings"),
    }
    missing = {folder / name: text.encode() for name, text in files.items() if not os.path.lexists(folder / name)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}") from error
    yaml_writer.create(missing)
    return list(missing)


def schema_text(what: str) -> str:
    """The file content of a published schema."""
    return json.dumps(schema_of(what), indent=2, ensure_ascii=False) + "\n"


def schema_of(what: str) -> dict[str, Any]:
    """A published schema: ``files``, ``settings``, ``fleet``, ``plan``, ``report``,
    ``fleet-report``, ``event`` or ``notification``."""
    writable = [kind.name for kind in KINDS.values() if kind.writable]
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "files": schema,
        "settings": lambda: settings_schema(writable, list(SECTIONS)),
        "fleet": fleet_schema,
        "plan": plan_schema,
        "report": report_schema,
        "fleet-report": fleet_report_schema,
        "event": event_schema,
        "notification": notification_schema,
    }
    found = _published(makers[what]())
    name = "reconciler" if what == "files" else what
    return {"$schema": found.pop("$schema"), "$id": f"{SCHEMA_HOST}/{name}.schema.json", **found}


def _published(schema: Any) -> Any:
    """The schema for editors and other validators.

    It has no ``x-hint``, which only our own messages use and strict validators refuse, and descriptions with code in
    them are repeated as Markdown, which editors render.
    """
    if isinstance(schema, list):
        return [_published(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    text = schema.get("description")
    marked = {"markdownDescription": text} if isinstance(text, str) and "`" in text else {}
    return {**{key: _published(value) for key, value in schema.items() if key != "x-hint"}, **marked}
