"""``destroy``: deletes what reconciler created, and only forgets what it adopted, whatever `prune` is set to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.support import ended, ledger_of
from tests.support.project import Project

ANN = "ann@example.com"
THERE: dict[str, Any] = {
    "contact_fields": [{"slug": "company", "name": "Company"}],
    "tags": ["Gold"],
    "courses": [{"name": "Intro", "modules": []}],
    "communities": [{"name": "Insiders"}],
    "webhooks": [{"name": "CRM", "url": "https://crm.example.com/hook", "secret": "s3cret", "events": ["SALE_NEW"]}],
    "contacts": [{"email": ANN, "fields": {"company": "Acme"}, "tags": ["Gold"]}],
    "enrollments": [{"contact": ANN, "course": "Intro", "access": "full_access"}],
    "memberships": [{"contact": ANN, "community": "Insiders"}],
}
FILES = f"""\
contact_fields: [{{slug: company, name: Company}}]
tags: [Gold]
webhooks: [{{name: CRM, url: https://crm.example.com/hook, secret: {{env: HOOK}}, events: [SALE_NEW]}}]
contacts: [{{email: {ANN}}}]
taggings: [{{contact: {ANN}, tag: Gold}}]
enrollments: [{{course: Intro, access: full_access, contacts: [{ANN}]}}]
memberships: [{{community: Insiders, contacts: [{ANN}]}}]
"""


def project_of(make_project: Any, settings: str) -> Project:
    project: Project = make_project(THERE)
    project.env["HOOK"] = "s3cret"
    project.write(settings, "reconciler.yaml")
    project.write(FILES)
    return project


@pytest.mark.parametrize("word", ["", "owned", "all"])
def test_what_was_adopted_stays(make_project: Any, word: str) -> None:
    """Every kind was there before the project; nothing is sent, and the ledger is empty afterwards."""
    kinds = "tag contact_field webhook contact tagging enrollment membership"
    project = project_of(make_project, "prune: {" + ", ".join(f"{k}: {word}" for k in kinds.split() if word) + "}\n")
    ended(project.run("apply", "--yes"), 0)
    before = project.account.state()
    project.account.clear()
    ended(project.run("destroy", "--yes"), 0)
    assert project.account.writes == []
    assert project.account.state() == before
    assert ledger_of(project) == []


def test_the_same_after_a_lost_ledger(make_project: Any) -> None:
    """A new ledger adopts what the old one had created; `destroy` cannot know, and leaves it."""
    project = project_of(make_project, "prune: {contact: owned}\n")
    project.write("tags: [Gold, Silver]\n")
    ended(project.run("apply", "--yes"), 0)
    (project.folder / ".reconciler" / "ledger.db").unlink()
    ended(project.run("apply", "--yes"), 0)
    ended(project.run("destroy", "--yes"), 0)
    assert project.account.state()["tags"] == ["Gold", "Silver"]


def test_what_was_created_goes(make_project: Any) -> None:
    """Next to adopted resources; `prune: none` keeps even those. The plan does not speak of files."""
    project = project_of(make_project, "prune: {contact_field: none}\n")
    more = FILES.replace("tags: [Gold]", "tags: [Gold, Silver]").replace(
        "name: Company}", "name: Company}, {slug: town, name: Town}"
    )
    project.write(more)
    ended(project.run("apply", "--yes"), 0)
    result = project.run("destroy", "--yes")
    said = ended(result, 0, "- tag/Silver", "run 1")
    assert "the files" not in said
    assert project.account.state()["tags"] == ["Gold"]
    assert [field["slug"] for field in project.account.state()["contact_fields"]] == ["company", "town"]
