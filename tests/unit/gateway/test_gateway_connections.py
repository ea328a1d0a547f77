"""The connections API: reading, making and deleting, and which connection is the default."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from reconciler.errors import GatewayError, Invalid, NoAnswer, NotFound
from reconciler.gateway.connections import Connection, Connections, ConnectionsWriter
from tests.unit.gateway.conftest import Build

BASE = "https://control.example.com"
SESSION = "https://connect.example.com/?session_token=abc"


def wire(name: str, created: Any = "2025-12-08T07:20:53.488460Z", **more: Any) -> dict[str, Any]:
    entry = {"connection_id": name, "status": "ACTIVE", "creation_time": created, "app": "systeme"}
    return {**entry, "last_updated_time": "2026-01-31T20:03:32Z", "url": SESSION, "metadata": {}, **more}


@pytest.fixture
def mock() -> Any:
    """Every call is answered from here."""
    with requests_mock.Mocker() as mocker:
        yield mocker


def test_a_list_is_filtered_twice(build: Build, mock: Any) -> None:
    """By the query, and again here, since what is shown must be what was asked for."""
    rows = [wire("a"), wire("b", status="PENDING"), wire("c", app="other"), wire("d", app=None)]
    mock.get(f"{BASE}/connections", json={"connections": rows})
    client = build(BASE, Connections)
    assert [item.id for item in client.list()] == ["a", "b", "d"]
    assert mock.last_request.query == "app=systeme"
    assert [item.id for item in client.list(status="PENDING")] == ["b"]
    assert mock.last_request.query == "app=systeme&status=pending"


def test_a_connection_is_decoded(build: Build, mock: Any) -> None:
    """All documented keys; the session URL stays out of its repr, and no vendor prefix is added."""
    mock.get(f"{BASE}/connections/a", json={"connection": wire("a", method="API_KEY")})
    found = build(BASE, Connections).get("a")
    times = ("2025-12-08T07:20:53.488460Z", "2026-01-31T20:03:32Z")
    assert found == Connection("a", "ACTIVE", "systeme", *times, "API_KEY", SESSION)
    assert "session_token" not in repr(found)


@pytest.mark.parametrize(
    ("rows", "oldest"),
    [
        ([], None),
        ([wire("b", status="FAILED")], None),
        ([wire("new", "2026-01-01T00:00:00Z"), wire("old", "2025-12-31T23:00:00-02:00"), wire("x", None)], "new"),
        ([wire("b", 1_700_000_001), wire("a", 1_700_000_000)], "a"),
        ([wire("b"), wire("a")], "a"),
    ],
)
def test_the_oldest_active_one_is_the_default(build: Build, mock: Any, rows: Any, oldest: str | None) -> None:
    """By instant, not by text; one counted GET."""
    mock.get(f"{BASE}/connections", json={"connections": rows})
    client = build(BASE, Connections)
    found = client.oldest_active()
    assert (found.id if found else None) == oldest
    assert client.calls.reads == mock.call_count == 1


@pytest.mark.parametrize("answer", [{"connection": wire("n", status="PENDING")}, wire("n", status="PENDING")])
def test_create_takes_either_form(build: Build, mock: Any, answer: Any) -> None:
    """Wrapped or bare, the answer is a connection with the URL to open."""
    mock.post(f"{BASE}/connections", json=answer, status_code=201)
    made = build(BASE, ConnectionsWriter).create()
    assert (made.id, made.status, made.url) == ("n", "PENDING", SESSION)
    assert mock.last_request.json() == {"app": "systeme"}


def test_create_is_not_repeated_in_doubt(build: Build, mock: Any) -> None:
    """A second connection would be a second account to choose from."""
    mock.post(f"{BASE}/connections", status_code=502)
    with pytest.raises(NoAnswer):
        build(BASE, ConnectionsWriter).create()
    assert mock.call_count == 1


@pytest.mark.parametrize("answer", [{"status_code": 204}, {"json": {}}])
def test_delete(build: Build, mock: Any, answer: Any) -> None:
    """Its answer is not documented: nothing, or any object."""
    mock.delete(f"{BASE}/connections/a%2Fb", **answer)
    build(BASE, ConnectionsWriter).delete("a/b")
    assert mock.call_count == 1


def test_what_is_not_there_is_not_found(build: Build, mock: Any) -> None:
    """404 as everywhere, 400 without talk of connections that must be chosen."""
    mock.get(f"{BASE}/connections/a", [{"status_code": 404, "json": {}}, {"status_code": 400, "json": {}}])
    client = build(BASE, Connections)
    with pytest.raises(NotFound):
        client.get("a")
    with pytest.raises(Invalid):
        client.get("a")


@pytest.mark.parametrize("body", [{}, {"connections": {}}, {"connections": [{}]}, {"connections": [7]}])
def test_odd_lists_are_errors(build: Build, mock: Any, body: Any) -> None:
    """No list, or entries that name no connection."""
    mock.get(f"{BASE}/connections", json=body)
    with pytest.raises(GatewayError):
        build(BASE, Connections).list()
