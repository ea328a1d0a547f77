"""What the emulator asks of every request: a key, a connection, a content type, readable JSON, patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from reconciler.emulator import Emulator
from tests.emulator.conftest import Api, MakeApi


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def own(clock: Clock) -> Iterator[Emulator]:
    """An emulator of one's own, with a clock that stands still and a limit of two calls a second."""
    with Emulator(key="k", clock=clock, gateway_limit=2, activate_after=2) as running:
        yield running


def gateway_error(reply: requests.Response, status: int) -> str:
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json()) == {"error"}
    message: str = reply.json()["error"]
    return message


def problem(reply: requests.Response, status: int) -> str:
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.json()) == {"type", "title", "detail"}
    detail: str = reply.json()["detail"]
    return detail


# Bodies and paths


def test_content_types_are_required(api: Api) -> None:
    """POST and PUT want JSON, PATCH wants a merge patch; parameters of the type do not matter."""
    wrong = {"headers": {"Content-Type": "application/json"}}
    assert "merge-patch" in problem(api.send("PATCH", "/api/contact_fields/city", {"fieldName": "x"}, **wrong), 415)
    wrong = {"headers": {"Content-Type": "application/merge-patch+json"}}
    problem(api.send("POST", "/api/tags", {"name": "x"}, **wrong), 415)
    problem(api.send("PUT", "/api/tags/1", {"name": "x"}, **wrong), 415)
    right = {"headers": {"Content-Type": "Application/JSON; charset=utf-8"}}
    assert api.send("POST", "/api/tags", {"name": "x"}, **right).status_code == 201


@pytest.mark.parametrize(
    "text", ["{", "[]", '"x"', "null", "[" * 99999, '{"name": "\\ud83d"}', '{"name": 1}', '{"name": true}', b"\xff"]
)
def test_unreadable_bodies_are_400(api: Api, text: str | bytes) -> None:
    """Broken JSON, anything but an object, and values of the wrong type end in a 400 problem."""
    reply = api.send("POST", "/api/tags", data=text, headers={"Content-Type": "application/json"})
    assert problem(reply, 400)


def test_true_is_no_integer(make_api: MakeApi) -> None:
    """JSON booleans do not pass as ids."""
    api = make_api({"contacts": [{"email": "a@example.com"}]})
    problem(api.post(api.contact("a@example.com") + "/tags", {"tagId": True}), 400)


def test_unknown_paths_and_methods(api: Api) -> None:
    """An unknown path is 404, a known one with another method 405 with the allowed ones."""
    for path in ("/api/nothing", "/api/contacts/1/2/3", "/api/contacts/{id}", "/api/tags/" + "9" * 5000, "/contacts"):
        problem(api.get(path), 404)
    reply = api.put("/api/tags", {"name": "x"})
    assert problem(reply, 405)
    assert reply.headers["allow"] == "GET, POST"


def test_other_apps_are_unknown(emulator: Emulator, session: requests.Session) -> None:
    """The gateway knows one app, and nothing at its root."""
    for path in ("/", "/github/user", "/systeme"):
        gateway_error(session.get(emulator.url + path), 404)


# Keys and connections


def test_every_call_needs_the_key(emulator: Emulator, session: requests.Session) -> None:
    """Without the Bearer key, or with another, there is a 401 in the gateway's shape."""
    for headers in ({}, {"Authorization": "Bearer nope"}, {"Authorization": emulator.key}):
        for path in ("/systeme/api/tags", "/connections", "/connections/x"):
            gateway_error(session.get(emulator.url + path, headers=headers), 401)


def test_the_oldest_active_connection_is_the_default(own: Emulator, clock: Clock, session: requests.Session) -> None:
    """Without the header the oldest active account answers; other connections must exist and be active."""
    bearer = {"Authorization": "Bearer k"}
    url = f"{own.url}/systeme/api/tags"
    assert "No active" in gateway_error(session.get(url, headers=bearer), 400)
    for name in ("first", "second"):
        own.account(name, {"tags": [name]})
    assert session.get(url, headers=bearer).json()["items"][0]["name"] == "first"
    clock.seconds += 10
    second = {**bearer, "Maton-Connection": "second"}
    assert session.get(url, headers=second).json()["items"][0]["name"] == "second"
    own.gateway.set_status("first", "FAILED")
    assert session.get(url, headers=bearer).json()["items"][0]["name"] == "second"
    clock.seconds += 10
    gateway_error(session.get(url, headers={**bearer, "Maton-Connection": "first"}), 400)
    gateway_error(session.get(url, headers={**bearer, "Maton-Connection": "third"}), 400)


