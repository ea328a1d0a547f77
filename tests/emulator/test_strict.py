"""What the emulator refuses, so that no client relies on a server that is kinder than Systeme.io may be."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator import webhooks
from tests.emulator.conftest import Api, MakeApi, violations

SEED = {
    "tags": ["A", "B"],
    "contacts": [{"email": "ann@example.com", "tags": ["A"]}],
    "courses": ["Zen"],
    "communities": ["Club"],
    "enrollments": [{"course": "Zen", "contact": "ann@example.com"}],
    "memberships": [{"community": "Club", "contact": "ann@example.com"}],
}
#: Optional parameters of the lists, as the vendor's document names them.
OPTIONAL = {
    "/api/tags": ("limit", "order", "startingAfter", "query"),
    "/api/contacts": ("limit", "startingAfter", "email", "tags", "bounced", "unsubscribed", "registeredAfter"),
    "/api/school/courses": ("query", "active"),
    "/api/school/enrollments": ("course", "contact"),
    "/api/community/memberships": ("community", "contact"),
    "/api/community/communities": ("query",),
}


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    """An account with one of everything that is listed."""
    return make_api(SEED)


@pytest.mark.parametrize("path", OPTIONAL)
def test_an_empty_value_counts_as_absent(api: Api, path: str) -> None:
    """The vendor's document allows it for each of them; the request is recorded as it was sent."""
    whole = api.items(path)
    assert whole
    for name in OPTIONAL[path]:
        assert api.items(path, **{name: ""}) == whole, name
        assert api.account.requests[-1]["query"] == {name: ""}


def test_an_empty_value_of_what_is_required(api: Api) -> None:
    """Is missing."""
    assert violations(api.get("/api/payment/subscriptions", contact="")) == ["contact"]


@pytest.mark.parametrize("text", ["1_0", "+10", " 10", "\u00a010", "\u0661\u0660", "10.0", "1e1", "-10", "010"])
def test_integers(api: Api, text: str) -> None:
    """Digits alone, as JSON Schema has them."""
    for name in ("limit", "startingAfter"):
        assert violations(api.get("/api/tags", **{name: text})) == [f"pagination.{name}"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("cursor", ["0", "-1"])
def test_a_cursor_begins_at_one(api: Api, cursor: str, order: str) -> None:
    """In both directions."""
    assert violations(api.get("/api/tags", startingAfter=cursor, order=order)) == ["pagination.startingAfter"]


@pytest.mark.parametrize("wrong", ["abc", "-1", "0", "1;2", "1.5", "\u0661"])
def test_ids_in_filters(api: Api, wrong: str) -> None:
    """An empty list would say that there is nothing."""
    for path, name in (
        ("/api/school/enrollments", "course"),
        ("/api/school/enrollments", "contact"),
        ("/api/community/memberships", "community"),
        ("/api/community/memberships", "contact"),
        ("/api/contacts", "tags"),
        ("/api/payment/subscriptions", "contact"),
    ):
        assert violations(api.get(path, **{name: wrong})) == [name]
    assert violations(api.get("/api/contacts", tags=f"{api.id('tags', 'A')},{wrong}")) == ["tags"]
    assert api.items("/api/school/enrollments", course="9" * 30) == []


@pytest.mark.parametrize("slug", ["größe", "a b", "a-b", "١"])
def test_slugs_are_ascii(api: Api, slug: str) -> None:
    """``\\w`` of the document's pattern is that of ECMA 262."""
    assert violations(api.post("/api/contact_fields", {"slug": slug, "fieldName": "G"})) == ["slug"]


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_blank_names(api: Api, blank: str) -> None:
    """Blanks alone are no name, of a new one and of one that is there."""
    assert violations(api.post("/api/tags", {"name": blank})) == ["name"]
    assert violations(api.put(f"/api/tags/{api.id('tags', 'A')}", {"name": blank})) == ["name"]
    assert violations(api.post("/api/contact_fields", {"slug": "x", "fieldName": blank})) == ["fieldName"]
    hook: dict[str, Any] = {"name": blank, "url": "https://h.example.com/", "secret": "s", "subscriptions": []}
    assert "name" in violations(api.post("/api/webhooks", hook))


def test_events_that_are_sent(make_api: MakeApi) -> None:
    """Those that the reference names, and no other."""
    hook = {"name": "H", "url": "https://h.example.com/", "secret": "s", "events": list(webhooks.EVENTS)}
    plan = {"contact": "ann@example.com", "plan": "Monthly"}
    api = make_api({**SEED, "webhooks": [hook], "subscriptions": [plan]})
    ann, tag = api.contact("ann@example.com"), api.id("tags", "B")
    api.post("/api/contacts", {"email": "bob@example.com"})
    api.post(f"{ann}/tags", {"tagId": tag})
    api.delete(f"{ann}/tags/{tag}")
    api.delete(f"/api/tags/{api.id('tags', 'A')}")
    (row,) = api.items("/api/payment/subscriptions", contact=api.id("contacts", "ann@example.com"))
    assert api.post(f"/api/payment/subscriptions/{row['id']}/cancel", {"cancel": "Now"}).status_code == 204
    assert tuple(each.event for each in api.account.deliveries) == webhooks.SENT
