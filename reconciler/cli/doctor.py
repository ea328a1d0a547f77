"""Options and help of `doctor`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import DoctorOptions
from reconciler.cli.options import account_options, path_argument, with_options

EXAMPLE = """\b
Example:
  reconciler doctor
  reconciler -e staging doctor site/ --json
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@account_options
@click.pass_context
@with_options(DoctorOptions)
def doctor(ctx: click.Context, options: DoctorOptions) -> int:
    """Check key, connection, account, clock, ledger, folder and files. Reads only; exits 1 when a check fails."""
    from reconciler.cli.handlers import doctor as handlers

    return handlers.doctor(ctx, options)
