"""Options and help of `fmt`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import FmtOptions
from reconciler.cli.options import with_options

EXAMPLE = """\b
Example:
  reconciler fmt
  reconciler fmt --check --diff site/ people.yaml
  reconciler fmt - < site.yaml
"""


@click.command(epilog=EXAMPLE)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and list the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.pass_context
@with_options(FmtOptions)
def fmt(ctx: click.Context, options: FmtOptions) -> int:
    """Format YAML files.

    Sections come in canonical order, and indentation and spacing become uniform. Values, comments and quotes stay.

    PATH is a file, a folder (.), or - for standard input to standard output.
    """
    from reconciler.cli.handlers import fmt as handlers

    return handlers.fmt(ctx, options)
