"""``explain``: one resource from all sides, the rule that decided, and what hangs on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.project import Project, requests_of

SITE = """\
tags: [VIP, Gold]
contact_fields: [{slug: town, name: Town}]
contacts:
  - {email: ann@example.com, first_name: Ann, fields: {town: Rome}, tags: [VIP]}
webhooks: [{name: W, url: 'https://x.example.com', secret: {env: SECRET}, events: [SALE_NEW]}]
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """A project whose account is as its files say."""
    project.env["SECRET"] = "canary-9"
    project.write(SITE)
    project.apply()
    project.account.clear()
    return project


def explained(project: Project, address: str) -> dict[str, Any]:
    result = project.run("explain", address, "--json")
    assert result.code == 0, result.err
    document: dict[str, Any] = result.document
    return document


def field(document: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["fields"] if each["path"] == path)
    return found


def test_all_is_as_it_should_be(applied: Project) -> None:
    """Line, ledger, id, rule and every field; nothing but GETs."""
    said = ended(
        applied.run("explain", "contact/ann@example.com"), 0, "site.yaml:4:5", "created in run 1", "by run 1"
    )
    assert "matches the configuration: no change" in said
    assert "needs      contact_field/town" in said
    assert "needed by  tagging/ann@example.com/VIP" in said
    assert all(line.startswith("GET ") for line in requests_of(applied.account))


def test_who_moved(applied: Project) -> None:
    """Desired, applied and live of a field, and the cause in words, with the request that it leads to."""
    rename_person(applied, "ann@example.com", first_name="Anna")
    document = explained(applied, "contact/ann@example.com")
    row = field(document, "first_name")
    assert (row["desired"], row["applied"], row["live"]) == ("Ann", "Ann", "Anna")
    assert row["verdict"].startswith("drifted")
    assert (document["action"], document["cause"]) == ("update", "drifted")
    assert [each["method"] for each in document["requests"]] == ["PATCH"]
    applied.write(SITE.replace("first_name: Ann", "first_name: Annie"))
    assert field(explained(applied, "contact/ann@example.com"), "first_name")["verdict"].startswith("both changed")
    ended(applied.run("explain", "contact/ann@example.com"), 0, "both changed", "PATCH")


def test_every_row_of_the_table(applied: Project) -> None:
    """The rule is told in words, for each row of the planner's table."""
    delete_tag(applied, "Gold")
    applied.account.edit("POST", "/api/tags", {"name": "Unmanaged"})
    applied.account.edit("POST", "/api/tags", {"name": "Theirs"})
    applied.write(SITE.replace("tags: [VIP, Gold]", "tags: [VIP, Gold, New, Theirs]"))
    assert "managed, gone from the account: created again" in explained(applied, "tag/Gold")["rule"]
    assert "not managed yet, not in the account: created" in explained(applied, "tag/New")["rule"]
    assert "not managed yet, in the account: adopted" in explained(applied, "tag/Theirs")["rule"]
    assert "unmanaged: never changed" in explained(applied, "tag/Unmanaged")["rule"]
    applied.write("contact_fields: []\ntags: [VIP]\n")
    assert "in the account: deleted" in explained(applied, "contact_field/town")["rule"]
    assert "not in the account: forgotten" in explained(applied, "tag/Gold")["rule"]
    assert "forgotten, nothing is sent" in explained(applied, "contact/ann@example.com")["rule"]


def test_what_is_blocked(applied: Project) -> None:
    """The reason stands in the rule."""
    guarded = "contact_fields: [{slug: town, name: Town, lifecycle: {prevent_destroy: true}}]\n"
    applied.write(guarded)
    applied.apply()
    applied.write("tags: []\n")
    document = explained(applied, "contact_field/town")
    assert document["blocked"] == "prevent_destroy"
    assert "is blocked: prevent_destroy" in document["rule"]


def test_a_replacement(applied: Project) -> None:
    """A field that is set once leads to a new one."""
    applied.write(SITE.replace("https://x.example.com", "https://y.example.com"))
    document = explained(applied, "webhook/W")
    assert "an immutable field differs: deleted and created again" in document["rule"]
    assert [each["method"] for each in document["requests"]] == ["DELETE", "POST"]


def test_secrets(applied: Project) -> None:
    """By their source and the age of their digest; a rotation is told and not shown."""
    said = ended(
        applied.run("explain", "webhook/W"), 0, "(secret from env:SECRET)", "kept as a keyed digest; written 2"
    )
    applied.env["SECRET"] = "canary-10"
    said += ended(applied.run("explain", "webhook/W"), 0, "rotated")
    said += applied.run("explain", "webhook/W", "--json").out
    assert "canary" not in said


def test_unknown_addresses(applied: Project) -> None:
    """Near names are proposed."""
    ended(applied.run("explain", "tag/VPI"), 1, "tag/VIP")
    ended(applied.run("explain", "contact/an@example.com"), 1, "contact/ann@example.com")
    ended(applied.run("explain", "tags/VIP"), 1, "no resource is called tags/VIP", "tag/VIP")


def test_before_the_first_apply(project: Project) -> None:
    """No ledger is needed, and none is made."""
    project.write("tags: [VIP]\n")
    assert explained(project, "tag/VIP")["action"] == "create"
    assert explained(project, "tag/VIP")["ledger"] is None
    ended(project.run("explain", "tag/VIP", "--ledger", "none"), 0, "not in the account: created", "POST")
    assert not (project.folder / ".reconciler").exists()
