"""Options and help of `connections`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import (
    ConnectionCreateOptions,
    ConnectionDeleteOptions,
    ConnectionListOptions,
    ConnectionShowOptions,
)
from reconciler.cli.options import account_options, project_option, with_options

EXAMPLE = """\b
Example:
  reconciler connections list
  reconciler connections create --wait 600
  reconciler connections show 21fd90f9-5935-43cd-b6c8-bde9d915ca80
"""


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


LIST = """\b
Example:
  reconciler connections list --status active
"""


SHOW = """\b
Example:
  reconciler connections show 21fd90f9-5935-43cd-b6c8-bde9d915ca80
"""


CREATE = """\b
Example:
  reconciler connections create --wait 600
"""


DELETE = """\b
Example:
  reconciler connections delete 21fd90f9-5935-43cd-b6c8-bde9d915ca80
"""


@click.group(epilog=EXAMPLE)
def connections() -> None:
    """The accounts that the key reaches through the gateway."""


@connections.command("list", epilog=LIST)
@click.option(
    "--status", type=click.Choice(["ACTIVE", "PENDING", "FAILED"], case_sensitive=False), help="Only these."
)
@json_option
@project_option
@account_options
@click.pass_context
@with_options(ConnectionListOptions)
def list_(ctx: click.Context, options: ConnectionListOptions) -> int:
    """List the connections, and mark those that this project uses."""
    from reconciler.cli.handlers import connections as handlers

    return handlers.list_connections(ctx, options)


@connections.command("show", epilog=SHOW)
@click.argument("connection_id", metavar="ID")
@json_option
@project_option
@account_options
@click.pass_context
@with_options(ConnectionShowOptions)
def show_(ctx: click.Context, options: ConnectionShowOptions) -> int:
    """Show one connection: its status, and whether this project uses it."""
    from reconciler.cli.handlers import connections as handlers

    return handlers.show(ctx, options)


@connections.command(epilog=CREATE)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until it is active; 0: do not wait.",
)
@json_option
@project_option
@account_options
@click.pass_context
@with_options(ConnectionCreateOptions)
def create(ctx: click.Context, options: ConnectionCreateOptions) -> int:
    """Create a connection, print the URL to open in a browser, and wait until the account is connected."""
    from reconciler.cli.handlers import connections as handlers

    return handlers.create(ctx, options)


@connections.command(epilog=DELETE)
@click.argument("connection_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--confirm", metavar="ID", help="Id of the project's own connection, instead of typing it.")
@project_option
@account_options
@click.pass_context
@with_options(ConnectionDeleteOptions)
def delete(ctx: click.Context, options: ConnectionDeleteOptions) -> int:
    """Delete a connection. The account is not changed, and cannot be reached until it is connected again."""
    from reconciler.cli.handlers import connections as handlers

    return handlers.delete(ctx, options)
