"""Metrics of `watch` for Prometheus; they contain kinds and counts, but no names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.errors import ConfigurationError
from reconciler.gateway.client import Exchange
from reconciler.model.policy import Allow
from reconciler.watch.cycles import CycleResult, changes_by_kind, drifted_by_kind
from reconciler.watch.watch import Cycle, WatchState

_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def address_of(text: str, public: bool) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9309`` or ``[::1]:9309``; port 0 stands for any free port.

    Raises ConfigurationError for anything else, and for an address that others can reach unless ``public``.
    """
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is None or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigurationError("--metrics needs an IP address and a port, such as 127.0.0.1:9309")
    if not address.is_loopback and not public:
        raise ConfigurationError(
            f"--metrics {text} can be reached from other machines, without authentication; "
            "use a loopback address, or add --metrics-public"
        )
    return host, int(port)


class Metrics:
    """The metrics, served at ``/metrics``."""

    def __init__(self) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError:
            raise ConfigurationError(
                "--metrics needs prometheus-client, which is not installed; run: pip install prometheus-client"
            ) from None
        self._prometheus = prometheus
        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        self._cycles = self._made("Counter", "cycles", "Cycles by result.", "outcome")
        self._calls = self._made(
            "Counter", "calls", "API calls by method and status; none: no answer.", "method", "status"
        )
        self._seconds = prometheus.Histogram(
            "reconciler_cycle_duration_seconds", "Duration of a cycle.", registry=self.registry, buckets=_SECONDS
        )
        self._ended = self._made("Gauge", "last_cycle_timestamp_seconds", "End of the last cycle.")
        self._success = self._made("Gauge", "last_success_timestamp_seconds", "End of the last successful cycle.")
        self._failures = self._made("Gauge", "failures_in_a_row", "Failed cycles since the last one that succeeded.")
        self._planned = self._made("Gauge", "planned_changes", "Planned changes.", "kind", "action")
        self._drifted = self._made("Gauge", "drifted_resources", "Drifted resources.", "kind")
        self._blocked = self._made("Gauge", "blocked_changes", "Changes blocked by policy.")
        self._approvals = self._made("Gauge", "approval_required", "1 if the plan needs this --allow class.", "allow")
        for ending in CycleResult:
            self._cycles.labels(ending.value)
        for allow in Allow:
            self._approvals.labels(allow.value)
        self._known: dict[int, set[tuple[str, ...]]] = {}

    def _made(self, what: str, name: str, text: str, *labels: str) -> Any:
        return getattr(self._prometheus, what)(f"reconciler_{name}", text, labels, registry=self.registry)

    def called(self, exchange: Exchange) -> None:
        """Record one attempt of an API call."""
        method = exchange.method if exchange.method in _METHODS else "other"
        self._calls.labels(method, str(exchange.status or "none")).inc()

    def ended(self, done: Cycle, standing: WatchState) -> None:
        """Record one cycle."""
        self._cycles.labels(done.ending.value).inc()
        self._seconds.observe(done.seconds)
        self._ended.set_to_current_time()
        self._failures.set(standing.failures)
        if standing.last_success is not None:
            self._success.set(standing.last_success)
        if done.planned is None:
            return  # nothing was read: keep the last values
        left = done.ending is CycleResult.APPLIED
        plan = done.planned.plan
        self._set(self._planned, {} if left else changes_by_kind(plan))
        self._set(self._drifted, {} if left else {(k,): n for k, n in drifted_by_kind(done.drift).items()})
        self._blocked.set(len(plan.blocked))
        self._set(self._approvals, {} if left else {(each.allow.value,): 1 for each in done.planned.approvals})

    def _set(self, gauge: Any, values: Mapping[Any, int]) -> None:
        """Set these values, and 0 for label sets that had a value before."""
        known = self._known.setdefault(id(gauge), set())
        known |= values.keys()
        for labels in known:
            gauge.labels(*labels).set(values.get(labels, 0))

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Serve at this address until the block ends; yields the URL. Raises ConfigurationError if it is in use."""
        try:
            server, thread = self._prometheus.start_http_server(port, host, self.registry)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(f"--metrics: cannot listen on {host}:{port}: {reason}") from error
        shown = f"[{host}]" if ":" in host else host
        try:
            yield f"http://{shown}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
