"""Single calls for ``doctor``: the decoded answer in either dialect, with its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.gateway.client import Reader
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.model.report import ApiRequest


class HeaderRecorder(RateLimiter):
    """A rate limiter that keeps the headers of the last answer."""

    headers: Mapping[str, str] | None = None

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Keep the headers and update the rate limit."""
        self.headers = headers
        super().observe(headers, status)


class Probe(Reader):
    """A reader that accepts either dialect."""

    def ask(self, path: str) -> Any:
        """The decoded answer of one GET at a native path; raises as :class:`Reader` does."""
        return self._call(ApiRequest("GET", path)).body
