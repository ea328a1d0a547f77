"""Turns the failure of one attempt into the decision whether, and after how long, the call is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reconciler.errors import GatewayError, NoAnswer, Throttled, Unreachable
from reconciler.gateway.transport import TooLong


class Retries(NamedTuple):
    """The bounds: attempts, seconds over all of them, and the first and the longest back-off in seconds."""

    tries: int = 5
    patience: float = 180.0
    first: float = 0.5
    longest: float = 20.0


def may_repeat(method: str, error: GatewayError) -> bool:
    """The table of what is sent again.

    ====================================  =====  =======================
    failure                               POST   GET, PUT, PATCH, DELETE
    ====================================  =====  =======================
    no connection was made                yes    yes
    429                                   yes    yes
    no usable answer                      no     yes
    5xx, 408                              no     yes
    an answer that is too long, the rest  no     no
    ====================================  =====  =======================
    """
    if isinstance(error, Unreachable | Throttled):
        return True
    return method != "POST" and may_have_happened(error) and not isinstance(error, TooLong)


def may_have_happened(error: GatewayError) -> bool:
    """Whether an attempt that failed so may still have been carried out."""
    return isinstance(error, NoAnswer) or (error.status is not None and (error.status >= 500 or error.status == 408))


def pause(retries: Retries, attempt: int, error: GatewayError, chance: Callable[[], float]) -> float:
    """Seconds before the next attempt: doubling, with a random half so that workers do not come back together.

    Where the server said when to come back, the rate limit keeps everybody waiting and only the spread is left.
    """
    if isinstance(error, Throttled) and error.retry_after is not None:
        return retries.first * chance() / 2
    return float(min(retries.longest, retries.first * 2 ** (attempt - 1)) * (0.5 + chance() / 2))
