"""What leaves, where to, and what never does."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from requests import certs
from urllib3.exceptions import MaxRetryError, SSLError
from urllib3.util.retry import Retry

from reconciler import __version__
from reconciler.errors import ConfigurationError, GatewayError, NoAnswer
from reconciler.gateway.client import Reader, Writer
from reconciler.gateway.connections import Connections
from reconciler.gateway.transport import ForbiddenMethod, Transport, _error_for, is_loopback
from reconciler.model.report import ApiRequest
from tests.unit.gateway.conftest import KEY, Build
from tests.unit.gateway.server import RawServer, answer, refused_port

FINE = answer(200, {"id": 1})


@pytest.mark.parametrize("kind", [Reader, Connections])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"])
def test_a_reading_transport_only_gets(build: Build, kind: type, method: str) -> None:
    """Whatever is asked of its session or transport, nothing but a GET reaches the server."""
    with RawServer([FINE]) as server:
        client = build(server.url, kind)
        if method != "get":
            with pytest.raises(ForbiddenMethod):
                client.transport.session().request(method, f"{server.url}/systeme/api/tags", json={})
        with pytest.raises(ForbiddenMethod):
            client.transport.exchange(method, "/systeme/api/tags", b"{}", None)
        with pytest.raises(ForbiddenMethod):
            client._call(ApiRequest(method, "/api/tags", {"name": "VIP"}))
    assert server.seen == []


def test_a_reader_has_no_way_to_send() -> None:
    """Only the Writer knows the word."""
    assert not hasattr(Reader, "send")
    assert issubclass(Writer, Reader)


def test_the_session_reaches_the_base_url_only(build: Build) -> None:
    """No other host, port or scheme has an adapter, so the key cannot go there."""
    with RawServer([FINE]) as server, RawServer([FINE]) as other:
        session = build(server.url).transport.session()
        for url in (other.url, f"{server.url}0/", "https://example.com/", "ftp://example.com/"):
            with pytest.raises(requests.RequestException):
                session.get(url)
        assert session.get(f"{server.url}/systeme/x").status_code == 200
    assert (len(server.seen), other.seen) == (1, [])


def test_the_adapter_does_not_repeat_on_its_own(build: Build) -> None:
    """urllib3 would send a broken GET again; the count of sends is ours alone."""
    adapter = build("http://127.0.0.1:1").transport.session().get_adapter("http://127.0.0.1:1/")
    assert isinstance(adapter.max_retries, Retry)
    assert (adapter.max_retries.total, adapter.max_retries.read) == (0, False)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_headers_of_each_method(build: Build, method: str) -> None:
    """Key, connection, types and length as the gateway wants them."""
    body = None if method in ("GET", "DELETE") else {"name": "Zoë"}
    with RawServer([FINE]) as server:
        build(server.url, connection="21fd90f9").send(ApiRequest(method, "/api/tags/1", body))
    seen = server.seen[0]
    assert (seen.method, seen.path) == (method, "/systeme/api/tags/1")
    expected = {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": f"reconciler/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "maton-connection": "21fd90f9",
        "authorization": f"Bearer {KEY}",
    }
    if body:
        kind = "merge-patch+json" if method == "PATCH" else "json"
        expected |= {"content-type": f"application/{kind}", "content-length": "20"}
    assert seen.headers == expected
    assert seen.body == (b'{"name": "Zo\\u00eb"}' if body else b"")


def test_a_post_without_body_says_so(build: Build) -> None:
    """Length 0 and no type; without a connection no header names one."""
    with RawServer([answer(204)]) as server:
        build(server.url).send(ApiRequest("POST", "/api/x"))
    headers = server.seen[0].headers
    assert headers["content-length"] == "0"
    assert "content-type" not in headers
    assert "maton-connection" not in headers


def test_netrc_does_not_replace_the_key(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .netrc entry for the very host is ignored, by our calls and by the bare session."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ann password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with RawServer([FINE]) as server:
        client = build(server.url)
        client.get("/api/tags/1")
        client.transport.session().get(f"{server.url}/systeme/x")
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {KEY}"}


def test_cookies_are_not_kept(build: Build) -> None:
    """What one answer sets, the next call does not carry."""
    with RawServer([answer(200, {"id": 1}, Set_Cookie="account=1")]) as server:
        client = build(server.url)
        client.get("/api/tags/1")
        client.get("/api/tags/1")
    assert "cookie" not in server.seen[1].headers


def test_a_proxy_of_the_environment_is_used(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https gateway is reached through CONNECT at the proxy, which never sees the key."""
    with RawServer([answer(403, raw=b"", then="close")]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(GatewayError, match=r"the proxy .* refuses connections"):
            build("https://gateway.example.com").get("/api/tags")
    assert {(seen.method, seen.path) for seen in proxy.seen} == {("CONNECT", "gateway.example.com:443")}
    assert KEY not in str(proxy.seen)


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxy and CA bundle of the moment of construction stay; no_proxy is honoured then."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(Path(certs.where()).read_bytes())
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    transport = Transport("https://gateway.example.com", KEY)
    monkeypatch.delenv("HTTPS_PROXY")
    assert transport._proxies["https"] == "http://127.0.0.1:9"
    assert transport._verify == str(bundle)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert Transport("https://gateway.example.com", KEY)._proxies == {}


def test_a_missing_ca_bundle_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an OSError with the first call."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match=r"/nowhere/ca\.pem"):
        Transport("https://gateway.example.com", KEY)


def test_loopback_is_never_proxied(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the environment names a proxy for everything."""
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{refused_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{refused_port()}")
    with RawServer([FINE]) as server:
        assert build(server.url).get("/api/tags/1") == {"id": 1}
    assert is_loopback("http://localhost:1")
    assert is_loopback("http://[::1]:1/x")
    assert not is_loopback("http://127.0.0.1.example.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example.com",
        "gateway.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://ann:pw@gateway.example.com",
        "https://gateway.example.com/?x=1",
        "https://gateway.example.com/#x",
        "https://gateway.example.com:port",
        "https://[",
        "https://gateway.example.com/a b",
        "https://gateway.example.com\n",
        "",
    ],
)
def test_a_base_url_that_cannot_be_meant(url: str) -> None:
    """Refused before anything could go there, without repeating a password."""
    with pytest.raises(ConfigurationError) as caught:
        Transport(url, KEY)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "two words", "a\nb", "clé", "a\x00b"])
def test_a_key_that_cannot_be_one(key: str) -> None:
    """Refused without being shown; a line break at the end is only trimmed."""
    for make in (lambda: Transport("https://example.com", key), lambda: Reader("https://example.com", key)):
        with pytest.raises(ConfigurationError, match="MATON_API_KEY") as caught:
            make()
        assert not key.strip() or key not in str(caught.value)


def test_a_key_and_url_are_trimmed(build: Build) -> None:
    """A key from a file ends in a line break, a URL in a slash."""
    with RawServer([FINE]) as server:
        build(f"{server.url}/", api_key=f"{KEY}\n").get("/api/tags/1")
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.seen[0].path == "/systeme/api/tags/1"


def test_a_connection_that_cannot_be_one() -> None:
    """It becomes a header, so it must not break out of one."""
    with pytest.raises(ConfigurationError, match="RECONCILER_CONNECTION"):
        Reader("https://example.com", KEY, connection="a\r\nX: y")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_redirects_are_refused(build: Build, status: int, method: str) -> None:
    """Nothing follows; the error says where it should have gone, without query."""
    with RawServer([FINE]) as other, RawServer([answer(status, Location=f"{other.url}/x?token=abc")]) as server:
        body = {} if method == "POST" else None
        with pytest.raises(GatewayError, match=r"redirects to http://127\.0\.0\.1/x;") as caught:
            build(server.url).send(ApiRequest(method, "/api/tags", body))
    assert "token" not in str(caught.value)
    assert (len(server.seen), other.seen) == (1, [])
    assert (type(caught.value) is NoAnswer) == (method == "POST" and status in (302, 303))


@pytest.mark.parametrize(("location", "shown"), [(None, "nowhere"), ("/y?a=b", "/y"), ("http://[", "unreadable")])
def test_odd_redirects(build: Build, location: str | None, shown: str) -> None:
    """Without a goal, within the host, and with a broken one."""
    headers = {} if location is None else {"Location": location}
    with RawServer([answer(302, **headers)]) as server, pytest.raises(GatewayError, match=shown):
        build(server.url).get("/api/tags")


def test_each_thread_has_its_own_session(build: Build) -> None:
    """Sessions are not shared between threads and all are closed at the end."""
    with RawServer([FINE]) as server:
        client, barrier = build(server.url), threading.Barrier(3)

        def work(_: int) -> requests.Session:
            barrier.wait()
            client.get("/api/tags/1")
            session: requests.Session = client.transport.session()
            return session

        with ThreadPoolExecutor(3) as pool:
            sessions = list(pool.map(work, range(3)))
        assert len({id(session) for session in sessions}) == 3
        assert client.transport.session() is client.transport.session()
        assert len(client.transport._opened) == 4
        client.close()
        assert client.transport._opened == []
    assert len({seen.connection for seen in server.seen}) == 3


def test_a_client_closes_as_a_context(build: Build) -> None:
    """Leaving the block closes its sessions."""
    with RawServer([FINE]) as server:
        with build(server.url) as client:
            client.get("/api/tags/1")
            assert client.transport._opened
        assert client.transport._opened == []


def test_an_untrusted_certificate_is_no_doubt() -> None:
    """The handshake failed, so nothing left; and asking again would not help."""
    cause = SSLError(ssl.SSLCertVerificationError(1, "self-signed certificate"))
    problem = requests.exceptions.SSLError(MaxRetryError(None, "/x", cause))  # type: ignore[arg-type]
    error = _error_for(problem, "https://gateway.example.com")
    assert type(error) is GatewayError
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_another_tls_failure_is_in_doubt() -> None:
    """It may have come after the request."""
    error = _error_for(requests.exceptions.SSLError(ssl.SSLError(1, "bad record mac")), "https://example.com")
    assert type(error) is NoAnswer
    assert "bad record mac" in str(error)


def test_requests_mock_stands_in(build: Build) -> None:
    """The usual stand-in of tests sees the calls too."""
    with requests_mock.Mocker() as mock:
        mock.get("https://gateway.example.com/systeme/api/tags/1", json={"id": 1})
        client: Any = build("https://gateway.example.com")
        assert client.get("/api/tags/1") == {"id": 1}
    assert mock.last_request.headers["Authorization"] == f"Bearer {KEY}"
