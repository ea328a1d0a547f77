"""Approvals in people: what a deletion takes from them, and how many may receive e-mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]


def people(count: int, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [{"email": f"p{number}@example.com", **more} for number in range(first, first + count)]


def tag_by_hand(project: Project, tag: str, emails: list[str]) -> None:
    """What a funnel or a person does in the account."""
    tags = project.account.edit("GET", "/api/tags")["items"]
    (tag_id,) = [each["id"] for each in tags if each["name"] == tag]
    for email in emails:
        (person,) = project.account.edit("GET", "/api/contacts", email=email)["items"]
        project.account.edit("POST", f"/api/contacts/{person['id']}/tags", {"tagId": tag_id})


def bought(make_project: MakeProject, count: int) -> Project:
    """Two tags that the project made, one of which so many contacts carry whom the files do not name."""
    project = make_project({"contacts": people(count)})
    project.write("tags: [Course buyers, Other]\n")
    project.apply()
    tag_by_hand(project, "Course buyers", [each["email"] for each in people(count)])
    project.write("tags: [Other]\n")
    project.account.clear()
    return project


def test_a_tag_that_people_carry_is_not_deleted_without_approval(make_project: MakeProject) -> None:
    """The plan counts those who lose it, whoever tagged them, and apply stops."""
    project = bought(make_project, 250)
    document = project.plan()
    assert project.change("tag/Course buyers")["loss"] == {"people": 250, "unmanaged": 250, "least": False}
    assert document["people"] == {"affected": 250, "emailed": 0}
    (need,) = document["needs"]
    assert (need["allow"], need["count"]) == ("deletes", 1)
    assert "250 unmanaged people" in need["reason"]
    assert "--allow deletes=1" in project.run("plan").out
    refused = project.run("apply", "--yes")
    assert refused.code == 3
    assert "1 deletion affects 250 unmanaged people" in refused.err
    assert project.account.writes == []
    assert project.run("apply", "--yes", "--allow", "deletes=1").code == 0
    assert [each["method"] for each in project.account.writes] == ["DELETE"]


def test_counting_costs_the_pages_of_those_who_carry_it(make_project: MakeProject) -> None:
    """One filtered list for each tag that is deleted; the document has the numbers and the calls."""
    project = bought(make_project, 101)
    document = project.plan()
    log = requests_of(project.account)
    assert sum("tags=" in line for line in log) == 2
    assert len(log) == document["calls"]["reads"] == 3
    assert document["people"] == {"affected": 101, "emailed": 0}
    (change,) = [each for each in document["changes"] if each["action"] == "delete"]
    assert change["loss"] == {"people": 101, "unmanaged": 101, "least": False}
    assert document["needs"] == [
        {
            "allow": "deletes",
            "count": 1,
            "reason": "1 deletion affects 101 unmanaged people (approval required from 10 on). No contact is deleted",
        }
    ]


@pytest.mark.parametrize(("count", "code"), [(0, 0), (9, 0), (10, 3)])
def test_few_people_need_no_approval(make_project: MakeProject, count: int, code: int) -> None:
    """The floor is 10."""
    assert bought(make_project, count).run("apply", "--yes").code == code


def test_managed_people_are_told_from_the_others(make_project: MakeProject) -> None:
    """Two contacts belong to the project; contacts are read for them anyway, and nothing is read for the count."""
    project = make_project({"contacts": people(25)})
    both = "contacts: [{email: p0@example.com}, {email: p1@example.com}]\n"
    project.write("tags: [Course buyers, Other]\n" + both)
    project.apply()
    tag_by_hand(project, "Course buyers", [each["email"] for each in people(25)])
    project.write("tags: [Other]\n" + both)
    project.account.clear()
    loss = project.change("tag/Course buyers")["loss"]
    assert (loss["people"], loss["unmanaged"]) == (25, 23)
    assert sorted(line.split("?")[0] for line in requests_of(project.account)) == [
        "GET /api/contacts",
        "GET /api/tags",
    ]


def test_a_field_takes_its_values_along(make_project: MakeProject) -> None:
    """There is no filter for values: every contact is read, and those with a value are counted."""
    project = make_project({"contacts": people(120)})
    project.write("contact_fields: [{slug: score, name: Score}]\n")
    project.apply()
    for each in project.account.edit("GET", "/api/contacts", limit="100")["items"]:
        body = {"fields": [{"slug": "score", "value": "1"}]}
        project.account.edit("PATCH", f"/api/contacts/{each['id']}", body)
    project.write("contact_fields: []\n")
    project.account.clear()
    document = project.plan()
    (change,) = [each for each in document["changes"] if each["action"] == "delete"]
    assert change["loss"] == {"people": 100, "unmanaged": 100, "least": False}
    assert document["calls"]["reads"] == 3
    assert project.run("apply", "--yes").code == 3
    assert project.account.writes == []


def test_what_was_not_read_is_not_counted_as_known(make_project: MakeProject) -> None:
    """From the ledger alone it can only be said how many there are at least."""
    project = make_project({"contacts": people(3)})
    site = "contacts:\n" + "".join(f"  - {{email: {each['email']}, tags: [A]}}\n" for each in people(3))
    project.write("tags: [A]\n" + site)
    project.apply()
    project.write("contacts: []\ntags: []\n")
    document = project.plan("--refresh", "none")
    (loss,) = (each["loss"] for each in document["changes"] if each["address"] == "tag/A")
    assert (loss["people"], loss["least"], document["people"]["affected"]) == (3, True, 3)


def test_more_people_than_were_approved_stop_a_saved_plan(make_project: MakeProject) -> None:
    """The number was approved; somebody else tags more people in between."""
    project = bought(make_project, 12)
    assert project.run("plan", "--out", "plan.json").code == 0
    project.account.edit("POST", "/api/contacts", {"email": "late@example.com"})
    tag_by_hand(project, "Course buyers", ["late@example.com"])
    refused = project.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes=1")
    assert refused.code == 3
    assert re.search("tag/Course buyers: .*13.*12", refused.err)
    assert project.account.writes == []


def test_fewer_people_than_were_approved_do_not(make_project: MakeProject) -> None:
    """What was approved covers them."""
    project = bought(make_project, 12)
    assert project.run("plan", "--out", "plan.json").code == 0
    (person,) = project.account.edit("GET", "/api/contacts", email="p3@example.com")["items"]
    project.account.edit("DELETE", f"/api/contacts/{person['id']}")
    assert project.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes=1").code == 0


@pytest.mark.parametrize(("late", "deleted"), [(0, True), (1, False)])
def test_people_are_counted_again_before_the_deletion(make_project: MakeProject, late: int, deleted: bool) -> None:
    """Where the reading is too old, as after a long wait at the prompt."""
    project = bought(make_project, 12)
    for each in people(late, first=100):
        project.account.edit("POST", "/api/contacts", each)

    def meanwhile() -> None:
        tag_by_hand(project, "Course buyers", [each["email"] for each in people(late, first=100)])

    env = {"RECONCILER_FRESH": "0"}
    done = project.run("apply", "--yes", "--allow", "deletes=1", env=env, on_output=meanwhile)
    assert bool(project.account.writes) is deleted
    assert bool(re.search("13 .*12 .*plan again", done.out + done.err)) is not deleted


def test_undo_and_destroy_count_them_too(make_project: MakeProject) -> None:
    """Whatever makes the deletion."""
    project = bought(make_project, 12)
    project.write("tags: [Course buyers, Other]\n")
    for command in (["undo", "1", "--yes"], ["destroy", "--yes"]):
        refused = project.run(*command)
        assert refused.code == 3, refused.out
        assert "affect 2 of 2" in refused.err or "12 unmanaged people" in refused.err
    assert project.account.writes == []


def enrolled(make_project: MakeProject, count: int) -> Project:
    """So many people of the account, all to be enrolled."""
    project = make_project({"contacts": people(count), "courses": [{"name": "Launch"}]})
    emails = ", ".join(each["email"] for each in people(count))
    project.write(f"enrollments: [{{course: Launch, access: full_access, contacts: [{emails}]}}]\n")
    return project


@pytest.mark.parametrize(("count", "code"), [(100, 0), (101, 3)])
def test_mail_needs_approval_above_its_limit(make_project: MakeProject, count: int, code: int) -> None:
    """The limit is 100 people."""
    project = enrolled(make_project, count)
    ended = project.run("apply", "--yes")
    assert ended.code == code
    if code:
        assert "101 people may receive e-mail (limit 100). To proceed: --allow emails=101" in ended.err
        assert project.account.writes == []


def test_mail_is_approved_by_its_exact_number(make_project: MakeProject) -> None:
    """Not without one; the limit is a setting."""
    project = enrolled(make_project, 5)
    env = {"RECONCILER_EMAILS": "4"}
    for allow in ("emails", "emails=4", "deletes"):
        assert project.run("apply", "--yes", "--allow", allow, env=env).code == 3
    assert project.account.writes == []
    assert project.run("apply", "--yes", "--allow", "emails=5", env=env).code == 0


def test_a_watch_stops_at_it(make_project: MakeProject) -> None:
    """Approvals are for a person who has seen the plan."""
    project = enrolled(make_project, 5)
    project.write("limits: {emails: 4}\n", "reconciler.yaml")
    project.run("watch", "--apply", "--once")
    assert project.account.writes == []


def contacts_with(tags: list[list[str]]) -> str:
    """A block for each person, with these tags."""
    return "contacts:\n" + "".join(
        f"  - {{email: p{number}@example.com, tags: [{', '.join(some)}]}}\n" for number, some in enumerate(tags)
    )


def test_a_share_of_people_below_the_share_of_resources(project: Project) -> None:
    """18 of 30 people lose one of their ten tags: 18 of 340 resources, 60 % of the people."""
    names = [f"t{number}" for number in range(10)]
    header = f"tags: [{', '.join(names)}]\n"
    project.write(header + contacts_with([names] * 30))
    project.apply()
    project.account.clear()
    project.write(header + contacts_with([names[1:]] * 18 + [names] * 12))
    refused = project.run("apply", "--yes")
    assert refused.code == 3
    assert "18 deletions affect 18 of 30 people (limit 30%). No contact is deleted" in refused.err
    assert project.account.writes == []


@pytest.mark.parametrize(("removed", "code"), [(9, 0), (10, 3)])
def test_a_share_at_its_limit(project: Project, removed: int, code: int) -> None:
    """30 % of 30 people is allowed, one more is not."""
    names = [f"t{number}" for number in range(5)]
    header = f"tags: [{', '.join(names)}]\n"
    project.write(header + contacts_with([names] * 30))
    project.apply()
    project.write(header + contacts_with([names[1:]] * removed + [names] * (30 - removed)))
    assert project.run("apply", "--yes").code == code


def exact(make_project: MakeProject, emails: dict[str, list[int]], keep: dict[str, list[int]]) -> Project:
    """Courses whose members are as in ``emails``, and files that keep some, and no others."""
    project = make_project(
        {
            "contacts": people(20),
            "courses": [{"name": name} for name in emails],
            "enrollments": [
                {"course": name, "contact": f"p{number}@example.com"}
                for name, some in emails.items()
                for number in some
            ],
        }
    )
    text = "enrollments:\n"
    for name, some in keep.items():
        members = ", ".join(f"p{number}@example.com" for number in some)
        text += f"  - {{course: {name}, access: full_access, authoritative: true, contacts: [{members}]}}\n"
    project.write(text)
    return project


def test_a_share_of_the_people_in_authoritative_sets(make_project: MakeProject) -> None:
    """Four of 22 enrollments are below the limit, and so is the share of each course; four of ten people are not."""
    courses = {"A": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "B": [0, 1, 2, 3, 4, 5], "C": [0, 1, 2, 3, 4, 5]}
    keep = {**courses, "A": [0, 1, 2, 3, 4, 5, 6, 7], "B": [0, 1, 2, 3, 4], "C": [0, 1, 2, 3, 5]}
    project = exact(make_project, courses, keep)
    refused = project.run("apply", "--yes")
    assert refused.code == 3
    assert "4 deletions affect 4 of 10 people (limit 30%). No contact is deleted" in refused.err


def test_removals_from_a_set_count_once(make_project: MakeProject) -> None:
    """One of ten members goes: no share of the set, and none of the fifteen resources that are managed."""
    project = exact(make_project, {"A": list(range(10))}, {"A": list(range(9))})
    project.write("tags: [a, b, c, d, e, f]\n", "tags.yaml")
    assert project.run("apply", "--yes").code == 0


@pytest.mark.parametrize(("left", "code"), [(0, 3), (10, 0)])
def test_taggings_that_stay_are_no_wrong_account(project: Project, left: int, code: int) -> None:
    """Ten of twenty that are as they were show that it is the account; when none is left, it may be another one."""
    project.write("tags: [A]\n" + contacts_with([["A"]] * 20))
    project.apply()
    (tag,) = project.account.edit("GET", "/api/tags")["items"]
    for each in project.account.edit("GET", "/api/contacts", limit="100")["items"][left:]:
        project.account.edit("DELETE", f"/api/contacts/{each['id']}/tags/{tag['id']}")
    ended = project.run("apply", "--yes")
    assert ended.code == code, ended.err
    assert ("none of the 20 taggings in the ledger exists in this account" in ended.err) is (code == 3)


@pytest.mark.parametrize(("count", "gone", "code"), [(9, 9, 0), (10, 10, 3), (11, 10, 0)])
def test_a_few_that_are_gone_are_no_wrong_account(project: Project, count: int, gone: int, code: int) -> None:
    """Nine tags of nine were deleted by hand, or ten of eleven: they are created again.

    When all are gone, and they were ten or more, it may be another account.
    """
    project.write(f"tags: [{', '.join(f'T{number}' for number in range(count))}]\n")
    project.apply()
    for each in project.account.edit("GET", "/api/tags")["items"][:gone]:
        project.account.edit("DELETE", f"/api/tags/{each['id']}")
    ended = project.run("apply", "--yes")
    assert ended.code == code, ended.err
    assert len(project.account.state()["tags"]) == (0 if code else count)


def test_a_limit_of_100_percent_switches_the_count_off(make_project: MakeProject) -> None:
    """Unmanaged people count as if each were all of them; that is above every limit but this one."""
    project = bought(make_project, 20)
    project.write("format: 1\nlimits: {deletes: 99}\n", "reconciler.yaml")
    assert project.run("apply", "--yes").code == 3
    project.write("format: 1\nlimits: {deletes: 100}\n", "reconciler.yaml")
    assert project.run("apply", "--yes").code == 0


def named(names: list[str]) -> str:
    """Contacts with these first names."""
    return "contacts:\n" + "".join(
        f"  - {{email: p{number}@example.com, first_name: {name}}}\n" for number, name in enumerate(names)
    )


@pytest.mark.parametrize(("updated", "code"), [(3, 0), (4, 3)])
def test_updates_need_approval_above_their_share(project: Project, updated: int, code: int) -> None:
    """30 % of ten contacts may be overwritten, one more may not; creating others does not count."""
    project.write(named(["Ann"] * 10))
    project.apply()
    project.account.clear()
    project.write(named(["Bob"] * updated + ["Ann"] * (10 - updated) + ["Eve"] * 4))
    ended = project.run("apply", "--yes")
    assert ended.code == code
    assert ("4 updates affect 4 of 10 managed resources (limit 30%)" in ended.err) is bool(code)
    assert bool(project.account.writes) is not bool(code)
    if code:
        assert project.run("apply", "--yes", "--allow", "updates=3").code == 3
        assert project.run("apply", "--yes", "--allow", "updates=4").code == 0


def test_updates_of_people_below_the_share_of_resources(project: Project) -> None:
    """Four of ten people are overwritten, though they are few of all resources."""
    tags = f"tags: [{', '.join(f't{number}' for number in range(20))}]\n"
    project.write(tags + named(["Ann"] * 10))
    project.apply()
    project.write(tags + named(["Bob"] * 4 + ["Ann"] * 6))
    refused = project.run("apply", "--yes")
    assert refused.code == 3
    assert "4 updates affect 4 of 10 people (limit 30%)" in refused.err


def test_what_an_adoption_overwrites_is_an_update(make_project: MakeProject) -> None:
    """Ten contacts are there already: adopting six as they are counts for nothing, overwriting four does."""
    project = make_project({"contacts": people(10, fields={"first_name": "Ann"})})
    project.write(f"tags: [{', '.join(f't{number}' for number in range(10))}]\n")
    project.apply()
    project.write((project.folder / "site.yaml").read_text() + named(["Bob"] * 4 + ["Ann"] * 6))
    refused = project.run("apply", "--yes")
    assert refused.code == 3
    assert "4 updates affect 4 of 10 managed resources (limit 30%)" in refused.err
