"""What the emulator does with enrollments, memberships and subscriptions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Api, MakeApi, violations

ANN, BOB = "ann@example.com", "bob@example.com"
SEED: dict[str, Any] = {
    "contacts": [{"email": ANN}, {"email": BOB}],
    "courses": [
        {"name": "Yoga", "path": "yoga", "modules": ["Welcome", "Week 1"]},
        {"name": "Chess", "active": False, "modules": ["Opening"]},
    ],
    "communities": [{"name": "Insiders"}, {"name": "Founders"}],
    "enrollments": [{"contact": ANN, "course": "yoga", "access": "partial_access", "modules": ["Welcome"]}],
    "memberships": [{"contact": ANN, "community": "Insiders"}],
    "subscriptions": [
        {"contact": ANN, "plan": "Monthly", "inner_name": "M1", "amount": 1900},
        {"contact": ANN, "plan": None, "status": "completed", "completed_at": "2025-05-05T00:00:00+00:00"},
    ],
}


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api(SEED)


# Courses and enrollments


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Chess", "Yoga"]),
        ({"order": "asc"}, ["Yoga", "Chess"]),
        ({"active": "true"}, ["Yoga"]),
        ({"active": "false"}, ["Chess"]),
        ({"query": "YO"}, ["Yoga"]),
        ({"query": "week"}, ["Yoga"]),
        ({"query": "opening", "active": "true"}, []),
    ],
)
def test_courses_are_found_by_name_module_and_state(api: Api, query: dict[str, str], names: list[str]) -> None:
    """`query` looks at the names of courses and of their modules."""
    assert [row["name"] for row in api.items("/api/school/courses", **query)] == names


def test_modules_of_a_course_are_paged(make_api: MakeApi) -> None:
    """The newer operation lists the modules of one course, and requires it."""
    api = make_api({"courses": [{"name": "Long", "modules": [f"M{n}" for n in range(11)]}]})
    course = api.id("courses", "Long")
    first = api.get("/api/school/course-modules", courseId=course, order="asc").json()
    assert ([row["name"] for row in first["items"]], first["hasMore"]) == ([f"M{n}" for n in range(10)], True)
    cursor = {"courseId": course, "order": "asc", "startingAfter": first["items"][-1]["id"]}
    assert api.get("/api/school/course-modules", **cursor).json() == {
        "items": [{"id": api.id("modules", "Long/M10"), "name": "M10"}],
        "hasMore": False,
    }
    assert violations(api.get("/api/school/course-modules")) == ["courseId"]


def enroll(api: Api, course: str, **body: Any) -> Any:
    return api.post(f"/api/school/courses/{api.id('courses', course)}/enrollments", body)


def test_an_enrollment_shows_contact_and_course_without_modules(api: Api) -> None:
    """Modules go in and are never shown; the contact has neither fields nor tags."""
    week = api.id("modules", "Yoga/Week 1")
    body = {"contactId": api.id("contacts", BOB), "accessType": "partial_dripping_access", "modules": [week]}
    made = enroll(api, "Yoga", **body)
    assert made.status_code == 201
    assert set(made.json()) == {"id", "contact", "course", "accessType", "active"}
    assert set(made.json()["course"]) == {"id", "locale", "path", "active", "name"}
    assert "fields" not in made.json()["contact"]
    assert api.items("/api/school/enrollments")[0] == made.json()
    assert api.account.state()["enrollments"][-1]["modules"] == ["Week 1"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["contactId", "accessType"]),
        ({"contactId": 9, "accessType": "full_access"}, ["contactId"]),
        ({"contactId": 1000001, "accessType": "full_access"}, ["contactId"]),
        ({"contactId": 1000002, "accessType": "some_access"}, ["accessType"]),
        ({"contactId": 1000002, "accessType": "partial_access"}, ["modules"]),
        ({"contactId": 1000002, "accessType": "partial_access", "modules": [4000003]}, ["modules[0]"]),
    ],
)
def test_impossible_enrollments_are_refused(api: Api, body: dict[str, Any], paths: list[str]) -> None:
    """Nobody is enrolled twice, and partial access needs modules of this course."""
    assert violations(enroll(api, "Yoga", **body)) == paths


@pytest.mark.parametrize("modules", [[[]], [True], ["1"], "1"])
def test_modules_are_integers(api: Api, modules: Any) -> None:
    """Values of another type end in a 400."""
    body = {"contactId": api.id("contacts", BOB), "accessType": "partial_access", "modules": modules}
    assert enroll(api, "Yoga", **body).status_code == 400


def test_enrollments_end_and_begin_again_under_a_new_id(api: Api) -> None:
    """Access is changed by deleting and creating; the old id is gone."""
    number = api.id("enrollments", f"{ANN}/Yoga")
    assert api.delete(f"/api/school/enrollments/{number}").status_code == 204
    assert api.delete(f"/api/school/enrollments/{number}").status_code == 404
    made = enroll(api, "Yoga", contactId=api.id("contacts", ANN), accessType="full_access").json()
    assert made["id"] > number
    assert api.post("/api/school/courses/5/enrollments", {}).status_code == 404


def test_enrollments_are_filtered_by_both_ends(api: Api) -> None:
    """`course` and `contact` combine."""
    enroll(api, "Chess", contactId=api.id("contacts", ANN), accessType="full_access")
    enroll(api, "Chess", contactId=api.id("contacts", BOB), accessType="full_access")
    chess, ann = api.id("courses", "Chess"), api.id("contacts", ANN)
    path = "/api/school/enrollments"
    counts = [len(api.items(path, **query)) for query in ({"course": chess}, {"contact": ann})]
    assert counts == [2, 2]
    assert len(api.items(path, course=chess, contact=ann)) == 1


# Communities and memberships


def join(api: Api, community: str, email: str) -> Any:
    path = f"/api/community/communities/{api.id('communities', community)}/memberships"
    return api.post(path, {"contactId": api.id("contacts", email)})


def test_memberships_are_accepted_once_and_say_nothing(api: Api) -> None:
    """POST answers 202 with an empty object; a repetition adds no second row."""
    for _ in range(2):
        reply = join(api, "Insiders", BOB)
        assert (reply.status_code, reply.json()) == (202, {})
    rows = api.items("/api/community/memberships", contact=api.id("contacts", BOB))
    assert len(rows) == 1
    assert set(rows[0]) == {"id", "community", "contact"}
    assert rows[0]["contact"] == {"id": api.id("contacts", BOB)}


def test_memberships_appear_after_some_reads(api: Api) -> None:
    """With `membership_delay` two lists are answered without the new one, and silent looks do not count."""
    api.account.options.membership_delay = 2
    join(api, "Founders", BOB)
    join(api, "Founders", BOB)
    api.send("GET", "/api/community/memberships", headers={"X-Emulator-Silent": "1"})
    query = {"community": api.id("communities", "Founders")}
    assert [len(api.items("/api/community/memberships", **query)) for _ in range(4)] == [0, 0, 1, 1]


def test_memberships_need_a_community_and_a_contact(api: Api) -> None:
    """An unknown community is 404, an unknown contact a violation, an unknown membership 404."""
    assert api.post("/api/community/communities/5/memberships", {"contactId": 1}).status_code == 404
    path = f"/api/community/communities/{api.id('communities', 'Insiders')}/memberships"
    assert violations(api.post(path, {"contactId": 1})) == ["contactId"]
    number = api.id("memberships", f"{ANN}/Insiders")
    assert api.delete(f"/api/community/memberships/{number}").status_code == 204
    assert api.delete(f"/api/community/memberships/{number}").status_code == 404


def test_communities_are_found_by_name(api: Api) -> None:
    """`query` is a text search; a community shows its domain and path."""
    assert api.items("/api/community/communities", query="found") == [
        {
            "id": api.id("communities", "Founders"),
            "name": "Founders",
            "domainName": "community.example.com",
            "path": "founders",
        }
    ]


# Subscriptions


def test_subscriptions_are_listed_for_one_contact(api: Api) -> None:
    """The list requires a usable contact, and rows carry plan and amount but no contact."""
    path = "/api/payment/subscriptions"
    rows = api.items(path, contact=api.id("contacts", ANN))
    assert [row["status"] for row in rows] == ["completed", "active"]
    assert rows[0]["pricePlan"] is None
    assert (rows[1]["pricePlan"]["innerName"], rows[1]["pricePlan"]["amount"]) == ("M1", 1900)
    assert "contact" not in rows[1]
    assert api.items(path, contact=api.id("contacts", BOB)) == []
    for query in ({}, {"contact": "0"}, {"contact": "ann"}):
        assert violations(api.get(path, **query)) == ["contact"]


def test_an_account_without_payments_answers_404(make_api: MakeApi) -> None:
    """`payments: false` makes the list and the cancellation unknown."""
    api = make_api(SEED, payments=False)
    assert api.get("/api/payment/subscriptions", contact=api.id("contacts", ANN)).status_code == 404
    assert api.post("/api/payment/subscriptions/8000001/cancel", {"cancel": "Now"}).status_code == 404


def test_the_largest_page_of_subscriptions_is_an_option(make_api: MakeApi) -> None:
    """`subscriptions_max_limit: 50` refuses a page of 100 but not of 50."""
    api = make_api(SEED, subscriptions_max_limit=50)
    query = {"contact": api.id("contacts", ANN)}
    assert violations(api.get("/api/payment/subscriptions", limit=100, **query)) == ["pagination.limit"]
    assert len(api.items("/api/payment/subscriptions", limit=50, **query)) == 2


@pytest.mark.parametrize(("when", "status"), [("Now", "cancelled"), ("WhenBillingPeriodEnds", "active")])
def test_cancelling_works_once(api: Api, when: str, status: str) -> None:
    """Both ways set cancelledAt, only `Now` ends it at once, and a second time is refused."""
    number = api.id("subscriptions", f"{ANN}/Monthly")
    path = f"/api/payment/subscriptions/{number}/cancel"
    assert api.post(path, {"cancel": when}).status_code == 204
    row = api.items("/api/payment/subscriptions", contact=api.id("contacts", ANN))[1]
    assert (row["status"], row["cancelledAt"]) == (status, "2026-01-02T03:04:05+00:00")
    assert violations(api.post(path, {"cancel": when})) == ["status"]


def test_cancelling_needs_to_know_when(api: Api) -> None:
    """A body without a known `cancel` is refused, and so is no body; an unknown id is 404."""
    path = f"/api/payment/subscriptions/{api.id('subscriptions', f'{ANN}/Monthly')}/cancel"
    assert violations(api.post(path, {"cancel": "Later"})) == ["cancel"]
    assert violations(api.post(path, None)) == ["cancel"]
    assert api.post("/api/payment/subscriptions/5/cancel", {"cancel": "Now"}).status_code == 404
