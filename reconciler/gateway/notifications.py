"""Sends notifications to a URL that the user configured; the account is not involved."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from reconciler import __version__
from reconciler.errors import ConfigurationError
from reconciler.gateway.deadlines import Deadlines, TrackingAdapter
from reconciler.gateway.headers import seconds_until
from reconciler.gateway.rate_limiter import Sleep, sleep_unless_stopped
from reconciler.gateway.transport import PlainSession, proxies_and_trust

#: Attempts; seconds to connect and to answer; the first pause; the longest pause or attempt.
TRIES, TIMEOUT, FIRST, LONGEST = 3, (3.0, 5.0), 0.5, 10.0


class _NoAuth(AuthBase):
    """No credentials; an auth object keeps requests from reading ``.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class NotificationHook:
    """A URL that receives notifications. It is a secret: messages show only its host."""

    def __init__(
        self,
        url: str,
        *,
        stop: threading.Event | None = None,
        sleep: Sleep = sleep_unless_stopped,
        chance: Callable[[], float] = random.random,
        wall: Callable[[], float] = time.time,
        limit: float = LONGEST,
    ) -> None:
        self._url, self._stop, self._sleep, self._chance, self._wall = url, stop, sleep, chance, wall
        self._limit, self._deadlines = limit, Deadlines()
        self.host = urlsplit(url).hostname or ""

    def __repr__(self) -> str:
        return f"Hook({self.host})"

    def post(self, document: Mapping[str, Any]) -> str | None:
        """Send; None when it was accepted, otherwise the reason. Never raises, follows no redirect.

        A broken connection, 429 and 5xx are retried: a repeated notification does no harm.
        """
        body = json.dumps(document, ensure_ascii=False).encode()
        reason = ""
        with closing(self._deadlines), PlainSession() as session:
            session.trust_env, session.auth = False, _NoAuth()
            session.mount(self._url, TrackingAdapter(pool_connections=1, pool_maxsize=1))
            try:
                proxies, verify, cert = proxies_and_trust(self._url)
            except ConfigurationError as error:
                return str(error)
            options = {"proxies": proxies, "verify": verify, "cert": cert}
            for attempt in range(1, TRIES + 1):
                again, pause, reason = self._attempt(session, body, options)
                if not reason or not again or attempt == TRIES:
                    break
                wait = min(max(pause, FIRST * 2 ** (attempt - 1) * (0.5 + self._chance())), LONGEST)
                if self._sleep(wait, self._stop):
                    break
        return reason or None

    def _attempt(self, session: requests.Session, body: bytes, options: dict[str, Any]) -> tuple[bool, float, str]:
        """Whether to retry, after how many seconds at least, and the failure; ``""`` when it was accepted."""
        headers = {"Content-Type": "application/json", "User-Agent": f"reconciler/{__version__}"}
        with self._deadlines.limit(session.get_adapter(self._url), self._limit, self._stop) as limit:
            try:
                answer = session.post(
                    self._url,
                    data=body,
                    headers=headers,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                    stream=True,
                    **options,
                )
            except (requests.RequestException, HTTPError, ValueError) as error:
                return True, 0.0, f"no answer ({type(error).__name__})"
        with answer:
            if limit.reached:
                return True, 0.0, f"no answer within {self._limit:g} s"
            if 200 <= answer.status_code < 300:
                return False, 0.0, ""
            again = answer.status_code == 429 or answer.status_code >= 500
            pause = seconds_until(answer.headers.get("Retry-After"), self._wall())
            return again, pause or 0.0, f"answered {answer.status_code}"
