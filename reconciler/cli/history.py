"""Options and help of `history`."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.command_options import HistoryOptions
from reconciler.cli.options import account_options, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler history
  reconciler history 12
  reconciler history --json
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", type=int, required=False, shell_complete=completers.runs)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The newest N runs only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
@with_options(HistoryOptions)
def history(ctx: click.Context, options: HistoryOptions) -> int:
    """List every apply, destroy and undo, newest first; with RUN, show its changes by field."""
    from reconciler.cli.handlers import history as handlers

    return handlers.history(ctx, options)
