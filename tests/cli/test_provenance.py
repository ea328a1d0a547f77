"""What the ledger records of a resource (created or adopted, since which run), and what later runs make of it."""

from __future__ import annotations

from typing import Any

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
    ended(project.run("plan"), 0, "managed since run 1")


def test_managed_since_moves_on_when_it_was_created_again(project: Project) -> None:
    """Deleted by hand and created anew by run 2, the field is another object."""
    project.write("contact_fields: [{slug: a, name: A}]\n")
    project.apply()
    project.account.edit("DELETE", "/api/contact_fields/a")
    project.apply()
    assert recorded(project)["contact_field/a"]["managed_since"] == 2


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
    ended(project.run("plan"), 0, "managed since run 1")


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
