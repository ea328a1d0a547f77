"""Attempts of calls → lines of talk: ``-vv`` method, path, status, time and quota, ``-vvv`` bodies as well."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reconciler.cli.redaction import OutputFilter
from reconciler.cli.terminal import say
from reconciler.gateway.client import Exchange
from reconciler.output.wire_log import body_text

CALLS, BODIES = 2, 3


def log_for(verbose: int, curtain: OutputFilter) -> Callable[[Exchange], None] | None:
    """Who is told of every attempt: nobody below ``-vv``."""
    if verbose < CALLS:
        return None
    return lambda exchange: _tell(exchange, curtain, verbose >= BODIES)


def _tell(exchange: Exchange, curtain: OutputFilter, bodies: bool) -> None:
    took = f"{exchange.status or 'no answer'} in {exchange.seconds * 1000:.0f} ms"
    again = f", attempt {exchange.attempt}" if exchange.attempt > 1 else ""
    quota = "".join(f", {name}: {value}" for name, value in exchange.quota)
    fields: dict[str, Any] = {
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "ms": round(exchange.seconds * 1000, 1),
        "attempt": exchange.attempt,
        "headers": dict(exchange.quota),
    }
    shown = {"sent": exchange.sent, "answered": exchange.answered} if bodies else {}
    texts = {name: _body(content, exchange.hidden, curtain) for name, content in shown.items() if content}
    lines = [f"{exchange.method} {exchange.path} → {took}{again}{quota}"]
    lines += [f"    {name} {text}" for name, text in texts.items()]
    say("\n".join(lines), "debug", "call", **fields, **{name: _parsed(text) for name, text in texts.items()})


def _body(content: bytes, hidden: tuple[str, ...], curtain: OutputFilter) -> str:
    marked = None if curtain.redactor is None else curtain.redactor.document
    return body_text(content, (*hidden, *curtain.secrets()), marked)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # cut, or no JSON
        return text
