"""``mcp``: serves the project to an AI assistant."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import NoReturn

import click

from reconciler.cli.options import ALLOW, PATH, AccountOptions, Allowed, examples, option, with_options
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of
from reconciler.commands.project import read_settings, require_path
from reconciler.errors import ConfigurationError


class McpOptions(AccountOptions):
    """``mcp``."""

    path: Path = PATH
    allow_apply: bool = option(
        "--allow-apply", is_flag=True, help="Add a tool that applies a plan after a person has approved it."
    )
    allow: Allowed = ALLOW


@click.command(epilog=examples("reconciler mcp site/", "reconciler -e staging mcp site/ --allow-apply"))
@with_options(McpOptions)
def mcp(ctx: click.Context, options: McpOptions) -> int:
    """Serve the project to an AI assistant with the Model Context Protocol over standard input and output.

    Without --allow-apply all tools only read. People appear as pseudonyms, unless --no-redact is given.
    """
    try:
        from reconciler.mcp import server
        from reconciler.mcp.calls import Running
        from reconciler.mcp.workspace import Workspace
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"mcp needs {error.name}; run: pip install 'reconciler[mcp]'") from None

    if options.allow and not options.allow_apply:
        raise click.UsageError("--allow needs --allow-apply")
    invocation = invocation_of(ctx, options)
    path = invocation.cwd / options.path
    require_path(path)
    settings = read_settings(path, invocation) if options.allow_apply else None
    gc.enable()  # a long-running process
    running = Running()
    workspace = Workspace(path, invocation, program_of(ctx).redact is not False, dict(options.allow))
    return server.serve(server.build(workspace, running, settings), running, _leave)


def _leave(number: int) -> NoReturn:
    os._exit(0 if number == signal.SIGTERM else 130)
