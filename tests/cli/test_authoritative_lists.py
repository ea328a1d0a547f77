"""These and no others: tags of a contact, members of a course and of a community."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.project import Project, requests_of

PEOPLE = [f"p{number:02}@example.com" for number in range(20)]


@pytest.fixture
def school(make_project) -> Project:
    """Twenty people in a course, three of them in a community too; the first carries three tags."""
    return make_project(
        {
            "tags": ["VIP", "Old", "New"],
            "courses": [{"id": 71, "name": "Launch"}, {"name": "Deep"}],
            "communities": [{"name": "Club"}],
            "contacts": [
                {"email": PEOPLE[0], "tags": ["Old", "New", "VIP"]},
                *({"email": each} for each in PEOPLE[1:]),
            ],
            "enrollments": [
                {"course": course, "contact": email} for course in ("Launch", "Deep") for email in PEOPLE
            ],
            "memberships": [{"community": "Club", "contact": email} for email in PEOPLE[:3]],
        }
    )


def block(who: list[str], course: str = "Launch", more: str = "authoritative: true") -> str:
    """One block of enrollments."""
    return f"  - {{course: {course}, access: full_access, contacts: [{', '.join(who)}], {more}}}\n"


def deletions(document: dict[str, Any]) -> list[str]:
    """Addresses that the plan deletes."""
    return [each["address"] for each in document["changes"] if each["action"] == "delete"]


def members(project: Project, course: str) -> set[str]:
    """Who is in a course."""
    return {each["contact"] for each in project.account.state()["enrollments"] if each["course"] == course}


def test_other_tags_of_a_contact_go(school: Project) -> None:
    """Those of that contact only, with the line that says so; nothing more is read for it."""
    school.write(f"contacts:\n  - email: {PEOPLE[0]}\n    tags: [VIP]\n    tags_authoritative: true\n")
    document = school.plan()
    assert deletions(document) == [f"tagging/{PEOPLE[0]}/New", f"tagging/{PEOPLE[0]}/Old"]
    change = next(each for each in document["changes"] if each["action"] == "delete")
    assert (change["cause"], change["note"]) == (
        "unlisted",
        f"not in the authoritative list of contact/{PEOPLE[0]}",
    )
    assert change["origin"] == {"file": "site.yaml", "line": 4, "column": 5}
    assert "not in the authoritative list" in school.run("plan").out
    school.apply()
    school.assert_converged()
    assert school.account.state()["contacts"][0]["tags"] in (["VIP"], [])


def test_no_tags_at_all(school: Project) -> None:
    """An empty list may be authoritative."""
    school.write(f"contacts: [{{email: {PEOPLE[0]}, tags: [], tags_authoritative: true}}]")
    assert len(deletions(school.plan())) == 3


def test_a_tag_declared_elsewhere_belongs_to_the_set(school: Project) -> None:
    """The section of taggings counts as the short form does."""
    school.write(
        f"contacts: [{{email: {PEOPLE[0]}, tags: [VIP], tags_authoritative: true}}]\n"
        f"taggings: [{{contact: {PEOPLE[0]}, tag: Old}}]\n"
    )
    assert deletions(school.plan()) == [f"tagging/{PEOPLE[0]}/New"]


def test_others_leave_a_course_and_blocks_add_up(school: Project) -> None:
    """Two blocks of one course are one set, whichever says it; other courses stay as they are."""
    school.write("enrollments:\n" + block(PEOPLE[:10]) + block(PEOPLE[10:15], more="authoritative: false"))
    assert deletions(school.plan()) == [f"enrollment/{email}/Launch" for email in PEOPLE[15:]]
    school.apply()
    school.assert_converged()
    assert (members(school, "Launch"), len(members(school, "Deep"))) == (set(PEOPLE[:15]), 20)


@pytest.mark.parametrize("name", ["Launch", "{path: launch}", "{id: 71}"])
def test_however_the_course_is_named(school: Project, name: str) -> None:
    """By name, path or id; and again once it is known how large the list is."""
    school.write("enrollments:\n" + block(PEOPLE[:15], name))
    found = school.run("plan")
    assert "enrollment  5 to delete" in found.out and "not in the authoritative list of course/Launch" in found.out
    school.apply()
    school.assert_converged()
    school.write("enrollments:\n" + block([*PEOPLE[:14], PEOPLE[16]], name))
    found = school.run("plan")
    assert f"+ enrollment/{PEOPLE[16]}" in found.out
    assert f"- enrollment/{PEOPLE[14]}" in found.out


def test_a_large_share_of_a_set_needs_a_word(school: Project) -> None:
    """Unmanaged ones count as much as ours do."""
    school.write("enrollments:\n" + block(PEOPLE[:13]))
    assert school.run("apply", "--yes").code == 3
    found = school.run("plan")
    assert "7 deletions affect 7 of 20 enrollments of course/Launch (limit 30%). No contact is deleted" in found.out
    assert requests_of(school.account, writes=True) == []
    school.apply("--allow", "deletes=7")
    school.assert_converged()


def test_nobody_at_all_is_gated(school: Project) -> None:
    """The first apply owns nothing, and that is no licence."""
    school.write("enrollments:\n" + block([]))
    found = school.run("apply", "--yes")
    assert (found.code, "20 of 20" in found.err) == (3, True)
    assert len(members(school, "Launch")) == 20


def test_ours_go_whatever_pruning_says(school: Project) -> None:
    """A list is authoritative, or it is not."""
    school.write("prune: {enrollment: none}", "reconciler.yaml")
    school.write("enrollments:\n" + block(PEOPLE))
    school.apply()
    school.write("enrollments:\n" + block(PEOPLE[:19]))
    assert deletions(school.plan()) == [f"enrollment/{PEOPLE[19]}/Launch"]


def test_a_guarded_one_stays(school: Project) -> None:
    """prevent_destroy outlives its block."""
    guarded = block([PEOPLE[19]], more="lifecycle: {prevent_destroy: true}")
    school.write("enrollments:\n" + block(PEOPLE[:19]) + guarded)
    school.apply()
    school.write("enrollments:\n" + block(PEOPLE[:19]))
    assert school.change(f"enrollment/{PEOPLE[19]}/Launch")["blocked"] == "prevent_destroy"
    assert school.run("apply", "--yes").code == 0
    assert PEOPLE[19] in members(school, "Launch")


def test_a_target_removes_nobody(school: Project) -> None:
    """A partial plan never deletes."""
    school.write("enrollments:\n" + block(PEOPLE[:19]))
    assert deletions(school.plan("--target", "enrollment")) == []


def test_a_community_of_its_own(school: Project) -> None:
    """Who was in it leaves, and who is new is not taken for a stranger while that is only accepted."""
    school.write(f"memberships: [{{community: Club, contacts: [{PEOPLE[5]}], authoritative: true}}]")
    assert deletions(school.plan()) == [f"membership/{email}/Club" for email in PEOPLE[:3]]
    school.apply()
    school.assert_converged()
    assert [each["contact"] for each in school.account.state()["memberships"]] == [PEOPLE[5]]


def test_a_set_of_what_is_not_there(school: Project) -> None:
    """An empty set refers to nothing but its course, which has to be there all the same."""
    school.write("enrollments:\n" + block([], "Lunch"))
    found = school.run("plan")
    assert found.code == 1
    assert 'site.yaml:2:56: authoritative enrollments: no course named "Lunch"' in found.err
    assert 'did you mean "Launch"?' in found.err


def test_a_saved_plan_keeps_the_set(school: Project) -> None:
    """Fresh is what would remove the same ones."""
    school.write("enrollments:\n" + block(PEOPLE[:19]))
    assert school.run("plan", "--out", "plan.json").code == 0
    assert school.run("apply", "--plan", "plan.json", "--yes").code == 0
    assert members(school, "Launch") == set(PEOPLE[:19])


def test_reading_a_set_costs_its_own_pages(make_project) -> None:
    """Once the size of the list is known, a small set is read by its course, and not looked up one by one."""
    people = [f"m{number}@example.com" for number in range(400)]
    seed = {
        "courses": [{"name": "Small"}, {"name": "Large"}],
        "contacts": [{"email": email} for email in people],
        "enrollments": [{"course": "Large", "contact": email} for email in people]
        + [{"course": "Small", "contact": email} for email in people[:2]],
    }
    project = make_project(seed)
    project.write("enrollments:\n" + block(people[:1], "Small"))
    project.apply()
    before = len(requests_of(project.account))
    project.assert_converged()
    reads = [line for line in requests_of(project.account)[before:] if "/enrollments" in line]
    assert len(reads) == 1
    assert "course=" in reads[0]
    assert "contact=" not in reads[0]


@pytest.mark.parametrize(
    ("settings", "more"), [("", "authoritative: true"), ("prune: {enrollment: all}", "authoritative: false")]
)
def test_whoever_is_removed_is_named(make_project, settings: str, more: str) -> None:
    """Where only the declared contacts were looked up, whoever leaves is asked for the name, not shown as an id."""
    people = [f"m{number}@example.com" for number in range(400)]
    seed = {
        "courses": [{"name": "Small"}],
        "contacts": [{"email": email} for email in people],
        "enrollments": [{"course": "Small", "contact": email} for email in people[:3]],
    }
    project = make_project(seed)
    project.write("enrollments:\n" + block(people[:1], "Small", "authoritative: false"))
    project.apply("--refresh", "full")
    project.write(settings, "reconciler.yaml")
    project.write("enrollments:\n" + block(people[:1], "Small", more))
    project.account.clear()
    document = project.plan()
    assert deletions(document) == ["enrollment/m1@example.com/Small", "enrollment/m2@example.com/Small"]
    asked = [line for line in requests_of(project.account) if "/contacts" in line]
    assert len(asked) == 3


def test_whoever_pruning_removes_is_named(school: Project) -> None:
    """Where all go whom no file names, the plan says who, whatever it took to read them."""
    school.write("prune: {enrollment: all, membership: all}\n", "reconciler.yaml")
    school.write("enrollments:\n" + block(PEOPLE[:15], more="authoritative: false") + "memberships: []\n")
    found = deletions(school.plan())
    assert found == deletions(school.plan("--refresh", "full"))
    assert [each for each in found if "/Launch" in each] == [f"enrollment/{email}/Launch" for email in PEOPLE[15:]]
    assert not [each for each in found if "#" in each]


@pytest.mark.parametrize(("kept", "looks"), [(449, 0), (0, 1)])
def test_many_who_are_not_named_are_read_by_pages(make_project, kept: int, looks: int) -> None:
    """Where nobody knows how many contacts there are, asking for names one by one ends where pages are cheaper.

    The one that is declared is on the first page, or is looked up, and then comes along once more on the last one.
    """
    people = [f"p{number:03}@example.com" for number in range(450)]
    project = make_project(
        {
            "courses": [{"name": "Launch"}],
            "contacts": [{"email": each} for each in people],
            "enrollments": [{"course": "Launch", "contact": each} for each in people],
        }
    )
    project.write("enrollments:\n" + block([people.pop(kept)]))
    found = deletions(project.plan())
    assert found == [f"enrollment/{each}/Launch" for each in people]
    assert sum("/api/contacts" in each for each in requests_of(project.account)) == 1 + looks + 5
