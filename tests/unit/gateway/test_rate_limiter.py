"""When calls may leave."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Interrupted, Throttled
from reconciler.gateway.rate_limiter import RateLimiter, sleep_unless_stopped
from tests.unit.gateway.conftest import Clock


def paced(clock: Clock, rate: float, burst: int = 10) -> RateLimiter:
    return RateLimiter(rate, burst, clock=clock, wall=lambda: 0.0, wait=clock.wait)


def departures(rate_limit: RateLimiter, clock: Clock, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        rate_limit.take()
        moments.append(clock.now)
    return moments


@given(
    rate=st.floats(0.1, 500),
    burst=st.integers(1, 20),
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.sampled_from(["take", "429", "429 after", "empty", "ok"])), max_size=60
    ),
)
def test_no_window_holds_more_than_rate_and_burst(rate: float, burst: int, steps: list[tuple[float, str]]) -> None:
    """Between any two departures, whatever was observed in between, rate*t + burst is never exceeded."""
    clock = Clock()
    rate_limit = paced(clock, rate, burst)
    left = []
    for idle, event in steps:
        clock.now += idle
        if event == "take":
            rate_limit.take()
            left.append(clock.now)
        elif event == "429":
            rate_limit.observe({}, 429)
        elif event == "429 after":
            rate_limit.observe({"Retry-After": "3"}, 429)
        elif event == "empty":
            rate_limit.observe({"X-RateLimit-Remaining": "0", "X-RateLimit-Refill": "2"}, 200)
        else:
            rate_limit.observe({"X-RateLimit-Remaining": "7", "X-RateLimit-Limit": "9"}, 200)
        assert 0 < rate_limit.rate <= rate
    for first, start in enumerate(left):
        for last in range(first, len(left)):
            assert last - first + 1 <= rate * (left[last] - start) + burst + 1e-6


def test_the_burst_is_free_and_the_rest_is_even(clock: Clock) -> None:
    """At 10 per second with a burst of 3, the fourth call waits a tenth of a second."""
    moments = departures(paced(clock, 10, 3), clock, 6)
    assert [round(moment - 1000, 6) for moment in moments] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_rate_zero_never_waits(clock: Clock) -> None:
    """Without a limit of our own nothing sleeps."""
    departures(paced(clock, 0), clock, 500)
    assert clock.naps == []


@pytest.mark.parametrize("rate", [0, 10])
def test_retry_after_holds_everybody(clock: Clock, rate: float) -> None:
    """After a 429 with Retry-After the next call leaves when it says."""
    rate_limit = paced(clock, rate)
    rate_limit.observe({"Retry-After": "7"}, 429)
    rate_limit.take()
    assert clock.now == 1007.0
    assert rate_limit.rate == rate


@pytest.mark.parametrize("rate", [0, 10])
@pytest.mark.parametrize(("refill", "seconds"), [("4", 4.0), ("30", 30.0), ("", 1.0), ("0", 1.0), ("soon", 1.0)])
def test_an_empty_quota_closes_the_approval(clock: Clock, rate: float, refill: str, seconds: float) -> None:
    """Remaining 0 keeps everybody until the refill, or for a second where that is not told."""
    rate_limit = paced(clock, rate)
    rate_limit.observe({"X-RateLimit-Remaining": "0", "X-RateLimit-Refill": refill}, 200)
    rate_limit.take()
    assert clock.now == 1000 + seconds


def test_a_late_answer_does_not_open_the_approval(clock: Clock) -> None:
    """An older answer with some quota left, or a shorter wait, changes nothing."""
    rate_limit = paced(clock, 0)
    rate_limit.observe({"Retry-After": "9"}, 429)
    rate_limit.observe({"X-RateLimit-Remaining": "5"}, 200)
    rate_limit.observe({"Retry-After": "1"}, 503)
    rate_limit.take()
    assert clock.now == 1009.0


def test_retry_after_of_a_success_is_no_order(clock: Clock) -> None:
    """Only 429 and 503 tell when to come back."""
    rate_limit = paced(clock, 0)
    rate_limit.observe({"Retry-After": "9"}, 202)
    rate_limit.take()
    assert clock.naps == []


def test_a_quota_smaller_than_the_burst_shrinks_it(clock: Clock) -> None:
    """With a ceiling of 2 no ten calls leave at once."""
    rate_limit = paced(clock, 1)
    rate_limit.observe({"X-RateLimit-Limit": "2"}, 200)
    assert departures(rate_limit, clock, 3)[1:] == [1000.0, 1001.0]


def test_a_bare_429_halves_and_quiet_restores(clock: Clock) -> None:
    """The rate halves once for each burst of 429s and grows back step by step."""
    rate_limit = paced(clock, 8)
    rate_limit.observe({}, 429)
    rate_limit.observe({}, 429)
    assert rate_limit.rate == 4
    clock.now += 2
    rate_limit.observe({}, 429)
    assert rate_limit.rate == 2
    rates = []
    for _ in range(4):
        clock.now += 10
        rates.append(rate_limit.rate)
    assert rates == [3, 4.5, 6.75, 8]


def test_a_bare_429_without_a_limit_starts_from_what_was_measured(clock: Clock) -> None:
    """With rate 0 the last second's departures are halved, and the limit goes away again."""
    rate_limit = paced(clock, 0)
    departures(rate_limit, clock, 12)
    rate_limit.observe({}, 429)
    assert rate_limit.rate == 6
    clock.now += 20
    assert rate_limit.rate == 0


