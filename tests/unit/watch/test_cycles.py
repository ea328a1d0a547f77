"""Delays between cycles, and what is worth telling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.watch.cycles import (
    CycleObservation,
    CycleResult,
    NotificationState,
    Timing,
    delay,
    news,
    one_for_a_run,
)

timings = st.builds(
    Timing,
    interval=st.floats(0.01, 1e6),
    jitter=st.floats(0, 0.99),
    first=st.floats(0.01, 600),
    cap=st.floats(0.01, 1e6),
)
chances = st.floats(0, 1, exclude_max=True)


@given(timings, st.integers(0, 10**6), chances)
def test_a_delay_is_within_its_bounds(timing: Timing, failures: int, chance: float) -> None:
    """Above nothing, and never longer than the cap or the interval with their jitter."""
    found = delay(timing, failures, chance)
    assert 0 < found <= max(timing.cap, timing.interval) * (1 + timing.jitter) * 1.000001


@given(timings, chances)
def test_without_failures_it_is_the_interval(timing: Timing, chance: float) -> None:
    """Give or take the jitter."""
    found = delay(timing, 0, chance)
    assert abs(found - timing.interval) <= timing.interval * (timing.jitter + 1e-9)


@given(timings, st.integers(1, 200))
def test_failures_make_it_longer(timing: Timing, failures: int) -> None:
    """Each back-off is twice the one before, up to the cap; the first is no longer than the interval."""
    this, following = delay(timing, failures, 0.5), delay(timing, failures + 1, 0.5)
    longest = max(timing.cap, timing.interval)
    assert following == pytest.approx(min(2 * this, longest))
    assert delay(timing, 1, 0.5) <= timing.interval * 1.000001


@given(timings, st.integers(0, 100), chances, st.floats(0, 1e6))
def test_the_server_is_obeyed(timing: Timing, failures: int, chance: float, asked: float) -> None:
    """What it asked for is the least."""
    assert delay(timing, failures, chance, asked) == max(asked, delay(timing, failures, chance))


def test_a_row_of_failures() -> None:
    """Five minutes, and then half a minute, doubling to half an hour."""
    timing = Timing(300.0)
    assert [delay(timing, n, 0.5) for n in range(9)] == [300, 30, 60, 120, 240, 480, 960, 1800, 1800]


def test_jitter_spreads() -> None:
    """A tenth less to a tenth more."""
    assert [delay(Timing(100.0), 0, chance) for chance in (0.0, 0.5, 1.0)] == [90, 100, pytest.approx(110)]


SEEN = st.builds(
    CycleObservation,
    st.sampled_from(CycleResult),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "x", "y"]),
    st.booleans(),
)


@given(st.builds(NotificationState, st.sampled_from(["", "a"]), st.sampled_from(["", "x"])), SEEN)
def test_nothing_is_told_twice(before: NotificationState, seen: CycleObservation) -> None:
    """What was told of and stays as it is, is no news; only an apply is, each time."""
    _, after = news(before, seen)
    again, still = news(after, seen)
    assert still == after
    assert set(again) <= ({"apply", "drift"} if not seen.was_read else {"apply"})


@pytest.mark.parametrize(
    ("before", "seen", "events"),
    [
        (NotificationState(), CycleObservation(CycleResult.UNCHANGED), ()),
        (NotificationState(), CycleObservation(CycleResult.CHANGES), ()),
        (NotificationState(), CycleObservation(CycleResult.CHANGES, drift="a"), ("drift",)),
        (NotificationState("a"), CycleObservation(CycleResult.CHANGES, drift="a"), ()),
        (NotificationState("a"), CycleObservation(CycleResult.CHANGES, drift="b"), ("drift",)),
        (NotificationState(), CycleObservation(CycleResult.APPLIED, drift="a"), ("drift", "apply")),
        (NotificationState(), CycleObservation(CycleResult.PARTIAL, failure="steps failed"), ("apply", "failure")),
        (NotificationState(failure="x"), CycleObservation(CycleResult.FAILED, failure="x", was_read=False), ()),
        (
            NotificationState(failure="x"),
            CycleObservation(CycleResult.FAILED, failure="y", was_read=False),
            ("failure",),
        ),
        (NotificationState(failure="x"), CycleObservation(CycleResult.UNCHANGED), ("resolved",)),
        (NotificationState(failure="x"), CycleObservation(CycleResult.STOPPED, drift="a", failure="z"), ()),
    ],
)
def test_news(before: NotificationState, seen: CycleObservation, events: tuple[str, ...]) -> None:
    """The table of what is told."""
    assert news(before, seen)[0] == events


def test_drift_outlasts_a_cycle_that_saw_nothing() -> None:
    """A failed cycle in between does not make old drift new."""
    _, memory = news(NotificationState("a"), CycleObservation(CycleResult.FAILED, failure="x", was_read=False))
    assert news(memory, CycleObservation(CycleResult.CHANGES, drift="a"))[0] == ("resolved",)


@pytest.mark.parametrize(
    ("events", "wanted", "told"),
    [
        (["apply", "failure"], {"apply", "failure"}, ["failure"]),
        (["apply", "failure"], {"apply"}, ["apply"]),
        (["drift", "apply"], {"drift", "apply", "failure"}, ["drift", "apply"]),
        (["drift"], {"failure"}, []),
    ],
)
def test_one_for_a_run(events: list[str], wanted: set[str], told: list[str]) -> None:
    """A run that went wrong is told of once, by the strongest word that somebody wants to hear."""
    assert one_for_a_run(events, wanted) == told
