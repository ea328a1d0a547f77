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
    help="What the files declare (offline), or the steps of a plan and their order.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="SVG is drawn by graphviz.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--full", is_flag=True, help="Every contact and relation, however many there are.")
@selection_options
@account_options
@click.pass_context
@with_options(GraphOptions)
def graph(ctx: click.Context, options: GraphOptions) -> int:
    """Draw what needs what, of what the files below PATH declare or of the plan that follows from them."""
    from reconciler.cli.handlers import graph as handlers

    return handlers.graph(ctx, options)
