"""Checks the JSON body or the query of a request; invalid values are refused as the vendor refuses them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.emulator.answers import Code, Refusal, Violation, bad_request, invalid, refuse
from reconciler.emulator.options import Options
from reconciler.emulator.tables import Page

Body = Mapping[str, object]
Query = Mapping[str, str]
T = TypeVar("T")

#: As JSON Schema has it, without signs: Python's int() also takes blanks, `_` and the digits of other scripts.
INTEGER = re.compile(r"0|[1-9][0-9]*")
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
LONGEST_ID = 19
BLANK = "This value should not be blank."
TAKEN = "This value is already used."
NOT_A_CHOICE = "The value you selected is not a valid choice."
_NAMES = {str: "string", int: "integer", bool: "boolean", list: "array"}


class Checked:
    """Reads a body key by key and collects violations.

    A value of the wrong JSON type ends the request at once with 400, as a failed decoding does;
    everything else is collected, and `finish` answers with all of it in one 422.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.violations: list[Violation] = []

    def violate(self, path: str, message: str, code: Code) -> None:
        self.violations.append(Violation(path, message, code))

    def finish(self) -> None:
        if self.violations:
            raise Refusal(invalid(self.violations))

    def text(self, key: str, *, required: bool = False, longest: int | None = None) -> str | None:
        """A text. Blanks alone count as blank: whether the vendor takes them is unknown; no client may rely on it."""
        value = typed(self.body, key, str)
        if required and not (value and value.strip()):
            self.violate(key, BLANK, Code.BLANK)
        elif value is not None and longest is not None and len(value) > longest:
            self.violate(key, too_long(longest), Code.TOO_LONG)
        return value

    def integer(self, key: str) -> int | None:
        value = typed(self.body, key, int)
        if value is None:
            self.violate(key, BLANK, Code.BLANK)
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """One of `choices`; a missing value is the default, and a violation where there is none."""
        value = typed(self.body, key, str)
        if value is None and default is not None:
            return default
        if value is None:
            self.violate(key, BLANK, Code.BLANK)
        elif value not in choices:
            self.violate(key, NOT_A_CHOICE, Code.NOT_A_CHOICE)
        return value or ""


def typed(body: Body, key: str, kind: type[T]) -> T | None:
    """The value of a key, None when missing or null; 400 when it has another type."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_request(f'The type of the "{key}" attribute must be "{_NAMES[kind]}".')
    return value


def too_long(longest: int) -> str:
    return f"This value is too long. It should have {longest} characters or less."


def page_of(query: Query, options: Options, *, highest: int = 100) -> Page:
    """The cursor parameters of a list (api.md 3)."""
    limit = _number(query, "limit", 10, "pagination.limit")
    if not 10 <= limit <= highest:
        raise _wrong_page("limit")
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise _wrong_page("order")
    after = _number(query, "startingAfter", -1, "pagination.startingAfter")
    if after == 0:
        raise _wrong_page("startingAfter")
    return Page(limit, after if "startingAfter" in query else None, order == "asc", options.inclusive_cursor)


def _wrong_page(name: str) -> Refusal:
    message = f"Wrong value of pagination {name} parameter"
    return refuse(f"pagination.{name}", message, Code.NOT_A_CHOICE)


def _number(query: Query, key: str, default: int, path: str) -> int:
    text = query.get(key)
    if text is None:
        return default
    if not INTEGER.fullmatch(text):
        raise _wrong_page(path.removeprefix("pagination."))
    return int(text)


def id_filter(query: Query, key: str) -> int | None:
    """A filter by id; None without one."""
    return filter_id(query[key], key) if key in query else None


def filter_id(text: str, key: str) -> int:
    """An id in a filter; what is none is refused.

    What the vendor answers then is unknown. An empty list would make a wrong client believe that nothing is there.
    """
    if not INTEGER.fullmatch(text) or text == "0":
        raise refuse(key, "This value should be positive.", Code.NOT_POSITIVE)
    return path_id(text)


def flag_filter(query: Query, key: str) -> bool | None:
    text = query.get(key)
    if text is None:
        return None
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise refuse(key, NOT_A_CHOICE, Code.NOT_A_CHOICE)


def moment_filter(query: Query, key: str) -> datetime | None:
    text = query.get(key)
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        raise refuse(key, "This value is not a valid datetime.", Code.PATTERN) from None


def moment(text: str) -> datetime:
    """An ISO date-time; one without an offset is taken as UTC."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def path_id(text: str) -> int:
    """An id in a path; -1, which no row has, when it is no integer (and so a 404)."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST_ID else -1
