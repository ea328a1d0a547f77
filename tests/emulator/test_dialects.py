"""How the emulator speaks the gateway's documents instead of the vendor's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Api, MakeApi, violations

ANN = "ann@example.com"
SEED: dict[str, Any] = {
    "contact_fields": [{"slug": "shoe", "name": "Shoe size"}],
    "contacts": [{"email": ANN, "fields": {"first_name": "Ann", "shoe": "38"}}],
    "courses": [{"name": "Yoga"}],
    "webhooks": [{"name": "CRM", "url": "https://crm.example.com/", "secret": "s", "events": ["SALE_NEW"]}],
    "subscriptions": [{"contact": ANN, "plan": "Monthly"}],
}


@pytest.fixture
def skill(make_api: MakeApi) -> Api:
    return make_api(SEED, dialect="skill")


def test_names_stand_beside_the_fields(skill: Api) -> None:
    """firstName, lastName and phoneNumber are keys of a contact, and no fields."""
    body = {"email": "z@example.com", "firstName": "Zoe", "lastName": "Doe", "phoneNumber": "+1"}
    made = skill.post("/api/contacts", {**body, "fields": [{"slug": "country", "value": "FR"}]}).json()
    assert {key: made[key] for key in body} == body
    assert made["fields"] == [{"name": "Country", "slug": "country", "value": "FR"}]
    assert skill.account.state()["contacts"][1]["fields"]["surname"] == "Doe"


@pytest.mark.parametrize("cleared", [None, ""])
def test_names_are_patched_beside_the_fields(skill: Api, cleared: str | None) -> None:
    """A name that is not sent stays, null and "" clear, and the fields merge as ever."""
    patched = skill.patch(skill.contact(ANN), {"lastName": "Doe"}).json()
    assert (patched["firstName"], patched["lastName"], patched["phoneNumber"]) == ("Ann", "Doe", None)
    assert skill.patch(skill.contact(ANN), {"firstName": cleared}).json()["firstName"] is None
    assert skill.items("/api/contacts")[0]["fields"][0]["value"] == "38"


def test_names_are_no_fields_and_too_long_ones_are_refused(skill: Api) -> None:
    """In this dialect `first_name` is not a slug of a contact's fields."""
    body = {"email": "z@example.com", "fields": [{"slug": "first_name", "value": "x"}], "lastName": "x" * 256}
    assert violations(skill.post("/api/contacts", body)) == ["fields[0].slug", "lastName"]


def test_the_last_name_goes_to_the_slug_of_the_account(make_api: MakeApi) -> None:
    """lastName means `last_name` where the account calls it so."""
    api = make_api(dialect="skill", last_name_slug="last_name")
    assert api.post("/api/contacts", {"email": ANN, "lastName": "Doe"}).json()["lastName"] == "Doe"
    assert api.account.state()["contacts"][0]["fields"] == {"last_name": "Doe"}


def test_the_label_of_a_field_is_its_name(skill: Api) -> None:
    """Requests and answers say `name` where the vendor says `fieldName`."""
    made = skill.post("/api/contact_fields", {"slug": "hat", "name": "Hat"})
    assert (made.status_code, made.json()) == (201, {"slug": "hat", "name": "Hat"})
    assert skill.patch("/api/contact_fields/hat", {"name": "Hats"}).json()["name"] == "Hats"
    assert violations(skill.post("/api/contact_fields", {"slug": "hat2", "fieldName": "Hat"})) == ["name"]
    assert all(set(row) == {"slug", "name"} for row in skill.items("/api/contact_fields"))


def test_a_webhook_can_move(skill: Api) -> None:
    """PATCH takes a url alone, which must still be unique and a url."""
    path = f"/api/webhooks/{skill.id('webhooks', 'CRM')}"
    assert skill.patch(path, {"url": "https://new.example.com/"}).json()["url"] == "https://new.example.com/"
    assert violations(skill.patch(path, {"url": "nowhere"})) == ["url"]


def test_access_is_full_when_left_out(skill: Api) -> None:
    """An enrollment without accessType is understood."""
    path = f"/api/school/courses/{skill.id('courses', 'Yoga')}/enrollments"
    assert skill.post(path, {"contactId": skill.id("contacts", ANN)}).json()["accessType"] == "full_access"


def test_a_cancellation_says_when(skill: Api) -> None:
    """The gateway passes the body to the vendor, who demands it, whatever the gateway's documents show."""
    number = skill.id("subscriptions", f"{ANN}/Monthly")
    path = f"/api/payment/subscriptions/{number}/cancel"
    assert violations(skill.post(path, None)) == ["cancel"]
    assert skill.post(path, {"cancel": "Now"}).status_code == 204
    assert skill.items("/api/payment/subscriptions")[0]["status"] == "cancelled"


def test_a_running_account_can_change_its_dialect(skill: Api) -> None:
    """Lists and single contacts follow the option at once."""
    assert "firstName" in skill.items("/api/contacts")[0]
    skill.account.options.dialect = "vendor"
    assert "firstName" not in skill.get(skill.contact(ANN)).json()
    assert skill.items("/api/contacts")[0]["fields"][0]["fieldName"] == "First name"
