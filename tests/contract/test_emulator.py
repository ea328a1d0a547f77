"""Every operation of the emulator, over HTTP, against our description and against the vendor's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.emulator import Account, Emulator
from tests.contract.conftest import NEWER
from tests.contract.openapi import Interface

HERE = Path(__file__).parent

SEED: dict[str, Any] = {
    "tags": ["VIP", "Spare", "Doomed"],
    "contact_fields": [{"slug": "shoe", "name": "Shoe size"}, {"slug": "hat", "name": "Hat size"}],
    "contacts": [
        {"email": "ann@example.com", "fields": {"first_name": "Ann", "shoe": "38"}, "tags": ["VIP"]},
        {"email": "bob@example.com", "locale": "fr"},
        {"email": "gone@example.com"},
    ],
    "courses": [{"name": "Yoga", "modules": ["Week 1", "Week 2"]}],
    "communities": [{"name": "Insiders"}],
    "enrollments": [{"contact": "ann@example.com", "course": "Yoga"}],
    "memberships": [{"contact": "ann@example.com", "community": "Insiders"}],
    "webhooks": [
        {"name": "CRM", "url": "https://crm.example.com/hook", "secret": "s", "events": ["SALE_NEW"]},
        {"name": "Old", "url": "https://old.example.com/hook", "secret": "s", "events": ["SALE_NEW"]},
    ],
    "subscriptions": [
        {"contact": "ann@example.com", "plan": "Monthly"},
        {"contact": "ann@example.com", "plan": None},
    ],
}

Ids = dict[str, dict[str, Any]]
Case = tuple[str, str, Callable[[Ids], str], dict[str, str], Any, int]


def fixed(path: str) -> Callable[[Ids], str]:
    return lambda ids: path


def of(template: str, kind: str, name: str) -> Callable[[Ids], str]:
    return lambda ids: template.format(ids[kind][name])


CONTACT, TAG, WEBHOOK = "/api/contacts/{}", "/api/tags/{}", "/api/webhooks/{}"
ANN_VIP: Callable[[Ids], str] = lambda ids: (  # noqa: E731
    f"/api/contacts/{ids['contacts']['ann@example.com']}/tags/{ids['tags']['VIP']}"
)
SHOE = {"slug": "shoe", "value": "40"}

# What an id in a body stands for is filled in by `resolved`.
CASES: list[Case] = [
    ("contacts", "GET", fixed("/api/contacts"), {"limit": "100", "order": "asc"}, None, 200),
    ("contacts by e-mail", "GET", fixed("/api/contacts"), {"email": "ann@example.com"}, None, 200),
    ("contacts, limit", "GET", fixed("/api/contacts"), {"limit": "101"}, None, 422),
    ("contact", "GET", of(CONTACT, "contacts", "ann@example.com"), {}, None, 200),
    ("contact, missing", "GET", fixed("/api/contacts/1"), {}, None, 404),
    ("new contact", "POST", fixed("/api/contacts"), {}, {"email": "new@example.com", "fields": [SHOE]}, 201),
    ("new contact, taken", "POST", fixed("/api/contacts"), {}, {"email": "ann@example.com"}, 422),
    ("patch contact", "PATCH", of(CONTACT, "contacts", "ann@example.com"), {}, {"fields": [SHOE]}, 200),
    ("patch contact, locale", "PATCH", of(CONTACT, "contacts", "bob@example.com"), {}, {"locale": "x"}, 422),
    ("delete contact", "DELETE", of(CONTACT, "contacts", "gone@example.com"), {}, None, 204),
    ("assign", "POST", of(CONTACT + "/tags", "contacts", "bob@example.com"), {}, {"tagId": "tags VIP"}, 204),
    ("assign, missing", "POST", of(CONTACT + "/tags", "contacts", "bob@example.com"), {}, {"tagId": 1}, 422),
    ("unassign", "DELETE", ANN_VIP, {}, None, 204),
    ("tags", "GET", fixed("/api/tags"), {"query": "vi", "limit": "10"}, None, 200),
    ("tag", "GET", of(TAG, "tags", "VIP"), {}, None, 200),
    ("tag, missing", "GET", fixed("/api/tags/x"), {}, None, 404),
    ("new tag", "POST", fixed("/api/tags"), {}, {"name": "New"}, 201),
    ("new tag, long", "POST", fixed("/api/tags"), {}, {"name": "x" * 65}, 422),
    ("rename tag", "PUT", of(TAG, "tags", "Spare"), {}, {"name": "Kept"}, 200),
    ("delete tag", "DELETE", of(TAG, "tags", "Doomed"), {}, None, 204),
    ("fields", "GET", fixed("/api/contact_fields"), {}, None, 200),
    ("new field", "POST", fixed("/api/contact_fields"), {}, {"fieldName": "Coat", "slug": "coat"}, 201),
    ("relabel field", "PATCH", fixed("/api/contact_fields/shoe"), {}, {"fieldName": "Shoes"}, 200),
    ("relabel field, blank", "PATCH", fixed("/api/contact_fields/shoe"), {}, {"fieldName": ""}, 422),
    ("delete field", "DELETE", fixed("/api/contact_fields/hat"), {}, None, 204),
    ("courses", "GET", fixed("/api/school/courses"), {"query": "week", "active": "true"}, None, 200),
    ("modules", "GET", fixed("/api/school/course-modules"), {"courseId": "courses Yoga"}, None, 200),
    ("enrollments", "GET", fixed("/api/school/enrollments"), {"course": "courses Yoga"}, None, 200),
    (
        "enroll",
        "POST",
        of("/api/school/courses/{}/enrollments", "courses", "Yoga"),
        {},
        {"contactId": "contacts bob@example.com", "accessType": "full_access"},
        201,
    ),
    ("end access", "DELETE", of("/api/school/enrollments/{}", "enrollments", "ann@example.com/Yoga"), {}, None, 204),
    ("communities", "GET", fixed("/api/community/communities"), {"query": "ins"}, None, 200),
    ("memberships", "GET", fixed("/api/community/memberships"), {"community": "communities Insiders"}, None, 200),
    (
        "join",
        "POST",
        of("/api/community/communities/{}/memberships", "communities", "Insiders"),
        {},
        {"contactId": "contacts bob@example.com"},
        202,
    ),
    (
        "leave",
        "DELETE",
        of("/api/community/memberships/{}", "memberships", "ann@example.com/Insiders"),
        {},
        None,
        204,
    ),
    ("subscriptions", "GET", fixed("/api/payment/subscriptions"), {"contact": "contacts ann@example.com"}, None, 200),
    (
        "cancel",
        "POST",
        of("/api/payment/subscriptions/{}/cancel", "subscriptions", "ann@example.com/Monthly"),
        {},
        {"cancel": "WhenBillingPeriodEnds"},
        204,
    ),
    ("webhooks", "GET", fixed("/api/webhooks"), {}, None, 200),
    ("webhook", "GET", of(WEBHOOK, "webhooks", "CRM"), {}, None, 200),
    (
        "new webhook",
        "POST",
        fixed("/api/webhooks"),
        {},
        {"name": "N", "url": "https://n.example.com/", "secret": "s", "subscriptions": ["CONTACT_CREATED"]},
        201,
    ),
    (
        "patch webhook",
        "PATCH",
        of(WEBHOOK, "webhooks", "CRM"),
        {},
        {"name": "CRM", "secret": "t", "subscriptions": ["CONTACT_OPT_IN"], "active": False},
        200,
    ),
    ("delete webhook", "DELETE", of(WEBHOOK, "webhooks", "Old"), {}, None, 204),
]
ANY: Any = defaultdict(lambda: defaultdict(int))
# The vendor's document lacks newer operations, and the 422 of a list.
IN_VENDOR = [case for case in CASES if not case[2](ANY).startswith(NEWER) and (case[1], case[5]) != ("GET", 422)]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return emulator.account("contract", SEED)


@pytest.fixture(scope="module")
def session(emulator: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.headers["Authorization"] = f"Bearer {emulator.key}"
        yield made


@pytest.fixture(scope="module")
def interface() -> Interface:
    return Interface.load(HERE / "interface.yaml")


def resolved(given: Any, ids: Ids) -> Any:
    """The same query or body with `kind name` replaced by the remote id."""
    if isinstance(given, dict):
        return {key: resolved(value, ids) for key, value in given.items()}
    if isinstance(given, str) and " " in given:
        kind, _, name = given.partition(" ")
        return ids[kind][name] if kind in ids else given
    return given


def send(
    emulator: Emulator, session: requests.Session, case: Case, ids: Ids
) -> tuple[str, Any, Any, requests.Response]:
    _, method, path_of, query, body, _ = case
    path, asked, content = path_of(ids), resolved(query, ids), resolved(body, ids)
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    reply = session.request(
        method,
        f"{emulator.url}/systeme{path}",
        params=asked,
        json=content,
        headers={"Content-Type": kind} if content is not None else {},
    )
    return path, asked, content, reply


def body_of(reply: requests.Response) -> Any:
    return reply.json() if reply.content else None


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_answers_fit_our_description(
    case: Case, emulator: Emulator, account: Account, session: requests.Session, interface: Interface
) -> None:
    """Each operation answers with the status and the shape that interface.yaml gives it."""
    method, status = case[1], case[5]
    path, query, body, reply = send(emulator, session, case, account.ids())
    assert reply.status_code == status, reply.text
    assert interface.check_answer(method, path, status, body_of(reply)) == []
    if status < 300:
        assert interface.check_request(method, path, query, body) == []


@pytest.mark.parametrize("case", IN_VENDOR, ids=[case[0] for case in IN_VENDOR])
def test_answers_fit_the_vendors_description(
    case: Case, emulator: Emulator, account: Account, session: requests.Session, vendor: Interface
) -> None:
    """Each operation answers, and is asked, as the vendor's own document says."""
    method, status = case[1], case[5]
    path, query, body, reply = send(emulator, session, case, account.ids())
    assert vendor.check_answer(method, path, status, body_of(reply)) == []
    if status < 300:
        assert vendor.check_request(method, path, query, body) == []


