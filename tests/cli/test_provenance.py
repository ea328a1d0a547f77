"""What the ledger records of a resource (created or adopted, since which run), and what later runs make of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.support import ended
from tests.support.hooks import killed
from tests.support.project import Project


def recorded(project: Project) -> dict[str, Any]:
    """What ``ledger list --json`` shows, by address."""
    return {row["address"]: row for row in project.run("ledger", "list", "--json").document["entries"]}


def test_managed_since_is_the_run_that_created_it(project: Project) -> None:
    """A later run that changes it is only the one that last wrote it."""
    project.write("contact_fields: [{slug: a, name: A}]\n")
    project.apply()
    project.write("contact_fields: [{slug: a, name: B}]\n")
    project.apply()
    row = recorded(project)["contact_field/a"]
    assert (row["managed_since"], row["run"]) == (1, 2)
    project.write("contact_fields: []\n")
    assert "run 1" in project.change("contact_field/a")["note"]


def test_managed_since_moves_on_when_it_was_created_again(project: Project) -> None:
    """Deleted by hand and created anew by run 2, the field is another object."""
    project.write("contact_fields: [{slug: a, name: A}]\n")
    project.apply()
    project.account.edit("DELETE", "/api/contact_fields/a")
    project.apply()
    assert recorded(project)["contact_field/a"]["managed_since"] == 2


def test_what_somebody_else_created_anew_is_adopted(project: Project) -> None:
    """Deleted by hand and created again by hand, the tag is theirs: no longer declared, it stays in the account."""
    project.write("tags: [Gold]\n")
    project.apply()
    project.account.edit("DELETE", f"/api/tags/{project.account.ids()['tags']['Gold']}")
    project.account.edit("POST", "/api/tags", {"name": "Gold"})
    project.apply()
    row = recorded(project)["tag/Gold"]
    assert (row["provenance"], row["managed_since"]) == ("adopted", 2)
    project.write("tags: []\n")
    project.apply()
    assert project.account.state()["tags"] == ["Gold"]


def test_managed_since_survives_a_kill_at_a_rename(project: Project) -> None:
    """The next run finds the rename done and only records it; no run number is lost."""
    project.write("tags: [Gold]\n")
    project.apply()
    project.write("tags: [{name: Gold Plus, renamed_from: Gold}]\n")
    killed(project, "PUT", r"/api/tags/\d+", "apply", "--yes")
    ended(project.run("apply", "--yes"), 0)
    row = recorded(project)["tag/Gold Plus"]
    assert row["managed_since"] == 1 and row["run"] > 0
    project.write("tags: []\n")
    assert "run 1" in project.change("tag/Gold Plus")["note"]


def test_the_relations_of_one_block_keep_it(project: Project) -> None:
    """Taggings are loaded together; each still knows its run."""
    project.write("tags: [A, B]\ncontacts: [{email: ann@example.com, tags: [A]}]\n")
    project.apply()
    project.write("tags: [A, B]\ncontacts: [{email: ann@example.com, tags: [A, B]}]\n")
    project.apply()
    rows = recorded(project)
    assert [rows[f"tagging/ann@example.com/{name}"]["managed_since"] for name in "AB"] == [1, 2]


def test_fields_of_a_change_have_one_order(project: Project) -> None:
    """The plan does not depend on the order of keys in the file."""
    project.write("contact_fields: [{slug: a, name: A}, {slug: b, name: B}]\n")
    project.apply()
    ends = []
    for keys in (
        "first_name: F, locale: fr, fields: {a: x, b: y}",
        "fields: {b: y, a: x}, locale: fr, first_name: F",
    ):
        project.write(
            "contact_fields: [{slug: a, name: A}, {slug: b, name: B}]\n"
            f"contacts: [{{email: ann@example.com, {keys}}}]\n"
        )
        (change,) = [each for each in project.plan()["changes"] if each["action"] == "create"]
        ends.append([field["path"] for field in change["fields"]])
    assert ends[0] == ends[1] == ["first_name", "locale", "fields.a", "fields.b"]


# what a killed run announced


def intents(project: Project) -> int:
    """How many announced writes are open."""
    return len(project.run("ledger", "list", "--json").document["intents"])


@pytest.fixture
def cut_short(project: Project) -> Project:
    """Tags A and B are to be created; the run is killed when A exists and is not recorded."""
    project.write("tags: [A, B]\n")
    killed(project, "POST", "/api/tags", "apply", "--yes", "--parallel", "1")
    assert (project.account.state()["tags"], intents(project)) == (["A"], 1)
    return project


def test_undo_keeps_what_it_does_not_resolve(cut_short: Project) -> None:
    """Run 1 recorded nothing, so its undo changes nothing; the next apply still knows whose tag A is."""
    said = ended(cut_short.run("undo", "1", "--yes"), 0, "tag/A")
    assert "finds out" in said
    assert intents(cut_short) == 1
    cut_short.write("tags: [B]\n")
    cut_short.apply()
    assert cut_short.account.state()["tags"] == ["B"]
    assert intents(cut_short) == 0


def test_target_keeps_what_it_leaves_out(cut_short: Project) -> None:
    """An apply of B alone says nothing about A."""
    ended(cut_short.run("apply", "--yes", "--target", "tag/B"), 0)
    assert intents(cut_short) == 1
    cut_short.write("tags: [B]\n")
    cut_short.apply()
    assert cut_short.account.state()["tags"] == ["B"]


def test_exclude_keeps_what_it_leaves_out(cut_short: Project) -> None:
    """The same from the other side."""
    ended(cut_short.run("apply", "--yes", "--exclude", "tag/A"), 0)
    assert intents(cut_short) == 1


def test_destroy_finds_what_was_announced(cut_short: Project) -> None:
    """Created and never recorded, it is still ours to delete."""
    ended(cut_short.run("destroy", "--yes"), 0)
    assert cut_short.account.state()["tags"] == []
    assert intents(cut_short) == 0


def test_a_killed_create_is_found_among_many(make_project: Any) -> None:
    """Its contact leaves the files; the few others would be looked up one by one, and yet it is found and deleted."""
    project = make_project({"contacts": [{"email": f"c{number}@example.com"} for number in range(300)]})
    project.write("format: 1\nprune: {contact: created}\n", "reconciler.yaml")
    project.write("contacts: [{email: ann@example.com}]\n")
    project.apply()
    project.write("contacts: [{email: ann@example.com}, {email: bob@example.com}]\n")
    killed(project, "POST", "/api/contacts", "apply", "--yes")
    assert intents(project) == 1
    project.write("contacts: [{email: ann@example.com}]\n")
    ended(project.run("apply", "--yes", "--allow", "contacts=1"), 0)
    assert "bob@example.com" not in {each["email"] for each in project.account.state()["contacts"]}
    assert intents(project) == 0


def test_a_forgotten_one_is_not_found_again(cut_short: Project) -> None:
    """`ledger forget` of an announced create: it stays in the account, and is nobody's afterwards."""
    ended(cut_short.run("ledger", "forget", "tag/A", "--yes"), 0)
    assert intents(cut_short) == 0
    cut_short.write("tags: [B]\n")
    cut_short.apply()
    assert cut_short.account.state()["tags"] == ["A", "B"]


def test_a_killed_update_does_not_make_it_ours(make_project: Any) -> None:
    """The PATCH of an adoption was carried out and never recorded; its line leaves the files: it stays."""
    project = make_project({"contact_fields": [{"slug": "theirs", "name": "Theirs"}]})
    project.write("contact_fields: [{slug: theirs, name: Ours}]\n")
    killed(project, "PATCH", "/api/contact_fields/theirs", "apply", "--yes")
    assert intents(project) == 1
    project.write("contact_fields: []\n")
    project.account.clear()
    project.apply()
    assert project.account.writes == []
    assert intents(project) == 0
