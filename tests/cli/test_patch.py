"""``pull`` where there are files: what the account changed goes into them, and nothing else in them moves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli import pull as handlers
from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.project import Project

ANN, BOB = "ann@example.com", "bob@example.com"
SITE = """\
# top
tags: [VIP, Gold]   # both
contacts:
  - email: ann@example.com   # who
    first_name: 'Ann'  # name
    last_name:
    fields: {company: "Acme"}
    tags:
      - VIP  # important
      - Gold
  - {email: bob@example.com, first_name: Bob}
contact_fields:
  - {slug: company, name: Company}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose account is as its file says."""
    project.write(SITE)
    project.apply()
    project.account.clear()
    return project


def text_of(project: Project) -> str:
    """The one file."""
    return (project.folder / "site.yaml").read_text(encoding="utf-8")


def untag(project: Project, tag: str) -> None:
    """Somebody takes a tag from Ann."""
    ids = project.account.ids()
    project.account.edit("DELETE", f"/api/contacts/{ids['contacts'][ANN]}/tags/{ids['tags'][tag]}")


def test_a_quiet_account(applied: Project) -> None:
    """One line."""
    ended(applied.run("pull"), 0, "No drift: the files match the account")
    ended(applied.run("pull", "--all"), 0, "No drift")
    assert text_of(applied) == SITE


def test_what_could_be_taken_back(applied: Project) -> None:
    """Without a choice it is shown, with its place; nothing is written."""
    rename_person(applied, ANN, first_name="Anna")
    ended(applied.run("pull"), 0, 'first_name: "Ann" → "Anna"', "site.yaml:4:5", "--accept ADDRESS or --all")
    assert text_of(applied) == SITE


def test_all(applied: Project) -> None:
    """Values in their quotes, nothing where it is cleared, an item less with its comment kept; the plan is quiet."""
    rename_person(applied, ANN, first_name="Anna's", surname="B: c", company="")
    untag(applied, "VIP")
    ended(applied.run("pull", "--all", "--yes"), 0, "+    first_name: 'Anna''s'  # name", "Written: site.yaml")
    assert text_of(applied) == SITE.replace("'Ann'", "'Anna''s'").replace("last_name:", 'last_name: "B: c"').replace(
        '"Acme"', "null"
    ).replace("- VIP  # important", "# important")
    assert applied.plan()["calls"]["writes"] == 0
    assert applied.account.writes == []


def test_some(applied: Project) -> None:
    """Only what an address or a glob means; one that means nothing is a mistake."""
    rename_person(applied, ANN, first_name="Anna")
    rename_person(applied, BOB, first_name="Rob")
    ended(applied.run("pull", "--accept", "contact/bob*", "--yes"), 0)
    assert text_of(applied) == SITE.replace("first_name: Bob", "first_name: Rob")
    ended(applied.run("pull", "--accept", "contact/nobody", "--yes"), 1, "contact/nobody")


def test_an_edit_of_the_files_stays(applied: Project) -> None:
    """--all takes back what the account changed, not what the files ask for; an address does."""
    edited = SITE.replace("first_name: Bob", "first_name: Bobby")
    applied.write(edited)
    ended(applied.run("pull", "--all", "--yes"), 0)
    assert text_of(applied) == edited
    ended(applied.run("pull", "--accept", f"contact/{BOB}", "--yes"), 0)
    assert text_of(applied) == SITE


def test_a_released_field_comes_back_as_a_line(make_project: Callable[..., Project]) -> None:
    """A key that the file no longer has joins its siblings, in their indentation."""
    project = make_project()
    project.env["S"] = "s"
    hook = (
        "webhooks:\n    - name: H  # h\n      url: https://h.example.com/\n      secret: {env: S}\n      events: []"
    )
    project.write(hook + "\n      active: false\n")
    project.apply()
    project.write(hook)
    ended(project.run("pull", "--accept", "webhook/H", "--yes"), 0)
    assert text_of(project) == hook + "\n      active: false"
    project.assert_converged()


def test_an_authoritative_list(project: Project) -> None:
    """A tag that somebody added joins the list."""
    site = (
        "tags: [A, B]\ncontacts:\n  - email: ann@example.com\n    tags_authoritative: true\n    tags: [A]  # these\n"
    )
    project.write(site)
    project.apply()
    ids = project.account.ids()
    project.account.edit("POST", f"/api/contacts/{ids['contacts'][ANN]}/tags", {"tagId": ids["tags"]["B"]})
    ended(project.run("pull", "--all", "--yes"), 0)
    assert text_of(project) == site.replace("[A]  #", "[A, B]  #")
    assert project.plan()["calls"]["writes"] == 0


def test_what_a_person_has_to_do(project: Project) -> None:
    """Values from elsewhere stay, and are listed with their place: variables, anchors, merge keys, CSV, gone."""
    project.write("vars: {n: Ann}\ndefaults: {contacts: {locale: en}}\n", "reconciler.yaml")
    project.write("email,name\nrow@example.com,Row\n", "people.csv")
    site = (
        "tags: [VIP]\ncontacts:\n  - {email: a@example.com, first_name: '${var.n}'}\n"
        "  - &b {email: b@example.com, first_name: B}\n  - {<<: *b, email: c@example.com}\n"
        "  - csv: {file: people.csv, fields: {first_name: name}}\n"
    )
    project.write(site)
    project.apply()
    for name in ("a", "b", "c", "row"):
        rename_person(project, f"{name}@example.com", first_name="New")
    delete_tag(project, "VIP")
    said = ended(project.run("pull", "--all", "--yes"), 0, "Must be merged by hand:")
    for why in ("comes from ${…}", "under an anchor", "merge key", "in a CSV file", "gone from the account"):
        assert why in said, said
    assert "site.yaml:3:5" in said
    assert text_of(project) == site


def test_people_who_left(make_project: Callable[..., Project]) -> None:
    """Who was taken out of a course or a community leaves its list; a block for one person goes as a whole."""
    courses = [{"name": "Yoga"}, {"name": "Zen"}]
    project = make_project({"courses": courses, "communities": [{"name": "Club"}]})
    people = "contacts:\n  - email: ann@example.com\n  - email: bob@example.com\n"
    both = "[ann@example.com, bob@example.com]"
    places = f"enrollments:\n  - course: Yoga  # y\n    access: full_access\n    contacts: {both}\n"
    single = "  - course: Zen\n    access: full_access\n    contact: ann@example.com\n"
    clubs = (
        "memberships:\n  - community: Club\n    contacts:\n      - ann@example.com\n      - bob@example.com  # b\n"
    )
    project.write(people + places + single + clubs)
    project.apply()
    for section in ("enrollments", "memberships"):
        for key, number in project.account.ids()[section].items():
            if "Zen" in key or "bob" in key:
                way = "school" if section == "enrollments" else "community"
                project.account.edit("DELETE", f"/api/{way}/{section}/{number}")
    ended(project.run("pull", "--all", "--yes"), 0)
    assert text_of(project) == people + places.replace(", bob@example.com", "") + clubs.replace(
        "- bob@example.com  # b", "# b"
    )
    assert project.plan()["calls"]["writes"] == 0


def test_a_person_who_is_gone(applied: Project) -> None:
    """Nothing of the block is taken apart because the account has lost her."""
    applied.account.edit("DELETE", f"/api/contacts/{applied.account.ids()['contacts'][ANN]}")
    ended(
        applied.run("pull", "--all", "--yes"), 0, "contact/ann@example.com", "gone from the account", "site.yaml:4:5"
    )
    assert text_of(applied) == SITE


def test_a_name_that_others_use(applied: Project) -> None:
    """A renamed tag that blocks refer to is left to a person; one that nobody names is taken."""
    ids = applied.account.ids()["tags"]
    applied.account.edit("PUT", f"/api/tags/{ids['Gold']}", {"name": "Silver"})
    ended(applied.run("pull", "--all", "--yes"), 0, "how other blocks name it")
    assert text_of(applied) == SITE


def test_files_that_do_not_parse(applied: Project) -> None:
    """Nothing is read from the account, nothing is written."""
    applied.write(SITE + "tags: [\n")
    ended(applied.run("pull", "--all", "--yes"), 1, "site.yaml:15")
    assert applied.account.requests == []


def test_without_a_yes(applied: Project) -> None:
    """No terminal, no yes: the difference is shown, and nothing is written."""
    rename_person(applied, BOB, first_name="Rob")
    ended(applied.run("pull", "--all"), 3, "+  - {email: bob@example.com, first_name: Rob}", "--yes")
    assert text_of(applied) == SITE


def test_a_file_that_changes_meanwhile(applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody saves between reading and writing is not lost."""
    rename_person(applied, BOB, first_name="Rob")
    monkeypatch.setattr(handlers, "require_yes", lambda *_, **__: applied.write(SITE + "# saved\n"))
    ended(applied.run("pull", "--all", "--yes"), 3, "was changed meanwhile")
    assert text_of(applied) == SITE + "# saved\n"


def test_no_program_is_started(applied: Project, tmp_path: Path) -> None:
    """A repository embedded in the folder, whose filter is a program, is text: nothing of it runs."""
    rename_person(applied, BOB, first_name="Rob")
    bare, witness = applied.folder, tmp_path / "witness"
    git = ["git", f"--git-dir={bare}", f"--work-tree={bare}"]
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run([*git, "add", "-f", "site.yaml"], check=True)
    applied.write("*.yaml filter=witness\n", ".gitattributes")
    with (bare / "config").open("a", encoding="utf-8") as config:
        config.write(f'[core]\nbare = false\nworktree = .\n[filter "witness"]\nclean = "touch {witness}; cat"\n')
    applied.write(SITE)  # newer than the index: asked for its state, git would run the filter
    subprocess.run(["git", "status"], cwd=bare, check=True, capture_output=True)
    assert witness.exists()
    witness.unlink()
    ended(applied.run("pull", "--all", "--yes"), 0, "Written: site.yaml")
    assert not witness.exists()
