"""A client of the official SDK that talks to `reconciler mcp` over stdio, driven without async in the tests."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, ElicitResult

from tests.support.project import Project

#: Answers a question of the server, as a person does in a client.
Person = Callable[[str], ElicitResult]
YES = ElicitResult(action="accept", content={"confirm": "yes"})

#: The two generations of the protocol: questions inside of results, and questions as requests of the server.
GENERATIONS = ("2026-07-28", "legacy")


class Assistant:
    """``questions`` were asked, ``progress`` was reported, ``diagnostics`` are what the server wrote to stderr."""

    def __init__(
        self,
        project: Project,
        *args: str,
        person: Person | None = None,
        mode: str = "auto",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self.questions: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.progress: list[tuple[float, str | None]] = []
        self.log = project.folder.parent / f"{project.folder.name}.log"
        self._stack = contextlib.ExitStack()
        self.person = person
        self._parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "reconciler", "mcp", ".", *args],
            env=project.environment(env),
            cwd=project.folder,
        )
        self._mode = mode
        self._noticed = threading.Event()

    def __enter__(self) -> Self:
        self.portal: BlockingPortal = self._stack.enter_context(start_blocking_portal())
        errors = self._stack.enter_context(self.log.open("w"))
        client = Client(
            stdio_client(self._parameters, errors),
            elicitation_callback=self._asked if self.person else None,
            mode=self._mode,
            cache=None,
        )
        self.client: Client = self._stack.enter_context(self.portal.wrap_async_context_manager(client))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if kind is None:
            assert self.diagnostics == "", self.diagnostics

    def reset(self, person: Person | None = None) -> Project:
        """An empty folder and account for the next test; the server goes on."""
        for each in self.project.folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        self.project.account.replace({}, {})
        self.questions, self.forms, self.progress, self.person = [], [], [], person
        return self.project

    @property
    def diagnostics(self) -> str:
        """What the server wrote to standard error."""
        return self.log.read_text()

    async def _asked(self, context: object, params: Any) -> ElicitResult:
        self.questions.append(params.message)
        self.forms.append(params.requested_schema)
        assert self.person is not None
        return self.person(params.message)

    async def _progressed(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, message))
        self._noticed.set()

    def noticed(self) -> threading.Event:
        """An event that the next report of progress sets."""
        self._noticed = threading.Event()
        return self._noticed

    def start(self, tool: str, **arguments: Any) -> Future[CallToolResult]:
        """Call the tool without waiting for its result."""
        call = partial(self.client.call_tool, tool, arguments, progress_callback=self._progressed)
        return self.portal.start_task_soon(call)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """The result of the tool."""
        return self.start(tool, **arguments).result(60)

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content of a result: its text repeats it, and the client has checked it."""
        result = self.call(tool, **arguments)
        (content,) = result.content
        assert not result.is_error, content
        assert content.type == "text"
        assert json.loads(content.text) == result.structured_content
        found: dict[str, Any] = result.structured_content
        return found

    def fail(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The error that the tool ends in."""
        result = self.call(tool, **arguments)
        (content,) = result.content
        assert result.is_error and content.type == "text", result
        assert "Traceback" not in content.text
        error: dict[str, Any] = json.loads(content.text)
        return error

    def rows(self, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        """The rows of all pages."""
        page = self.ask(tool, **arguments)
        rows = list(page["untrusted"]["rows"])
        while "cursor" in page:
            page = self.ask(tool, **{**arguments, "cursor": page["cursor"]})
            rows += page["untrusted"]["rows"]
        assert len(rows) == page["total"]
        return rows


def typed(**content: str) -> Person:
    """A person who accepts the question and types this."""
    return lambda question: ElicitResult(action="accept", content=dict(content))


def declining(action: str) -> Person:
    """A person who closes the question without an answer."""
    return lambda question: ElicitResult.model_validate({"action": action})


def trusted(document: Any) -> str:
    """All that a result shows outside of ``untrusted``, as one text."""
    if isinstance(document, dict):
        return " ".join(f"{key} {trusted(each)}" for key, each in document.items() if key != "untrusted")
    if isinstance(document, list):
        return " ".join(map(trusted, document))
    return str(document)
