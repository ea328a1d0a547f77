"""How much work a function is, in a number that no machine changes: the calls that it makes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def effort(function: Callable[[], Any]) -> int:
    """The calls of Python and C functions until it returns."""
    calls = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls
