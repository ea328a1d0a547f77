"""The accidents the emulator has on demand, and what is left of the request after each."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from reconciler.emulator import Account, Emulator
from tests.emulator.conftest import Api
from tests.support.waiting import PATIENCE, until

TAG = {"name": "VIP"}
HOURS = 36_000  # what waits for its end fails a test


def tags(api: Api) -> list[str]:
    names: list[str] = api.account.state()["tags"]
    return names


def last(api: Api) -> tuple[str | None, int | None]:
    entry = api.account.requests[-1]
    return entry["fault"], entry["status"]


@pytest.mark.parametrize(("kind", "left"), [("drop_before", []), ("drop_after", ["VIP"]), ("cut", ["VIP"])])
def test_connections_break_before_or_after_the_work(api: Api, kind: str, left: list[str]) -> None:
    """The client sees a broken connection; the work is done or not, and the next call goes through."""
    api.account.fault(kind, method="post")
    broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    with pytest.raises(broken):
        api.post("/api/tags", TAG)
    assert tags(api) == left
    assert last(api) == (kind, None)
    assert api.get("/api/tags").status_code == 200


def test_a_clean_cut_is_a_whole_message_of_broken_json(api: Api) -> None:
    """With `clean` the connection lives and the body ends in the middle."""
    api.account.fault("cut", clean=True)
    reply = api.post("/api/tags", TAG)
    assert reply.status_code == 201
    with pytest.raises(requests.JSONDecodeError):
        reply.json()
    assert tags(api) == ["VIP"]


def test_a_cut_without_a_body_drops_the_connection(api: Api) -> None:
    """A 204 has nothing to cut, so its reply is lost."""
    number = api.post("/api/tags", TAG).json()["id"]
    api.account.fault("cut", method="DELETE", clean=True)
    with pytest.raises(requests.ConnectionError):
        api.delete(f"/api/tags/{number}")
    assert tags(api) == []


def test_a_gateway_error_after_the_work(api: Api) -> None:
    """`error_after` commits and answers 502, or another status, in the gateway's shape."""
    api.account.fault("error_after")
    reply = api.post("/api/tags", TAG)
    assert (reply.status_code, reply.headers["content-type"]) == (502, "application/json")
    assert tags(api) == ["VIP"]
    api.account.fault("error_after", status=500)
    assert api.get("/api/tags").status_code == 500


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, '"Ordered status 503."'),
        ({"body": "busy"}, "busy"),
        ({"body": {"errors": {"common": ["limit"]}}}, '{"errors": {"common": ["limit"]}}'),
    ],
)
def test_a_status_is_answered_instead_of_the_work(api: Api, parameters: dict[str, Any], text: str) -> None:
    """`status` answers with any status, headers and body, and does nothing."""
    api.account.fault("status", status=503, headers={"Retry-After": 2}, **parameters)
    reply = api.post("/api/tags", TAG)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert text in reply.text
    assert tags(api) == []
    assert last(api) == ("status", 503)


@pytest.mark.parametrize("commit", [False, True])
def test_a_page_instead_of_json(api: Api, commit: bool) -> None:
    """`html` answers 200 with a page, the work done or not."""
    api.account.fault("html", commit=commit)
    reply = api.post("/api/tags", TAG)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert tags(api) == (["VIP"] if commit else [])


@pytest.mark.parametrize(("commit", "status"), [(True, 201), (False, 504)])
def test_an_answer_that_comes_late(api: Api, commit: bool, status: int) -> None:
    """`timeout` waits, then answers, or gives up where nothing was committed."""
    api.account.fault("timeout", seconds=0.01, commit=commit)
    assert api.post("/api/tags", TAG).status_code == status
    assert tags(api) == (["VIP"] if commit else [])


def test_a_client_that_gives_up_frees_the_server(api: Api) -> None:
    """The work of a timed-out call is done, and the server does not wait on."""
    api.account.fault("timeout", seconds=HOURS)
    headers = {"Authorization": f"Bearer {api.emulator.key}", "Maton-Connection": api.account.connection}
    connection = HTTPConnection(api.emulator.host, api.emulator.port)
    connection.request("POST", "/systeme/api/tags", json.dumps(TAG), {**headers, "Content-Type": "application/json"})
    until(lambda: api.account.requests)
    connection.close()
    until(lambda: api.account.requests[0]["status"])
    assert tags(api) == ["VIP"]
    assert api.get("/api/tags").status_code == 200


def held(emulator: Emulator, account: Account, answers: list[int]) -> threading.Thread:
    """A call that is under way in a fault, and notes the status of its answer."""
    headers = {"Authorization": f"Bearer {emulator.key}", "Maton-Connection": account.connection}
    url = f"{emulator.url}/systeme/api/tags"
    caller = threading.Thread(
        target=lambda: answers.append(requests.get(url, headers=headers, timeout=PATIENCE).status_code)
    )
    caller.start()
    until(lambda: account.requests)
    return caller


def test_stopping_wakes_sleeping_faults() -> None:
    """A server with a call in a long fault stops at once, and the caller gets its answer."""
    answers: list[int] = []
    with Emulator() as emulator:
        account = emulator.account("one")
        account.fault("timeout", seconds=HOURS)
        caller = held(emulator, account, answers)
    caller.join(PATIENCE)
    assert answers == [200]


@pytest.mark.parametrize("kind", ["timeout", "latency"])
def test_a_fault_that_is_taken_away_holds_nobody(api: Api, kind: str) -> None:
    """The request under way goes on as soon as there are other rules."""
    answers: list[int] = []
    api.account.fault(kind, seconds=HOURS)
    caller = held(api.emulator, api.account, answers)
    api.account.set_faults([])
    caller.join(PATIENCE)
    assert answers == [200]


def test_latency_delays_and_lets_other_faults_happen(api: Api) -> None:
    """`latency` only delays; a rule after it still applies, and the option delays every answer."""
    api.account.fault("latency", seconds=0.02)
    api.account.fault("status", status=500)
    api.account.options.latency = 5.0
    began = time.monotonic()
    assert api.get("/api/tags").status_code == 500
    assert time.monotonic() - began >= 0.024


def test_rules_count_what_they_match(api: Api) -> None:
    """`nth` and `times` choose among the requests that method and path match."""
    api.account.fault("status", method="GET", path="^/api/tags$", nth=2, times=2, status=500)
    statuses = [api.get(path).status_code for path in ["/api/tags", "/api/contacts", *["/api/tags"] * 4]]
    assert statuses == [200, 200, 500, 500, 200, 200]
    assert api.post("/api/tags", TAG).status_code == 201


def test_a_rule_can_last_for_ever(api: Api) -> None:
    """`times` of None never ends."""
    api.account.fault("status", times=None)
    assert {api.get("/api/tags").status_code for _ in range(5)} == {500}


def test_silent_requests_meet_no_fault_and_leave_no_trace(api: Api) -> None:
    """With X-Emulator-Silent an edit behind the client's back is neither logged nor faulted."""
    api.account.fault("status", times=None)
    silent = {"headers": {"X-Emulator-Silent": "1"}}
    assert api.send("POST", "/api/tags", TAG, **silent).status_code == 201
    assert api.account.requests == []


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"kind": "explosion"}, "explosion"),
        ({"kind": "status", "colour": "red"}, "colour"),
        ({"kind": "status", "match": {"body": "x"}}, "body"),
    ],
)
def test_impossible_rules_are_refused(api: Api, rule: dict[str, Any], wrong: str) -> None:
    """Unknown kinds, parameters and matches are errors that name them."""
    with pytest.raises(ValueError, match=wrong):
        api.account.set_faults([rule])
