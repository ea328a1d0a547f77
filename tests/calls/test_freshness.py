"""What is read again before a write: nothing while the plan is young, then by the fewest calls."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]
PEOPLE = [f"p{n}@example.com" for n in range(3)]
SEED = {
    "tags": ["A", "B"],
    "contacts": [{"email": email, "tags": ["A", "B"], "fields": {"first_name": "Old"}} for email in PEOPLE],
}
NAMES = "contacts:\n" + "".join(f"  - {{email: {email}, first_name: New}}\n" for email in PEOPLE)
LISTED, ONE = "GET /api/contacts?limit=100", "GET /api/contacts/ID"


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """Three contacts with two tags, of an account that holds nothing else."""
    made = make_project(SEED)
    made.write("format: 1\nprune: {tag: owned}\n", "reconciler.yaml")
    return made


def read_again(project: Project, *args: str, fresh: float | None = None) -> list[str]:
    """The reads of an apply after its plan, which was looked at for an hour where ``fresh`` is not given."""
    if fresh is not None:
        project.write(f"format: 1\nprune: {{tag: owned}}\nlimits: {{fresh: {fresh}}}\n", "reconciler.yaml")
    planned: list[int] = []
    now = time.monotonic
    with pytest.MonkeyPatch.context() as patch:
        if fresh is None:
            patch.setattr(time, "monotonic", lambda: now() - 3600)

        def look() -> None:
            patch.undo()
            planned.append(len(project.account.requests))

        result = project.run("apply", "--yes", "--parallel", "1", *args, on_output=look)
    assert result.code == 0, result.err + result.out
    lines = requests_of(project.account)[planned[0] :]
    return [re.sub(r"contacts/\d+", "contacts/ID", line) for line in lines if line.startswith("GET")]


def test_nothing_is_read_again_at_once(project: Project) -> None:
    """The reading of the plan is recent enough."""
    project.write(NAMES)
    assert read_again(project, fresh=300) == []


def test_the_whole_list_is_read_once_for_all(project: Project) -> None:
    """Three contacts on one page cost one call."""
    project.write(NAMES)
    assert read_again(project) == [LISTED]


def test_a_list_that_is_old_again_is_not_used(project: Project) -> None:
    """It is read for each write, as long as more than its pages are to come."""
    project.write(NAMES)
    assert read_again(project, fresh=0.0001) == [LISTED, LISTED, ONE]


def test_each_write_looks_at_its_own_where_nothing_is_fresh(project: Project) -> None:
    """By id."""
    project.write(NAMES)
    assert read_again(project, fresh=0) == [ONE, ONE, ONE]


def test_creates_are_not_looked_at(project: Project) -> None:
    """Only one of these three contacts exists, so it is looked up."""
    project.write(NAMES.replace("p1@", "q1@").replace("p2@", "q2@"))
    assert read_again(project) == [ONE]


def test_a_collection_without_pages_is_read_whole(project: Project) -> None:
    """Labels of fields."""
    project.write("contact_fields: [{slug: a, name: A}, {slug: b, name: B}]\n")
    project.apply()
    project.write("contact_fields: [{slug: a, name: C}, {slug: b, name: D}]\n")
    assert read_again(project) == ["GET /api/contact_fields"]


#: Seconds for which a reading is valid, and what two deletions of tags read then.
DELETIONS: tuple[tuple[float | None, list[str]], ...] = (
    (None, ["HOLDERS of A", "HOLDERS of B", "GET /api/tags?limit=100"]),
    (0.0001, ["HOLDERS of A", "HOLDERS of B", "GET /api/tags?limit=100", "HOLDERS of B", "GET /api/tags/B"]),
    (0, ["HOLDERS of A", "GET /api/tags/A", "HOLDERS of B", "GET /api/tags/B"]),
)


@pytest.mark.parametrize(("fresh", "expected"), DELETIONS)
def test_people_who_lose_a_tag_are_counted_again(project: Project, fresh: float | None, expected: list[str]) -> None:
    """For all deletions to come, while that is fresh."""
    project.write("tags: [A, B]\n")
    project.apply()
    names = {number: name for name, number in project.account.ids()["tags"].items()}
    project.write("tags: []\n")
    reads = read_again(project, "--allow", "deletes=2", fresh=fresh)
    named = [re.sub(r"200\d+", lambda number: names[int(number[0])], line) for line in reads]
    named = [line.replace("GET /api/contacts?limit=100&tags=", "HOLDERS of ") for line in named]
    assert [*sorted(named[:2], key=expected.index), *named[2:]] == expected


def test_relations_without_values_are_not_read_again(project: Project) -> None:
    """Whatever others changed since: the tags go, or are gone."""
    tagged = "tags: [A, B]\ncontacts:\n" + "".join(f"  - {{email: {email}, tags: [A, B]}}\n" for email in PEOPLE)
    project.write(tagged)
    project.apply()
    project.write(tagged.replace("[A, B]}", "[A]}"))
    assert read_again(project) == []
