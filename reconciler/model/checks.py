"""The result of one check of ``doctor``: a line of text, and a remedy if it failed."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Verdict(Enum):
    """SKIPPED: it could not be looked at, or there is nothing to look at; the text says which."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Check(NamedTuple):
    """The result of one check. ``remedy`` is the advice for a failed one."""

    name: str
    verdict: Verdict
    text: str
    remedy: str = ""


def good(name: str, text: str) -> Check:
    """A passed check."""
    return Check(name, Verdict.OK, text)


def bad(name: str, text: str, remedy: str) -> Check:
    """A failed check, with its remedy."""
    return Check(name, Verdict.FAILED, text, remedy)


def passed_over(name: str, text: str) -> Check:
    """A skipped check, with the reason."""
    return Check(name, Verdict.SKIPPED, text)