def test_a_connection_becomes_active_by_being_looked_at(own: Emulator, session: requests.Session) -> None:
    """A new connection is pending until its second read, can then be used, and can be removed."""
    session.headers["Authorization"] = "Bearer k"
    try:
        made = session.post(f"{own.url}/connections", json={"app": "systeme"}).json()["connection"]
        assert (made["status"], made["app"], made["method"]) == ("PENDING", "systeme", "API_KEY")
        place = f"{own.url}/connections/{made['connection_id']}"
        reads = [session.get(place).json()["connection"]["status"] for _ in range(2)]
        assert reads == ["PENDING", "ACTIVE"]
        found = session.get(f"{own.url}/connections", params={"app": "systeme", "status": "ACTIVE"}).json()
        assert [row["connection_id"] for row in found["connections"]] == [made["connection_id"]]
        for query in ({"app": "other"}, {"status": "FAILED"}):
            assert session.get(f"{own.url}/connections", params=query).json() == {"connections": []}
        assert session.get(f"{own.url}/systeme/api/tags").json() == {"items": [], "hasMore": False}
        assert session.delete(place).status_code == 200
        gateway_error(session.get(place), 404)
        gateway_error(session.post(f"{own.url}/connections", json={"app": "github"}), 400)
        gateway_error(session.post(f"{own.url}/connections", data="{"), 400)
    finally:
        del session.headers["Authorization"]


def test_statuses_come_from_a_closed_list(own: Emulator) -> None:
    """A connection cannot be anything else than active, pending or failed."""
    own.account("one")
    with pytest.raises(ValueError, match="ACTIVE"):
        own.gateway.set_status("one", "GONE")


# Limits


def test_the_gateway_limits_silently(own: Emulator, clock: Clock, session: requests.Session) -> None:
    """Beyond the limit there is a plain 429 without Retry-After, and later it goes on."""
    api = Api(own, own.account("one"), session)
    assert [api.get("/api/tags").status_code for _ in range(3)] == [200, 200, 429]
    reply = api.get("/api/tags")
    gateway_error(reply, 429)
    assert "retry-after" not in reply.headers
    assert api.send("GET", "/api/tags", headers={"X-Emulator-Silent": "1"}).status_code == 200
    clock.seconds += 0.5
    assert [api.get("/api/tags").status_code for _ in range(2)] == [200, 429]
    assert len(api.account.requests) == 3


def test_the_vendor_says_what_is_left(clock: Clock, session: requests.Session) -> None:
    """With a quota every answer carries the headers, and a 429 says when to come back."""
    with Emulator(clock=clock) as emulator:
        account = emulator.account("one", quota={"limit": 2, "per_seconds": 30})
        api = Api(emulator, account, session)
        replies = [api.get("/api/tags"), api.get("/api/tags/5"), api.get("/api/tags")]
        assert [reply.status_code for reply in replies] == [200, 404, 429]
        assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["1", "0", "0"]
        assert {reply.headers["X-RateLimit-Limit"] for reply in replies} == {"2"}
        problem(replies[2], 429)
        assert (replies[2].headers["Retry-After"], replies[2].headers["X-RateLimit-Refill"]) == ("30", "30")
        clock.seconds += 12.5
        assert api.get("/api/tags").headers["Retry-After"] == "18"
        clock.seconds += 17.5
        assert api.get("/api/tags").status_code == 200
        assert [entry["status"] for entry in account.requests] == [200, 404, 429, 429, 200]


def test_retry_after_can_be_given(make_api: MakeApi) -> None:
    """`retry_after` replaces the computed seconds."""
    api = make_api(quota={"limit": 1, "per_seconds": 60, "retry_after": 0})
    api.get("/api/tags")
    assert api.get("/api/tags").headers["Retry-After"] == "0"


# Accounts beside each other


def test_accounts_are_independent_under_load(emulator: Emulator, make_api: MakeApi) -> None:
    """Two accounts filled at the same time each get exactly their own rows, ids and log."""
    apis = [make_api(), make_api()]

    def fill(api: Api, name: str) -> None:
        with requests.Session() as session:
            client = Api(emulator, api.account, session)
            for number in range(20):
                assert client.post("/api/tags", {"name": f"{name}{number}"}).status_code == 201

    threads = [
        threading.Thread(target=fill, args=(api, f"{place}-{twin}-"))
        for place, api in enumerate(apis)
        for twin in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, api in enumerate(apis):
        names = api.account.state()["tags"]
        assert len(names) == 40
        assert all(name.startswith(f"{place}-") for name in names)
        assert sorted(api.account.ids()["tags"].values()) == list(range(2000001, 2000041))
        assert [entry["seq"] for entry in api.account.writes] == list(range(1, 41))


def test_two_accounts_can_share_no_id(make_api: MakeApi) -> None:
    """`id_offset` moves the ids of all kinds."""
    seed: dict[str, Any] = {"tags": ["T"], "contacts": [{"email": "a@example.com"}]}
    assert make_api(seed, id_offset=500).account.ids()["tags"] == {"T": 2000501}
