"""Signed webhook deliveries of the events of an account: always recorded, sent to loopback on demand."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from reconciler.emulator.rows import Event, Webhook
from reconciler.emulator.state import State

TIMEOUT = 5.0


@dataclass(slots=True)
class Delivery:
    """`sent` says whether it left the process, `status` what the receiver answered."""

    webhook: str
    url: str
    event: str
    headers: dict[str, str]
    body: bytes
    sent: bool = False
    status: int | None = None

    def plain(self) -> dict[str, object]:
        return {
            "webhook": self.webhook,
            "url": self.url,
            "event": self.event,
            "headers": dict(self.headers),
            "body": json.loads(self.body),
            "sent": self.sent,
            "status": self.status,
        }


def sign(secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the raw body (api.md 5.8)."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def raw_body(payload: Mapping[str, object]) -> bytes:
    """JSON as the vendor's PHP writes it: unicode and slashes escaped."""
    return json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()


def deliveries_of(state: State, event: str, payload: Mapping[str, object]) -> list[Delivery]:
    """One delivery for each active webhook that listens to the event."""
    listening = [
        (hook, row)
        for hook in state.webhooks.values()
        for row in hook.events
        if hook.active and row.event == event and row.disabled_at is None
    ]
    if not listening:
        return []
    body = raw_body(payload)
    return [Delivery(hook.name, hook.url, event, _headers(state, hook, row, body), body) for hook, row in listening]


def _headers(state: State, hook: Webhook, row: Event, body: bytes) -> dict[str, str]:
    now = state.stamp()
    return {
        "content-type": "application/json",
        "user-agent": "SystemeIO-Webhook",
        "x-webhook-event": row.event,
        "x-webhook-schema-version": str(row.version),
        "x-webhook-signature": sign(hook.secret, body),
        "x-webhook-message-id": state.new_uuid(),
        "x-webhook-subscription-id": row.id,
        "x-webhook-event-timestamp": now,
        "x-webhook-delivery-attempt-id": state.new_uuid(),
        "x-webhook-delivery-attempt-timestamp": now,
    }


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Postman:
    """Sends deliveries from one background thread, in order; it starts with the first and ends with `stop`."""

    _box: queue.SimpleQueue[Delivery | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None

    def post(self, delivery: Delivery) -> None:
        if not is_loopback(delivery.url):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="emulator-deliveries", daemon=True)
            self._thread.start()
        self._box.put(delivery)

    def stop(self) -> None:
        """Waits until everything posted is sent."""
        if self._thread is not None:
            self._box.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (delivery := self._box.get()) is not None:
            delivery.status = _send(delivery)
            delivery.sent = True


# No proxies: loopback is the only place a delivery may go to.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _send(delivery: Delivery) -> int | None:
    request = urllib.request.Request(  # noqa: S310  (http and https only, to loopback: see Postman.post)
        delivery.url, data=delivery.body, headers=delivery.headers, method="POST"
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None
