"""Diagnostics on standard error with the standard ``logging`` module: as text, or as one JSON object per line.

flag     level       what is logged in addition
──────────────────────────────────────────────────────────────────
-q       WARNING     warnings and errors only
         INFO        what a command has done, and its progress
-v       DEBUG       how each collection was read
-vv      REQUESTS    every request
-vvv     BODIES      the bodies of requests and responses
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

LOGGER = logging.getLogger("reconciler")
REQUESTS, BODIES = logging.DEBUG - 1, logging.DEBUG - 2

_LEVELS = (logging.INFO, logging.DEBUG, REQUESTS, BODIES)


class JsonFormatter(logging.Formatter):
    """Keys: ``time`` (RFC 3339, UTC), ``level`` (debug, info, warning, error), ``event``, ``message``, and fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level = logging.getLevelName(max(record.levelno, logging.DEBUG)).lower()
        message = record.getMessage()
        for prefix in ("error: ", "warning: "):  # the level is a field of its own
            message = message.removeprefix(prefix).replace(f"\n{prefix}", "\n")
        document = {"time": at, "level": level, "event": getattr(record, "event", "message"), "message": message}
        return json.dumps({**document, **getattr(record, "fields", {})}, default=str)


class RedactionFilter(logging.Filter):
    """Replaces personal data in messages and in the fields of events."""

    def __init__(self, text: Callable[[str], str], document: Callable[[object], object]) -> None:
        super().__init__()
        self._text, self._document = text, document

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; keeps every record."""
        record.msg, record.args = self._text(record.getMessage()), None
        vars(record)["fields"] = self._document(getattr(record, "fields", {}))
        return True


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current standard error; an error while writing ends the command."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error; a progress display replaces it while it is shown."""
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in logging
        """Raise the error."""
        raise


def configure_logging(verbose: int, *, quiet: bool, as_json: bool) -> logging.Handler:
    """Start logging to standard error; returns the handler, to which a filter can be added."""
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter("%(message)s"))
    LOGGER.handlers[:] = [handler]
    LOGGER.propagate = False
    level = _LEVELS[min(verbose, len(_LEVELS) - 1)]
    LOGGER.setLevel(max(level, logging.WARNING) if quiet else level)
    return handler


def is_json() -> bool:
    """Whether the log is one JSON object per line."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in LOGGER.handlers)


def log(text: str, level: int = logging.INFO, event: str = "message", **fields: object) -> None:
    """Log a message; ``event`` and ``fields`` are shown in JSON only."""
    LOGGER.log(level, "%s", text, extra={"event": event, "fields": fields})
