"""Handler of `mcp`: starts the server for assistants with what a person decided on the command line."""

from __future__ import annotations

import gc
import os
import signal
from typing import NoReturn

import click

from reconciler.cli.command_options import McpOptions
from reconciler.cli.handlers.project_context import place
from reconciler.cli.program import program_of
from reconciler.commands.project import read_settings, require_path
from reconciler.mcp import server
from reconciler.mcp.calls import Running
from reconciler.mcp.workspace import Workspace


def mcp(ctx: click.Context, options: McpOptions) -> int:
    """Serve until the client closes standard input."""
    if options.allow and not options.allow_apply:
        raise click.UsageError("--allow gives approvals for apply; add --allow-apply")
    where = place(ctx, options)
    path = where.cwd / options.path
    require_path(path)
    settings = read_settings(path, where) if options.allow_apply else None
    gc.enable()  # it stays
    running = Running()
    workspace = Workspace(path, where, program_of(ctx).redact is not False, dict(options.allow))
    return server.serve(server.build(workspace, running, settings), running, _leave)


def _leave(number: int) -> NoReturn:
    os._exit(0 if number == signal.SIGTERM else 130)
