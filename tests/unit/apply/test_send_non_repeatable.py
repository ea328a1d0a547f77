"""A write that cannot be repeated: its table, row by row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.apply.step import send_non_repeatable
from reconciler.errors import GatewayError, Interrupted, Invalid, NoAnswer, Throttled

REFUSED, LOST, SLOW = Invalid("refused", status=422), NoAnswer("lost"), Throttled("slow", status=429)


def asked(*answers: Exception | bool | None) -> tuple[Callable[[], bool], list[Exception | bool | None]]:
    """A question that is answered in this order; what is left shows how often it was asked."""
    left = list(answers)

    def ask() -> bool:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    return ask, left


@pytest.mark.parametrize(
    ("sent", "seen", "said"),
    [
        ((None,), (), ""),
        ((REFUSED,), (True,), "was in the desired state already"),
        ((LOST,), (True,), "done; the response was lost"),
        ((LOST, None), (False,), "done; the first request was lost"),
        ((LOST, REFUSED), (False, True), "done; the response was lost"),
    ],
)
def test_it_is_done(sent: tuple[Exception | None, ...], seen: tuple[bool, ...], said: str) -> None:
    """With as many requests and looks as it takes, and not one more."""
    (send, unsent), (look, unseen) = asked(*sent), asked(*seen)
    assert send_non_repeatable(send, look) == said
    assert not unsent
    assert not unseen


@pytest.mark.parametrize(
    ("sent", "seen", "error", "said"),
    [
        ((REFUSED,), (False,), Invalid, "refused"),
        ((REFUSED,), (SLOW,), Invalid, "refused"),
        ((LOST, REFUSED), (False, False), Invalid, "refused"),
        ((LOST,), (SLOW,), NoAnswer, "lost; then slow"),
        ((LOST,), (Interrupted("stop"),), NoAnswer, "lost; then stop"),
        ((LOST, LOST), (False,), NoAnswer, "lost; then lost"),
        ((SLOW,), (), Throttled, "slow"),
    ],
)
def test_it_is_not_done(
    sent: tuple[Exception, ...], seen: tuple[Exception | bool, ...], error: type[GatewayError], said: str
) -> None:
    """An error, and one that says "nobody knows" where that is so."""
    (send, unsent), (look, unseen) = asked(*sent), asked(*seen)
    with pytest.raises(error, match=f"^{said}$"):
        send_non_repeatable(send, look)
    assert not unsent
    assert not unseen