def test_every_operation_has_a_case(interface: Interface, account: Account) -> None:
    """No operation of interface.yaml goes untested here."""
    ids = account.ids()
    met = [interface.find(case[1], case[2](ids)) for case in CASES]
    templates = {(found.method, found.template) for found in met if found}
    described = {(o.method, o.template) for o in interface.operations if o.template.startswith("/api/")}
    assert templates == described


def test_our_description_covers_the_vendors(interface: Interface, vendor: Interface) -> None:
    """interface.yaml has all 31 operations of the vendor, with the same query parameters."""
    ours = {(operation.method, operation.template): operation for operation in interface.operations}
    assert len(vendor.operations) == 31
    for operation in vendor.operations:
        own = ours[operation.method, operation.template]
        assert own.parameters.keys() == operation.parameters.keys()


def test_connections_fit_our_description(
    emulator: Emulator, account: Account, session: requests.Session, interface: Interface
) -> None:
    """The control interface answers as interface.yaml says, from creation to removal."""
    made = session.post(f"{emulator.url}/connections", json={"app": "systeme"})
    assert interface.check_answer("POST", "/connections", made.status_code, made.json()) == []
    path = f"/connections/{made.json()['connection']['connection_id']}"
    for method, place in (("GET", "/connections"), ("GET", path), ("DELETE", path), ("GET", path)):
        reply = session.request(method, emulator.url + place)
        assert interface.check_answer(method, place, reply.status_code, reply.json()) == []
    assert reply.status_code == 404


