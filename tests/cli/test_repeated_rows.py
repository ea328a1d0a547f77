"""A list that repeats a row at its page borders: the row is one resource, in every collection."""

from __future__ import annotations

import pytest

from tests.support.project import Project, requests_of

PEOPLE = [f"p{number:03}@example.com" for number in range(150)]
TAGS = [f"T{number:03}" for number in range(150)]


@pytest.fixture
def school(make_project) -> Project:
    """More than a page of everything, on an account whose pages begin with the row that ended the page before."""
    return make_project(
        {
            "tags": TAGS,
            "courses": ["Yoga", *(f"C{number:03}" for number in range(120))],
            "communities": ["Club", *(f"G{number:03}" for number in range(120))],
            "contacts": [{"email": email, "tags": ["T000"]} for email in PEOPLE],
            "enrollments": [{"course": "Yoga", "contact": email} for email in PEOPLE],
            "memberships": [{"community": "Club", "contact": email} for email in PEOPLE],
        },
        inclusive_cursor=True,
    )


def declare(project: Project) -> None:
    """Everything that the account has, and pruning of all that it does not have."""
    people = "".join(f"  - {{email: {email}, tags: [T000]}}\n" for email in PEOPLE)
    project.write(
        f"tags: [{', '.join(TAGS)}]\ncontacts:\n{people}"
        f"enrollments:\n  - {{course: Yoga, access: full_access, contacts: [{', '.join(PEOPLE)}]}}\n"
        f"memberships:\n  - {{community: Club, contacts: [{', '.join(PEOPLE)}]}}\n"
    )
    kinds = ("tag", "contact", "tagging", "enrollment", "membership")
    project.write(f"prune: {{{', '.join(f'{kind}: all' for kind in kinds)}}}\n", "reconciler.yaml")


def test_everything_declared_is_adopted_and_nothing_deleted(school: Project) -> None:
    """A repeated enrollment that is taken for a second one would be pruned, and its person lose access."""
    declare(school)
    plan = school.plan()
    assert {each["action"] for each in plan["changes"]} == {"adopt"}
    assert len(plan["changes"]) == 5 * 150
    school.apply()
    assert requests_of(school.account, writes=True) == []
    school.assert_converged()


def test_a_full_reading_finds_each_row_once(school: Project) -> None:
    """With everything recorded, what is live twice would be unmanaged, and pruned."""
    declare(school)
    school.apply()
    school.write("prune: {enrollment: all, membership: all, tag: all}\n", "reconciler.yaml")
    result = school.run("plan", "--refresh", "full", "--detailed-exitcode")
    assert (result.code, "No changes." in result.out) == (0, True), result.out


def test_pull_writes_each_row_once(school: Project) -> None:
    """Nothing is left out as "twice"."""
    result = school.run("pull", "out")
    assert result.code == 0, result.err
    assert "twice" not in result.out + result.err
    assert (school.folder / "out" / "tags.yaml").read_text().count("T1") == 50
    assert (school.folder / "out" / "enrollments.yaml").read_text().count("@example.com") == 150
