"""What the emulator does with contacts, their fields and their taggings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Api, MakeApi, violations

ANN = "ann@example.com"
SEED: dict[str, Any] = {
    "tags": ["VIP", "Gold"],
    "contact_fields": [{"slug": "shoe", "name": "Shoe size"}],
    "contacts": [
        {"email": ANN, "fields": {"first_name": "Ann", "shoe": "38"}, "tags": ["VIP", "Gold"]},
        {"email": "bob@example.com", "tags": ["VIP"], "unsubscribed": True},
        {"email": "eve@example.com", "bounced": True, "needs_confirmation": True},
    ],
}


def fields_of(contact: dict[str, Any]) -> dict[str, str | None]:
    return {row["slug"]: row["value"] for row in contact["fields"]}


def test_a_new_contact_is_answered_whole_and_without_tags(api: Api) -> None:
    """POST answers 201 with every documented key; tags are empty."""
    reply = api.post("/api/contacts", {"email": "New@Example.com", "fields": [{"slug": "city", "value": "Oslo"}]})
    assert reply.status_code == 201
    assert reply.json() == {
        "id": 1000001,
        "email": "New@Example.com",
        "registeredAt": "2026-01-02T03:04:05+00:00",
        "locale": "en",
        "sourceURL": None,
        "unsubscribed": False,
        "bounced": False,
        "needsConfirmation": False,
        "fields": [{"fieldName": "City", "slug": "city", "value": "Oslo"}],
        "tags": [],
    }


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["email"]),
        ({"email": "nonsense"}, ["email"]),
        ({"email": "ANN@example.com"}, ["email"]),
        ({"email": "x@nomx.example.com"}, ["email"]),
        ({"email": "x@any.invalid"}, ["email"]),
        ({"email": "x@example.com", "locale": "nb"}, ["locale"]),
        ({"email": "x@example.com", "fields": [{"slug": "none", "value": "1"}]}, ["fields[0].slug"]),
        ({"email": "x@example.com", "fields": [{"slug": "shoe", "value": "x" * 256}]}, ["fields[0].value"]),
        ({"email": "x@example.com", "fields": [{"slug": "country", "value": "France"}]}, ["fields[0].value"]),
        ({"email": "nonsense", "locale": "nb"}, ["email", "locale"]),
    ],
)
def test_impossible_contacts_are_refused(make_api: MakeApi, body: dict[str, Any], paths: list[str]) -> None:
    """Each broken rule is a violation with its property path, all of them in one answer."""
    assert violations(make_api(SEED).post("/api/contacts", body)) == paths


@pytest.mark.parametrize("value", ["x" * 255, "é" * 255])
def test_values_up_to_the_limit_are_kept(make_api: MakeApi, value: str) -> None:
    """255 characters are allowed, counted as characters."""
    api = make_api(SEED)
    api.patch(api.contact(ANN), {"fields": [{"slug": "shoe", "value": value}]})
    assert fields_of(api.get(api.contact(ANN)).json())["shoe"] == value


def test_domains_without_mail_are_an_option(make_api: MakeApi) -> None:
    """`no_mx` replaces the set of domains that take no mail."""
    api = make_api(no_mx=["dead.example.com"])
    assert violations(api.post("/api/contacts", {"email": "x@DEAD.example.com"})) == ["email"]
    assert api.post("/api/contacts", {"email": "x@nomx.example.com"}).status_code == 201


@pytest.mark.parametrize("cleared", [None, ""])
def test_patch_merges_fields_and_clears_with_null(make_api: MakeApi, cleared: str | None) -> None:
    """Slugs that are not sent stay; null and "" clear."""
    api = make_api(SEED)
    change = {"fields": [{"slug": "surname", "value": "Doe"}, {"slug": "shoe", "value": cleared}]}
    answered = api.patch(api.contact(ANN), change).json()
    assert fields_of(answered) == {"first_name": "Ann", "surname": "Doe"}
    assert answered == api.get(api.contact(ANN)).json()


def test_an_email_is_set_once_and_unknown_keys_are_dropped(make_api: MakeApi) -> None:
    """The vendor's dialect ignores e-mail, names and tags beside `fields` in a PATCH."""
    api = make_api(SEED)
    body = {"email": "other@example.com", "firstName": "Zoe", "tags": [], "locale": "no"}
    answered = api.patch(api.contact(ANN), body).json()
    assert (answered["email"], answered["locale"], len(answered["tags"])) == (ANN, "no", 2)
    assert fields_of(answered)["first_name"] == "Ann"


def test_unset_fields_are_listed_on_demand(make_api: MakeApi) -> None:
    """`list_unset_fields` shows every defined field, unset ones as null."""
    api = make_api(SEED)
    assert len(api.get(api.contact(ANN)).json()["fields"]) == 2
    api.account.options.list_unset_fields = True
    shown = fields_of(api.get(api.contact(ANN)).json())
    assert len(shown) == 10
    assert shown["city"] is None


def test_phone_numbers_may_be_normalised(make_api: MakeApi) -> None:
    """With `normalise_phone` the server keeps another text than it was sent."""
    api = make_api(SEED, normalise_phone=True)
    body = {"fields": [{"slug": "phone_number", "value": "+33 6 12"}]}
    assert fields_of(api.patch(api.contact(ANN), body).json())["phone_number"] == "+33612"


