"""Options and help of `drift`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import DriftOptions
from reconciler.cli.options import DRIFT, account_options, fail_on_option, output_option, path_argument, with_options

EXAMPLE = """\b
Example:
  reconciler drift site/
  reconciler drift site/ --json
  reconciler drift site/ --fail-on delete
  reconciler drift site/ --output markdown=issue.md --output junit=drift.xml
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(DRIFT)
@fail_on_option
@account_options
@click.pass_context
@with_options(DriftOptions)
def drift(ctx: click.Context, options: DriftOptions) -> int:
    """Show changes made outside of reconciler since the last run, by field. Exit 2 if there are any; never writes."""
    from reconciler.cli.handlers import drift as handlers

    return handlers.drift(ctx, options)
