"""A saved plan deletes and overwrites only what it was made from: what others change after the review is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.emulator import Account
from tests.cli.support import ended
from tests.support.hands import rename_person
from tests.support.project import Project

FIRST = """
tags: [Doomed, Gold]
contact_fields: [{slug: plan, name: Plan}]
contacts: [{email: cyd@example.com, first_name: Cyd}]
webhooks:
  - {name: Old, url: "https://old.example.com/", secret: {env: HUSH}, events: [SALE_NEW]}
  - {name: Moving, url: {env: PLACE}, secret: {env: HUSH}, events: [SALE_NEW]}
"""
SECOND = """
tags: [Gold]
contact_fields: [{slug: plan, name: Plan}]
contacts: []
webhooks:
  - {name: Moving, url: "https://new.example.com/", secret: {env: HUSH}, events: [SALE_NEW]}
"""
APPLY = ("apply", "--plan", "plan.json", "--yes", "--allow", "contacts=1", "--allow", "deletes=4")


@pytest.fixture(params=[(), ("--redact",)], ids=["plain", "redacted"])
def reviewed(project: Project, request: pytest.FixtureRequest) -> Project:
    """A reviewed plan that deletes a contact, a tag and a webhook, and replaces another webhook."""
    project.env |= {
        "HUSH": "s3cret",
        "PLACE": "https://token.example.com/t0ken",
        "RECONCILER_LEDGER_KEY": "a key of the team",
    }
    project.write("prune: {contact: created}\n", "reconciler.yaml")
    project.write(FIRST)
    project.apply()
    project.write(SECOND)
    ended(project.run(*request.param, "plan", "--out", "plan.json"), 0)
    project.account.clear()
    return project


def _patch_person(project: Project) -> None:
    rename_person(project, "cyd@example.com", phone_number="+33612345678", first_name="Cydney")


def _tag_person(project: Project) -> None:
    ids = project.account.ids()
    path = f"/api/contacts/{ids['contacts']['cyd@example.com']}/tags"
    project.account.edit("POST", path, {"tagId": ids["tags"]["Gold"]})


def _rename_tag(project: Project) -> None:
    project.account.edit("PUT", f"/api/tags/{project.account.ids()['tags']['Doomed']}", {"name": "Keep me"})


def _webhook(name: str, **changes: object) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        path = f"/api/webhooks/{project.account.ids()['webhooks'][name]}"
        project.account.edit("PATCH", path, {"name": name, "secret": "s3cret", **changes})

    return change


MEANWHILE = {
    "a contact is filled in": (_patch_person, "in the account; phone_number changed in the account"),
    "a contact got a tag": (_tag_person, "has tag/Gold since then"),
    "a tag was renamed": (_rename_tag, "tag/Doomed: name changed"),
    "a webhook has other events": (_webhook("Old", subscriptions=["SALE_CANCELED"]), "webhook/Old: events changed"),
    "a webhook to be replaced is paused": (_webhook("Moving", active=False), "webhook/Moving: active changed"),
}


@pytest.mark.parametrize("case", MEANWHILE)
def test_what_changed_after_the_review_is_kept(reviewed: Project, case: str) -> None:
    """Exit 3, the difference named, and no write; a new plan is the way on."""
    change, difference = MEANWHILE[case]
    change(reviewed)
    kept = reviewed.account.state()
    said = ended(reviewed.run(*APPLY), 3, "the plan is stale", difference)
    assert "t0ken" not in said
    assert reviewed.account.writes == []
    assert reviewed.account.state() == kept
    ended(reviewed.run("plan", "--out", "plan.json"), 0)
    ended(reviewed.run(*APPLY), 0)
    reviewed.assert_converged()


def test_a_secret_address_that_changed_after_the_review_is_kept(reviewed: Project) -> None:
    """Its digest tells, and nothing shows it."""
    content = reviewed.account.content
    webhook = next(each for each in content.webhooks.values() if each.name == "Moving")
    webhook.url = "https://token.example.com/0ther"
    said = ended(reviewed.run(*APPLY), 3, "webhook/Moving: url changed in the account")
    assert "0ther" not in said
    assert "t0ken" not in said


@pytest.mark.parametrize(("address", "is_kept"), [("https://plain.example.com/", True), ("{env: PLACE}", False)])
def test_an_address_that_changed_after_the_plan(project: Project, address: str, is_kept: bool) -> None:
    """The webhook is kept if the plan knew its address; one from the environment is unknown without the files."""
    project.env |= {"S": "s3cret", "PLACE": "https://token.example.com/t0ken"}
    project.write("format: 1\nlimits: {fresh: 0}\n", "reconciler.yaml")
    project.write(f"webhooks: [{{name: W, url: {address}, secret: {{env: S}}, events: [SALE_NEW]}}]\n")
    project.apply()
    project.write("webhooks: []\n")

    def move() -> None:
        (webhook,) = project.account.content.webhooks.values()
        webhook.url = "https://other.example.com/"

    result = project.run("apply", "--yes", on_output=move)
    ended(result, 1 if is_kept else 0, *(["url changed in the account since it was read"] if is_kept else []))
    assert bool(project.account.state()["webhooks"]) is is_kept


def test_unchanged_it_is_applied(reviewed: Project) -> None:
    """Nothing changed: exactly these changes, of which the replacement is two steps."""
    ended(reviewed.run(*APPLY), 0, "complete")
    reviewed.assert_converged()


def test_a_plan_shows_what_a_deletion_is_now(reviewed: Project) -> None:
    """The present name, and what others changed since we wrote it."""
    _rename_tag(reviewed)
    _patch_person(reviewed)
    said = ended(reviewed.run("plan"), 0, 'is called "Keep me" now', "first_name changed in the account")
    assert "- tag/Doomed" in said


def test_a_secret_that_becomes_plain_stays_hidden(reviewed: Project, make_account: Callable[..., Account]) -> None:
    """The old address is in no output, of no command: its host at most."""
    commands = [
        ("plan",),
        ("plan", "--json"),
        ("plan", "--calls"),
        ("-vv", "plan"),
        ("explain", "webhook/Moving"),
        ("explain", "webhook/Moving", "--json"),
        ("drift",),
        ("drift", "--json"),
        ("pull", "."),
        ("show", "plan.json"),
        ("plan", "--output", "html=plan.html", "--output", "markdown=plan.md"),
        APPLY,
        ("history", "2"),
        ("history", "1"),
        ("undo", "2", "--yes"),
        ("ledger", "export"),
        ("plan", "--json"),
    ]
    for command in commands:
        result = reviewed.run(*command)
        assert "t0ken" not in result.out + result.err, command
    files = [path for path in reviewed.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"t0ken" in path.read_bytes()]


def test_a_secret_that_becomes_plain_and_is_the_same_address(reviewed: Project) -> None:
    """Nothing to send: it is what the account has."""
    place = reviewed.env["PLACE"]
    reviewed.write(SECOND.replace("https://new.example.com/", place))
    document = reviewed.plan()
    assert "webhook/Moving" not in [each["address"] for each in document["changes"] if each["action"] != "no_change"]


def test_a_plain_address_that_becomes_a_secret_is_hidden(project: Project) -> None:
    """From the run on that keeps it as a digest, history and undo of earlier runs hide it as well."""
    project.env |= {"HUSH": "s3cret", "PLACE": "https://token.example.com/t0ken"}
    hook = "webhooks: [{name: W, url: %s, secret: {env: HUSH}, events: [%s]}]\n"
    project.write(hook % (project.env["PLACE"], "SALE_NEW"))
    project.apply()
    assert "t0ken" in project.run("history", "1").out
    project.write(hook % ("{env: PLACE}", "SALE_CANCELED"))
    for command in (
        ("plan",),
        ("apply", "--yes"),
        ("history", "1"),
        ("history", "1", "--json"),
        ("undo", "2", "--yes"),
    ):
        result = project.run(*command)
        assert result.code == 0, result.err
        assert "t0ken" not in result.out + result.err, command


def test_a_contact_that_lost_a_tag_is_kept(reviewed: Project) -> None:
    """It had the tag when its deletion was reviewed."""
    _tag_person(reviewed)
    ended(reviewed.run("plan", "--out", "plan.json"), 0)
    ids = reviewed.account.ids()
    path = f"/api/contacts/{ids['contacts']['cyd@example.com']}/tags/{ids['tags']['Gold']}"
    reviewed.account.edit("DELETE", path)
    reviewed.account.clear()
    ended(reviewed.run(*APPLY), 3, "contact/cyd@example.com: no longer has tag/Gold")
    assert reviewed.account.writes == []
