"""The forms in which a quota header can write a time."""

import pytest

from reconciler.gateway.headers import Quota, instant, quota, seconds_until

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("1700000030", 30.0),
        ("1700000030000", 30.0),
        ("1699999990", 0.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("2023-11-14T22:13:50+00:00", 30.0),
        ("2023-11-14T22:13:50Z", 30.0),
        ("2023-11-14 22:13:50", 30.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
    ],
)
def test_every_form_of_a_time_is_read(text: str, seconds: float) -> None:
    """Seconds, both epochs, HTTP and ISO dates; the past is now."""
    assert seconds_until(text, NOW) == seconds


@pytest.mark.parametrize("text", [None, "", "-5", "soon", "nan", "inf", "1e400", "90000", "1800000000", "9" * 400])
def test_nonsense_is_no_time(text: str | None) -> None:
    """What cannot be read, is negative or lies more than a day ahead says nothing."""
    assert seconds_until(text, NOW) is None


def test_a_date_counts_from_the_servers_own_clock() -> None:
    """A Date in the answer outranks our clock, which may be wrong."""
    headers = {"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT", "Date": "Tue, 14 Nov 2023 22:13:40 GMT"}
    assert quota(headers, NOW - 5000).retry_after == 10.0


def test_counts_are_whole_and_not_negative() -> None:
    """Limit and remaining are counts; anything else says nothing."""
    assert quota({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "x"}, NOW) == Quota(limit=60)
    assert quota({"X-RateLimit-Remaining": "-1"}, NOW) == Quota()


def test_an_instant_of_nothing_is_none() -> None:
    """Text without a time gives none."""
    assert instant("") is None