def test_a_wrong_key_is_refused_in_the_gateways_own_shape(emulator: Emulator, interface: Interface) -> None:
    """Without the right key there is a plain JSON 401, not a problem document."""
    with requests.Session() as anonymous:
        reply = anonymous.get(f"{emulator.url}/connections")
    assert reply.headers["content-type"] == "application/json"
    assert interface.check_answer("GET", "/connections", reply.status_code, reply.json()) == []


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "wrong"),
    [
        ("GET", "/api/unknown", {}, None, "GET /api/unknown is not described"),
        ("GET", "/api/tags", {"page": "2"}, None, "query: page is not described"),
        ("GET", "/api/payment/subscriptions", {}, None, "query: contact is required"),
        ("POST", "/api/tags", {}, None, "body: required"),
        ("DELETE", "/api/tags/1", {}, {}, "body: none is described"),
        ("POST", "/api/tags", {}, {"name": "A", "slug": "a"}, "body: slug is not described"),
        ("POST", "/api/tags", {}, {"name": 1}, "body.name: 1 is not of type 'string'"),
        ("GET", "/api/tags", {"limit": "9"}, None, "query: limit: 9 is less than the minimum of 10"),
    ],
)
def test_the_check_of_requests_finds_faults(
    interface: Interface, method: str, path: str, query: dict[str, str], body: Any, wrong: str
) -> None:
    """A request that the description does not allow is named with its place."""
    assert interface.check_request(method, path, query, body) == [wrong]


def test_the_check_of_answers_finds_faults(interface: Interface) -> None:
    """Undeclared statuses, bodies of a 204 and leaked secrets are all found."""
    assert interface.check_answer("GET", "/api/unknown", 200, None) == ["GET /api/unknown is not described"]
    assert interface.check_answer("GET", "/api/tags", 302, None) == ["GET /api/tags does not answer 302"]
    assert interface.check_answer("DELETE", "/api/tags/1", 204, {}) == ["a 204 has no body"]
    hook = {"id": "1", "name": "n", "url": "u", "active": True, "subscriptions": [], "secret": "s"}
    assert interface.check_answer("GET", "/api/webhooks/1", 200, hook) != []
