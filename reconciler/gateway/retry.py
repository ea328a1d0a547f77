"""Retry rules: whether a failed attempt is repeated, and after how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reconciler.errors import GatewayError, NoAnswer, Throttled, Unreachable
from reconciler.gateway.transport import AnswerTooLong


class Retries(NamedTuple):
    """Limits: attempts, seconds over all of them, first and longest back-off in seconds."""

    tries: int = 5
    patience: float = 180.0
    first: float = 0.5
    longest: float = 20.0


def may_repeat(method: str, error: GatewayError) -> bool:
    """Whether a call is repeated after a failure.

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
    return method != "POST" and may_have_happened(error) and not isinstance(error, AnswerTooLong)


def may_have_happened(error: GatewayError) -> bool:
    """Whether a failed attempt may have been carried out."""
    return isinstance(error, NoAnswer) or (error.status is not None and (error.status >= 500 or error.status == 408))


def pause(retries: Retries, attempt: int, error: GatewayError, chance: Callable[[], float]) -> float:
    """Seconds before the next attempt: doubled each time, half of it random so that workers spread out.

    After a ``Retry-After`` the rate limiter makes all workers wait, and only the random part is added here.
    """
    if error.retry_after is not None:
        return retries.first * chance() / 2
    return float(min(retries.longest, retries.first * 2 ** (attempt - 1)) * (0.5 + chance() / 2))
