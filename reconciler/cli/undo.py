"""Options and help of `undo`."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.apply import run_options
from reconciler.cli.command_options import UndoOptions
from reconciler.cli.options import account_options, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler history
  reconciler undo
  reconciler undo 12
  reconciler undo 12 --yes --allow contacts=3
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", type=int, required=False, shell_complete=completers.runs)
@project_option
@run_options
@account_options
@click.pass_context
@with_options(UndoOptions)
def undo(ctx: click.Context, options: UndoOptions) -> int:
    """Restore what RUN overwrote, delete what it created, create what it deleted; lists what it cannot restore.

    Without RUN: the last run.
    """
    from reconciler.cli.handlers import undo as handlers

    return handlers.undo(ctx, options)
