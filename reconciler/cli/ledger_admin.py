"""Options and help of `ledger unlock`, `export`, `import`, `move` and `rebind`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.command_options import ExportOptions, ImportOptions, MoveOptions, RebindOptions, UnlockOptions
from reconciler.cli.options import account_options, allow_option, project_option, with_options

yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


UNLOCK = """\b
Example:
  reconciler ledger unlock
"""


EXPORT = """\b
Example:
  reconciler ledger export --out ledger.json
"""


IMPORT = """\b
Example:
  reconciler ledger import ledger.json --ledger sqlite:///team.db
"""


MOVE = """\b
Example:
  reconciler ledger move tag/Gold tag/@gold --yes
"""


REBIND = """\b
Example:
  reconciler ledger rebind --connection 21fd90f9-5935-43cd-b6c8-bde9d915ca80
"""


@click.command(epilog=UNLOCK)
@yes_option
@project_option
@account_options
@click.pass_context
@with_options(UnlockOptions)
def unlock(ctx: click.Context, options: UnlockOptions) -> int:
    """Unlock the ledger after a run that is certainly dead. A run that is still alive stops at its next write."""
    from reconciler.cli.handlers import ledger_admin as handlers

    return handlers.unlock(ctx, options)


@click.command(epilog=EXPORT)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write a file that only you can read.")
@project_option
@account_options
@click.pass_context
@with_options(ExportOptions)
def export(ctx: click.Context, options: ExportOptions) -> int:
    """Print the ledger as JSON. Secrets are included as keyed digests only."""
    from reconciler.cli.handlers import ledger_admin as handlers

    return handlers.export(ctx, options)


@click.command("import", epilog=IMPORT)
@click.argument("file", type=click.Path(path_type=Path))
@project_option
@account_options
@click.pass_context
@with_options(ImportOptions)
def import_(ctx: click.Context, options: ImportOptions) -> int:
    """Fill an empty ledger from FILE, all of it or nothing. The history stays behind."""
    from reconciler.cli.handlers import ledger_admin as handlers

    return handlers.import_ledger(ctx, options)


@click.command(epilog=MOVE)
@click.argument("old", shell_complete=completers.recorded)
@click.argument("new", shell_complete=completers.addresses)
@yes_option
@project_option
@account_options
@click.pass_context
@with_options(MoveOptions)
def move(ctx: click.Context, options: MoveOptions) -> int:
    """Record the resource OLD under the address NEW. Nothing is sent; relations follow."""
    from reconciler.cli.handlers import ledger_admin as handlers

    return handlers.move(ctx, options)


@click.command(epilog=REBIND)
@yes_option
@allow_option
@project_option
@account_options
@click.pass_context
@with_options(RebindOptions)
def rebind(ctx: click.Context, options: RebindOptions) -> int:
    """Move the ledger to the configured connection, which must lead to the same account."""
    from reconciler.cli.handlers import ledger_admin as handlers

    return handlers.rebind(ctx, options)
