"""Options and help of `show`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import ShowOptions
from reconciler.cli.options import PLAN, account_options, output_option, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler show plan.json
  reconciler show plan.json --json --detailed-exitcode
  reconciler show plan.json --output html=plan.html
"""


@click.command(epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PLAN)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@project_option
@account_options
@click.pass_context
@with_options(ShowOptions)
def show(ctx: click.Context, options: ShowOptions) -> int:
    """Show the plan in FILE: what `apply --plan FILE` would do. Nothing is read but files."""
    from reconciler.cli.handlers import show as handlers

    return handlers.show(ctx, options)
