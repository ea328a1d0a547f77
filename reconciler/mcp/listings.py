"""Results that are shown in pages: kept in memory for a while, found again by their cursors."""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from reconciler.errors import ReconcilerError
from reconciler.mcp.results import PagedResult
from reconciler.output.wording import printable

P = TypeVar("P", bound=PagedResult[Any])

#: Results whose next pages can be asked for; older ones are forgotten.
KEPT = 32
#: Characters of JSON in the rows of one page; the first row is always shown.
PAGE_SIZE = 12_000
#: Characters of one text, and items of one list or mapping, in a row.
LONGEST_TEXT, LONGEST_LIST = 300, 20


class Misuse(ReconcilerError):
    """A call that cannot be answered; the message consists of reconciler's own words and is shown unmarked."""


@dataclass(frozen=True)
class Listing(Generic[P]):
    """A result without its rows, the items that they are made of, and how one is made when it is shown."""

    result: P
    items: Sequence[Any]
    row: Callable[[Any], BaseModel]

    def page(self, token: str, offset: int, limit: int) -> P:
        """The rows from ``offset`` on: at most ``limit``, and fewer where they are long."""
        shown: list[dict[str, Any]] = []
        size = 0
        for item in self.items[offset : offset + limit]:
            row = clipped(self.row(item).model_dump(mode="json", exclude_none=True))
            size += len(json.dumps(row, ensure_ascii=False))
            if shown and size > PAGE_SIZE:
                break
            shown.append(row)
        end, total = offset + len(shown), len(self.items)
        kind = type(self.result)
        found = {**dict(self.result), "total": total, "cursor": f"{token}.{end}" if end < total else None}
        return kind.model_validate({**found, "untrusted": {"rows": shown}})


class Listings:
    """Listings by the token of their cursor."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Listing[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, listing: Listing[P], limit: int) -> P:
        """The first page."""
        token = secrets.token_hex(8)
        with self._lock:
            self._kept[token] = listing
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return listing.page(token, 0, limit)

    def next(self, kind: type[P], cursor: str, limit: int) -> P:
        """The page that the cursor stands for; raises Misuse for a cursor of another tool, or a forgotten one."""
        token, _, offset = cursor.partition(".")
        with self._lock:
            listing = self._kept.get(token)
        numbered = offset.isascii() and offset.isdigit() and len(offset) < 10
        if listing is None or type(listing.result) is not kind or not numbered:
            raise Misuse("Unknown or expired cursor. Call the tool again without a cursor.")
        found: P = listing.page(token, int(offset), limit)
        return found


def clipped(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """The value with long texts and lists cut and invisible characters spelled out; what was left out is counted."""
    if isinstance(value, str):
        text = printable(value[:longest])
        return text if len(value) <= longest else f"{text}… ({len(value) - longest} more characters)"
    if isinstance(value, dict):
        cut = {clipped(key): clipped(each) for key, each in list(value.items())[:LONGEST_LIST]}
        return cut if len(value) <= LONGEST_LIST else {**cut, "…": f"{len(value) - LONGEST_LIST} more"}
    if isinstance(value, list):
        more = [f"… {len(value) - LONGEST_LIST} more"] if len(value) > LONGEST_LIST else []
        return [clipped(each) for each in value[:LONGEST_LIST]] + more
    return value
