"""Parses the rate limit headers of an answer (api.md §4) into seconds from now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

#: A header that asks for a longer wait than a day is ignored.
LONGEST = 86_400.0

#: Header names about the quota (api.md §4).
QUOTA_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Refill", "Retry-After")

#: Numbers from the first on are an epoch in seconds (1973), from the second on one in milliseconds.
EPOCH, EPOCH_MS = 1e8, 1e11


class Quota(NamedTuple):
    """The quota in the headers of one answer; times in seconds from now, None where absent or unusable."""

    limit: int | None = None
    remaining: int | None = None
    refill: float | None = None
    retry_after: float | None = None


def quota(headers: Mapping[str, str], now: float) -> Quota:
    """Read ``X-RateLimit-*`` and ``Retry-After`` (api.md §4); ``now`` is the local clock, used if Date is absent."""
    limit, remaining = headers.get("X-RateLimit-Limit"), headers.get("X-RateLimit-Remaining")
    refill, after = headers.get("X-RateLimit-Refill"), headers.get("Retry-After")
    if limit is None and remaining is None and refill is None and after is None:
        return Quota()
    theirs = instant(headers.get("Date") or "")
    now = now if theirs is None else theirs
    return Quota(_count(limit), _count(remaining), seconds_until(refill, now), seconds_until(after, now))


def seconds_until(text: str | None, now: float) -> float | None:
    """``"12"``, an epoch, an HTTP date or an ISO date → seconds from ``now``, 0 for the past.

    None if it cannot be parsed, is negative, or is more than a day ahead.
    """
    if not text:
        return None
    number = _number(text)
    if number is None or number >= EPOCH:
        moment = instant(text)
        number = None if moment is None else max(0.0, moment - now)
    return number if number is not None and 0 <= number <= LONGEST else None


def instant(text: str) -> float | None:
    """An epoch (seconds or milliseconds), an HTTP date or an ISO date → epoch seconds; None for anything else."""
    number = _number(text)
    if number is not None:
        return number / 1000 if number >= EPOCH_MS else number
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _count(text: str | None) -> int | None:
    number = _number(text) if text else None
    return int(number) if number is not None and number >= 0 else None
