"""Options and help of `graph`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import GraphOptions
from reconciler.cli.options import account_options, path_argument, selection_options, with_options

EXAMPLE = """\b
Example:
  reconciler graph site/
  reconciler graph site/ --of plan --format dot
  reconciler graph site/ --format svg --out site.svg
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option(
    "--of",
    "subject",
    type=click.Choice(["files", "plan"]),
    default="files",
    show_default=True,
    help="Graph of the declared resources (offline), or of the steps of a plan.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="Output format; svg needs graphviz.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to this file.")
@click.option("--full", is_flag=True, help="Include every contact and relation.")
@selection_options
@account_options
@click.pass_context
@with_options(GraphOptions)
def graph(ctx: click.Context, options: GraphOptions) -> int:
    """Draw the dependency graph of the resources declared below PATH, or of the plan for them."""
    from reconciler.cli.handlers import graph as handlers

    return handlers.graph(ctx, options)
