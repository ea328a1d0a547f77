"""Total deadlines of HTTP exchanges: closes the connection of one that takes too long or belongs to a stopped run.

The time-outs of requests apply to a single read of the socket: a server that sends a byte now and then would never
reach them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter

#: Seconds between two checks of the current exchanges; seconds left to a read after its run was stopped.
MIN_SLEEP, GRACE = 0.05, 2.0


class _Tracked:
    """Mixin of a connection that keeps its socket, since http.client drops it before some answers are read."""

    kept: socket.socket | None = None

    @property
    def sock(self) -> Any:
        """The socket, as http.client sees it."""
        return vars(self).get("sock")

    @sock.setter
    def sock(self, value: Any) -> None:
        vars(self)["sock"] = value
        if value is not None:
            self.kept = getattr(value, "socket", value)  # TLS inside of the TLS of a proxy wraps its socket


class TrackingAdapter(HTTPAdapter):
    """An adapter for one server, with one connection, which another thread can close."""

    connection: Any = None
    _pool: Any = None

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        """The connection pool, which stores each connection that it opens in ``connection``.

        Found once, because requests would search it for every request, by all settings of TLS and proxy.
        """
        if self._pool is None:
            pool: Any = super().get_connection_with_tls_context(request, *args, **options)
            tracked = type("TrackedConnection", (_Tracked, pool.ConnectionCls), {})

            def opened(*args: Any, **options: Any) -> Any:
                self.connection = tracked(*args, **options)
                return self.connection

            vars(pool)["ConnectionCls"] = opened
            self._pool = pool
        return self._pool

    def hang_up(self) -> None:
        """End the current exchange: the waiting thread gets an error or a truncated answer."""
        sock = getattr(self.connection, "kept", None)
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not of TLS: the reader needs its session


class Limit:
    """Deadline of one exchange; ``reached`` is set when the exchange was cut off."""

    def __init__(self, adapter: Any, until: float, stop: threading.Event | None) -> None:
        self.reached = False
        self._adapter, self._until, self._stop = adapter, until, stop

    def enforce(self, now: float) -> None:
        """Close the connection when the time is over."""
        if self._stop is not None and self._stop.is_set():
            self._until, self._stop = min(self._until, now + GRACE), None
        if now >= self._until:
            self.reached = True
            if isinstance(self._adapter, TrackingAdapter):
                self._adapter.hang_up()


class Deadlines:
    """Watches the exchanges of all threads from a thread of its own, started with the first exchange."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: set[Limit] = set()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @contextmanager
    def limit(self, adapter: Any, seconds: float, stop: threading.Event | None = None) -> Iterator[Limit]:
        """Context manager: the block may take ``seconds``, and only a few more once ``stop`` is set."""
        limit = Limit(adapter, time.monotonic() + seconds, stop)
        with self._lock:
            self._limits.add(limit)
            self._busy.set()
            if self._thread is None or not self._thread.is_alive():
                self._closed = threading.Event()
                self._thread = threading.Thread(
                    target=self._watch, args=(self._closed,), name="http-deadlines", daemon=True
                )
                self._thread.start()
        try:
            yield limit
        finally:
            with self._lock:
                self._limits.discard(limit)

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._closed.set()
            self._busy.set()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _watch(self, closed: threading.Event) -> None:
        while self._busy.wait() and not closed.is_set():
            with self._lock:
                for limit in self._limits:
                    limit.enforce(time.monotonic())
                if not self._limits and not closed.is_set():
                    self._busy.clear()
            closed.wait(MIN_SLEEP)
