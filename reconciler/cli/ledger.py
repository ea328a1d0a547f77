"""Options and help of `ledger`."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.command_options import LedgerForgetOptions, LedgerListOptions, LedgerShowOptions
from reconciler.cli.ledger_admin import export, import_, move, rebind, unlock
from reconciler.cli.options import account_options, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler ledger list 'tagging/*'
  reconciler ledger show tag/VIP
  reconciler ledger forget tag/VIP
  reconciler ledger export --out ledger.json
"""


LIST = """\b
Example:
  reconciler ledger list 'tagging/*/VIP'
"""


SHOW = """\b
Example:
  reconciler ledger show tag/VIP
"""


FORGET = """\b
Example:
  reconciler ledger forget tag/VIP tag/Gold --yes
"""


@click.group(epilog=EXAMPLE)
def ledger() -> None:
    """Inspect and maintain the ledger: the record of managed resources."""


@ledger.command("list", epilog=LIST)
@click.argument("pattern", default="*", shell_complete=completers.recorded)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
@with_options(LedgerListOptions)
def list_(ctx: click.Context, options: LedgerListOptions) -> int:
    """List the managed resources; PATTERN is an address with ``*`` and ``?``."""
    from reconciler.cli.handlers import ledger as handlers

    return handlers.list_entries(ctx, options)


@ledger.command(epilog=SHOW)
@click.argument("address", shell_complete=completers.recorded)
@project_option
@account_options
@click.pass_context
@with_options(LedgerShowOptions)
def show(ctx: click.Context, options: LedgerShowOptions) -> int:
    """Show the ledger entry of one resource: the values sent, and those that the server returned."""
    from reconciler.cli.handlers import ledger as handlers

    return handlers.show(ctx, options)


@ledger.command(epilog=FORGET)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...", shell_complete=completers.recorded)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@project_option
@account_options
@click.pass_context
@with_options(LedgerForgetOptions)
def forget(ctx: click.Context, options: LedgerForgetOptions) -> int:
    """Stop managing these resources. Nothing is sent, and the account keeps them."""
    from reconciler.cli.handlers import ledger as handlers

    return handlers.forget(ctx, options)


for command in (unlock, export, import_, move, rebind):
    ledger.add_command(command)
