"""Seeding, looking and storing: the side of the emulator that tests and tools use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.requests import Request

from reconciler.emulator import Emulator
from reconciler.emulator.admin import Admin
from reconciler.emulator.seedfiles import read
from tests.emulator.conftest import Api, MakeApi

ANN = "ann@example.com"
SEED: dict[str, Any] = {
    "tags": ["Gold", "VIP"],
    "contact_fields": [{"slug": "shoe", "name": "Shoe size"}],
    "contacts": [
        {"email": ANN, "locale": "no", "fields": {"first_name": "Ann", "shoe": "38"}, "tags": ["VIP"]},
        {
            "email": "bob@example.com",
            "locale": "en",
            "fields": {},
            "tags": [],
            "unsubscribed": True,
            "bounced": True,
            "needs_confirmation": True,
            "source_url": "https://shop.example.com/",
        },
    ],
    "courses": [
        {"name": "Yoga", "path": "yoga", "modules": ["Welcome"]},
        {"name": "Chi", "path": "c", "modules": [], "domain": "c.example.com", "locale": "fr", "active": False},
    ],
    "communities": [{"name": "Insiders", "domain": "community.example.com", "path": "insiders"}],
    "enrollments": [{"contact": ANN, "course": "Yoga", "access": "partial_access", "modules": ["Welcome"]}],
    "memberships": [
        {"contact": ANN, "community": "Insiders"},
        {"contact": "bob@example.com", "community": "Insiders", "pending": 2},
    ],
    "webhooks": [
        {
            "name": "CRM",
            "url": "https://crm.example.com/",
            "secret": "s",
            "events": ["SALE_NEW"],
            "active": True,
            "disabled_events": ["CONTACT_OPT_IN"],
        }
    ],
    "subscriptions": [{"contact": ANN, "plan": "Monthly", "inner_name": "M1", "amount": 900, "status": "active"}],
}
YAML = """
dialect: skill
contact_fields: [{slug: shoe, name: Shoe size}]
contacts:
  - {email: ann@example.com, locale: no, unsubscribed: true, fields: {phone_number: +33612345678, shoe: 0123}}
