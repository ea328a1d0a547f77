"""The wire: nothing but the protocol on standard output, progress, cancellation, signals, bad lines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.mcp.assistant import Assistant
from tests.support.project import Project, requests_of
from tests.support.waiting import until

PEOPLE = [{"email": f"p{number}@example.com"} for number in range(350)]


class Wire:
    """The server as a process, and lines of bytes."""

    def __init__(self, project: Project, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *args],
            cwd=project.folder,
            env=project.environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines: list[dict[str, Any]] = []

    def send(self, line: bytes) -> None:
        """Write one line."""
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def request(self, number: int, method: str, **params: Any) -> None:
        """Write one request."""
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.send(json.dumps(message).encode())

    def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Reads messages until one is wanted; every line has to be one."""
        assert self.process.stdout
        while line := self.process.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            self.lines.append(message)
            if wanted(message):
                return message
        raise AssertionError(self.process.stderr.read() if self.process.stderr else "")

    def answer(self, number: int) -> dict[str, Any]:
        """The answer to the request of that number."""
        return self.until(lambda message: message.get("id") == number)

    def greet(self) -> None:
        """The handshake of the protocol."""
        info = {"name": "test", "version": "1"}
        self.request(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
        assert self.answer(0)["result"]["serverInfo"]["name"] == "reconciler"
        self.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    def end(self) -> tuple[int, bytes, bytes]:
        """Close standard input; the exit code, and what is left on both streams."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


CALL = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": %s, "arguments": %s}}'
BAD_LINES = (
    b"",
    b"garbage",
    b"{}",
    b"[]",
    b"\xff\xfe\x00",
    b'{"jsonrpc": "2.0", "id": 7, "method": "nothing"}',
    CALL % (b'"explain"', b"1"),
    CALL % (b'"\\ud800"', b"{}"),
    CALL % (b'"list"', b'{"side": "\\ud800"}'),
    CALL % (b'"validate"', b'{"limit": 1e400}'),
    b'{"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": "file:///etc/passwd"}}',
    b'{"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": "reconciler://docs/../../x"}}',
    b'{"jsonrpc": "2.0", "id": 7, "method": "prompts/get", "params": {"name": "nothing"}}',
    b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}',
    b"[" * 10000,
)


def test_bad_lines(project: Project) -> None:
    """The server answers what can be answered, with a terminal that has no Unicode, too, and ends with its client."""
    project.write("tags: [é]\n")
    project.write("limits: {deletes: many}\n", "reconciler.yaml")  # messages of it go nowhere near the wire
    wire = Wire(project, "-vvv", "--redact", "mcp", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    wire.greet()
    for line in BAD_LINES:
        wire.send(line)
    wire.request(8, "tools/call", name="validate", arguments={})
    assert wire.answer(8)["result"]["isError"] is False
    project.write("", "reconciler.yaml")
    wire.request(9, "tools/call", name="list", arguments={"side": "desired"})
    assert "tag/é" in json.dumps(wire.answer(9), ensure_ascii=False)
    assert all("error" in line or line["result"]["isError"] for line in wire.lines if line.get("id") == 7)
    code, out, err = wire.end()
    assert (code, out, err) == (0, b"", b"")


def test_progress(reader: Assistant) -> None:
    """While the account is read: growing numbers, with the kind."""
    reader.project.account.seed({"contacts": PEOPLE})
    reader.project.write("tags: [VIP]\n")
    assert reader.ask("list", side="live", kind="contact")["total"] == 350
    assert reader.progress == [
        (100, "contact: 100"),
        (200, "contact: 200"),
        (300, "contact: 300"),
        (350, "contact: 350"),
    ]


@pytest.mark.parametrize("tool", ["plan", "apply"])
def test_cancellation(writer: Assistant, tool: str) -> None:
    """The call ends without further requests, and the server goes on; an apply records what it did."""
    project = writer.project
    if tool == "plan":
        project.account.seed({"contacts": PEOPLE})
        project.write("contacts: [{email: ann@example.com}]\n")
        project.account.fault("latency", path="/api/contacts", nth=2, times=1, seconds=1.0)
        arguments, method = {"side": "live", "kind": "contact"}, "list"
    else:
        project.write("tags: [" + ", ".join(f"T{number}" for number in range(60)) + "]\n")
        project.account.fault("latency", method="POST", nth=3, times=None, seconds=0.2)
        arguments, method = {"plan": writer.ask("plan")["plan"]}, "apply"
    reached = writer.noticed()
    call = writer.start(method, **arguments)
    assert reached.wait(60)
    call.cancel()
    project.account.set_faults([])
    assert writer.ask("validate")["valid"]
    if tool == "plan":
        assert len([line for line in requests_of(project.account) if "contacts" in line]) < 4
        return
    until(lambda: writer.ask("history")["untrusted"]["rows"][0]["status"] != "begun")  # all is recorded
    plan = writer.ask("plan")
    assert 0 < plan["total"] < 60
    assert writer.ask("apply", plan=plan["plan"])["complete"]
    assert len(project.account.writes) == 60
    project.assert_converged()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_signals(project: Project, number: int, code: int) -> None:
    """They end the server although its client keeps standard input open."""
    project.write("tags: [VIP]\n")
    wire = Wire(project, "mcp")
    wire.greet()
    wire.process.send_signal(number)
    assert wire.process.wait(60) == code
    assert wire.end()[1:] == (b"", b"")


def test_a_start_that_fails(project: Project) -> None:
    """One message on standard error."""
    for args in (("mcp", "nowhere"), ("mcp", "--allow", "everything"), ("-C", "nowhere", "mcp")):
        result = project.run(*args)
        assert result.code == 1 and result.out == ""
        assert args[-1] in result.err or args[1] in result.err
