"""What a plan reads: the pages of the collections that files and ledger touch, and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]


def paths(project: Project) -> Counter[str]:
    """How often each path was asked for."""
    return Counter(f"{each['method']} {each['path']}" for each in project.account.requests)


def people(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@example.com", **more} for number in range(count)]


def as_yaml(emails: list[dict[str, Any]]) -> str:
    return "contacts:\n" + "".join(f"  - email: {each['email']}\n" for each in emails)


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_contacts_cost_their_pages(make_project: MakeProject, count: int) -> None:
    """A steady account of n contacts costs max(1, ceil(n/100)) GETs of contacts and nothing else."""
    project = make_project({"contacts": people(count)})
    project.write(as_yaml(people(count)) if count else "contacts: []\n")
    if count:
        project.apply()
    project.account.clear()
    document = project.plan()
    pages = max(1, math.ceil(count / 100))
    assert paths(project) == {"GET /api/contacts": pages}
    assert document["calls"] == {"reads": pages, "writes": 0}


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_tags_cost_their_pages(make_project: MakeProject, count: int) -> None:
    """Unmanaged tags are paged through; a full last page costs no empty one."""
    project = make_project({"tags": [f"t{number}" for number in range(count)]})
    project.write("tags: [Ours]\n")
    project.plan()
    assert paths(project) == {"GET /api/tags": max(1, math.ceil(count / 100))}


def test_every_collection_once(make_project: MakeProject) -> None:
    """Files that touch everything cost one call for each small collection; modules come with their courses."""
    project = make_project(
        {
            "tags": ["VIP"],
            "courses": [{"name": "Yoga", "modules": ["One"]}],
            "communities": [{"name": "Club"}],
            "contacts": [{"email": "ann@example.com"}],
        }
    )
    project.env["HOOK"] = "s3cret"
    project.write("""
tags: [VIP]
contact_fields: [{slug: shoe, name: Shoe}]
contacts:
  - {email: ann@example.com, fields: {shoe: 38}, tags: [VIP]}
webhooks:
  - {name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}
enrollments:
  - {contact: ann@example.com, course: Yoga, access: partial_access, modules: [One]}
memberships:
  - {contact: ann@example.com, community: Club}
""")
    project.plan()
    assert paths(project) == dict.fromkeys(
        [
            "GET /api/tags",
            "GET /api/contact_fields",
            "GET /api/contacts",
            "GET /api/webhooks",
            "GET /api/school/courses",
            "GET /api/school/enrollments",
            "GET /api/community/communities",
            "GET /api/community/memberships",
        ],
        1,
    )
    project.apply()
    project.account.clear()
    document = project.plan()
    assert sum(paths(project).values()) == document["calls"]["reads"] == 8


def test_unpaged_collections_take_no_parameters(make_project: MakeProject) -> None:
    """Contact fields and webhooks come whole in one call each, without limit or cursor."""
    seed = {"contact_fields": [{"slug": f"f{number}", "name": "F"} for number in range(150)]}
    project = make_project(seed)
    project.write("contact_fields: [{slug: shoe, name: Shoe}]\nwebhooks: []\n")
    project.plan()
    assert sorted(requests_of(project.account)) == ["GET /api/contact_fields", "GET /api/webhooks"]


def test_what_nobody_names_is_not_read(make_project: MakeProject) -> None:
    """A kind that neither files nor ledger name stays unread."""
    project = make_project({"contacts": people(3), "tags": ["A"]})
    project.write("contact_fields: [{slug: shoe, name: Shoe}]\n")
    project.apply()
    project.assert_converged()
    assert set(paths(project)) == {"GET /api/contact_fields", "POST /api/contact_fields"}


def test_what_only_the_ledger_names_is_read(project: Project) -> None:
    """A kind that left the files is read as long as the ledger owns some of it."""
    project.write("tags: [A]\ncontact_fields: [{slug: shoe, name: Shoe}]\n")
    project.apply()
    project.write("contact_fields: [{slug: shoe, name: Shoe}]\n")
    project.account.clear()
    project.apply("--allow", "deletes")
    assert paths(project)["GET /api/tags"] == 1
    project.account.clear()
    project.plan()
    assert paths(project) == {"GET /api/contact_fields": 1}


def test_walks_overlap(make_project: MakeProject) -> None:
    """While the first page of contacts is under way the first page of tags is asked for."""
    project = make_project({"contacts": people(250), "tags": [f"t{number}" for number in range(250)]})
    project.write("contacts: [{email: p1@example.com, tags: [t1]}]\ntags: [t1]\n")
    project.account.fault("latency", path="^/api/(contacts|tags)$", times=2, seconds=0.4)
    project.plan()
    log = project.account.requests
    assert {each["path"] for each in log[:2]} == {"/api/contacts", "/api/tags"}
    assert len(log) == 5


def _logged(talk: str) -> list[str]:
    """The requests among what ``-vv`` says."""
    return [line.split(" → ")[0] for line in talk.splitlines() if line.startswith("GET ")]


def test_without_a_connection_one_is_asked_for(project: Project) -> None:
    """No configured connection: one GET of the connections API says which is in use, and it counts."""
    project.write("tags: [A]\n")
    result = project.run("-vv", "plan", "--json", env={"RECONCILER_CONNECTION": None})
    assert result.code == 0, result.err
    assert [line.split("?")[0] for line in _logged(result.err)] == ["GET /connections", "GET /api/tags"]
    assert result.document["calls"]["reads"] == 2
    assert result.document["base"]["account"]


def test_with_a_connection_none_is_asked_for(project: Project) -> None:
    """A configured connection is taken at its word."""
    project.write("tags: [A]\n")
    result = project.run("-vv", "plan")
    assert _logged(result.err) == ["GET /api/tags?limit=100"]


def test_an_owned_one_that_a_walk_missed_is_looked_at_once(project: Project) -> None:
    """One GET by id before something owned counts as gone."""
    project.write("tags: [A]\n")
    project.apply()
    number = project.account.ids()["tags"]["A"]
    project.account.edit("DELETE", f"/api/tags/{number}")
    project.account.clear()
    project.plan()
    assert requests_of(project.account) == ["GET /api/tags?limit=100", f"GET /api/tags/{number}"]
