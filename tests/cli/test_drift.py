"""``drift`` and ``plan --fail-on``: the account's side alone, and exit codes that a pipeline can stop at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.project import Project, requests_of

SITE = """\
tags: [VIP, Gold]
contacts:
  - {email: ann@example.com, first_name: Ann, tags: [VIP]}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose account is as its files say."""
    project.write(SITE)
    project.apply()
    project.account.clear()
    return project


def test_no_drift(applied: Project) -> None:
    """One line, exit 0, nothing but GETs, and no ledger entry moves."""
    said = ended(applied.run("drift"), 0, "No drift. 4 resources are unchanged since the last run (2 API calls).")
    assert "VIP" not in said
    assert all(line.startswith("GET ") for line in requests_of(applied.account))


def test_a_changed_field(applied: Project) -> None:
    """Before and after by field, with the line of the file, exit 2; and the next drift says the same."""
    rename_person(applied, "ann@example.com", first_name="Anna")
    for _ in range(2):
        said = ended(applied.run("drift"), 2, "contact/ann@example.com", "site.yaml:3", '"Ann" → "Anna"')
    assert "Drift: 1 of 4 resources changed (2 API calls)." in said
    assert applied.account.writes == []


def test_what_others_create_is_counted(applied: Project) -> None:
    """Resources and relations that are unmanaged and new since the last run; they are no drift."""
    person, tags = applied.account.ids()["contacts"]["ann@example.com"], applied.account.ids()["tags"]
    applied.account.edit("POST", "/api/tags", {"name": "Silver"})
    applied.account.edit("POST", f"/api/contacts/{person}/tags", {"tagId": tags["Gold"]})
    said = "Created by others since the last run: 1 tag, 1 tagging (unmanaged, not touched)."
    ended(applied.run("drift"), 0, said)
    assert applied.run("drift", "--json").document["added"] == {"tag": 1, "tagging": 1}
    assert applied.run("apply", "--yes").code == 0
    assert said in applied.run("drift").out


def test_what_a_run_lets_go_is_not_created_by_others(project: Project) -> None:
    """It counts as unmanaged from then on; what is gone, or is changed by the run, does not."""
    project.write("prune: {tag: none}\n", "reconciler.yaml")
    project.write("tags: [A, Also, B, Gone]\n")
    project.apply()
    delete_tag(project, "Gone")
    project.write("tags: [{name: New, renamed_from: B}]\n")
    project.apply()
    assert project.account.state()["tags"] == ["A", "Also", "New"]
    assert "Created by others" not in ended(project.run("drift"), 0, "No drift.")
    project.account.edit("POST", "/api/tags", {"name": "Theirs"})
    ended(project.run("drift"), 0, "Created by others since the last run: 1 tag")


def test_an_edit_of_the_files_is_no_drift(applied: Project) -> None:
    """Only the account's side is shown; where both moved, that is said too."""
    applied.write(SITE.replace("first_name: Ann", "first_name: Annie"))
    ended(applied.run("drift"), 0, "No drift.")
    rename_person(applied, "ann@example.com", first_name="Anna")
    ended(applied.run("drift"), 2, '"Ann" → "Anna"', "also changed in your files (conflict)")


def test_something_is_gone(applied: Project) -> None:
    """Gone, and gone with another one of its name in its place."""
    delete_tag(applied, "Gold")
    ended(applied.run("drift"), 2, "tag/Gold", "Drift: 1 of 4 resources changed, 1 of them deleted")
    applied.account.edit("POST", "/api/tags", {"name": "Gold"})
    ended(applied.run("drift"), 2, "tag/Gold", "another one with this name exists (id ")


def test_what_left_the_files_still_drifts(applied: Project) -> None:
    """What is ours counts, whether the files still name it or not."""
    applied.write("tags: [VIP]\n")
    rename_person(applied, "ann@example.com", first_name="Anna")
    ended(applied.run("drift"), 2, "contact/ann@example.com")


