"""What the ledger holds of a resource after a run that changes something else, or nothing."""

from __future__ import annotations

from typing import Any

from tests.cli.support import ended
from tests.support.project import Project

SEED: dict[str, Any] = {
    "options": {"normalise_phone": True},
    "tags": ["Gold"],
    "courses": [{"name": "Launch", "modules": ["Welcome"]}],
    "communities": [{"name": "Insiders"}],
    "webhooks": [{"name": "Theirs", "url": "https://theirs.example.com", "events": ["SALE_NEW"]}],
}
SITE = """
tags:
  - Gold
  - {name: VIP, handle: best, lifecycle: {prevent_destroy: true}}
  - {name: New, renamed_from: Old}
contact_fields: [{slug: town, name: Town}]
webhooks:
  - {name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}
  - {name: Theirs, url: "https://theirs.example.com", secret: {env: HOOK}, events: [SALE_NEW]}
contacts:
  - {email: ann@example.com, phone_number: +33 6 12 34 56 78, fields: {town: Rome}, tags: [Gold, "@best"]}
  - {email: bob@example.com, handle: bob, first_name: Bob, lifecycle: {ignore: [locale]}}
enrollments: [{course: Launch, access: full_access, contacts: [ann@example.com]}]
memberships: [{community: Insiders, contacts: [ann@example.com]}]
"""


def entries(project: Project) -> list[dict[str, Any]]:
    """The entries of the ledger as ``ledger export`` prints them."""
    found: list[dict[str, Any]] = project.run("--no-redact", "ledger", "export").document["entries"]
    return found


def test_a_run_without_changes_leaves_the_ledger(make_project: Any) -> None:
    """It has recorded everything that it knows: no entry is written."""
    project = make_project(SEED)
    project.env |= {"HOOK": "hush", "RECONCILER_WAIT": "1"}
    project.write("tags: [Old]\n")
    project.apply()
    project.write(SITE)
    project.apply()
    before = entries(project)
    assert len(before) == 12
    for _ in range(2):
        ended(project.run("apply", "--yes"), 0, "No changes")
        assert entries(project) == before
