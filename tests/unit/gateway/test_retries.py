"""Each method against each way in which an answer can fail: how often it is sent, and how it ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from reconciler.errors import (
    GatewayError,
    Interrupted,
    Invalid,
    NoAnswer,
    NotFound,
    ReconcilerError,
    Throttled,
    Unreachable,
)
from reconciler.gateway.client import CallCount, Exchange
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.gateway.retry import Retries, pause
from reconciler.gateway.transport import AnswerTooLong
from reconciler.model.report import Answer, ApiRequest
from tests.support.waiting import PATIENCE, until
from tests.unit.gateway.conftest import Build, Clock
from tests.unit.gateway.server import HANG, HANG_UP, RESET, Move, RawServer, answer, cut, refused_port

REPEATED = ("GET", "PUT", "PATCH", "DELETE")
FINE = answer(200, {"id": 1})
PAGE = b"<!doctype html><html><head><title>Bad\x1b[31m day</title></head></html>"


def request(method: str) -> ApiRequest:
    return ApiRequest(method, "/api/tags/1", None if method in ("GET", "DELETE") else {"name": "VIP"})


def html(status: int) -> Move:
    return answer(status, raw=PAGE, Content_Type="text/html")


THROTTLES = {
    "429 with Retry-After": answer(429, {"detail": "slow"}, Retry_After="3"),
    "429 without": answer(429, {"detail": "slow"}),
}
BROKEN = {
    "500": (answer(500, {"detail": "oops"}), GatewayError, 500),
    "502": (html(502), GatewayError, 502),
    "503 and closed": (answer(503, raw=b"", then="close", Connection="close"), GatewayError, 503),
    "408": (answer(408, raw=b""), GatewayError, 408),
    "cut": (cut(), NoAnswer, None),
    "html": (html(200), NoAnswer, 200),
    "html 404": (html(404), NoAnswer, 404),
    "empty": (answer(200, raw=b""), NoAnswer, 200),
    "half json": (answer(200, raw=b'{"id": 1'), NoAnswer, 200),
    "a list": (answer(200, [1]), NoAnswer, 200),
    "deep": (answer(200, raw=b"[" * 100_000), NoAnswer, 200),
    "205": (answer(205, raw=b""), NoAnswer, 205),
    "no gzip": (answer(200, raw=b"plain", Content_Encoding="gzip"), NoAnswer, None),
    "no http": (Move(b"SSH-2.0-hello\r\n", "close"), NoAnswer, None),
    "hung up": (HANG_UP, NoAnswer, None),
    "reset": (RESET, NoAnswer, None),
    "slow": (HANG, NoAnswer, None),
}


def failure(client: Any, method: str) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as caught:
        client.send(request(method))
    return caught.value


@pytest.mark.parametrize("method", [*REPEATED, "POST"])
@pytest.mark.parametrize("fault", THROTTLES)
def test_429_is_repeated_for_every_method(build: Build, method: str, fault: str) -> None:
    """Nothing has happened, so even a POST goes out five times, and then it is Throttled."""
    with RawServer([THROTTLES[fault]]) as server:
        error = failure(build(server.url), method)
    assert (type(error), len(server.seen)) == (Throttled, 5)


@pytest.mark.parametrize("method", [*REPEATED, "POST"])
def test_retry_after_is_waited_for(build: Build, clock: Clock, method: str) -> None:
    """The second send is not before the time that the 429 named."""
    with RawServer([THROTTLES["429 with Retry-After"], FINE]) as server:
        assert build(server.url).send(request(method)).body == {"id": 1}
    assert 3 <= clock.now - 1000 < 4


@pytest.mark.parametrize("method", REPEATED)
@pytest.mark.parametrize("fault", BROKEN)
def test_idempotent_methods_are_repeated(build: Build, method: str, fault: str) -> None:
    """Five sends, and then the error that the fault means."""
    move, kind, status = BROKEN[fault]
    with RawServer([move]) as server:
        client = build(server.url, timeout=(PATIENCE, 0.05 if move is HANG else PATIENCE))
        error = failure(client, method)
        until(lambda: len(server.seen) == 5)  # what was given up early arrives all the same
    assert (type(error), getattr(error, "status", None), len(server.seen)) == (kind, status, 5)
    assert client.calls.reads + client.calls.writes == 5


@pytest.mark.parametrize("method", REPEATED)
@pytest.mark.parametrize("fault", [name for name in BROKEN if name != "slow"])
def test_the_second_answer_counts(build: Build, method: str, fault: str) -> None:
    """After one fault the repetition brings the answer."""
    with RawServer([BROKEN[fault][0], FINE]) as server:
        assert build(server.url).send(request(method)) == Answer(200, {"id": 1})
    assert len(server.seen) == 2


@pytest.mark.parametrize("fault", BROKEN)
def test_a_post_in_doubt_is_sent_once(build: Build, fault: str) -> None:
    """No repetition, and NoAnswer, because it may have been carried out."""
    move, _, status = BROKEN[fault]
    with RawServer([move, FINE]) as server:
        client = build(server.url, timeout=(PATIENCE, 0.05 if move is HANG else PATIENCE))
        error = failure(client, "POST")
        until(lambda: server.seen)
    assert client.calls.writes == 1
    assert (type(error), getattr(error, "status", None), len(server.seen)) == (NoAnswer, status, 1)


@pytest.mark.parametrize("method", [*REPEATED, "POST"])
def test_a_refused_port_is_unreachable(build: Build, method: str) -> None:
    """No connection: five attempts for every method, none of which counts as a call."""
    log: list[Exchange] = []
    client = build(f"http://127.0.0.1:{refused_port()}", log=log.append)
    error = failure(client, method)
    assert type(error) is Unreachable
    assert "refused" in str(error)
    assert [(entry.status, entry.attempt) for entry in log] == [(None, n) for n in range(1, 6)]
    assert (client.calls.reads, client.calls.writes) == (0, 0)


@pytest.mark.parametrize("end", [RESET, HANG_UP, cut()])
def test_a_post_on_a_kept_connection_is_not_sent_again(build: Build, end: Move) -> None:
    """A connection that breaks under its second request proves nothing about that request."""
    with RawServer([answer(201, {"id": 1}), end, FINE]) as server:
        client = build(server.url)
        client.send(request("POST"))
        assert type(failure(client, "POST")) is NoAnswer
    assert [seen.connection for seen in server.seen] == [1, 1]


def test_a_connection_that_was_closed_meanwhile_is_made_anew(build: Build) -> None:
    """A kept connection seen to be closed before sending is no doubt: the POST goes out once, on a new one."""
    with RawServer([answer(201, {"id": 1}, then="close"), answer(201, {"id": 2})]) as server:
        client = build(server.url)
        client.send(request("POST"))
        server._threads[-1].join()
        assert client.send(request("POST")).body == {"id": 2}
    assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_reply_lost_behind_a_proxy_is_no_refusal(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """urllib3 calls a reply lost behind a proxy a proxy error; the POST has left all the same."""
    with RawServer([RESET, FINE]) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        client = build("http://127.0.0.1:1")
        client.transport._base, client.transport._proxies = "http://gateway.example.com", {"http": server.url}
        assert type(failure(client, "POST")) is NoAnswer
    assert len(server.seen) == 1


def test_a_proxy_that_is_not_there_is_unreachable(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves without the proxy, so even a POST is tried again."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{refused_port()}")
    log: list[Exchange] = []
    error = failure(build("https://gateway.example.com", log=log.append), "POST")
    assert (type(error), len(log)) == (Unreachable, 5)


def test_the_first_404_of_a_delete_is_not_found(build: Build) -> None:
    """Whether that is fine is for the caller to say."""
    with RawServer([answer(404, {"detail": "Not found"})]) as server:
        assert type(failure(build(server.url), "DELETE")) is NotFound
    assert len(server.seen) == 1


@pytest.mark.parametrize("first", [answer(500, raw=b""), RESET, cut(200), THROTTLES["429 without"]])
def test_the_404_of_a_repeated_delete_is_done(build: Build, first: Move) -> None:
    """An earlier send may have deleted it."""
    with RawServer([first, answer(404, raw=b"")]) as server:
        assert build(server.url).send(request("DELETE")) == Answer(204)
    assert len(server.seen) == 2


def test_a_404_without_any_earlier_send_is_not_found(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that never connected is no earlier send."""
    with RawServer([answer(404, raw=b"")]) as server:
        client = build(server.url)
        real, failed = client.transport.exchange, []

        def once(*args: Any) -> Any:
            if not failed:
                failed.append(1)
                raise Unreachable("no connection")
            return real(*args)

        monkeypatch.setattr(client.transport, "exchange", once)
        assert type(failure(client, "DELETE")) is NotFound


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_doubt_outlives_a_later_refusal_to_connect(build: Build, method: str) -> None:
    """A write whose first reply was lost is in doubt, even if the last attempts did not connect."""
    with RawServer([RESET]) as server:
        client = build(server.url)
        base, real = client.transport._base, client.transport.exchange

        def exchange(*args: Any) -> Any:
            try:
                return real(*args)
            finally:
                client.transport._base = f"http://127.0.0.1:{refused_port()}"
                client.transport._local = threading.local()

        client.transport.exchange = exchange
        assert type(failure(client, method)) is NoAnswer
        assert client.transport._base != base
    assert len(server.seen) == 1


