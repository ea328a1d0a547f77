"""Redacted plans: they name nobody, and are applied with the files they were made from."""

from __future__ import annotations

import json

import pytest

from tests.cli.support import ended
from tests.support.project import Project

OTHER = {"RECONCILER_LEDGER_KEY": "a key of other people"}
SITE = """
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Annabel, tags: [VIP]}
webhooks:
  - {name: CRM, url: "https://crm.example.com/", secret: {env: HUSH}, events: [SALE_NEW]}
"""


@pytest.fixture
def keyed(project: Project) -> Project:
    """A project with a key that stays, and something to do."""
    project.env |= {"RECONCILER_LEDGER_KEY": "a key of the team", "HUSH": "s3cret"}
    project.write(SITE)
    return project


def save(project: Project, *args: str) -> str:
    """Save a redacted plan; its text."""
    ended(project.run("--redact", "plan", "--out", "plan.json", *args), 0, "Saved redacted plan to")
    return (project.folder / "plan.json").read_text()


def test_it_names_nobody_and_holds_no_desired_state(keyed: Project) -> None:
    """Marks and digests, actions and positions: enough to review, nothing to know a person by."""
    text = save(keyed)
    assert not any(word in text for word in ("ann@example.com", "Annabel", "s3cret"))
    document = json.loads(text)
    assert "desired" not in document
    assert [each["action"] for each in document["plan"]["changes"]] == ["create"] * 4
    assert all(len(each["digest"]) == 64 for each in document["plan"]["changes"])


@pytest.mark.parametrize("path", [(), (".",), ("site.yaml",)], ids=" ".join)
def test_it_is_applied_from_the_same_files(keyed: Project, path: tuple[str, ...]) -> None:
    """PATH may be left out; what is carried out is the plan that was saved."""
    save(keyed)
    ended(keyed.run("apply", *path, "--plan", "plan.json", "--yes"), 0, "complete")
    keyed.assert_converged()


def test_it_is_applied_redacted_too(keyed: Project) -> None:
    """With --redact the apply names nobody either, and its marks are those of the plan."""
    marks = {each["address"] for each in json.loads(save(keyed))["plan"]["changes"]}
    result = keyed.run("--redact", "apply", "--plan", "plan.json", "--yes", "--json")
    assert {each["address"] for each in result.document["outcomes"]} == marks
    assert "ann@example.com" not in result.out + result.err


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("Annabel", "Annabelle", "first_name changed"),
        ("ann@", "anna@", "no longer there"),
        ("[SALE_NEW]", "[SALE_CANCELED]", "webhook/CRM: events changed"),
        ("tags: [VIP]\n", "tags: [VIP, Gold]\n", "tag/Gold: not in the plan"),
    ],
)
def test_other_files_are_refused(keyed: Project, before: str, after: str, what: str) -> None:
    """What differs is listed, and what to do about it is said; nothing is changed."""
    save(keyed)
    keyed.write(SITE.replace(before, after))
    said = ended(
        keyed.run("apply", "--plan", "plan.json", "--yes"),
        3,
        "the plan is stale",
        what,
        "--exclude that the plan was created from",
    )
    assert "Annabel" not in said
    assert not keyed.account.writes


def test_a_difference_that_no_mark_shows_is_refused(keyed: Project) -> None:
    """The digests know more than the marks: a name that gets the same mark is another name."""
    keyed.write(SITE.replace("Annabel", "Ann "))
    save(keyed)
    keyed.write(SITE.replace("Annabel", "' Ann'"))
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 3, "that the redacted plan does not show")
    assert not keyed.account.writes


def test_a_rotated_secret_is_refused(keyed: Project) -> None:
    """A secret that changed since is not what was planned."""
    save(keyed)
    keyed.env["HUSH"] = "another"
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 3, "webhook/CRM: the secret secret has another value")


def test_an_account_that_moved_is_refused(keyed: Project) -> None:
    """A redacted plan is as stale as any other when the account is another one."""
    keyed.apply()
    keyed.write(SITE.replace("Annabel", "Annabelle"))
    save(keyed)
    contact = keyed.account.ids()["contacts"]["ann@example.com"]
    keyed.account.edit("PATCH", f"/api/contacts/{contact}", {"fields": [{"slug": "first_name", "value": "Other"}]})
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 3, "first_name changed")


def test_a_selection_is_given_again(keyed: Project) -> None:
    """What --target left out when it was saved is to be left out when it is applied."""
    save(keyed, "--target", "tag/VIP")
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 3, "not in the plan")
    ended(keyed.run("apply", "--plan", "plan.json", "--yes", "--target", "tag/VIP"), 0, "complete")


def test_the_rest_of_a_begun_one_is_applied(keyed: Project) -> None:
    """The same CI job may run again after it was stopped half-way."""
    save(keyed)
    ended(keyed.run("apply", "--plan", "plan.json", "--yes", "--max-calls", "6", "--parallel", "1"), 4)
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 0)
    keyed.assert_converged()


def test_without_a_key_that_stays_it_is_refused(project: Project) -> None:
    """Before anything is read; the remedy is said. With a ledger its own key is taken."""
    project.write("tags: [VIP]\n")
    ended(project.run("--redact", "plan", "--out", "plan.json"), 3, "RECONCILER_LEDGER_KEY", "run apply once")
    assert not project.account.requests
    assert not (project.folder / "plan.json").exists()
    project.apply()
    project.write("tags: [VIP, Gold]\n")
    save(project)
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 0, "complete")


def test_without_a_ledger_there_is_no_key(keyed: Project) -> None:
    """``--ledger none`` keeps no key; RECONCILER_LEDGER_KEY signs there too."""
    given = ("--redact", "plan", "--out", "plan.json", "--ledger", "none")
    ended(keyed.run(*given, env={"RECONCILER_LEDGER_KEY": None}), 3, "saving a redacted plan needs a persistent key")
    ended(keyed.run(*given), 0, "Saved redacted plan")
    ended(keyed.run("apply", "--plan", "plan.json", "--yes", "--ledger", "none"), 0, "complete")


def test_another_key_opens_nothing(keyed: Project) -> None:
    """Who has another key cannot tell what was planned."""
    save(keyed)
    ended(
        keyed.run("apply", "--plan", "plan.json", "--yes", env=OTHER),
        3,
        "another key",
    )


def test_an_edited_one_is_refused(keyed: Project) -> None:
    """A file that was edited is refused, whatever was edited."""
    save(keyed)
    path = keyed.folder / "plan.json"
    path.write_text(path.read_text().replace('"redacted": true', '"redacted": false'))
    ended(keyed.run("apply", "--plan", "plan.json", "--yes"), 3, "was modified")


def test_a_saved_plan_takes_no_target_unless_it_is_redacted(keyed: Project) -> None:
    """An ordinary plan file is applied whole."""
    ended(keyed.run("plan", "--out", "plan.json"), 0)
    ended(keyed.run("apply", "--plan", "plan.json", "--yes", "--target", "tag/VIP"), 1, "applied as a whole")
