"""Pages, whole collections, single items, paths and queries."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests_mock

from reconciler.errors import GatewayError, Invalid, NotFound
from reconciler.gateway.client import Reader, Writer, query_text, safe_path
from reconciler.model.report import ApiRequest
from tests.unit.gateway.conftest import Build

BASE = "https://gateway.example.com"
TAGS = f"{BASE}/systeme/api/tags"


def account(mock: requests_mock.Mocker, total: int) -> list[dict[str, Any]]:
    """A collection of so many rows, newest first, that pages as the vendor does."""
    rows = [{"id": number, "name": f"tag {number}"} for number in range(total, 0, -1)]

    def page(request: Any, _: Any) -> dict[str, Any]:
        query = parse_qs(urlsplit(request.url).query)
        limit, after = int(query["limit"][0]), int(query.get("startingAfter", [total + 1])[0])
        rest = [row for row in rows if row["id"] < after]
        return {"items": rest[:limit], "hasMore": len(rest) > limit}

    mock.get(TAGS, json=page)
    return rows


@pytest.mark.parametrize(
    ("total", "calls"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3), (1000, 10)]
)
def test_a_walk_makes_exactly_the_calls_it_needs(build: Build, total: int, calls: int) -> None:
    """Every row once, in order, and no call after the page that says it was the last."""
    with requests_mock.Mocker() as mock:
        rows = account(mock, total)
        client = build(BASE, Reader)
        pages = list(client.walk("/api/tags"))
    assert [row for page in pages for row in page] == rows
    assert all(pages)
    assert (mock.call_count, client.calls.reads) == (calls, calls)


def test_a_walk_can_be_left_early(build: Build) -> None:
    """A page that nobody asks for is not fetched."""
    with requests_mock.Mocker() as mock:
        account(mock, 500)
        next(build(BASE, Reader).walk("/api/tags"))
    assert mock.call_count == 1


def test_filters_and_limit_travel_with_every_page(build: Build) -> None:
    """The query stays the same but for the cursor."""
    with requests_mock.Mocker() as mock:
        account(mock, 120)
        list(build(BASE, Reader).walk("/api/tags", {"query": "a b", "limit": 50, "active": True, "x": None}))
    seen = [urlsplit(request.url).query for request in mock.request_history]
    base = "limit=50&query=a+b&active=true"
    assert seen == [base, f"{base}&startingAfter=71", f"{base}&startingAfter=21"]


def walk_of(build: Build, *pages: Any) -> list[Any]:
    with requests_mock.Mocker() as mock:
        mock.get(TAGS, [{"json": page} for page in pages])
        return list(build(BASE, Reader).walk("/api/tags"))


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"items": None, "hasMore": False},
        {"items": {"a": 1}, "hasMore": False},
        {"items": [1], "hasMore": False},
        {"items": []},
        {"items": [], "hasMore": "no"},
        {"items": [], "hasMore": True},
        {"items": [{"name": "x"}], "hasMore": True},
        {"items": [{"id": True}], "hasMore": True},
        {"items": [{"id": [1]}], "hasMore": True},
        {"items": [{"id": 3}], "hasMore": True},
    ],
)
def test_a_malformed_or_endless_walk_is_an_error(build: Build, page: Any) -> None:
    """Items, hasMore and a cursor that moves, or GatewayError."""
    with pytest.raises(GatewayError, match="GET /api/tags"):
        walk_of(build, page)


def test_a_cursor_that_comes_back_is_endless(build: Build) -> None:
    """Not only the same page twice, any circle."""
    pages = [{"items": [{"id": number}], "hasMore": True} for number in (3, 2, 3)]
    with pytest.raises(GatewayError, match="endless pages"):
        walk_of(build, *pages)


def test_a_repeated_row_comes_once(build: Build) -> None:
    """A row that moved between two pages, or stands on both sides of a page border, is one row."""
    pages = [{"items": [{"id": 3}, {"id": 2}], "hasMore": True}, {"items": [{"id": 3}, {"id": 1}], "hasMore": False}]
    assert [row["id"] for page in walk_of(build, *pages) for row in page] == [3, 2, 1]


def test_a_page_of_repeated_rows_is_no_page(build: Build) -> None:
    """The walk goes on behind it."""
    pages = [
        {"items": [{"id": 3}, {"id": 2}], "hasMore": True},
        {"items": [{"id": 2}, {"id": 3}], "hasMore": False},
    ]
    assert walk_of(build, *pages) == [[{"id": 3}, {"id": 2}]]


@pytest.mark.parametrize(
    "rows", [[{"slug": "a"}, {"slug": "b"}, {"slug": "a"}], [{"id": "x"}, {"id": "y"}, {"id": "x"}]]
)
def test_a_whole_collection_repeats_no_row(build: Build, rows: list[dict[str, str]]) -> None:
    """Contact fields are known by their slug."""
    with requests_mock.Mocker() as mock:
        mock.get(f"{BASE}/systeme/api/contact_fields", json={"items": rows, "hasMore": False})
        assert build(BASE, Reader).whole("/api/contact_fields") == rows[:2]


def test_a_whole_collection_takes_no_parameters(build: Build) -> None:
    """Contact fields and webhooks come at once."""
    rows = [{"slug": "a", "fieldName": "A"}]
    with requests_mock.Mocker() as mock:
        mock.get(f"{BASE}/systeme/api/contact_fields", json={"items": rows, "hasMore": False})
        assert build(BASE, Reader).whole("/api/contact_fields") == rows
    assert urlsplit(mock.last_request.url).query == ""


def test_a_whole_collection_with_more_is_an_error(build: Build) -> None:
    """Half a list must not look like the list."""
    with requests_mock.Mocker() as mock:
        mock.get(f"{BASE}/systeme/api/webhooks", json={"items": [], "hasMore": True})
        with pytest.raises(GatewayError, match="the list is incomplete"):
            build(BASE, Reader).whole("/api/webhooks")


def test_find_gives_the_item_or_none(build: Build) -> None:
    """404 is None here and NotFound for get; the id is encoded."""
    with requests_mock.Mocker() as mock:
        mock.get(f"{TAGS}/7", json={"id": 7, "name": "VIP"})
        mock.get(f"{TAGS}/a%2Fb", status_code=404, json={"detail": "Not Found"})
        client = build(BASE, Reader)
        assert client.find("/api/tags", 7) == {"id": 7, "name": "VIP"}
        assert client.find("/api/tags", "a/b") is None
        with pytest.raises(NotFound):
            client.get("/api/tags/a%2Fb")


@pytest.mark.parametrize("odd", ["..", ".", ""])
def test_an_id_cannot_lead_elsewhere(build: Build, odd: str) -> None:
    """A path that would climb or end early is refused before anything leaves."""
    with requests_mock.Mocker() as mock, pytest.raises(GatewayError, match="not a path"):
        build(BASE).send(ApiRequest("DELETE", f"/api/tags/{odd}"))
    assert mock.call_count == 0


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/api/tags/7", "/api/tags/7"),
        ("/api/contact_fields/größe", "/api/contact_fields/gr%C3%B6%C3%9Fe"),
        ("/api/x?y#z", "/api/x%3Fy%23z"),
        ("/api/a b", "/api/a%20b"),
        ("/api/a%20b", "/api/a%20b"),
        ("/api/.x", "/api/.x"),
    ],
)
def test_paths_are_encoded_once(path: str, safe: str) -> None:
    """What must be, and nothing that already is."""
    assert safe_path(path) == safe


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"a": None}, ""),
        ({"email": "a+b@example.com"}, "?email=a%2Bb%40example.com"),
        ({"bounced": False, "tags": [1, 2], "n": 3}, "?bounced=false&tags=1%2C2&n=3"),
    ],
)
def test_queries(query: Any, text: str) -> None:
    """None is left out, booleans are words, lists are joined."""
    assert query_text(query) == text


FIELDS = f"{BASE}/systeme/api/contact_fields"


@pytest.mark.parametrize(("spoken", "theirs", "key"), [("vendor", "skill", "name"), ("skill", "vendor", "fieldName")])
def test_the_other_dialect_is_recognised(build: Build, spoken: str, theirs: str, key: str) -> None:
    """In a list and in a refusal; the error names the setting. One's own dialect is no error."""
    with requests_mock.Mocker() as mock:
        mock.get(FIELDS, json={"items": [{"slug": "a", key: "A"}], "hasMore": False})
        mock.post(FIELDS, status_code=422, json={"violations": [{"propertyPath": key, "message": "blank"}]})
        client = build(BASE, Writer, dialect=spoken)
        for ask in (
            lambda: client.whole("/api/contact_fields"),
            lambda: client.send(ApiRequest("POST", "/api/contact_fields", {"slug": "a"})),
        ):
            with pytest.raises(GatewayError, match=rf"dialect: {theirs} \(RECONCILER_DIALECT={theirs}\)"):
                ask()
        own = build(BASE, Writer, dialect=theirs)
        assert own.whole("/api/contact_fields")
        with pytest.raises(Invalid):
            own.send(ApiRequest("POST", "/api/contact_fields", {"slug": "a"}))


