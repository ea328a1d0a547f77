"""The API client: sends one call in as many attempts as its method allows and returns one decoded answer or error.

``Reader`` sends GET only; ``Writer`` also writes.
"""

from __future__ import annotations

import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote, urlencode

from reconciler.errors import (
    GatewayError,
    Interrupted,
    Invalid,
    NoAnswer,
    NotConnected,
    NotFound,
    TimeIsUp,
    Unauthorized,
    Unreachable,
)
from reconciler.gateway.dialect_check import check_dialect
from reconciler.gateway.headers import QUOTA_HEADERS
from reconciler.gateway.rate_limiter import STOPPED, RateLimiter, Sleep, sleep_unless_stopped
from reconciler.gateway.responses import RequestContext, read
from reconciler.gateway.retry import Retries, may_have_happened, may_repeat, pause
from reconciler.gateway.transport import EXCHANGE_LIMIT, READ_METHODS, WRITE_METHODS, Reply, Transport
from reconciler.model.report import Answer, ApiRequest

#: Value of a query parameter; None omits the parameter, a list is joined by commas (api.md §3).
Query = Mapping[str, str | int | bool | list[int] | None]

#: Called before each attempt of a write, after all waiting; an exception ends the call before anything is sent.
Announce = Callable[[], None] | None

TIME_IS_UP = "--max-minutes reached; no further call was made"

