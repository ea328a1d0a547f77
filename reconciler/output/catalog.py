"""Writes the SchemaStore catalogue by which editors find the published schemas."""

from __future__ import annotations

from typing import Any

#: Schema → its name, its description, and the names of the files that it applies to.
_ENTRIES = {
    "settings": (
        "reconciler settings",
        "The settings of a project of reconciler",
        ("reconciler.yaml", "reconciler.yml"),
    ),
    "fleet": (
        "reconciler fleet",
        "The accounts that reconciler plans and applies together",
        ("fleet.yaml", "fleet.yml"),
    ),
    "fleet-report": (
        "reconciler fleet report",
        "The results of reconciler fleet plan, apply and drift, as --json writes them",
        ("fleet-report.json",),
    ),
    "reconciler": (
        "reconciler",
        "The state that a Systeme.io account shall be in, as reconciler keeps it",
        ("*.reconciler.yaml", "*.reconciler.yml"),
    ),
}


def catalog(at: str) -> dict[str, Any]:
    """One entry for each schema of files; ``at`` is the https URL of the folder that holds them."""
    return {
        "$schema": "https://json.schemastore.org/schema-catalog.json",
        "version": 1,
        "schemas": [
            {"name": name, "description": what, "fileMatch": [*files], "url": f"{at.rstrip('/')}/{file}.schema.json"}
            for file, (name, what, files) in _ENTRIES.items()
        ],
    }