def test_where_a_hundred_are_refused_fifty_are_asked_for(build: Build) -> None:
    """Once; every later page and walk of that collection knows."""
    refusal = {
        "title": "An error occurred",
        "detail": "…",
        "violations": [{"propertyPath": "pagination.limit", "message": "Wrong value", "code": "c"}],
    }
    with requests_mock.Mocker() as mock:
        rows = account(mock, 70)
        mock.get(f"{TAGS}?limit=100", status_code=422, json=refusal)
        client = build(BASE, Reader)
        for _ in range(2):
            assert [row for page in client.walk("/api/tags") for row in page] == rows
        limits = [parse_qs(urlsplit(call.url).query)["limit"][0] for call in mock.request_history]
    assert limits == ["100", "50", "50", "50", "50"]


def test_another_limit_and_another_refusal_are_not_helped(build: Build) -> None:
    """What the caller asked for is the caller's; what is wrong otherwise stays wrong."""
    refusal = {"detail": "…", "violations": [{"propertyPath": "contact", "message": "m", "code": "c"}]}
    with requests_mock.Mocker() as mock:
        mock.get(TAGS, status_code=422, json=refusal)
        for query in ({}, {"limit": 20}):
            with pytest.raises(Invalid):
                list(build(BASE, Reader).walk("/api/tags", query))
    assert mock.call_count == 2
