"""What the emulator does with tags and contact fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Api, MakeApi, violations

SEED: dict[str, Any] = {
    "tags": ["VIP", "Gold"],
    "contact_fields": [{"slug": "shoe", "name": "Shoe size"}],
    "contacts": [{"email": "ann@example.com", "fields": {"shoe": "38"}, "tags": ["VIP"]}],
}


def test_a_tag_from_creation_to_removal(api: Api) -> None:
    """A tag is made, read, renamed with its id kept, and removed."""
    made = api.post("/api/tags", {"name": "VIP"})
    assert (made.status_code, made.json()["createdAt"]) == (201, "2026-01-02T03:04:05+00:00")
    path = f"/api/tags/{made.json()['id']}"
    assert api.get(path).json() == made.json()
    assert api.put(path, {"name": "Best"}).json() == {**made.json(), "name": "Best"}
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == api.delete(path).status_code == 404


def test_a_renamed_tag_shows_in_contacts(make_api: MakeApi) -> None:
    """Lists that were answered before do not keep the old name."""
    api = make_api(SEED)
    assert api.items("/api/contacts")[0]["tags"][0]["name"] == "VIP"
    api.put(f"/api/tags/{api.id('tags', 'VIP')}", {"name": "Best"})
    assert api.items("/api/contacts")[0]["tags"][0]["name"] == "Best"


def test_a_deleted_tag_leaves_all_contacts(make_api: MakeApi) -> None:
    """Deleting a tag removes its taggings, and its id is not used again."""
    api = make_api(SEED)
    number = api.id("tags", "Gold")
    api.delete(f"/api/tags/{number}")
    api.delete(f"/api/tags/{api.id('tags', 'VIP')}")
    assert api.items("/api/contacts")[0]["tags"] == []
    assert api.post("/api/tags", {"name": "Gold"}).json()["id"] > number


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": "x" * 65}, {"name": "VIP"}])
def test_impossible_tag_names_are_refused(make_api: MakeApi, body: dict[str, Any]) -> None:
    """Blank, long and taken names are violations, for POST and for PUT."""
    api = make_api(SEED)
    assert violations(api.post("/api/tags", body)) == ["name"]
    assert violations(api.put(f"/api/tags/{api.id('tags', 'Gold')}", body)) == ["name"]


def test_names_are_compared_exactly_and_a_tag_may_keep_its_own(make_api: MakeApi) -> None:
    """Another case is another name; 64 characters fit."""
    api = make_api(SEED)
    assert api.post("/api/tags", {"name": "vip"}).status_code == 201
    assert api.post("/api/tags", {"name": "x" * 64}).status_code == 201
    assert api.put(f"/api/tags/{api.id('tags', 'VIP')}", {"name": "VIP"}).status_code == 200


def test_equal_names_are_an_option(make_api: MakeApi) -> None:
    """With `unique_tags` off two tags may share a name."""
    api = make_api(SEED, unique_tags=False)
    assert api.post("/api/tags", {"name": "VIP"}).status_code == 201
    assert [row["name"] for row in api.items("/api/tags", query="vip")] == ["VIP", "VIP"]


@pytest.mark.parametrize(("query", "names"), [("", ["Gold", "VIP"]), ("vi", ["VIP"]), ("O", ["Gold"]), ("zz", [])])
def test_tags_are_found_by_a_part_of_their_name(make_api: MakeApi, query: str, names: list[str]) -> None:
    """`query` finds a text anywhere in the name and ignores case; the newest comes first."""
    assert [row["name"] for row in make_api(SEED).items("/api/tags", query=query)] == names


# Contact fields


def test_fields_are_listed_at_once(make_api: MakeApi) -> None:
    """Built-in and own fields come in one answer, and paging parameters mean nothing."""
    body = make_api(SEED).get("/api/contact_fields", limit="1").json()
    slugs = [row["slug"] for row in body["items"]]
    built_in = "first_name surname phone_number country company_name street_address city state postcode"
    assert slugs == [*built_in.split(), "shoe"]
    assert body["hasMore"] is False


def test_a_field_from_creation_to_removal(make_api: MakeApi) -> None:
    """A field is made, labelled anew, and removed with its values."""
    api = make_api(SEED)
    assert api.post("/api/contact_fields", {"slug": "hat", "fieldName": "Hat"}).status_code == 201
    answered = api.patch("/api/contact_fields/shoe", {"fieldName": "Shoes"}).json()
    assert answered == {"slug": "shoe", "fieldName": "Shoes"}
    assert api.items("/api/contacts")[0]["fields"] == [{"fieldName": "Shoes", "slug": "shoe", "value": "38"}]
    assert api.delete("/api/contact_fields/shoe").status_code == 204
    assert api.items("/api/contacts")[0]["fields"] == []
    assert api.delete("/api/contact_fields/shoe").status_code == 404
    assert api.patch("/api/contact_fields/shoe", {"fieldName": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, ["fieldName", "slug"]),
        ({"fieldName": "Hat", "slug": "a-b"}, ["slug"]),
        ({"fieldName": "Hat", "slug": "shoe"}, ["slug"]),
        ({"fieldName": "Hat", "slug": "city"}, ["slug"]),
        ({"fieldName": "x" * 256, "slug": "hat"}, ["fieldName"]),
        ({"name": "Hat", "slug": "hat"}, ["fieldName"]),
    ],
)
def test_impossible_fields_are_refused(make_api: MakeApi, body: dict[str, Any], paths: list[str]) -> None:
    """The label is required and short, the slug of word characters and new."""
    assert violations(make_api(SEED).post("/api/contact_fields", body)) == paths


def test_built_in_fields_stay(api: Api) -> None:
    """A built-in field cannot be deleted, but takes another label."""
    assert violations(api.delete("/api/contact_fields/city")) == ["slug"]
    assert api.patch("/api/contact_fields/city", {"fieldName": "Town"}).status_code == 200
    assert api.account.state()["contact_fields"] == [{"slug": "city", "name": "Town"}]
