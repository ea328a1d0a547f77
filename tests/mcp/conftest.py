"""Servers that many tests share: each test has the folder and the account for itself, and starts with both empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from tests.mcp.assistant import GENERATIONS, YES, Assistant
from tests.support.project import Project

Start = Callable[..., Assistant]


@pytest.fixture(scope="session")
def start(server: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts an assistant with a project of its own; all end with the tests."""
    started: dict[str, Assistant] = {}

    def made(name: str, *args: str, **options: object) -> Assistant:
        if name not in started:
            folder: Path = tmp_path_factory.mktemp("mcp") / "site"
            folder.mkdir()
            project = Project(folder, server, server.account(f"mcp-{name}", {}))
            project.env["CRM_SECRET"] = "correct horse battery"
            started[name] = Assistant(project, *args, **options).__enter__()  # type: ignore[arg-type]
        return started[name]

    yield made
    for assistant in started.values():
        assistant.__exit__(None, None, None)


@pytest.fixture
def reader(start: Start) -> Assistant:
    """An assistant whose server only reads."""
    assistant = start("reader")
    assistant.reset()
    return assistant


@pytest.fixture(params=GENERATIONS)
def writer(start: Start, request: pytest.FixtureRequest) -> Assistant:
    """An assistant whose server may apply, and whose person says yes, with each generation of the protocol."""
    assistant = start(f"writer-{request.param}", "--allow-apply", person=lambda question: YES, mode=request.param)
    assistant.reset(lambda question: YES)
    return assistant
