"""Turns one wanted call into as many attempts as it takes and may take, and those into one answer or error.

Turns native paths and requests into decoded answers of the account: Reader only reads, Writer also writes.
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
from reconciler.gateway.rate_limiter import STOPPED, RateLimiter, Sleep, doze
from reconciler.gateway.responses import RequestContext, read
from reconciler.gateway.retry import Retries, may_have_happened, may_repeat, pause
from reconciler.gateway.transport import EXCHANGE_LIMIT, READING, WRITING, Reply, Transport
from reconciler.model.report import Answer, ApiRequest

#: What a query can hold; None leaves the parameter out, a list is joined by commas (api.md §3).
Query = Mapping[str, str | int | bool | list[int] | None]

#: Called before each attempt of a write, when its turn has come; what it raises ends the call and nothing leaves.
Announce = Callable[[], None] | None

TIME_IS_UP = "--max-minutes reached; no further call was made"

_PLAIN_PATH = re.compile(r"(?:/[\w~@%+:-][\w.~@%+:-]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt, for the log. ``status`` is None when no reply came; the query may hold an e-mail address, which
    the writer of the log redacts. ``quota`` are the headers about it, as (name, value); bodies are raw: the writer
    of the log masks them, and in them what is ``hidden``."""

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
    """Counts what left, repeats included: ``reads`` are GETs, ``writes`` everything else. Shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reads = self._writes = 0

    @property
    def reads(self) -> int:
        """GETs so far."""
        return self._reads

    @property
    def writes(self) -> int:
        """Everything else so far."""
        return self._writes

    def count(self, method: str) -> None:
        """One call of this method has left."""
        with self._lock:
            if method == "GET":
                self._reads += 1
            else:
                self._writes += 1


class HttpClient:
    """Paces, sends, counts, logs and repeats; the base of whatever speaks to one face of the gateway.

    ``methods`` of the transport and ``_prefix`` belong to the class, so that no argument can turn a reader into
    a writer. Every call raises Interrupted when ``stop`` is set before it leaves. A GET also ends soon after ``stop``
    is set, and raises TimeIsUp at ``deadline`` (of ``clock``).
    """

    _methods = READING
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
        sleep: Sleep = doze,
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
        #: Whether an answer said that nothing else will get through either: no connection, or no valid key.
        self.cut_off = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hide(self, texts: Iterable[str]) -> None:
        """No message repeats these from now on, whichever call's answer they come back in."""
        self._hidden = (*self._hidden, *(text for text in texts if text not in self._hidden))

    def close(self) -> None:
        """Close the connections of all threads."""
        self.transport.close()

    def _call(
        self, request: ApiRequest, query: Query | None = None, hidden: tuple[str, ...] = (), announce: Announce = None
    ) -> Answer:
        """One answer, after as many attempts as :mod:`reconciler.gateway.retry` allows."""
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
        """Raises when no read may begin, or what ended one without an answer. A write that has begun is finished."""
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
        """Send once. Errors come back as values, so that none is chained to one of another attempt."""
        began = self._clock()
        try:
            seconds = self._left() if asked.method == "GET" else math.inf
            reply = self.transport.exchange(asked.method, target, body, content_type, seconds)
        except GatewayError as error:
            if may_have_happened(error):
                self.calls.count(asked.method)
            self._note(asked, target, body, None, began, attempt)
            return type(error)(f"{asked}: {error}", status=error.status)
        self.calls.count(asked.method)
        self._note(asked, target, body, reply, began, attempt)
        self._rate_limit.heard(reply.headers, reply.status)
        try:
            return read(asked, reply)
        except GatewayError as error:
            self.cut_off = self.cut_off or isinstance(error, NotConnected | Unauthorized)
            return error

    def _back_off(
        self, method: str, attempt: int, until: float, error: GatewayError, doubt: GatewayError | None
    ) -> None:
        """Sleep before the next attempt; raises when the patience or somebody ends the call."""
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
    """How a call ends. "Nothing has happened" is not said of a write of which an earlier attempt is in doubt."""
    if method == "GET" or doubt is None:
        return last
    answered = isinstance(last, GatewayError) and last.status not in (None, 429)
    return last if answered else doubt


