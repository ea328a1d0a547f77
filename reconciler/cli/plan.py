"""Options and help of `plan`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import PlanOptions
from reconciler.cli.options import (
    PLAN,
    account_options,
    fail_on_option,
    minutes_option,
    output_option,
    path_argument,
    selection_options,
    with_options,
)

EXAMPLE = """\b
Example:
  reconciler plan site/ --out plan.json
  reconciler plan site/ --json --detailed-exitcode
  reconciler plan site/ --target 'contact/ann@example.com' --calls
  reconciler plan site/ --fail-on drift --fail-on delete
  reconciler plan site/ --output markdown=comment.md --output github
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PLAN)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@fail_on_option
@minutes_option
@selection_options
@account_options
@click.pass_context
@with_options(PlanOptions)
def plan(ctx: click.Context, options: PlanOptions) -> int:
    """Show what would change in the account to match the files below PATH. Never writes."""
    from reconciler.cli.handlers import plan as handlers

    return handlers.plan(ctx, options)