_PLAIN_PATH = re.compile(r"(?:/[\w~@%+:-][\w.~@%+:-]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt, for the log. ``status`` is None when no reply came. ``quota`` holds the rate limit headers as
    (name, value). Query and bodies are raw: the log redacts e-mail addresses and masks the ``hidden`` values."""

    method: str
    path: str
    status: int | None
    seconds: float
    attempt: int
    quota: tuple[tuple[str, str], ...] = ()
    sent: bytes | None = field(default=None, repr=False)
    answered: bytes | None = field(default=None, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


class CallCount:
    """Counts the requests sent, repetitions included: ``reads`` are GETs, ``writes`` all others. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads = self._writes = 0

    @property
    def reads(self) -> int:
        """Number of GETs sent."""
        return self._reads

    @property
    def writes(self) -> int:
        """Number of other requests sent."""
        return self._writes

    def count(self, method: str) -> None:
        """Record one request with this method."""
        with self._lock:
            if method == "GET":
                self._reads += 1
            else:
                self._writes += 1


class HttpClient:
    """Base of all clients: limits the rate, sends, counts, logs and retries.

    ``methods`` of the transport and ``_prefix`` are class attributes, so no argument can turn a reader into a
    writer. Every call raises Interrupted when ``stop`` is set before it is sent. A GET is also cut off soon after
    ``stop`` is set, and raises TimeIsUp at ``deadline`` (of ``clock``).
    """

    _methods = READ_METHODS
    _prefix = ""
    _vendor = False

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connection: str | None = None,
        rate_limit: RateLimiter | None = None,
        timeout: tuple[float, float] = (5.0, 30.0),
        limit: float = EXCHANGE_LIMIT,
        deadline: float | None = None,
        stop: threading.Event | None = None,
        log: Callable[[Exchange], None] | None = None,
        calls: CallCount | None = None,
        retries: Retries | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = sleep_unless_stopped,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.transport = Transport(
            base_url, api_key, self._methods, connection=connection, timeout=timeout, limit=limit, stop=stop
        )
        self.calls = CallCount() if calls is None else calls
        self._connection = connection
        self._hidden: tuple[str, ...] = (api_key.strip(),)
        self._rate_limit = RateLimiter() if rate_limit is None else rate_limit
        self._stop, self._deadline, self._log, self._retries = stop, deadline, log, retries or Retries()
        self._clock, self._sleep, self._chance = clock, sleep, chance
        #: Whether an answer showed that no further call can succeed: no connection, or no valid key.
        self.cut_off = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hide(self, texts: Iterable[str]) -> None:
        """Mask these values in all further messages, whichever call's answer contains them."""
        self._hidden = (*self._hidden, *texts)

    def close(self) -> None:
        """Close the connections of all threads."""
        self.transport.close()

    def _call(
        self, request: ApiRequest, query: Query | None = None, hidden: tuple[str, ...] = (), announce: Announce = None
    ) -> Answer:
        """Send until an answer arrives, at most as often as :mod:`reconciler.gateway.retry` allows."""
        method, until = request.method, self._clock() + self._retries.patience
        target = f"{self._prefix}{safe_path(request.path)}{query_text(query)}"
        body = None if request.body is None else json.dumps(request.body, allow_nan=False).encode()
        asked = RequestContext(method, request.path, self._connection, self._hidden + hidden, self._vendor)
        doubt: GatewayError | None = None
        sent = False
        for attempt in range(1, self._retries.tries + 1):
            try:
                self._check_time(method)
                self._rate_limit.take(self._stop, until - self._clock())
            except (GatewayError, Interrupted) as refusal:
                raise _worse(method, doubt, refusal) from None
            if announce is not None:
                announce()
            outcome = self._attempt(asked, target, body, request.content_type, attempt)
            if isinstance(outcome, Answer):
                return outcome
            if isinstance(outcome, NoAnswer):
                self._check_time(method)
            if isinstance(outcome, NotFound) and method == "DELETE" and sent:
                return Answer(204)
            doubt = outcome if may_have_happened(outcome) else doubt
            sent = sent or not isinstance(outcome, Unreachable)
            if not may_repeat(method, outcome) or attempt == self._retries.tries:
                raise _worse(method, doubt, outcome)
            self._back_off(method, attempt, until, outcome, doubt)
        raise AssertionError("a call has at least one attempt")

    def _check_time(self, method: str) -> None:
        """Raise if the run was stopped or is out of time. A write that has begun is finished."""
        if method != "GET":
            return
        if self._stop is not None and self._stop.is_set():
            raise Interrupted(STOPPED)
        if self._left() <= 0:
            raise TimeIsUp(TIME_IS_UP)

    def _left(self) -> float:
        """Seconds until the run's deadline."""
        return math.inf if self._deadline is None else self._deadline - self._clock()

    def _attempt(
        self, asked: RequestContext, target: str, body: bytes | None, content_type: str | None, attempt: int
    ) -> Answer | GatewayError:
        """Send once. Errors are returned, so that none is chained to the error of another attempt."""
        began = self._clock()
        try:
            seconds = self._left() if asked.method == "GET" else math.inf
            reply = self.transport.exchange(asked.method, target, body, content_type, seconds)
        except GatewayError as error:
            if may_have_happened(error):
                self.calls.count(asked.method)
            self._note(asked, target, body, None, began, attempt)
            if isinstance(error, Unreachable):
                return error
            return type(error)(f"{asked}: {error}", status=error.status)
        self.calls.count(asked.method)
        self._note(asked, target, body, reply, began, attempt)
        self._rate_limit.observe(reply.headers, reply.status)
        try:
            return read(asked, reply)
        except GatewayError as error:
            self.cut_off = self.cut_off or isinstance(error, NotConnected | Unauthorized)
            return error

    def _back_off(
        self, method: str, attempt: int, until: float, error: GatewayError, doubt: GatewayError | None
    ) -> None:
        """Sleep before the next attempt; raises when the retry time is over or the run was stopped."""
        seconds = pause(self._retries, attempt, error, self._chance)
        if method == "GET" and seconds >= self._left():
            raise TimeIsUp(TIME_IS_UP)
        if self._clock() + seconds > until:
            raise _worse(method, doubt, error)
        if self._sleep(seconds, self._stop):
            raise _worse(method, doubt, Interrupted(STOPPED))

    def _note(
        self, asked: RequestContext, target: str, body: bytes | None, reply: Reply | None, began: float, attempt: int
    ) -> None:
        if self._log is None:
            return
        path, took = target.removeprefix(self._prefix), self._clock() - began
        if reply is None:
            self._log(Exchange(asked.method, path, None, took, attempt, (), body, None, asked.hidden))
            return
        said = tuple((name, value) for name in QUOTA_HEADERS if (value := reply.headers.get(name)) is not None)
        self._log(Exchange(asked.method, path, reply.status, took, attempt, said, body, reply.content, asked.hidden))


def _worse(method: str, doubt: GatewayError | None, last: GatewayError | Interrupted) -> GatewayError | Interrupted:
    """The error that ends a call. It never claims that nothing happened if an earlier attempt is in doubt."""
    if method == "GET" or doubt is None:
        return last
    answered = isinstance(last, GatewayError) and last.status not in (None, 429)
    return last if answered else doubt


def safe_path(path: str) -> str:
    """A native path, percent-encoded; raises GatewayError for a path with empty, ``.`` or ``..`` segments."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    if not path.startswith("/") or any(part in ("", ".", "..") for part in path[1:].split("/")):
        raise GatewayError(f"not a path of this API: {path[:80]!r}")
    return quote(path, safe="/%~@+:")


def query_text(query: Query | None) -> str:
    """``{"limit": 100, "active": True, "tags": [1, 2]}`` → ``"?limit=100&active=true&tags=1%2C2"``."""
    pairs = {name: _text(value) for name, value in (query or {}).items() if value is not None}
    return f"?{urlencode(pairs)}" if pairs else ""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


#: Systeme.io accepts 10 to 100 (api.md §3); the largest needs the fewest calls.
PAGE = 100
#: Pages of one collection: two million rows at 100 each. Ends lists that never report their last page.
MOST_PAGES = 20_000
#: Used where 100 is refused, as observed for subscriptions (api.md §3).
SMALLER, TOO_MANY = 50, "pagination.limit"


class Reader(HttpClient):
    """Reads an account. Its transport cannot send anything but GET.

    Paths are native (``/api/tags``). Besides the errors that a method names, each raises Unauthorized,
    NotConnected, Invalid, Throttled, NoAnswer, Unreachable or a plain GatewayError (see errors.py).
    """

    _methods = READ_METHODS
    _prefix = "/systeme"
    _vendor = True

    def __init__(self, base_url: str, api_key: str, *, dialect: str = "vendor", **options: Any) -> None:
        """``options`` are those of :class:`reconciler.gateway.client.HttpClient`."""
        super().__init__(base_url, api_key, **options)
        self._dialect = dialect
        self._limits: dict[str, int] = {}

    def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """The JSON object at ``path``; raises NotFound on 404."""
        body: dict[str, Any] = self._checked(ApiRequest("GET", path), query).body
        return body

    def walk(self, path: str, query: Query | None = None) -> Iterator[list[dict[str, Any]]]:
        """All pages of a collection, as :meth:`pages` reads them."""
        return (items for items, _ in self.pages(path, query))

    def pages(self, path: str, query: Query | None = None) -> Iterator[tuple[list[dict[str, Any]], bool]]:
        """Yield the pages of a collection in order, each with whether another one follows.

        Pages are requested lazily and never empty. A row that the list repeats, as at a page border, is yielded
        once. ``query`` holds filters, and ``limit`` where it differs from 100; where 100 is refused, 50 is used
        from then on. Raises GatewayError when a page is malformed, the cursor does not move, or the collection has
        more than MOST_PAGES pages.
        """
        seen: set[Any] = set()
        known: set[int | str] = set()
        cursor: Any = None
        query = {"limit": self._limits.get(path, PAGE), **(query or {})}
        while True:
            try:
                page = self.get(path, {**query, "startingAfter": cursor})
            except Invalid as refusal:
                if query["limit"] != PAGE or TOO_MANY not in {each.path for each in refusal.violations}:
                    raise
                query["limit"] = self._limits[path] = SMALLER
                continue
            items, more = _page(path, page)
            if fresh := _without_repeats(items, known):
                yield fresh, more
            if not more:
                return
            cursor = items[-1].get("id") if items else None
            if cursor is None or isinstance(cursor, bool | float | list | dict) or cursor in seen:
                raise GatewayError(f"GET {path}: endless pages: the cursor does not advance")
            seen.add(cursor)
            if len(seen) >= MOST_PAGES:
                raise GatewayError(f"GET {path}: the pages do not end; {MOST_PAGES:,} were read, and more follow")

    def whole(self, path: str) -> list[dict[str, Any]]:
        """A collection without paging and parameters: contact fields and webhooks (api.md §3)."""
        items, more = _page(path, self.get(path))
        if more:
            raise GatewayError(f"GET {path}: the list is incomplete and cannot be paged")
        return _without_repeats(items, set())

    def find(self, path: str, remote_id: str | int) -> dict[str, Any] | None:
        """One item of the collection at ``path``, or None if it does not exist."""
        try:
            return self.get(f"{path}/{quote(str(remote_id), safe='')}")
        except NotFound:
            return None

    def _checked(
        self, request: ApiRequest, query: Query | None = None, hidden: tuple[str, ...] = (), announce: Announce = None
    ) -> Answer:
        """Return the answer; raise GatewayError if the answer or the refusal is in the other dialect."""
        try:
            answer = self._call(request, query, hidden, announce)
        except Invalid as refusal:
            check_dialect(self._dialect, request.path, refusal)
            raise
        check_dialect(self._dialect, request.path, answer.body)
        return answer


class Writer(Reader):
    """Reads and writes. Created only inside ``apply``, after all approvals."""

    _methods = WRITE_METHODS

    def send(self, request: ApiRequest, hidden: tuple[str, ...] = (), announce: Announce = None) -> Answer:
        """Send one write; the body contains no Ref or Secret and is sent as JSON.

        ``hidden`` are the secret values in the body: they are masked in messages, even where the server repeats
        them; the value of a key ``secret`` is always masked. ``announce`` is called before each attempt, after all
        waiting, so that its checks still hold when the request is sent. Raises NoAnswer when the write may have
        happened, Unreachable or Throttled when it cannot have happened, and NotFound on a 404. A 404 for a
        repeated DELETE is returned as a 204: the first attempt deleted it.
        """
        if isinstance(request.body, dict) and isinstance(request.body.get("secret"), str):
            hidden = (*hidden, request.body["secret"])
        return self._checked(request, None, hidden, announce)


def _page(path: str, page: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """``items`` and ``hasMore`` of a page; raises GatewayError if they are malformed."""
    items, more = page.get("items"), page.get("hasMore")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise GatewayError(f"GET {path}: the response contains no list of items")
    if not isinstance(more, bool):
        raise GatewayError(f"GET {path}: the response does not state whether more pages follow")
    return items, more


def _without_repeats(items: list[dict[str, Any]], known: set[int | str]) -> list[dict[str, Any]]:
    """The rows whose remote id (contact fields: slug) is not in ``known``; adds their ids to ``known``."""
    fresh = []
    for item in items:
        remote_id = item.get("id", item.get("slug"))
        if isinstance(remote_id, int | str):
            if remote_id in known:
                continue
            known.add(remote_id)
        fresh.append(item)
    return fresh