def test_the_slug_of_the_last_name_is_an_option(make_api: MakeApi) -> None:
    """An account knows `surname` or `last_name`, never both."""
    api = make_api(last_name_slug="last_name")
    slugs = [row["slug"] for row in api.items("/api/contact_fields")]
    assert "last_name" in slugs
    assert "surname" not in slugs


def test_missing_contacts_are_404(api: Api) -> None:
    """Unknown and impossible ids in a path are 404 for every method."""
    for path in ("/api/contacts/7", "/api/contacts/abc"):
        assert api.get(path).status_code == api.delete(path).status_code == 404
        assert api.patch(path, {}).status_code == 404
        assert api.post(f"{path}/tags", {"tagId": 1}).status_code == 404


# Filters


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["eve", "bob", "ann"]),
        ({"order": "asc"}, ["eve", "bob", "ann"]),
        ({"email": "ANN@example.com"}, ["ann"]),
        ({"email": "nobody@example.com"}, []),
        ({"tags": "2000001"}, ["bob", "ann"]),
        ({"tags": "2000001,2000002"}, ["ann"]),
        ({"tags": "2000001,9"}, []),
        ({"bounced": "true"}, ["eve"]),
        ({"unsubscribed": "false"}, ["eve", "ann"]),
        ({"needsConfirmation": "1"}, ["eve"]),
        ({"email": ANN, "bounced": "true"}, []),
        ({"email": ANN, "tags": "2000002"}, ["ann"]),
    ],
)
def test_filters_of_contacts(make_api: MakeApi, query: dict[str, str], names: list[str]) -> None:
    """Filters combine, tags must all be there, and the newest comes first whatever the order."""
    found = make_api(SEED).items("/api/contacts", **query)
    assert [row["email"].partition("@")[0] for row in found] == names


def test_contacts_by_time_of_registration(make_api: MakeApi) -> None:
    """registeredAfter and registeredBefore cut out a period, in any offset."""
    api = make_api(
        {"contacts": [{"email": f"d{d}@example.com", "registered_at": f"2025-01-0{d}"} for d in (1, 2, 3)]}
    )
    query = {"registeredAfter": "2025-01-01T12:00:00+00:00", "registeredBefore": "2025-01-03T00:30:00+02:00"}
    assert [row["email"] for row in api.items("/api/contacts", **query)] == ["d2@example.com"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"email": "nonsense"}, "email"),
        ({"bounced": "perhaps"}, "bounced"),
        ({"registeredAfter": "yesterday"}, "registeredAfter"),
    ],
)
def test_malformed_filters_are_refused(api: Api, query: dict[str, str], path: str) -> None:
    """A filter that cannot be read is a 422, not an empty list."""
    assert violations(api.get("/api/contacts", **query)) == [path]


# Taggings


def test_assigning_a_tag_twice_changes_nothing(make_api: MakeApi) -> None:
    """The second POST answers 204 as well."""
    api = make_api(SEED)
    body = {"tagId": api.id("tags", "Gold")}
    for _ in range(2):
        assert api.post(api.contact("bob@example.com") + "/tags", body).status_code == 204
    assert [tag["name"] for tag in api.get(api.contact("bob@example.com")).json()["tags"]] == ["VIP", "Gold"]


def test_assigning_needs_a_tag_that_exists(make_api: MakeApi) -> None:
    """Unknown and missing ids are violations of tagId."""
    api = make_api(SEED)
    reply = api.post(api.contact(ANN) + "/tags", {"tagId": 5})
    assert violations(reply) == ["tagId"]
    assert reply.json()["detail"] == "tagId: Tag with ID 5 not found."
    assert violations(api.post(api.contact(ANN) + "/tags", {})) == ["tagId"]


def test_unassigning_needs_the_tag_on_the_contact(make_api: MakeApi) -> None:
    """Removing a tag works once; then, and for a tag never given, it is 404."""
    api = make_api(SEED)
    path = f"{api.contact('bob@example.com')}/tags/"
    assert api.delete(path + str(api.id("tags", "VIP"))).status_code == 204
    assert api.delete(path + str(api.id("tags", "VIP"))).status_code == 404
    assert api.delete(path + str(api.id("tags", "Gold"))).status_code == 404
    assert api.get(api.contact("bob@example.com")).json()["tags"] == []


# Cascades


def test_deleting_a_contact_takes_everything_along(make_api: MakeApi) -> None:
    """Taggings, enrollments, memberships (pending ones too) and subscriptions go with the contact."""
    seed = {
        "contacts": [{"email": ANN, "tags": ["VIP"]}],
        "courses": [{"name": "Yoga"}],
        "communities": [{"name": "A"}, {"name": "B"}],
        "enrollments": [{"contact": ANN, "course": "Yoga"}],
        "memberships": [{"contact": ANN, "community": "A"}, {"contact": ANN, "community": "B", "pending": 2}],
        "subscriptions": [{"contact": ANN, "plan": "Monthly"}],
    }
    api = make_api(seed)
    number = api.id("contacts", ANN)
    assert api.delete(api.contact(ANN)).status_code == 204
    state = api.account.state()
    assert [state[kind] for kind in ("contacts", "enrollments", "memberships", "subscriptions")] == [[]] * 4
    assert api.items("/api/contacts", tags=str(api.id("tags", "VIP"))) == []
    again = api.post("/api/contacts", {"email": ANN}).json()
    assert (again["id"] > number, again["tags"]) == (True, [])
