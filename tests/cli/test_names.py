"""Names on the command line and in texts: without their kind where they are unique, and without escapes."""

from __future__ import annotations

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SITE = """
tags: [VIP, '#sale', 'A/B', 100% sure, Launch]
contacts: [{email: ann@example.com, tags: [VIP]}]
enrollments: [{contact: ann@example.com, course: Launch, access: full_access}]
"""


@pytest.fixture
def site(project: Project) -> Project:
    """Names with signs that addresses escape, and one name of two resources."""
    project.account.seed({"courses": ["Launch"]})
    project.write(SITE)
    return project


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ann@example.com", "contact/ann@example.com"),
        ("VIP", "tag/VIP"),
        ("tag/#sale", "tag/%23sale"),
        ("#sale", "tag/%23sale"),
        ("tag/A/B", "tag/A%2FB"),
        ("100% sure", "tag/100%25 sure"),
        ("tag/%23sale", "tag/%23sale"),
        ("ann@example.com/VIP", "tagging/ann@example.com/VIP"),
    ],
)
def test_a_unique_name_is_an_address(site: Project, typed: str, address: str) -> None:
    """Explain, --target and the commands of the ledger take it."""
    explained = site.run("explain", typed, "--json")
    assert explained.code == 0, explained.err
    assert explained.document["address"] == address
    planned = site.plan("--target", typed)
    assert address in {each["address"] for each in planned["changes"]}
    site.apply()
    assert site.run("ledger", "show", typed).document["address"] == address


def test_a_name_of_several_is_refused(site: Project) -> None:
    """The error lists them."""
    said = ended(site.run("explain", "Launch"), 1, "course/Launch", "tag/Launch")
    assert "may be any of" in said
    site.account.clear()
    ended(site.run("explain", "Nobody"), 1, "no resource is called Nobody")
    ended(site.run("plan", "--target", "Nobody"), 1, "Nobody matches no resource")


def test_names_are_shown_as_people_write_them(site: Project) -> None:
    """Without escapes in text; documents hold addresses."""
    said = site.run("-v", "plan").out
    for name in ("tag/#sale", "tag/A/B", "tag/100% sure"):
        assert name in said
    assert "%2" not in said
    assert {"tag/%23sale", "tag/A%2FB"} <= {each["address"] for each in site.plan()["changes"]}
