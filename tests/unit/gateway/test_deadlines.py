"""A server that goes on sending without ever ending its answer holds nobody for longer than a deadline."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.errors import GatewayError, Interrupted, NoAnswer, ReconcilerError, TimeIsUp
from reconciler.gateway import client as clients
from reconciler.gateway.client import Reader
from reconciler.gateway.connections import Connections
from reconciler.gateway.notifications import NotificationHook
from reconciler.gateway.retry import Retries
from reconciler.model.report import ApiRequest
from tests.support.waiting import PATIENCE, until
from tests.unit.gateway.conftest import Build
from tests.unit.gateway.server import DRIPS, HANG, Move, RawServer, answer

ONCE = Retries(tries=1)


def ended(call: Callable[[], Any]) -> Any:
    """What came of a call, in a thread of its own: its result or its error; None when it does not end."""
    came: list[Any] = [None]

    def work() -> None:
        try:
            came[0] = call()
        except ReconcilerError as error:
            came[0] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return came[0]


@pytest.mark.parametrize("move", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_exchange_has_a_deadline(build: Build, move: Move, method: str) -> None:
    """Status line, headers and body together; what a POST did is in doubt then, as after any lost answer."""
    with RawServer([move]) as server:
        client = build(server.url, limit=0.3, retries=ONCE)
        error = ended(
            lambda: client.send(ApiRequest(method, "/api/tags", {"name": "A"} if method == "POST" else None))
        )
    assert isinstance(error, NoAnswer), error
    assert "did not send a complete response within 0.3 s" in str(error)
    assert len(server.seen) == 1


def test_after_a_deadline_the_next_exchange_is_a_new_one(build: Build) -> None:
    """The connection that was closed is not used again, and the repeated read gets its answer."""
    with RawServer([DRIPS["body in chunks"], answer(200, {"id": 1})]) as server:
        client = build(server.url, limit=2.0)  # long enough for the second answer on a busy machine, too
        assert ended(lambda: client.get("/api/tags/1")) == {"id": 1}
    assert [seen.connection for seen in server.seen] == [1, 2]


@pytest.mark.parametrize("move", [*DRIPS.values(), HANG], ids=[*DRIPS, "nothing"])
def test_a_stopped_run_does_not_wait_for_a_read(build: Build, move: Move) -> None:
    """The read ends soon after the stop, and is not repeated."""
    stop = threading.Event()
    with RawServer([move]) as server:
        client = build(server.url, stop=stop)
        threading.Thread(target=lambda: (until(lambda: server.seen), stop.set())).start()
        assert isinstance(ended(lambda: client.get("/api/tags/1")), Interrupted)
    assert len(server.seen) == 1


@pytest.mark.parametrize("move", DRIPS.values(), ids=DRIPS)
def test_the_deadline_of_a_run_holds_for_reads(build: Build, move: Move) -> None:
    """Of one under way, and for each that would follow."""
    with RawServer([move]) as server:
        client = build(server.url, clock=time.monotonic, deadline=time.monotonic() + 0.5)
        for _ in range(2):
            assert isinstance(ended(lambda: client.get("/api/tags/1")), TimeIsUp)
    assert len(server.seen) <= 1


def test_the_deadline_of_a_run_lets_a_write_end(build: Build) -> None:
    """A write that has begun is finished: the run begins no other."""
    with RawServer([answer(200, {"id": 1})]) as server:
        client = build(server.url, clock=time.monotonic, deadline=time.monotonic() - 1)
        assert client.send(ApiRequest("POST", "/api/tags", {"name": "A"})).status == 200
    assert len(server.seen) == 1


def test_the_connections_api_has_a_deadline(build: Build) -> None:
    """It is asked before anything else."""
    with RawServer([DRIPS["headers"]]) as server:
        client = build(server.url, Connections, limit=0.3, retries=ONCE)
        assert isinstance(ended(client.oldest_active), NoAnswer)


@pytest.mark.parametrize("name", ["status line", "headers", "one header"])
def test_a_notification_has_a_deadline(name: str) -> None:
    """Three attempts, each with its own; the body of the answer is not read at all."""
    with RawServer([DRIPS[name]]) as server:
        hook = NotificationHook(f"{server.url}/hook", limit=0.3, sleep=lambda *_: False)
        assert ended(lambda: hook.post({"text": "A"})) == "no answer within 0.3 s"
    assert len(server.seen) == 3


def test_pages_without_an_end_end(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """New rows on each page, and always more: after so many pages it is an error, not a run for ever."""
    monkeypatch.setattr(clients, "MOST_PAGES", 7)
    numbers = itertools.count(1)

    class Endless(Reader):
        def get(self, path: str, query: Any = None) -> dict[str, Any]:
            return {"items": [{"id": next(numbers)}], "hasMore": True}

    def rows() -> Iterator[list[dict[str, Any]]]:
        with Endless("http://127.0.0.1:1", "key") as reader:
            yield from reader.walk("/api/tags")

    with pytest.raises(GatewayError, match="/api/tags: the pages do not end; 7 were read, and more follow"):
        list(rows())
    assert next(numbers) == 8