@pytest.mark.parametrize(("status", "body"), [(202, b""), (202, b"<html>"), (204, b""), (201, b'{"id": 3}')])
def test_what_a_write_may_answer(build: Build, status: int, body: bytes) -> None:
    """202 with anything, 204 with nothing, 201 with an object."""
    with RawServer([answer(status, raw=body)]) as server:
        sent = build(server.url).send(request("POST"))
    assert sent == Answer(status, {"id": 3} if status == 201 else None)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_a_read_answers_200(build: Build, status: int) -> None:
    """Any other success of a GET is no answer."""
    with RawServer([answer(status, raw=b"")]) as server, pytest.raises(NoAnswer):
        build(server.url).get("/api/tags")
    assert len(server.seen) == 5


def test_a_422_is_final(build: Build) -> None:
    """A refusal is not asked for twice, not even after doubt."""
    with RawServer([RESET, answer(422, {"detail": "name: too long"})]) as server:
        assert type(failure(build(server.url), "PUT")) is Invalid
    assert len(server.seen) == 2


def test_an_answer_beyond_bounds_is_not_asked_for_again(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much is no usable answer, and would be too much again."""
    monkeypatch.setattr("reconciler.gateway.transport.MAX_ANSWER_BYTES", 100_000)
    with RawServer([answer(200, {"items": "x" * 200_000})]) as server:
        assert type(failure(build(server.url), "GET")) is AnswerTooLong
        assert type(failure(build(server.url), "POST")) is AnswerTooLong
    assert len(server.seen) == 2


def test_back_off_doubles_and_is_bounded(build: Build, clock: Clock) -> None:
    """Half a second, one, two, four, each by the random half; the longest bounds it."""
    with RawServer([answer(502, raw=b"")]) as server:
        failure(build(server.url), "GET")
    assert clock.naps == [0.375, 0.75, 1.5, 3.0]
    assert pause(Retries(), 30, GatewayError("x", status=500), lambda: 1.0) == 20.0


def test_patience_bounds_the_whole_call(build: Build, clock: Clock) -> None:
    """No attempt starts whose back-off would end beyond the patience."""
    with RawServer([answer(502, raw=b"")]) as server:
        failure(build(server.url, retries=Retries(tries=50, patience=4.0)), "GET")
    assert clock.naps == [0.375, 0.75, 1.5]


def test_a_retry_after_beyond_the_patience_ends_the_call(build: Build, clock: Clock) -> None:
    """An hour is not slept; the error says when to come back."""
    with RawServer([answer(429, {"title": "Enough"}, Retry_After="3600")]) as server:
        error = failure(build(server.url), "POST")
    assert type(error) is Throttled
    assert error.retry_after is not None
    assert error.retry_after > 3500
    assert (len(server.seen), clock.now < 1010) == (1, True)


@pytest.mark.parametrize(
    ("method", "first", "kind"),
    [
        ("GET", RESET, Interrupted),
        ("PUT", RESET, NoAnswer),
        ("PATCH", answer(500, raw=b""), GatewayError),
        ("POST", THROTTLES["429 without"], Interrupted),
        ("DELETE", THROTTLES["429 without"], Interrupted),
    ],
)
def test_an_interrupt_sends_nothing_more(
    build: Build, clock: Clock, method: str, first: Move, kind: type[Exception]
) -> None:
    """During a back-off it ends the call, and a write in doubt stays in doubt."""
    stop = threading.Event()

    def interrupted(seconds: float, event: threading.Event | None) -> bool:
        stop.set()
        return clock.wait(seconds, event)

    with RawServer([first]) as server:
        error = failure(build(server.url, stop=stop, sleep=interrupted), method)
    assert (type(error), len(server.seen)) == (kind, 1)


def test_no_call_after_an_interrupt(build: Build) -> None:
    """With the event set, nothing leaves."""
    stop = threading.Event()
    stop.set()
    with RawServer([FINE]) as server:
        assert type(failure(build(server.url, stop=stop), "GET")) is Interrupted
    assert server.seen == []


def test_an_interrupt_at_the_approval_keeps_the_doubt(build: Build, clock: Clock) -> None:
    """Between back-off and second send the rate limit may be interrupted too."""
    stop = threading.Event()

    def interrupted(seconds: float, event: threading.Event | None) -> bool:
        stop.set()
        return False

    with RawServer([RESET]) as server:
        error = failure(build(server.url, stop=stop, sleep=interrupted), "PUT")
    assert (type(error), len(server.seen)) == (NoAnswer, 1)


def test_reads_and_writes_are_counted_across_clients(build: Build, clock: Clock) -> None:
    """One counter serves them all, repetitions included."""
    calls, rate_limit = CallCount(), RateLimiter(0, clock=clock, wait=clock.wait)
    with RawServer([answer(500, raw=b""), FINE]) as server:
        first, second = (build(server.url, calls=calls, rate_limit=rate_limit) for _ in range(2))
        first.get("/api/tags/1")
        second.send(request("PUT"))
    assert (calls.reads, calls.writes) == (2, 1)


def test_the_log_tells_attempts_without_bodies(build: Build) -> None:
    """Method, native path with query, status and number; nothing else is there to leak."""
    log: list[Exchange] = []
    with RawServer([answer(503, raw=b""), FINE]) as server:
        build(server.url, log=log.append).get("/api/contacts", {"email": "ann@example.com"})
    path = "/api/contacts?email=ann%40example.com"
    assert [(e.method, e.path, e.status, e.attempt) for e in log] == [("GET", path, 503, 1), ("GET", path, 200, 2)]
