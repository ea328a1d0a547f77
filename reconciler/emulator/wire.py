"""Sends answers as ASGI messages, and faults as broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.emulator.answers import Answer

TRANSPORT = "emulator.transport"


class BreakableProtocol(H11Protocol):
    """HTTP as uvicorn speaks it, with the transport in the scope's state so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


async def read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_answer(send: Send, answer: Answer, extra: Mapping[str, str] | None = None) -> None:
    await send(_start(answer, extra or {}))
    await send({"type": "http.response.body", "body": answer.body})


async def send_half(scope: Scope, receive: Receive, send: Send, answer: Answer) -> None:
    """Announces the whole body, sends half of it and closes the connection."""
    await send(_start(answer, {}))
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    await drop(scope, receive)


async def drop(scope: Scope, receive: Receive) -> None:
    """Closes the connection, and waits until the server has noticed that no answer is owed any more."""
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(answer: Answer, extra: Mapping[str, str]) -> dict[str, Any]:
    headers = [(key.lower().encode(), value.encode()) for key, value in {**answer.headers, **extra}.items()]
    if answer.status != 204:
        headers.append((b"content-type", answer.content_type.encode()))
        headers.append((b"content-length", str(len(answer.body)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
