"""Options and help of `explain`."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.command_options import ExplainOptions
from reconciler.cli.options import account_options, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler explain contact/ann@example.com
  reconciler explain tagging/ann@example.com/VIP --project site/
  reconciler explain tag/VIP --json
"""


@click.command(epilog=EXAMPLE)
@click.argument("address", shell_complete=completers.addresses)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
@with_options(ExplainOptions)
def explain(ctx: click.Context, options: ExplainOptions) -> int:
    """Explain how ADDRESS is resolved: where it is declared, its values on each side, the decision and its rule."""
    from reconciler.cli.handlers import explain as handlers

    return handlers.explain(ctx, options)