def test_no_halving_below_the_floor(clock: Clock) -> None:
    """Half a call per second is the slowest, or the rate itself where it is slower."""
    fast, slow, free = paced(clock, 10), paced(clock, 0.2), paced(clock, 0)
    for _ in range(9):
        clock.now += 2
        for rate_limit in (fast, slow, free):
            rate_limit.observe({}, 429)
    assert (fast.rate, slow.rate, free.rate) == (0.5, 0.2, 0.5)


def test_stop_ends_a_wait(clock: Clock) -> None:
    """An interrupt before or during a wait raises, and no token is taken."""
    stop = threading.Event()
    rate_limit = RateLimiter(1, 1, clock=clock, wait=lambda seconds, event: stop.set() or clock.wait(seconds, event))
    rate_limit.take(stop)
    with pytest.raises(Interrupted):
        rate_limit.take(stop)
    with pytest.raises(Interrupted):
        rate_limit.take(stop)


def test_a_approval_beyond_the_patience_is_an_error(clock: Clock) -> None:
    """Nobody sleeps an hour unasked; the error says how long it would have been."""
    rate_limit = paced(clock, 0)
    rate_limit.observe({"Retry-After": "3600"}, 429)
    with pytest.raises(Throttled) as caught:
        rate_limit.take(None, 60)
    assert caught.value.retry_after == 3600
    assert clock.naps == []


def test_the_last_token_goes_to_one_thread() -> None:
    """Of eight threads at a bucket of five, five get through and three have to wait."""
    clock, slept = Clock(), []
    stop = threading.Event()

    def wait(seconds: float, event: threading.Event | None) -> bool:
        slept.append(seconds)
        return True

    rate_limit, barrier, through = RateLimiter(1, 5, clock=clock, wait=wait), threading.Barrier(8), []

    def work() -> None:
        barrier.wait()
        try:
            rate_limit.take(stop)
        except Interrupted:
            return
        through.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(through), len(slept)) == (5, 3)


@pytest.mark.parametrize(("rate", "burst"), [(-1, 10), (float("nan"), 10), (float("inf"), 10), (5, 0)])
def test_a_senseless_rate_limit_is_refused(rate: float, burst: int) -> None:
    """Negative, endless and unreal rates, and an empty bucket."""
    with pytest.raises(ValueError, match="a rate limit needs"):
        RateLimiter(rate, burst)


def test_doze_sleeps_with_and_without_an_event() -> None:
    """A set event ends the sleep at once."""
    stop = threading.Event()
    assert sleep_unless_stopped(0, None) is False
    assert sleep_unless_stopped(0, stop) is False
    stop.set()
    assert sleep_unless_stopped(60, stop) is True
