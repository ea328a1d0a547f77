"""Addresses, proxies and certificates that cannot be meant: one message at once, which says what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError, GatewayError, Unreachable
from reconciler.gateway.client import Reader
from reconciler.gateway.connections import Connections
from reconciler.gateway.transport import Transport
from tests.cli.support import ended
from tests.support.project import Project
from tests.unit.gateway.server import Move, RawServer, answer, refused_port


@pytest.mark.parametrize("variable", ["RECONCILER_GATEWAY_URL", "RECONCILER_CONTROL_URL"])
@pytest.mark.parametrize("end", ["/systeme", "/systeme/"])
def test_an_address_with_the_name_of_the_app(project: Project, variable: str, end: str) -> None:
    """It is added to every request, so that it would be there twice."""
    project.write("tags: [A]\n")
    result = project.run("plan", env={variable: project.server.url + end})
    ended(result, 1, variable, f"remove /systeme, which is added to each request: {project.server.url}")


def test_a_gateway_that_knows_no_such_app() -> None:
    """Each face of it has its own setting."""
    with RawServer([answer(400, {"error": "Invalid app name: connections"})]) as server:
        with Connections(server.url, "key") as connections, pytest.raises(GatewayError) as caught:
            connections.list()
        assert "set RECONCILER_CONTROL_URL (--control-url)" in str(caught.value)
        with Reader(server.url, "key") as reader, pytest.raises(GatewayError) as caught:
            reader.get("/api/tags")
        assert "set RECONCILER_GATEWAY_URL (--gateway-url)" in str(caught.value)
    assert len(server.seen) == 2


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked once, and named without its user and password."""
    with RawServer([Move(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "close")]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ann:s3cr3t@127.0.0.1:{proxy.port}")
        with Reader("https://api.example.com", "key") as reader, pytest.raises(GatewayError) as caught:
            reader.get("/api/tags")
    assert f"the proxy 127.0.0.1:{proxy.port} refuses connections to api.example.com (403 Forbidden)" in str(
        caught.value
    )
    assert "s3cr3t" not in str(caught.value)
    assert len(proxy.seen) == 1


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy that is named, not only the gateway behind it."""
    port = refused_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    transport = Transport("https://api.example.com", "key")
    said = f"Cannot connect to the gateway at https://api.example.com through the proxy 127.0.0.1:{port}"
    with pytest.raises(Unreachable, match=said):
        transport.exchange("GET", "/systeme/api/tags", None, None)
    transport.close()


@pytest.mark.parametrize("content", ["", "no certificate\n"])
def test_a_bundle_without_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """Before anything is sent."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises(ConfigurationError, match=r"ca\.pem contains no readable certificate"):
        Transport("https://api.example.com", "key")
