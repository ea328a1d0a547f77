"""The endpoints below /systeme: the answers of an account, or the fault that a test asked for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from reconciler.emulator.accounts import Account, Recorded
from reconciler.emulator.answers import PROBLEM, PROBLEM_TYPE, Answer, Refusal, encode, gateway_error, problem
from reconciler.emulator.faults import Fault
from reconciler.emulator.gateway import Gateway
from reconciler.emulator.wire import drop, read_body, send_answer, send_half

PREFIX = "/systeme"
#: Seconds after which a request that a fault holds up looks whether the fault was taken away.
LOOK_EVERY = 0.05
HTML = b"<!doctype html><html><body><h1>We will be back soon</h1></body></html>"


@dataclass(slots=True)
class Exchange:
    """One request and the ways to answer it."""

    account: Account
    scope: Scope
    receive: Receive
    send: Send
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str
    silent: bool

    def carry_out(self) -> Answer:
        return self.account.answer(self.method, self.path, self.query, self.body, self.content_type, self.silent)


class Vendor:
    """The ASGI application below the prefix. `closing` is set when the server stops."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.closing = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        silent = b"x-emulator-silent" in headers
        body = await read_body(receive) if scope["method"] != "GET" else b""
        try:
            account = self._account(headers, silent)
        except Refusal as refusal:
            await send_answer(send, refusal.answer)
            return
        exchange = Exchange(
            account,
            scope,
            receive,
            send,
            method=scope["method"],
            path=scope["raw_path"].decode("ascii").removeprefix(PREFIX),
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            body=body,
            content_type=headers.get(b"content-type", b"").decode("latin-1"),
            silent=silent,
        )
        await (self._quiet(exchange) if silent else self._watched(exchange))

    def _account(self, headers: dict[bytes, bytes], silent: bool) -> Account:
        self.gateway.authorize(headers.get(b"authorization", b"").decode("latin-1"))
        if not silent:
            self.gateway.take()
        connection = headers.get(b"maton-connection")
        return self.gateway.choose(None if connection is None else connection.decode("latin-1"))

    async def _quiet(self, exchange: Exchange) -> None:
        """An edit behind the client's back: neither logged nor counted nor faulted."""
        await send_answer(exchange.send, exchange.carry_out())

    async def _watched(self, exchange: Exchange) -> None:
        account = exchange.account
        entry = account.record(exchange.method, exchange.path, exchange.query, exchange.body)
        if latency := account.content.options.latency:
            await asyncio.sleep(latency / 1000)
        verdict = account.take_quota()
        if not verdict.allowed:
            account.ended(entry, 429)
            await send_answer(exchange.send, problem(429, "Too Many Requests"), verdict.headers)
            return
        delays, fault = account.meet_faults(exchange.method, exchange.path)
        for delay in delays:
            await self._pause(delay, exchange)
        if fault is None:
            answer = exchange.carry_out()
            account.ended(entry, answer.status)
            await send_answer(exchange.send, answer, verdict.headers)
        else:
            await self._fault(exchange, fault, entry, verdict.headers)

    async def _fault(self, exchange: Exchange, fault: Fault, entry: Recorded, headers: dict[str, str]) -> None:
        """Lets the fault happen. The log is complete before the client hears anything."""
        carried = exchange.carry_out() if _carries_out(fault) else None
        entry["fault"] = fault.kind
        if fault.kind == "timeout":
            await self._pause(fault, exchange)
        answer = _answer(fault, carried)
        half = fault.kind == "cut" and not fault.parameters["clean"]
        exchange.account.ended(entry, None if answer is None or half else answer.status)
        if answer is None:
            await drop(exchange.scope, exchange.receive)
        elif half:
            await send_half(exchange.scope, exchange.receive, exchange.send, answer)
        else:
            await send_answer(exchange.send, answer, headers)

    async def _pause(self, fault: Fault, exchange: Exchange) -> None:
        """Waits, but no longer than the rule exists, the client waits or the server runs."""
        ends = {asyncio.ensure_future(self.closing.wait()), asyncio.ensure_future(_gone(exchange.receive))}
        until = monotonic() + fault.number("seconds")
        done: set[asyncio.Future[Any]] = set()
        while not done and (left := until - monotonic()) > 0 and exchange.account.has(fault):
            done, _ = await asyncio.wait(ends, timeout=min(left, LOOK_EVERY), return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _carries_out(fault: Fault) -> bool:
    return fault.kind in ("drop_after", "error_after", "cut") or bool(fault.parameters.get("commit"))


def _answer(fault: Fault, carried: Answer | None) -> Answer | None:
    """The answer that a fault makes of what was carried out; None drops the connection."""
    match fault.kind:
        case "status":
            return _status(fault)
        case "error_after":
            return gateway_error(int(fault.number("status")), "Bad gateway.")
        case "html":
            return Answer(200, HTML, "text/html; charset=utf-8")
        case "timeout":
            return carried or gateway_error(504, "The request timed out.")
        case "cut" if carried is not None and carried.body and fault.parameters["clean"]:
            return Answer(carried.status, carried.body[: len(carried.body) // 2], carried.content_type)
        case "cut" if carried is not None and carried.body:
            return carried
    return None


def _status(fault: Fault) -> Answer:
    """A given body goes out as it is (text) or as JSON; without one it is a problem of the vendor."""
    status, body = int(fault.number("status")), fault.parameters["body"]
    headers = fault.parameters["headers"]
    extra = {str(key): str(value) for key, value in headers.items()} if isinstance(headers, dict) else {}
    if isinstance(body, str):
        return Answer(status, body.encode(), "text/plain; charset=utf-8", extra)
    if body is not None:
        return Answer(status, json.dumps(body).encode(), headers=extra)
    plain = {"type": PROBLEM_TYPE, "title": "An error occurred", "detail": f"Ordered status {status}."}
    return Answer(status, encode(plain), PROBLEM, extra)
