"""What each status and body means, and what is left of the text of an error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from reconciler.errors import GatewayError, Invalid, NoAnswer, NotConnected, NotFound, Unauthorized, Violation
from reconciler.gateway.responses import RequestContext, clean, read
from reconciler.gateway.transport import Reply

PROBLEM = {"Content-Type": "application/problem+json"}


def refused(status: int, body: Any, headers: dict[str, str] | None = None, **asked: Any) -> GatewayError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    call = RequestContext(**{"method": "GET", "path": "/api/tags", **asked})
    with pytest.raises(GatewayError) as caught:
        read(call, Reply(status, headers or {}, content))
    assert caught.value.status == status
    return caught.value


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"detail": "Invalid API Key."}, {"WWW-Authenticate": "API Key"}),
        ({"detail": "Full authentication is required to access this resource."}, PROBLEM),
        ({"type": "about:blank", "title": "An error occurred", "detail": "No."}, {}),
    ],
)
def test_a_401_of_the_vendor_blames_the_connection(body: Any, headers: dict[str, str]) -> None:
    """The gateway's key was good; the one stored in the connection is not."""
    error = refused(401, body, headers)
    assert type(error) is Unauthorized
    assert "stored in the connection" in str(error)


@pytest.mark.parametrize("body", [{"message": "bad"}, {"detail": "Unauthorized"}, b"", b"<html></html>", [1]])
def test_a_401_of_the_gateway_blames_the_key(body: Any) -> None:
    """Whatever does not look like the vendor is the gateway."""
    error = refused(401, body)
    assert type(error) is Unauthorized
    assert str(error) == "Maton rejected the API key. Check MATON_API_KEY."
    assert error.detail.startswith("GET /api/tags: 401, ")


def test_a_401_of_the_connections_api_is_always_about_the_key() -> None:
    """No vendor stands behind it."""
    assert "MATON_API_KEY" in str(refused(401, {"detail": "no"}, PROBLEM, vendor=False))


@pytest.mark.parametrize("body", [{"error": "No connection found"}, {"message": "x"}, b"no connection", b""])
def test_a_400_of_the_gateway_is_about_the_connection(body: Any) -> None:
    """It names the connection and the setting."""
    error = refused(400, body, connection="21fd90f9")
    assert type(error) is NotConnected
    assert 'no active connection "21fd90f9" (' in str(error)
    assert "; check --connection (RECONCILER_CONNECTION)" in str(error)
    assert "no active connection (" in str(refused(400, body))


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"type": "x", "title": "An error occurred", "detail": "no"}, {}),
        ({"violations": []}, {}),
        ({"errors": {"common": ["no"]}}, {}),
        ({"message": "no"}, {"vendor": False}),
    ],
)
def test_other_400s_are_invalid(body: Any, asked: dict[str, Any]) -> None:
    """The vendor's, the dashboard's, and those of the connections API."""
    assert type(refused(400, body, **asked)) is Invalid


@pytest.mark.parametrize("status", [402, 403, 405, 409, 410, 413, 415, 422, 424])
def test_refusals_carry_their_violations(status: int) -> None:
    """All other 4xx, with what the vendor found."""
    entry = {"propertyPath": "email", "message": "This value is already used.", "code": "d94b19cc"}
    error = refused(status, {"title": "An error occurred", "detail": "x", "violations": [entry, 7]})
    assert isinstance(error, Invalid)
    assert error.violations == (Violation("email", "This value is already used.", "d94b19cc"),)
    assert str(error) == "GET /api/tags: email: This value is already used."


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {}, b"", b" "])
def test_a_404_is_not_found(body: Any) -> None:
    """With JSON or without a body."""
    assert type(refused(404, body)) is NotFound


@pytest.mark.parametrize("body", [b"<html><title>nginx</title>", b"404 page not found"])
def test_a_404_of_somebody_else_is_no_answer(body: bytes) -> None:
    """A wrong host must not look like a missing resource."""
    assert type(refused(404, body)) is NoAnswer


def test_a_500_tells_of_the_stored_key() -> None:
    """And only that of the vendor's face."""
    assert "create a new connection" in str(refused(500, {}))
    assert "connection" not in str(refused(502, {}))
    assert "connection" not in str(refused(500, {}, vendor=False))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"violations": [{"propertyPath": "a", "message": "b"}, {"message": "c"}], "detail": "d"}, "a: b; c"),
        ({"violations": "none", "detail": "the detail", "title": "t"}, "the detail"),
        ({"detail": " ", "title": "the title"}, "the title"),
        ({"detail": 7, "title": None}, '{"detail": 7, "title": null}'),
        (["odd"], '["odd"]'),
        (b"", "status 403, no text"),
        (b"<HTML><head><title>\n Just a moment </title>", "an HTML page, Just a moment"),
        (b"<!DOCTYPE html><p>secretive</p>", "an HTML page"),
        (b"\xff\xfe\x00plain", "\ufffd\ufffd plain"),
        (b"x" * 500, "x" * 199 + "…"),
    ],
)
def test_the_text_of_an_error(body: Any, text: str) -> None:
    """Violations, detail, title, raw text, in this order; short, and of HTML the title only."""
    assert str(refused(403, body)) == f"GET /api/tags: {text}"


@pytest.mark.parametrize(
    ("dirty", "text"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07gone", "gone"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jx", "x"),
        ("a\r\nb\tc\x00d", "a b c d"),
        ("\u202egnp.exe\u200b", "gnp.exe"),
        ("\ud800x", "x"),
        ("Zoë 日本", "Zoë 日本"),
    ],
)
def test_nothing_of_the_remote_reaches_the_terminal(dirty: str, text: str) -> None:
    """Escapes, control and direction characters go; letters of all scripts stay."""
    assert clean(dirty) == text


def test_hidden_texts_are_hidden_in_every_form() -> None:
    """As they are, and as JSON writes them."""
    assert clean('x s"é y', ('s"é',)) == "x (hidden) y"
    assert clean(json.dumps('s"é'), ('s"é',)) == '"(hidden)"'
    assert clean(json.dumps('s"é', ensure_ascii=False), ('s"é',)) == '"(hidden)"'
    assert clean("as it is", ("",)) == "as it is"


@pytest.mark.parametrize("between", ["\x1b[0m", "\u200b", "\x00", "\u3164", "\U000e0041", "\x1b]0;x\x07"])
def test_what_is_hidden_does_not_come_together(between: str) -> None:
    """Escapes and invisible characters between its letters do not keep it from being found."""
    assert clean(f"no {between.join('canary-7f2e91')}!", ("canary-7f2e91",)) == "no (hidden)!"


def test_base64_is_hidden() -> None:
    """As a header has it, whatever follows."""
    said = base64.b64encode(b"canary-7f2e91-and-more").decode()
    assert said[:16] not in clean(f"Basic {said}", ("canary-7f2e91",))
