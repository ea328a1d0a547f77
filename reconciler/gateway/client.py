"""Turns native paths and requests into decoded answers of the account: Reader only reads, Writer also writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from reconciler.errors import GatewayError, Invalid, NotFound
from reconciler.gateway.caller import Announce, Caller, Query
from reconciler.gateway.dialects import check_dialect
from reconciler.gateway.transport import READING, WRITING
from reconciler.model.report import Answer, Request

#: The vendor takes 10 to 100 (api.md §3); the largest makes the fewest calls.
PAGE = 100
#: Pages of one collection, two million rows at 100 each. A list that goes on and on while new rows come is no list.
MOST_PAGES = 20_000
#: What is asked for where 100 is refused, as subscriptions were seen to do (api.md §3).
SMALLER, TOO_MANY = 50, "pagination.limit"


class Reader(Caller):
    """Reads an account. Its transport cannot send anything but GET.

    Paths are native (``/api/tags``). Besides what the single methods name, each raises Unauthorized,
    NotConnected, Invalid, Throttled, NoAnswer, Unreachable or a plain GatewayError, as errors.py draws them.
    """

    _methods = READING
    _prefix = "/systeme"
    _vendor = True

    def __init__(self, base_url: str, api_key: str, *, dialect: str = "vendor", **options: Any) -> None:
        """``options`` are those of :class:`reconciler.gateway.caller.Caller`."""
        super().__init__(base_url, api_key, **options)
        self._dialect = dialect
        self._limits: dict[str, int] = {}

    def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """The JSON object at ``path``; raises NotFound on 404."""
        body: dict[str, Any] = self._checked(Request("GET", path), query).body
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
                raise GatewayError(f"GET {path}: the pages do not end; the cursor does not move on")
            seen.add(cursor)
            if len(seen) >= MOST_PAGES:
                raise GatewayError(f"GET {path}: the pages do not end; {MOST_PAGES:,} were read, and more follow")

    def whole(self, path: str) -> list[dict[str, Any]]:
        """A collection that comes at once and takes no parameters: contact fields and webhooks (api.md §3)."""
        items, more = _page(path, self.get(path))
        if more:
            raise GatewayError(f"GET {path}: there is more than one answer holds, and no way to ask for it")
        return _without_repeats(items, set())

    def find(self, path: str, remote_id: str | int) -> dict[str, Any] | None:
        """One item of the collection at ``path``, None when it is not there."""
        try:
            return self.get(f"{path}/{quote(str(remote_id), safe='')}")
        except NotFound:
            return None

    def _checked(
        self, request: Request, query: Query | None = None, hidden: tuple[str, ...] = (), announce: Announce = None
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
    """Also writes. Built inside ``apply`` only, after every gate."""

    _methods = WRITING

    def send(self, request: Request, hidden: tuple[str, ...] = (), announce: Announce = None) -> Answer:
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
        raise GatewayError(f"GET {path}: the answer holds no list of items")
    if not isinstance(more, bool):
        raise GatewayError(f"GET {path}: the answer does not say whether there is more")
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
