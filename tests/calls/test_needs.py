"""What is needed of a large account, and how it is read: people of relations, relations that left, whole lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.calls.test_routes import crowd
from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]
ONE = "contacts: [{email: p0@example.com}]\n"
YOGA = "enrollments: [{contact: p1@example.com, course: Yoga, access: full_access}]\n"


@pytest.fixture
def known(make_project: MakeProject) -> Project:
    """500 contacts, of which one is managed, and the ledger knows how many there are."""
    project = make_project(crowd(500) | {"courses": ["Yoga"]})
    project.write(ONE)
    project.apply("--refresh", "full")
    return project


def read(project: Project, section: str, *args: str) -> list[str]:
    """The requests of a plan for one collection."""
    project.account.clear()
    project.plan(*args)
    return sorted(line for line in requests_of(project.account) if line.partition("?")[0].split("/")[-1] == section)


def looked_at(project: Project) -> int:
    """How many contacts a plan looks up, one by one."""
    project.account.clear()
    project.plan()
    lines = [line for line in requests_of(project.account) if line.startswith("GET /api/contacts")]
    assert not any("limit=100" in line and "email=" not in line for line in lines), lines
    return len(lines)


def test_people_of_relations_are_looked_up(known: Project) -> None:
    """Whom only an enrollment names, and whom only one named that left the files; each once."""
    known.write(ONE + YOGA)
    assert looked_at(known) == 2
    known.apply()
    assert looked_at(known) == 2
    known.write(ONE)
    assert looked_at(known) == 2
    known.write(ONE + YOGA.replace("p1@", "p0@"))
    assert looked_at(known) == 2
    known.apply("--allow", "deletes")
    assert looked_at(known) == 1


def test_a_managed_person_of_a_relation_is_looked_up_by_id_only(known: Project) -> None:
    """Also when no file declares that person any more."""
    known.write("contacts: []\n" + YOGA.replace("p1@", "p0@"))
    assert looked_at(known) == 1


def test_a_small_account_is_walked(make_project: MakeProject) -> None:
    """One page costs one call, as one look-up does, and shows more."""
    project = make_project(crowd(100))
    project.write(ONE)
    project.apply("--refresh", "full")
    assert read(project, "contacts") == ["GET /api/contacts?limit=100"]


def test_one_with_a_handle_is_sought_on_all_pages(known: Project) -> None:
    """Nothing looks it up by its handle, though the number of pages is known."""
    known.write("contacts:\n  - {email: p0@example.com}\n  - {email: p9@example.com, handle: nine}\n")
    assert len(read(known, "contacts")) == 5
    assert known.change("contact/@nine")["action"] == "adopt"


@pytest.mark.parametrize("full", [True, False])
def test_all_pages_are_needed_to_remove_what_nobody_declared(make_project: MakeProject, full: bool) -> None:
    """Whether their number is known or not: the taggings of everybody are on them."""
    project = make_project({"contacts": [{"email": f"p{n}@example.com"} for n in range(250)], "tags": ["A"]})
    project.write("prune: {tagging: all}\n", "reconciler.yaml")
    project.write("tags: [A]\ncontacts: [{email: p249@example.com, tags: [A]}]\n")
    project.apply(*(["--refresh", "full"] if full else []))
    assert len(read(project, "contacts")) == 3


@pytest.fixture
def school(make_project: MakeProject) -> Project:
    """100 people in one course and 60 of them in another one, all managed."""
    people = [f"p{n}@example.com" for n in range(100)]
    seed = {
        "contacts": [{"email": each} for each in people],
        "courses": ["Big", "Small"],
        "enrollments": [{"contact": each, "course": "Big", "access": "full_access"} for each in people]
        + [{"contact": each, "course": "Small", "access": "full_access"} for each in people[:60]],
    }
    project = make_project(seed)
    enroll(project, Big=100, Small=60)
    project.apply("--refresh", "full")
    return project


def enroll(project: Project, **counts: int) -> None:
    """So many people in each course."""
    people = [f"p{n}@example.com" for n in range(100)]
    block = "  - {{course: {}, access: full_access, contacts: [{}]}}\n"
    project.write("enrollments:\n" + "".join(block.format(name, ", ".join(people[:n])) for name, n in counts.items()))


def test_a_full_page_of_one_course_is_read_by_course(school: Project) -> None:
    """A hundred members are one page of its list, where all lists are two; one member is a look-up."""
    enroll(school, Big=100)
    school.write("prune: {enrollment: none}\n", "reconciler.yaml")
    school.apply()
    (line,) = read(school, "enrollments", "--target", "enrollment/*/Big")
    assert "course=" in line
    assert "contact=" not in line
    (line,) = read(school, "enrollments", "--target", "enrollment/p0@example.com/Big")
    assert "contact=" in line


def test_what_left_the_files_is_read_too(school: Project) -> None:
    """The list of the course that no file names any more."""
    enroll(school, Big=100)
    assert len(read(school, "enrollments")) == 2


def test_a_cut_walk_leaves_an_assumed_size(make_project: MakeProject) -> None:
    """At least as many pages again and one more, as far as anybody knows."""
    project = make_project(crowd(500))
    named = "".join(f"  - {{email: p{n}@example.com}}\n" for n in range(300, 500))
    project.write("contacts:\n" + named)
    route = "walked until all were found: 2 pages instead of pages of unknown number"
    assert project.plan()["routes"] == {"contact": route}
    project.apply()
    route = "walked until all were found: 2 pages instead of about 5 pages"
    assert project.plan()["routes"] == {"contact": route}


def test_as_many_look_ups_as_pages_are_not_worth_a_cut(make_project: MakeProject) -> None:
    """Four are left after the first of five pages, and four pages."""
    project = make_project(crowd(500))
    project.write(ONE)
    project.apply("--refresh", "full")
    named = (0, 1, 2, 3, *range(400, 500))
    project.write("contacts:\n" + "".join(f"  - {{email: p{n}@example.com}}\n" for n in named))
    assert project.plan()["routes"] == {}
