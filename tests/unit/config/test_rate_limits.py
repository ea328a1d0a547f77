"""Rate limits as people write them."""

from __future__ import annotations

import pytest

from reconciler.config import setting_types
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.output import wording
from tests.support.project import Project

RATES = [
    ("10", 10.0, "10 per second"),
    (2.5, 2.5, "2.5 per second"),
    ("5/second", 5.0, "5 per second"),
    ("30/minute", 0.5, "30 per minute"),
    ("30 / minute", 0.5, "30 per minute"),
    ("90 per minute", 1.5, "90 per minute"),
    ("free", 0.5, "30 per minute"),
    ("Startup", 1.0, "60 per minute"),
    ("webinar", 2.0, "120 per minute"),
    ("unlimited", 10.0, "10 per second"),
]


@pytest.mark.parametrize(("written", "per_second", "shown"), RATES)
def test_a_rate(written: object, per_second: float, shown: str) -> None:
    """Numbers, numbers per time, names of plans."""
    assert setting_types.rate(written) == per_second
    assert wording.rate(per_second) == shown


@pytest.mark.parametrize("written", ["fast", "10/hour", "-1", "", "1/2/second", "nan", "٣/minute"])
def test_no_rate(written: str) -> None:
    """The message names every form."""
    with pytest.raises(ValueError, match=r"expected 10/second, 30/minute, 0 \(no limit\), or a plan: free, startup"):
        setting_types.rate(written)


@pytest.mark.parametrize("rate", [0.5, 2.0, 5.0, 10.0, 40.0])
def test_a_limit_holds_from_the_first_call_on(rate: float) -> None:
    """In the first minute, plus at most a second's worth."""
    now = [0.0]

    def wait(seconds: float, _stop: object) -> bool:
        now[0] += seconds
        return False

    limiter, sent = RateLimiter(rate, clock=lambda: now[0], wall=lambda: 0.0, wait=wait), 0
    while now[0] < 60:
        limiter.take()
        sent += 1
    assert rate * 60 <= sent <= rate * 60 + max(1, min(rate, 10)) + 1


def test_a_plan_shows_the_time_at_the_rate(project: Project) -> None:
    """From the file and from the flag; a wrong one names file and line."""
    project.env.pop("RECONCILER_RATE_LIMIT")
    project.write("tags: [A, B, C]\n")
    project.write("limits:\n  rate_limit: 90/minute\n", "reconciler.yaml")
    assert "90 per minute" in project.run("plan").out
    assert "120 per minute" in project.run("--rate-limit", "webinar", "plan").out
    assert "the rate limit is 120 per minute" in project.run("--rate-limit", "webinar", "doctor").out
    project.write("limits:\n  rate_limit: quick\n", "reconciler.yaml")
    wrong = project.run("plan")
    assert wrong.code == 1
    assert "reconciler.yaml:2:15: " in wrong.err
    assert "expected 10/second, 30/minute" in wrong.err
