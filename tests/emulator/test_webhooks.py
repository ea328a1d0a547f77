"""What the emulator does with webhooks and the deliveries they cause."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from reconciler.emulator import Emulator
from tests.emulator.conftest import Api, MakeApi, now, violations

HOOK: dict[str, Any] = {"name": "CRM", "url": "https://crm.example.com/hook", "secret": "s3cret"}
SEED = {"webhooks": [{**HOOK, "events": ["CONTACT_CREATED", "SALE_NEW"]}]}


def path_of(api: Api) -> str:
    return f"/api/webhooks/{api.id('webhooks', 'CRM')}"


def live(hook: dict[str, Any]) -> list[str]:
    return [row["event"] for row in hook["subscriptions"] if row["disabledAt"] is None]


def test_a_webhook_is_answered_without_its_secret(api: Api) -> None:
    """POST, list and GET show everything but the secret; plain events get their schema version."""
    made = api.post("/api/webhooks", {**HOOK, "subscriptions": ["CONTACT_CREATED", "SALE_NEW"]})
    assert made.status_code == 201
    assert made.json()["active"] is True
    versions = {row["event"]: row["schemaVersion"] for row in made.json()["subscriptions"]}
    assert versions == {"CONTACT_CREATED": 1, "SALE_NEW": 2}
    assert api.items("/api/webhooks", limit="1") == [made.json()]
    assert api.get(path_of(api)).json() == made.json()
    assert "s3cret" not in made.text
    assert api.account.state()["webhooks"][0]["secret"] == "s3cret"


def test_events_may_name_their_version(api: Api) -> None:
    """The newer spelling of an event carries its schema version."""
    wanted = [{"event": "SALE_NEW", "schemaVersion": 1}, {"event": "CONTACT_OPT_IN"}]
    rows = api.post("/api/webhooks", {**HOOK, "subscriptions": wanted, "active": False}).json()["subscriptions"]
    assert [row["schemaVersion"] for row in rows] == [1, 1]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": "CRM"}, ["name"]),
        ({"url": "https://crm.example.com/hook"}, ["url"]),
        ({"url": "nowhere"}, ["url"]),
        ({"secret": None}, ["secret"]),
        ({"subscriptions": None}, ["subscriptions"]),
        ({"subscriptions": ["CONTACT_GONE"]}, ["subscriptions[0]"]),
        ({"subscriptions": ["SALE_NEW", "SALE_NEW"]}, ["subscriptions"]),
    ],
)
def test_impossible_webhooks_are_refused(make_api: MakeApi, change: dict[str, Any], paths: list[str]) -> None:
    """Four keys are required, name and url are unique, events come from the closed list."""
    body = {"name": "Other", "url": "https://other.example.com/", "secret": "s", "subscriptions": [], **change}
    assert violations(make_api(SEED).post("/api/webhooks", body)) == paths


def test_a_patch_replaces_the_events_and_keeps_dropped_ones_as_rows(make_api: MakeApi) -> None:
    """Dropped events are disabled, not gone; one that comes back is enabled under its id."""
    api = make_api(SEED)
    before = api.get(path_of(api)).json()["subscriptions"]
    keys = {"name": "CRM", "secret": "s"}
    patched = api.patch(path_of(api), {**keys, "subscriptions": ["SALE_NEW", "CONTACT_OPT_IN"]}).json()
    dropped = patched["subscriptions"][0]
    assert live(patched) == ["SALE_NEW", "CONTACT_OPT_IN"]
    assert (dropped["event"], dropped["disabledReason"]) == ("CONTACT_CREATED", "USER_CANCELED")
    assert dropped["disabledAt"] == "2026-01-02T03:04:05+00:00"
    again = api.patch(path_of(api), {**keys, "subscriptions": ["CONTACT_CREATED"]}).json()
    assert again["subscriptions"][0] == before[0]
    assert live(again) == ["CONTACT_CREATED"]


def test_dropped_events_may_vanish(make_api: MakeApi) -> None:
    """Without `keep_disabled_events` only wanted rows stay."""
    api = make_api(SEED, keep_disabled_events=False)
    patched = api.patch(path_of(api), {"name": "CRM", "secret": "s", "subscriptions": ["SALE_NEW"]}).json()
    assert [row["event"] for row in patched["subscriptions"]] == ["SALE_NEW"]


def test_a_vendor_patch_needs_name_and_secret_and_ignores_the_url(make_api: MakeApi) -> None:
    """Both keys must be there, null keeps what is; a url changes nothing."""
    api = make_api(SEED)
    assert violations(api.patch(path_of(api), {"active": False})) == ["name", "secret"]
    body = {"name": None, "secret": None, "url": "https://new.example.com/", "active": False}
    patched = api.patch(path_of(api), body).json()
    assert (patched["name"], patched["url"], patched["active"]) == ("CRM", HOOK["url"], False)
    assert api.account.state()["webhooks"][0]["secret"] == "s3cret"


def test_a_lenient_patch_takes_any_subset(make_api: MakeApi) -> None:
    """With `strict_webhook_patch` off, as in the newer document, nothing is required."""
    api = make_api(SEED, strict_webhook_patch=False)
    assert api.patch(path_of(api), {"name": "Renamed", "secret": "new"}).json()["name"] == "Renamed"
    assert api.account.state()["webhooks"][0]["secret"] == "new"


def test_missing_webhooks_are_404(make_api: MakeApi) -> None:
    """A deleted webhook is gone for every method."""
    api = make_api(SEED)
    path = path_of(api)
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == api.delete(path).status_code == api.patch(path, {}).status_code == 404


# Deliveries


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it gets in the server's `got`, and answers with the server's `status`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({key.lower(): value for key, value in self.headers.items()}, body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 500])
def test_deliveries_are_signed_over_the_raw_body(receiver: Any, session: Any, status: int) -> None:
    """A loopback receiver gets what the vendor would send, with a signature it can check."""
    receiver.status = status
    hook = {**HOOK, "url": f"http://127.0.0.1:{receiver.server_port}/a", "events": ["CONTACT_CREATED"]}
    with Emulator(now=now) as emulator:
        account = emulator.account("one", {"webhooks": [hook]}, deliveries=True)
        Api(emulator, account, session).post("/api/contacts", {"email": "é/x@example.com"})
    (headers, body) = receiver.got[0]
    assert hmac.new(b"s3cret", body, hashlib.sha256).hexdigest() == headers["x-webhook-signature"]
    assert json.loads(body)["contact"]["email"] == "é/x@example.com"
    assert b"\\u00e9\\/x" in body
    assert (headers["user-agent"], headers["x-webhook-event"]) == ("SystemeIO-Webhook", "CONTACT_CREATED")
    names = {name for name in headers if name.startswith("x-webhook-")}
    assert len(names) == 8
    assert (account.deliveries[0].sent, account.deliveries[0].status) == (True, status)


def test_deliveries_are_recorded_and_leave_for_loopback_only(make_api: MakeApi) -> None:
    """Taggings are recorded with contact and tag; a public url is never called, a dead one is no error."""
    hooks = [
        {**HOOK, "events": ["CONTACT_TAG_ADDED", "CONTACT_TAG_REMOVED"]},
        {"name": "Off", "url": "http://127.0.0.1:9/", "active": False, "events": ["CONTACT_TAG_ADDED"]},
        {"name": "Deaf", "url": "http://127.0.0.1:9/x", "events": [], "disabled_events": ["CONTACT_TAG_ADDED"]},
    ]
    api = make_api({"tags": ["VIP"], "contacts": [{"email": "a@example.com"}], "webhooks": hooks}, deliveries=True)
    path = api.contact("a@example.com") + "/tags"
    for _ in range(2):
        api.post(path, {"tagId": api.id("tags", "VIP")})
    api.delete(f"{path}/{api.id('tags', 'VIP')}")
    plain: list[dict[str, Any]] = [delivery.plain() for delivery in api.account.deliveries]
    assert [row["event"] for row in plain] == ["CONTACT_TAG_ADDED", "CONTACT_TAG_REMOVED"]
    assert plain[0]["body"]["tag"] == {"id": api.id("tags", "VIP"), "name": "VIP"}
    assert [row["sent"] for row in plain] == [False, False]


def test_a_dead_receiver_is_no_error(session: Any) -> None:
    """A delivery that finds nobody ends without a status."""
    hook = {**HOOK, "url": "http://localhost:9/", "events": ["CONTACT_CREATED"]}
    with Emulator() as emulator:
        account = emulator.account("one", {"webhooks": [hook]}, deliveries=True)
        Api(emulator, account, session).post("/api/contacts", {"email": "x@example.com"})
    assert (account.deliveries[0].sent, account.deliveries[0].status) == (True, None)
