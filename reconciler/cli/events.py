"""A run → a stream of events on standard output, one JSON object a line, each there as soon as it happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.progress_state import WORTH, Progress
from reconciler.cli.terminal import json_text
from reconciler.model.plan import Step
from reconciler.model.report import Outcome
from reconciler.output import events


class Events:
    """The stream of one command. ``begin`` comes first, ``report`` or ``error`` last, and nothing after that."""

    def __init__(self, command: str, now: Callable[[], float] = time.time) -> None:
        self._now, self._lock, self._number, self._over = now, threading.Lock(), 0, False
        self._put("begin", events.begin(__version__, command))

    def planned(self, document: Mapping[str, Any]) -> None:
        """The plan is made."""
        self._put("plan", events.plan(document))

    def started(self, step: Step) -> None:
        """A step has begun."""
        self._put("started", events.started(step))

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """A step has ended."""
        self._put("ended", events.ended(outcome, done, total))

    def heartbeat(self, pulse: Progress) -> None:
        """The run goes on, or waits for the gateway."""
        told = pulse.fields()
        self._put("waiting" if told["waiting"] >= WORTH else "heartbeat", told)

    def report(self, document: Mapping[str, Any]) -> None:
        """The end."""
        self._put("report", document, last=True)

    def failed(self, message: str, code: int) -> None:
        """The other end."""
        self._put("error", events.failed(message, code), last=True)

    def _put(self, event: str, fields: Mapping[str, Any], *, last: bool = False) -> None:
        with self._lock:
            if self._over:
                return
            at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._number, self._over = self._number + 1, last
            click.echo(json_text({"event": event, "time": at, "number": self._number, **fields}, None))
