"""Each row of the runner's table, on the wire: answers, refusals, and answers that never came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.cli import run
from reconciler.commands import apply
from tests.support.project import Project

TAG = "tags: [VIP]\n"
PERSON = "contacts:\n  - {email: ann@example.com, first_name: Ann}\n"
MEMBER = "memberships:\n  - {community: In, contact: ann@example.com}\n"
LINK = "taggings:\n  - {contact: ann@example.com, tag: VIP}\n"
ENROLLED = "enrollments:\n  - {course: C, contact: ann@example.com, access: full_access}\n"
SEED = {"tags": ["VIP"], "contacts": [{"email": "ann@example.com"}], "courses": ["C"], "communities": ["In"]}
#: Faults after which nobody knows whether the request was carried out, and whether it was.
LOST = [
    ("drop_before", {}, False),
    ("drop_after", {}, True),
    ("error_after", {}, True),
    ("cut", {}, True),
    ("cut", {"clean": True}, True),
    ("html", {"commit": True}, True),
    ("html", {"commit": False}, False),
    ("status", {"status": 500}, False),
]


def posts(project: Project) -> int:
    return sum(each["method"] == "POST" for each in project.account.writes)


def outcome(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["outcomes"]
    return dict(only)


@pytest.mark.parametrize(("fault", "options", "carried_out"), LOST)
@pytest.mark.parametrize(("text", "seed"), [(TAG, {}), (PERSON, {}), (LINK, SEED), (ENROLLED, SEED)])
def test_a_lost_answer_is_settled_by_looking(
    make_project: Callable[..., Project], fault: str, options: dict[str, Any], carried_out: bool, text: str, seed: Any
) -> None:
    """What is there is taken over; what is not is sent again, once; nothing is ever made twice."""
    project = make_project(seed)
    project.write(text)
    project.account.fault(fault, method="POST", **options)
    document = project.apply()
    assert outcome(document)["status"] == "done"
    assert posts(project) == (1 if carried_out else 2)
    assert ("response was lost" in outcome(document)["message"]) == carried_out
    project.assert_converged()


def test_what_was_made_before_its_answer_was_lost_is_ours(project: Project) -> None:
    """Created, not adopted: it is deleted when it leaves the files."""
    project.write(TAG)
    project.account.fault("drop_after", method="POST")
    project.apply()
    project.write("tags: []\n")
    project.apply()
    assert project.account.state()["tags"] == []


def test_a_create_is_sent_twice_at_most(project: Project) -> None:
    """Then it has failed, and the next run looks first."""
    project.write(TAG)
    project.account.fault("drop_before", method="POST", times=2)
    result = project.run("apply", "--yes")
    assert result.code == 1
    assert posts(project) == 2
    project.apply()
    project.assert_converged()


def test_an_answer_without_an_id_is_no_answer(project: Project) -> None:
    """It is looked for like any lost one."""
    project.write(TAG)
    project.account.fault("status", method="POST", status=201, body={"name": "VIP"})
    assert outcome(project.apply())["status"] == "done"
    assert posts(project) == 2


@pytest.mark.parametrize("text", [TAG, PERSON])
def test_a_refusal_of_what_is_not_there_is_the_error(project: Project, text: str) -> None:
    """One look, no second attempt, and the line of the file."""
    project.write(text)
    violation = {"propertyPath": "name", "message": "No.", "code": "x"}
    project.account.fault("status", method="POST", status=422, body={"detail": "No.", "violations": [violation]})
    result = project.run("apply", "--yes")
    assert result.code == 1
    assert "site.yaml:" in result.out
    assert "No." in result.out
    assert posts(project) == 1


def test_what_looking_cannot_decide_fails_and_stays_open(project: Project) -> None:
    """Two of the name: nobody can say which is ours."""
    project.account.options.change({"unique_tags": False})
    project.write(TAG)
    project.account.fault("drop_before", method="POST")
    before = apply.carry_out

    def race(*args: Any) -> Any:
        for _ in range(2):
            project.account.edit("POST", "/api/tags", {"name": "VIP"})
        return before(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "carry_out", race)
        result = project.run("apply", "--yes")
    assert result.code == 1
    assert "2 with this name" in result.out
    assert posts(project) == 1


@pytest.mark.parametrize(("fault", "options", "carried_out"), LOST)
def test_a_lost_membership_goes_through_the_waits_first(
    make_project: Callable[..., Project], fault: str, options: dict[str, Any], carried_out: bool
) -> None:
    """It is sent again only when it does not show."""
    project = make_project(SEED)
    project.write(MEMBER)
    project.account.fault(fault, method="POST", **options)
    assert outcome(project.apply())["status"] == "done"
    assert posts(project) == (1 if carried_out else 2)
    project.assert_converged()


@pytest.mark.parametrize(("fault", "options", "carried_out"), LOST[:2])
def test_updates_and_deletions_are_simply_repeated(
    project: Project, fault: str, options: dict[str, Any], carried_out: bool
) -> None:
    """Doing them twice is doing them once."""
    project.write("tags: [VIP, Old]\n" + PERSON)
    project.apply()
    project.write("tags: [VIP]\n" + PERSON.replace("Ann}", "Anne}"))
    for method in ("PATCH", "DELETE"):
        project.account.fault(fault, method=method, **options)
    assert {each["status"] for each in project.apply()["outcomes"]} == {"done"}
    project.assert_converged()


def test_a_throttled_create_is_sent_again(project: Project) -> None:
    """429 says that nothing has happened."""
    project.write(TAG)
    project.account.fault("status", method="POST", status=429, headers={"Retry-After": "0"})
    project.apply()
    assert posts(project) == 2
    project.assert_converged()