courses: [{name: Yoga, domain: ~, id: 12}]
"""


def place(api: Api, rest: str = "") -> str:
    return f"{api.emulator.url}/_emulator/accounts/{api.account.connection}{rest}"


def test_a_state_is_a_seed(make_api: MakeApi) -> None:
    """What an account shows makes an equal account when it is sown again."""
    state = make_api(SEED).account.state()
    assert state == SEED
    assert make_api(state).account.state() == state


def test_states_show_moments_on_demand(make_api: MakeApi, session: requests.Session) -> None:
    """`times` adds when contacts registered and subscriptions began."""
    api = make_api(SEED)
    shown = session.get(place(api), params={"times": "1"}).json()
    assert shown["contacts"][0]["registered_at"] == "2026-01-02T03:04:05+00:00"
    assert shown["subscriptions"][0]["created_at"] == "2026-01-02T03:04:05+00:00"
    assert session.get(place(api)).json() == SEED


def test_accounts_are_made_replaced_and_removed_over_http(api: Api, session: requests.Session) -> None:
    """PUT starts an account over from JSON or YAML, POST adds to it, DELETE takes it away."""
    other = f"{api.emulator.url}/_emulator/accounts/made-over-http"
    assert session.put(other, json=SEED).status_code == 201
    assert session.get(other).json() == SEED
    assert "made-over-http" in session.get(f"{api.emulator.url}/_emulator/accounts").json()["accounts"]
    assert session.put(other, data=YAML, headers={"Content-Type": "application/yaml"}).status_code == 204
    state = session.get(other).json()
    assert state["contacts"][0] == {
        "email": ANN,
        "locale": "no",
        "fields": {"phone_number": "+33612345678", "shoe": "0123"},
        "tags": [],
        "unsubscribed": True,
    }
    assert session.get(f"{other}/ids").json()["courses"] == {"Yoga": 12}
    assert session.post(f"{other}/seed", json={"tags": ["New"]}).status_code == 204
    assert session.get(other).json()["tags"] == ["New"]
    assert session.get(f"{other}/options").json()["dialect"] == "skill"
    assert session.delete(other).status_code == 204
    assert session.get(other).status_code == 404


def test_the_log_and_the_faults_over_http(api: Api, session: requests.Session) -> None:
    """Requests can be read and cleared, faults set and read, deliveries read."""
    hook = {"name": "W", "url": "https://w.example.com/", "events": ["CONTACT_CREATED"]}
    session.post(place(api, "/seed"), json={"webhooks": [hook]})
    api.post("/api/contacts", {"email": ANN})
    api.get("/api/tags", query="a b")
    log = session.get(place(api, "/requests")).json()["requests"]
    assert [(row["seq"], row["method"], row["path"], row["status"]) for row in log] == [
        (1, "POST", "/api/contacts", 201),
        (2, "GET", "/api/tags", 200),
    ]
    assert (log[0]["body"], log[1]["query"]) == ({"email": ANN}, {"query": "a b"})
    assert log[0]["at"].startswith("2026-01-02T03:04:05")
    assert session.get(place(api, "/deliveries")).json()["deliveries"][0]["event"] == "CONTACT_CREATED"
    assert session.delete(place(api, "/requests")).status_code == 204
    assert session.get(place(api, "/requests")).json() == {"requests": []}
    rules = [{"kind": "status", "match": {"path": "tags"}, "status": 418}]
    assert session.put(place(api, "/faults"), json=rules).status_code == 204
    assert api.get("/api/tags").status_code == 418
    shown = session.get(place(api, "/faults")).json()["faults"][0]
    assert (shown["kind"], shown["match"]["path"], shown["fired"]) == ("status", "tags", 1)
    assert session.put(place(api, "/faults"), json={"faults": []}).status_code == 204
    assert api.account.faults == []


def test_options_over_http(api: Api, session: requests.Session) -> None:
    """PATCH changes options by name and answers all of them."""
    reply = session.patch(place(api, "/options"), json={"quota": {"limit": 5, "per_seconds": 1}, "latency": 1})
    assert reply.json()["quota"] == {"limit": 5, "per_seconds": 1, "retry_after": None}
    assert api.get("/api/tags").headers["X-RateLimit-Limit"] == "5"


@pytest.mark.parametrize(
    "seed",
    [
        {"shoes": []},
        {"tags": [{"colour": "red"}]},
        {"contacts": [{"email": ANN}, {"email": "ANN@example.com"}]},
        {"contacts": [{"email": ANN, "fields": {"hat": "1"}}]},
        {"contacts": [{}]},
        {"tags": [{"name": "A", "id": 1}, {"name": "B", "id": 1}]},
        {"enrollments": [{"contact": ANN, "course": "Yoga"}]},
        {"courses": [{"name": "Yoga"}], "enrollments": [{"contact": ANN, "course": "Yoga"}]},
        {"dialect": "latin"},
        {"unique_tags": 1},
        {"latency": True},
        {"no_mx": "example.com"},
        {"options": {"speed": 1}},
        [],
    ],
)
def test_impossible_seeds_are_refused_and_change_nothing(api: Api, session: requests.Session, seed: Any) -> None:
    """A seed with an unknown key or name is a 400, and the account stays as it was."""
    api.account.seed({"tags": ["Old"]})
    reply = session.put(place(api), json=seed)
    assert (reply.status_code, set(reply.json())) == (400, {"error"})
    assert api.account.state()["tags"] == ["Old"]
    fresh = f"{api.emulator.url}/_emulator/accounts/never"
    assert session.put(fresh, json=seed).status_code == 400
    assert session.get(fresh).status_code == 404


def test_unreadable_seeds_and_modules_are_refused(make_api: MakeApi, session: requests.Session) -> None:
    """Broken YAML, broken JSON and a module of another course are errors."""
    api = make_api(SEED)
    assert session.put(place(api), data="a: [", headers={"Content-Type": "text/yaml"}).status_code == 400
    assert session.post(place(api, "/seed"), data="{").status_code == 400
    with pytest.raises(ValueError, match="no module"):
        api.account.seed({"enrollments": [{"contact": ANN, "course": "Yoga", "modules": ["Week 9"]}]})


def test_of_two_equal_names_the_newer_carries_its_id(make_api: MakeApi) -> None:
    """`ids` loses no row when names are not unique."""
    ids = make_api({"courses": [{"name": "Yoga"}, {"name": "Yoga"}]}).account.ids()["courses"]
    assert ids == {"Yoga": 3000001, "Yoga#3000002": 3000002}


def test_an_account_is_made_once_and_started_over_with_a_seed(emulator: Emulator) -> None:
    """`account` without arguments returns what is there; with a seed or options it begins anew."""
    account = emulator.account("handle", {"tags": ["A"]})
    account.fault("status")
    assert emulator.account("handle") is account
    assert account.state()["tags"] == ["A"]
    assert emulator.account("handle", {}, payments=False) is account
    assert (account.state()["tags"], account.faults, account.options.payments) == ([], [], False)


def test_edits_behind_the_clients_back(make_api: MakeApi) -> None:
    """`edit` does what a request would do and leaves no trace; what the vendor refuses is an error."""
    api = make_api(SEED, quota={"limit": 1, "per_seconds": 60})
    api.account.fault("status")
    made = api.account.edit("POST", "/api/tags", {"name": "New"})
    assert api.account.edit("GET", "/api/tags", query="new")["items"] == [made]
    assert api.account.edit("PATCH", api.contact(ANN), {"locale": "fr"})["locale"] == "fr"
    assert api.account.edit("DELETE", f"/api/tags/{made['id']}") is None
    with pytest.raises(ValueError, match="404"):
        api.account.edit("DELETE", f"/api/tags/{made['id']}")
    assert api.account.requests == []


def test_only_loopback_may_look(api: Api) -> None:
    """The admin interface asks for no key, so it answers no other machine."""
    away = Request({"type": "http", "client": ("192.0.2.1", 5), "headers": [], "path_params": {}})
    for route in Admin(api.emulator.gateway).routes():
        assert asyncio.run(route.endpoint(away)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com"},
        {"Host": "evil.example.com:80"},
        {"Host": "127.0.0.1.example.com"},
        {"Host": "192.0.2.1"},
        {"Host": "["},
        {"Host": ""},
        {"Origin": "http://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1@evil.example.com"},
    ],
    ids=str,
)
def test_pages_of_others_may_not_look(api: Api, session: requests.Session, headers: dict[str, str]) -> None:
    """A browser on this machine carries their requests here: by a form, or by a name that resolves to it."""
    url = f"{api.emulator.url}/_emulator/accounts/{api.account.connection}"
    plain = {"Content-Type": "text/plain", **headers}
    assert session.post(f"{url}/seed", data='{"tags": ["CSRF"]}', headers=plain).status_code == 403
    assert session.get(url, headers=headers).status_code == 403
    assert "CSRF" not in str(api.account.state())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_pages_of_this_machine_may_look(api: Api, session: requests.Session, name: str) -> None:
    """Under every name that it has."""
    headers = {"Host": f"{name}:{api.emulator.port}", "Origin": f"http://{name}:{api.emulator.port}"}
    url = f"{api.emulator.url}/_emulator/accounts/{api.account.connection}"
    assert session.get(url, headers=headers).status_code == 200


def test_courses_and_plans_keep_their_oddities(make_api: MakeApi) -> None:
    """Domain, locale and state of a course show when they are unusual; equal plans are one plan."""
    course = {"name": "Yoga", "path": "y", "modules": [], "domain": "a.example.com", "locale": "fr", "active": False}
    paid = [{"contact": ANN, "plan": "Monthly", "id": 5}, {"contact": ANN, "plan": "Monthly"}]
    community = [{"name": "Insiders"}]
    member = [{"contact": ANN, "community": "Insiders", "id": 9}]
    seed = {"contacts": [{"email": ANN}], "courses": [course], "communities": community, "memberships": member}
    api = make_api({**seed, "subscriptions": paid})
    assert api.account.state()["courses"] == [course]
    assert api.account.ids()["memberships"] == {f"{ANN}/Insiders": 9}
    plans = {row["pricePlan"]["id"] for row in api.items("/api/payment/subscriptions", contact=1000001)}
    assert plans == {9000001}


def test_seed_files_are_mappings(tmp_path: Path) -> None:
    """YAML and JSON files are read by their suffix; anything but a mapping is an error."""
    for name, text in (("a.json", '{"tags": ["A"]}'), ("a.yml", "tags: [A]")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read(tmp_path / name) == {"tags": ["A"]}
    (tmp_path / "list.yaml").write_text("- A", encoding="utf-8")
    with pytest.raises(ValueError, match="mapping"):
        read(tmp_path / "list.yaml")
