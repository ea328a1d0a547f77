"""One call to the account → its answer in whatever dialect, and the headers that came along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.gateway.client import Reader
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.model.report import ApiRequest


class HeaderRecorder(RateLimiter):
    """A rate limit that keeps the headers of the last answer it heard."""

    headers: Mapping[str, str] | None = None

    def heard(self, headers: Mapping[str, str], status: int) -> None:
        """Keep them, and do with them what every rate limit does."""
        self.headers = headers
        super().heard(headers, status)


class Probe(Reader):
    """A reader that leaves it to its caller to recognise the dialect."""

    def ask(self, path: str) -> Any:
        """The decoded answer of one GET at a native path; raises what a reader raises."""
        return self._call(ApiRequest("GET", path)).body
