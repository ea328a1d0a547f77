"""The MCP inspector, as a client of another make: schemas that every client takes, and calls."""

from __future__ import annotations

import json
import subprocess

from tests.support import node
from tests.support.project import Project


def inspect(project: Project, *args: str) -> subprocess.CompletedProcess[str]:
    """The inspector without its page, with the server of the project."""
    tool = node.NODE_MODULES / ".bin" / "mcp-inspector"
    given = {name: value for name, value in project.env.items() if name.startswith(("MATON_", "RECONCILER_"))}
    variables = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
    command = [node.NODE_MODULES.parents[1] / "bin" / "python", "-m", "reconciler", "-C", project.folder, "mcp"]
    environment = {**project.environment(), "HOME": str(project.folder)}
    return subprocess.run(
        [tool, "--cli", *args, *variables, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )


def test_the_inspector_takes_the_schemas(project: Project) -> None:
    """No problem of portability in any schema of a tool, and a call whose result fits."""
    node.require("@modelcontextprotocol/inspector")
    project.write("tags: [VIP]\n")
    listed = inspect(project, "--method", "tools/list", "--strict")
    assert listed.returncode == 0, listed.stderr
    assert "error" not in listed.stderr and "Warning" not in listed.stderr
    assert len(json.loads(listed.stdout)["tools"]) == 9
    called = inspect(project, "--method", "tools/call", "--tool-name", "plan")
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["structuredContent"]["summary"]["create"] == 1