def safe_path(path: str) -> str:
    """A native path, percent-encoded where it must be; raises GatewayError when it does not lead straight down."""
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


#: The vendor takes 10 to 100 (api.md §3); the largest makes the fewest calls.
PAGE = 100
#: Pages of one collection, two million rows at 100 each. A list that goes on and on while new rows come is no list.
MOST_PAGES = 20_000
#: What is asked for where 100 is refused, as subscriptions were seen to do (api.md §3).
SMALLER, TOO_MANY = 50, "pagination.limit"


class Reader(HttpClient):
    """Reads an account. Its transport cannot send anything but GET.

    Paths are native (``/api/tags``). Besides what the single methods name, each raises Unauthorized,
    NotConnected, Invalid, Throttled, NoAnswer, Unreachable or a plain GatewayError, as errors.py draws them.
    """

    _methods = READING
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
        """All pages of a collection, in its order, each with whether there is more.

        No page is empty, and none is asked for before it is wanted, or in vain. A row that the list repeats, as at
        a page border, comes once. ``query`` holds filters, and ``limit`` where 100 is not wanted; where 100 is
        refused, it is 50 from then on. Raises GatewayError when a page is malformed, the cursor does not move, or
        there are more than MOST_PAGES pages.
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
        """A collection that comes at once and takes no parameters: contact fields and webhooks (api.md §3)."""
        items, more = _page(path, self.get(path))
        if more:
            raise GatewayError(f"GET {path}: the list is incomplete and cannot be paged")
        return _without_repeats(items, set())

    def find(self, path: str, remote_id: str | int) -> dict[str, Any] | None:
        """One item of the collection at ``path``, None when it is not there."""
        try:
            return self.get(f"{path}/{quote(str(remote_id), safe='')}")
        except NotFound:
            return None

    def _checked(
        self, request: ApiRequest, query: Query | None = None, hidden: tuple[str, ...] = (), announce: Announce = None
    ) -> Answer:
        """The answer, or GatewayError when it, or the refusal, speaks the other dialect."""
        try:
            answer = self._call(request, query, hidden, announce)
        except Invalid as refusal:
            check_dialect(self._dialect, request.path, refusal)
            raise
        check_dialect(self._dialect, request.path, answer.body)
        return answer


class Writer(Reader):
    """Also writes. Built inside ``apply`` only, after every approval."""

    _methods = WRITING

    def send(self, request: ApiRequest, hidden: tuple[str, ...] = (), announce: Announce = None) -> Answer:
        """Carry out one write; the body is closed (no Ref, no Secret) and sent as JSON.

        ``hidden`` are the secret values in the body: no message repeats them, even if the server does; the
        value of a key ``secret`` is hidden in any case. ``announce`` is called before each attempt, after every
        wait, so that what it checks still holds when the request leaves. Raises NoAnswer when it may have been
        carried out, Unreachable or Throttled when nothing can have happened, NotFound on a 404, unless it answers
        the repetition of a DELETE: then the thing is gone and the answer is a 204.
        """
        if isinstance(request.body, dict) and isinstance(request.body.get("secret"), str):
            hidden = (*hidden, request.body["secret"])
        return self._checked(request, None, hidden, announce)


def _page(path: str, page: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """``items`` and ``hasMore``, if they are what they must be."""
    items, more = page.get("items"), page.get("hasMore")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise GatewayError(f"GET {path}: the response contains no list of items")
    if not isinstance(more, bool):
        raise GatewayError(f"GET {path}: the response does not state whether more pages follow")
    return items, more


def _without_repeats(items: list[dict[str, Any]], known: set[int | str]) -> list[dict[str, Any]]:
    """The rows whose remote id (of contact fields: slug) is not in ``known``, which grows by theirs."""
    fresh = []
    for item in items:
        remote_id = item.get("id", item.get("slug"))
        if isinstance(remote_id, int | str):
            if remote_id in known:
                continue
            known.add(remote_id)
        fresh.append(item)
    return fresh
