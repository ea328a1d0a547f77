"""What the headers of an answer tell a doctor, without a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.commands.doctor import Examination
from reconciler.config import settings
from reconciler.model.checks import Verdict

NOON = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC


@pytest.fixture
def examination(tmp_path: Path) -> Examination:
    """An examination on New Year's noon."""
    found = settings.load(tmp_path, flags={}, environ={"MATON_API_KEY": "k"})
    return Examination(found, now=lambda: NOON)


@pytest.mark.parametrize(
    ("date", "verdict", "said"),
    [
        ("Thu, 01 Jan 2026 12:00:07 GMT", Verdict.OK, "in sync"),
        ("Thu, 01 Jan 2026 12:02:00 GMT", Verdict.FAILED, "120 s behind"),
        ("Thu, 01 Jan 2026 11:00:00 GMT", Verdict.FAILED, "3,600 s ahead of"),
        ("whenever", Verdict.SKIPPED, "no date"),
    ],
)
def test_clocks_are_compared(examination: Examination, date: str, verdict: Verdict, said: str) -> None:
    """Half a minute is nothing."""
    examination.rate_limit.observe({"Date": date}, 200)
    check = examination.clock()
    assert check.verdict is verdict
    assert said in check.text
    assert bool(check.remedy) == (verdict is Verdict.FAILED)


def test_a_quota_is_told(examination: Examination) -> None:
    """What is left, of how much, and until when."""
    examination.rate_limit.observe(
        {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "57", "X-RateLimit-Refill": "12"}, 200
    )
    assert examination.quota().text == "57 of 60 calls left, refilled in 12 s; the rate limit is 10 per second"


def test_no_quota_is_no_fault(examination: Examination) -> None:
    """Nobody promises these headers."""
    assert examination.quota().verdict is Verdict.SKIPPED


@pytest.mark.parametrize("key", ["", "a b", '"quoted"'])
def test_a_key_that_cannot_be_one(tmp_path: Path, key: str) -> None:
    """Nothing is sent with it, and it is not shown."""
    found = settings.load(tmp_path, flags={}, environ={"MATON_API_KEY": key} if key else {})
    checks = list(Examination(found).checks())
    assert [check.verdict for check in checks] == [Verdict.FAILED] + [Verdict.SKIPPED] * 7
    assert not key or all(key not in check.text for check in checks)
