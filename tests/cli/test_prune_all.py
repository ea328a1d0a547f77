"""Pruning ``all`` with people: every page is read, however early the declared ones were found."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.project import Project


def test_every_page_is_read_to_the_end(make_project: Callable[..., Project]) -> None:
    """The size of the collection is known, and the only declared one is on the first page."""
    project = make_project({"contacts": [{"email": f"p{number:03}@example.com"} for number in range(250)]})
    project.write("contacts: [{email: p000@example.com}]")
    project.apply()
    project.apply()
    project.write("format: 1\nprune: {contact: all}", "reconciler.yaml")
    project.account.clear()
    document = project.plan()
    assert len(project.account.requests) == 3
    gone = {each["address"] for each in document["changes"] if each["action"] == "delete"}
    assert gone == {f"contact/p{number:03}@example.com" for number in range(1, 250)}
    assert {each["allow"]: each["count"] for each in document["needs"]}["contacts"] == 249
