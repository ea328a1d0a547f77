"""What has to be read, and what is not believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.resource import Ledger
from reconciler.refresh.account import touched
from tests.support.project import Project, requests_of
from tests.unit.planner.made import VIP, entry, ledger, state


@pytest.mark.parametrize(
    ("sections", "kinds"),
    [
        ({}, set()),
        ({"tags": ["VIP"]}, {"tag"}),
        ({"contacts": [{"email": "a@example.com"}]}, {"contact"}),
        ({"contacts": [{"email": "a@example.com", "tags": []}]}, {"contact", "tagging", "tag"}),
        ({"contacts": [{"email": "a@example.com", "last_name": "X"}]}, {"contact", "contact_field"}),
        ({"contacts": [{"email": "a@example.com", "fields": {"x": "1"}}]}, {"contact", "contact_field"}),
        ({"taggings": [{"contact": "a@example.com", "tag": "VIP"}]}, {"contact", "tagging", "tag"}),
        (
            {"enrollments": [{"contact": "a@example.com", "course": "C", "access": "full_access"}]},
            {"contact", "enrollment", "course"},
        ),
        ({"memberships": [{"contact": "a@example.com", "community": "C"}]}, {"contact", "membership", "community"}),
    ],
)
def test_only_what_is_named_and_what_that_refers_to(sections: dict[str, Any], kinds: set[str]) -> None:
    """Contact fields only where some contact has one."""
    assert touched(state(**sections), Ledger()) == kinds


def test_what_is_ours_is_read_too() -> None:
    """Even when the files no longer name it."""
    assert touched(state(), ledger(entry(VIP))) == {"tag"}


def test_an_account_that_shows_none_of_ours_is_not_believed(make_project: Callable[..., Project]) -> None:
    """Ten or more of a kind: it looks like another account."""
    project = make_project()
    names = [f"t{n}" for n in range(10)]
    project.write(f"tags: [{', '.join(names)}]\n")
    project.apply()
    for name, number in project.account.ids()["tags"].items():
        assert name in names
        project.account.edit("DELETE", f"/api/tags/{number}")
    project.account.clear()
    shown = project.run("plan")
    assert shown.code == 0
    assert "none of the 10 tags in the ledger exists in this account: it may be the wrong account" in shown.out
    assert len(project.account.requests) == 1
    assert project.run("apply", "--yes").code == 3
    assert project.run("apply", "--yes", "--allow", "missing").code == 0
    project.assert_converged()


@pytest.mark.parametrize(
    "body", [{"items": [{"name": "VIP"}], "hasMore": False}, {"items": [{"id": 1}], "hasMore": False}]
)
def test_an_item_without_id_or_name_is_no_answer(project: Project, body: dict[str, Any]) -> None:
    """Nothing is planned from it."""
    project.write("tags: [VIP]\n")
    project.account.fault("status", method="GET", path="/api/tags", status=200, body=body)
    assert project.run("plan").code == 1


def test_large_collections_take_one_call_a_page(make_project: Callable[..., Project]) -> None:
    """And none more."""
    project = make_project({"tags": [f"t{n}" for n in range(250)]})
    project.write("tags: [VIP, t1]\n")
    project.account.clear()
    project.plan()
    assert len(requests_of(project.account)) <= 3