def test_the_document(applied: Project) -> None:
    """Every item has the recorded and the live value."""
    rename_person(applied, "ann@example.com", first_name="Anna")
    delete_tag(applied, "Gold")
    result = applied.run("drift", "--json")
    assert result.code == 2
    assert result.document["summary"] == {"owned": 4, "resources": 2, "gone": 1, "fields": 1, "conflicts": 0}
    person, tag = result.document["drift"]
    assert (person["path"], person["recorded"], person["live"], person["desired"]) == (
        "first_name",
        "Ann",
        "Anna",
        True,
    )
    assert (tag["address"], tag["gone"], tag["path"]) == ("tag/Gold", True, None)
    assert result.document["calls"]["reads"] > 0


def test_a_hidden_url(make_project: Callable[..., Project]) -> None:
    """A URL from the environment is compared by its digest and shown by its host."""
    project = make_project({}, dialect="skill")
    project.env |= {"HOOK": "https://hooks.example.com/private-path", "SECRET": "s3cret"}
    project.write("webhooks: [{name: W, url: {env: HOOK}, secret: {env: SECRET}, events: [SALE_NEW]}]\n")
    project.apply()
    ended(project.run("drift"), 0, "No drift.")
    number = project.account.ids()["webhooks"]["W"]
    project.account.edit("PATCH", f"/api/webhooks/{number}", {"url": "https://elsewhere.example.com/other-path"})
    said = ended(project.run("drift"), 2, "(not shown)", "https://elsewhere.example.com/…")
    assert "path" not in said


def test_without_a_ledger(project: Project) -> None:
    """Nothing is known of how things were left: before the first apply no drift, with none an error."""
    project.write(SITE)
    ended(project.run("drift"), 0, "No drift. 0 resources")
    ended(project.run("drift", "--ledger", "none"), 1, "drift needs a ledger")


@pytest.mark.parametrize(
    ("fail_on", "code"), [("drift", 2), ("delete", 2), ("conflict", 0)], ids=["drift", "delete", "conflict"]
)
def test_drift_fails_on_what_was_asked(applied: Project, fail_on: str, code: int) -> None:
    """With --fail-on only that counts: something is gone, nobody edited the same field."""
    delete_tag(applied, "Gold")
    assert applied.run("drift", "--fail-on", fail_on).code == code


@pytest.mark.parametrize(
    ("files", "hand", "codes"),
    [
        (SITE, None, {"drift": 0, "conflict": 0, "delete": 0}),
        (SITE, "person", {"drift": 2, "conflict": 0, "delete": 0}),
        (SITE, "tag", {"drift": 2, "conflict": 0, "delete": 0}),
        (SITE.replace("Ann,", "Annie,"), None, {"drift": 0, "conflict": 0, "delete": 0}),
        (SITE.replace("Ann,", "Annie,"), "person", {"drift": 2, "conflict": 2, "delete": 0}),
        (SITE.replace(", Gold", ""), None, {"drift": 0, "conflict": 0, "delete": 2}),
    ],
    ids=["quiet", "drifted", "missing", "edited", "both", "deletion"],
)
def test_plan_fails_on(applied: Project, files: str, hand: str | None, codes: dict[str, int]) -> None:
    """Exit 2 for the class that was asked for, after the plan was shown; all others pass."""
    applied.write(files)
    if hand == "person":
        rename_person(applied, "ann@example.com", first_name="Anna")
    if hand == "tag":
        delete_tag(applied, "Gold")
    for word, code in codes.items():
        result = applied.run("plan", "--fail-on", word)
        assert result.code == code, word
        assert (f"The plan contains {word} (--fail-on)" in result.err) is (code == 2)
        assert result.out
    assert applied.run("plan", "--fail-on", "conflict", "--fail-on", "drift").code == max(
        codes["drift"], codes["conflict"]
    )


def test_fail_on_nonsense(project: Project) -> None:
    """The list is closed."""
    ended(project.run("plan", "--fail-on", "weather"), 1, "drift", "conflict", "delete")
