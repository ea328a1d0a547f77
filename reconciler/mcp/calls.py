"""One call of a tool: runs in a thread, reports progress, stops when the client cancels, ends in a result."""

from __future__ import annotations

import math
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
from anyio import from_thread, lowlevel, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.mcp.listings import Misuse, clipped
from reconciler.mcp.results import NOTICE
from reconciler.model.values import Address, Attrs
from reconciler.output.verbatim import Verbatim
from reconciler.output.wording import json_text

Ctx: TypeAlias = Context[Any, Any]

#: Characters of an error message, and problems of files, in a result.
LONGEST_MESSAGE, MAX_PROBLEMS = 4000, 10


class Call:
    """The state of one call: its stop signal, its listener for progress, and the pseudonyms of its messages."""

    def __init__(self, report: Callable[[int, str], None]) -> None:
        self.stop = threading.Event()
        self.redactor = Verbatim()
        self._report = report
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def progress(self, kind: str, number: int, *more: object) -> None:
        """Called from any thread with the number of items of a kind that were read, or of steps that ended."""
        with self._lock:
            grown = number > self._counts.get(kind, 0)
            self._counts[kind] = max(number, self._counts.get(kind, 0))
            if grown and not self.stop.is_set():
                self._report(sum(self._counts.values()), f"{kind.replace('_', ' ')}: {number}")

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Redact these personal values in messages, too."""
        self.redactor.learn(named)

    def shown(self, document: Any) -> Any:
        """The JSON document with pseudonyms, unless the server was started with --no-redact."""
        return self.redactor.document(document)

    def text(self, text: str) -> str:
        """The same for a text."""
        return self.redactor.text(text)

    def address(self, address: Address) -> str:
        """The same for an address."""
        return str(self.redactor.address(address))


class Running:
    """Answers calls, and knows those that are under way."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()

    async def answer(self, ctx: Ctx, work: Callable[[Call], BaseModel]) -> CallToolResult:
        """The result of ``work``, which runs in a thread; an error of reconciler is a result too.

        When the client cancels, ``call.stop`` is set and the thread is waited for: nothing is left half recorded.
        """
        token = lowlevel.current_token()
        sending, receiving = anyio.create_memory_object_stream[tuple[int, str]](math.inf)

        def report(number: int, text: str) -> None:
            with suppress(anyio.BrokenResourceError):  # cancelled a moment ago: nobody listens any more
                from_thread.run_sync(sending.send_nowait, (number, text), token=token)

        call = Call(report)
        self._calls.add(call)
        try:
            async with anyio.create_task_group() as watching:
                watching.start_soon(_stop_when_cancelled, call)
                async with anyio.create_task_group() as reporting:
                    reporting.start_soon(_report, ctx, receiving)
                    with sending:
                        result = await to_thread.run_sync(_outcome, call, work)
                watching.cancel_scope.cancel()
        finally:
            self._calls.discard(call)
        return result

    async def stop(self) -> None:
        """Stop all calls, and wait until they ended and recorded what they did."""
        while self._calls:
            for call in self._calls:
                call.stop.set()
            await anyio.sleep(0.05)


async def _report(ctx: Ctx, received: MemoryObjectReceiveStream[tuple[int, str]]) -> None:
    with received:
        async for number, text in received:
            await ctx.report_progress(number, message=text)


async def _stop_when_cancelled(call: Call) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        call.stop.set()


def _outcome(call: Call, work: Callable[[Call], BaseModel]) -> CallToolResult:
    try:
        document = work(call).model_dump(mode="json", exclude_none=True)
        if "untrusted" in document:
            document["untrusted"] = document.pop("untrusted")  # numbers first
        return CallToolResult(content=[_content(document)], structured_content=document)
    except Misuse as error:
        document = {"error": _kind_of(error), "message": str(error)}
    except ReconcilerError as error:
        document = {"error": _kind_of(error), "untrusted": {"notice": NOTICE, **_message(call, error)}}
    except Exception:
        sys.stderr.write(call.text(traceback.format_exc()))
        message = "This is a bug in reconciler. Please report it with the lines on standard error of the server."
        document = {"error": "defect", "message": message}
    return CallToolResult(content=[_content(document)], is_error=True)


def _content(document: Any) -> TextContent:
    return TextContent(type="text", text=json_text(document, None))


def _kind_of(error: ReconcilerError) -> str:
    """``ApprovalRequired`` as ``approval_required``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def _message(call: Call, error: ReconcilerError) -> dict[str, Any]:
    if isinstance(error, ConfigurationError):
        shown = [clipped(call.text(str(problem))) for problem in error.problems[:MAX_PROBLEMS]]
        return {"problems": shown, "more": max(0, len(error.problems) - MAX_PROBLEMS)}
    return {"message": clipped(call.text(str(error)), LONGEST_MESSAGE)}
