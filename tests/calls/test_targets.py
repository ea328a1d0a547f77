"""What a plan with ``--target`` reads: the targets, and what they depend on."""

from __future__ import annotations

import re

import pytest

from tests.calls.test_routes import crowd
from tests.support.hooks import killed

EVERYTHING = """
tags: [VIP, Old]
contact_fields: [{slug: shoe, name: Shoe}]
webhooks: [{name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}]
contacts:
  - {email: p0@example.com, fields: {shoe: 38}, tags: [VIP]}
  - {email: p1@example.com, tags: [Old]}
enrollments:
  - {contact: p0@example.com, course: Yoga, access: full_access}
  - {contact: p1@example.com, course: Yoga, access: full_access}
memberships: [{contact: p0@example.com, community: Club}]
"""
NEW_HOOK = "{name: New, url: 'https://n.example.com/', secret: {env: HOOK}, events: [SALE_NEW]}"
TARGETS = {
    "tag/VIP": ["/api/tags"],
    "tag": ["/api/tags"],
    "webhook/CRM": ["/api/webhooks"],
    "contact_field/*": ["/api/contact_fields"],
    "contact/p1@example.com": ["/api/contacts/ID"],
    "contact/p0@example.com": ["/api/contact_fields", "/api/contacts/ID"],
    "tagging/p1@example.com/Old": ["/api/contacts/ID", "/api/tags"],
    "enrollment/p1@example.com/Yoga": ["/api/contacts/ID", "/api/school/courses", "/api/school/enrollments"],
    "membership": [
        "/api/community/communities",
        "/api/community/memberships",
        "/api/contact_fields",
        "/api/contacts/ID",
    ],
}


@pytest.fixture
def everything(make_project):
    """One of everything, applied, in an account with other people."""
    project = make_project({**crowd(250), "courses": [{"name": "Yoga"}], "communities": [{"name": "Club"}]})
    project.env["HOOK"] = "s3cret"
    project.write(EVERYTHING)
    project.apply("--refresh", "full")
    project.account.clear()
    return project


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_reads_what_it_depends_on(everything, target: str) -> None:
    """Its kind, what that refers to, and the people that are meant; each by its cheapest way."""
    document = everything.plan("--target", target)
    paths = sorted(re.sub(r"contacts/\d+", "contacts/ID", each["path"]) for each in everything.account.requests)
    assert paths == TARGETS[target]
    assert document["calls"]["reads"] == len(paths)
    assert {change["action"] for change in document["changes"]} == {"no_change"}
    assert document["needs"] == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("drifted", [False, True])
def test_a_target_plans_the_same_as_with_everything_read(everything, target: str, drifted: bool) -> None:
    """Whatever was changed in the files or the account, the part gives the changes that the whole gives."""
    text = EVERYTHING.replace("tags: [VIP, Old]", "tags: [{name: Best, renamed_from: VIP}, Old]", 1)
    text = text.replace("tags: [VIP]", "tags: [Best]").replace("CRM, url", "CRM, active: false, url")
    text = text.replace("shoe: 38", "shoe: 39").replace("access: full_access", "access: dripping_content", 1)
    everything.write(text)
    if drifted:
        (person,) = everything.account.edit("GET", "/api/contacts", email="p1@example.com")["items"]
        everything.account.edit("DELETE", f"/api/contacts/{person['id']}")
    target = target.replace("tag/VIP", "tag/Best")
    part, whole = everything.plan("--target", target), everything.plan("--target", target, "--refresh", "full")
    for document in (part, whole):
        for change in document["changes"]:
            change.pop("note")  # "1 contact keeps it" is said where contacts were read
    assert part["changes"] == whole["changes"]
    assert part["needs"] == whole["needs"]
    assert part["calls"]["reads"] <= whole["calls"]["reads"]


def test_a_target_that_is_only_known_in_the_account(everything) -> None:
    """A course by its path: everything is read, and the target is found."""
    everything.write(EVERYTHING.replace("course: Yoga", "course: {path: yoga}", 1))
    document = everything.plan("--target", "enrollment/p0@example.com/Yoga")
    assert [each["action"] for each in document["changes"] if each["address"].startswith("enrollment/")] == [
        "no_change"
    ]


def test_a_target_that_is_no_longer_declared(everything) -> None:
    """It is looked for where the ledger has it, and not deleted."""
    everything.write(EVERYTHING.replace("tags: [Old]}", "tags: []}"))
    target = ("--target", "tagging/p1@example.com/Old")
    part = everything.plan(*target)
    assert part["changes"] == everything.plan(*target, "--refresh", "full")["changes"]
    assert {each["action"] for each in part["changes"]} == {"no_change"}


def test_what_a_killed_run_left_open_elsewhere_is_not_read(everything) -> None:
    """Nobody needs to know for a tag whether a webhook was created."""
    everything.write(EVERYTHING.replace("webhooks: [", f"webhooks: [{NEW_HOOK}, "))
    killed(everything, "POST", "/api/webhooks", "apply", "--yes")
    everything.account.clear()
    everything.plan("--target", "tag/VIP")
    assert [each["path"] for each in everything.account.requests] == ["/api/tags"]


def test_an_address_that_changed_hands_in_the_account(everything) -> None:
    """A managed contact that has the address of the target by now keeps its place in the ledger."""
    everything.write(EVERYTHING.replace("p1@example.com", "new@example.com"))
    part = everything.plan("--target", "contact/new@example.com")
    whole = everything.plan("--target", "contact/new@example.com", "--refresh", "full")
    assert part["changes"] == whole["changes"]
    assert everything.run("apply", "--yes", "--target", "contact/new@example.com").code == 0
    assert everything.plan("--target", "contact/new@example.com")["summary"]["no_change"] == 1


def test_shares_are_of_all_that_is_managed(make_project) -> None:
    """Ten of a hundred resources are no share of a target's own."""
    project = make_project()
    names = [f"t{number}" for number in range(100)]
    about = "secret: {env: HOOK}, events: [SALE_NEW], active: %s"
    hooks = "".join(f'  - {{name: {name}, url: "https://example.com/{name}", {about}}}\n' for name in names[:12])
    site = f"tags: [{', '.join(names)}]\nwebhooks:\n"
    project.env["HOOK"] = "s3cret"
    project.write(site + hooks.replace("%s", "true"))
    project.apply()
    project.write(site + hooks.replace("%s", "false"))
    assert project.plan("--target", "webhook")["needs"] == []
    assert project.run("apply", "--yes", "--target", "webhook").code == 0


def test_unread_people_are_not_counted_as_unmanaged(everything) -> None:
    """Those whom the files name, though no target does."""
    everything.account.seed({"tags": ["Unmanaged"]})
    assert everything.plan("--target", "tag/VIP")["unmanaged"] == {"tag": 1}
