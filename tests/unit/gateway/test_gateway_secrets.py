"""No error, log or repr tells the key, a session URL or a secret of a body."""

from __future__ import annotations

import traceback

import pytest
import requests

from reconciler.errors import ReconcilerError
from reconciler.gateway.retry import Retries
from reconciler.gateway.transport import Bearer
from reconciler.model.report import ApiRequest
from tests.unit.gateway.conftest import KEY, Build
from tests.unit.gateway.server import HANG, HANG_UP, RESET, Move, RawServer, answer, cut, refused_port

FINE = answer(200, {"id": 1})
SECRET, HOOK = "s3cr3t", "hook-77"
ECHO = answer(422, {"violations": [{"propertyPath": KEY, "message": f"{KEY} s3cr3t\\x"}], "detail": KEY})


@pytest.mark.parametrize(
    "move",
    [
        RESET,
        HANG_UP,
        HANG,
        cut(),
        ECHO,
        answer(400, raw=f"{KEY} s3cr3t".encode()),
        answer(401, {"detail": KEY, "title": "s3cr3t"}),
        answer(500, raw=f"<html><title>{KEY}</title>".encode()),
        answer(302, Location=f"https://example.com/{KEY}"),
        answer(200, raw=KEY.encode()),
        None,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_no_error_tells_the_key_or_a_secret(build: Build, move: Move | None, method: str) -> None:
    """Neither text, repr, traceback nor anything that the chain of exceptions leads to."""
    body = None if method == "GET" else {"name": "CRM", "secret": SECRET, "url": f"https://example.com/{HOOK}"}
    with RawServer([move or FINE]) as server:
        url = server.url if move else f"http://127.0.0.1:{refused_port()}"
        client = build(url, **({"limit": 2.0, "retries": Retries(tries=1)} if move is HANG else {}))
        with pytest.raises(ReconcilerError) as caught:
            client.send(ApiRequest(method, "/api/webhooks/1", body), hidden=(HOOK,))
    assert server.seen or move is None
    for error in chain(caught.value):
        assert not isinstance(error, requests.RequestException)
        told = "".join(traceback.format_exception(error)) + str(error) + repr(error) + repr(vars(error))
        assert all(word not in told for word in (KEY, HOOK))
        assert method == "GET" or SECRET not in told


@pytest.mark.parametrize("move", [RESET, HANG_UP, cut(), None])
def test_the_transport_chains_nothing(build: Build, move: Move | None) -> None:
    """The exception of requests holds the request and its headers, so ours must not lead to it."""
    with RawServer([move or FINE]) as server:
        transport = build(server.url if move else f"http://127.0.0.1:{refused_port()}").transport
        with pytest.raises(ReconcilerError) as caught:
            transport.exchange("GET", "/systeme/api/tags", None, None)
    assert chain(caught.value) == [caught.value]


def chain(error: BaseException | None) -> list[BaseException]:
    """The exception and all that it was caused by or raised beside."""
    if error is None:
        return []
    return [error, *chain(error.__cause__), *chain(error.__context__)]


def test_no_repr_shows_the_key(build: Build) -> None:
    """Clients and auth are printed by debuggers and logs."""
    client = build("http://127.0.0.1:1")
    assert all(KEY not in repr(thing) for thing in (client, client.transport, Bearer(KEY)))
