"""``connections``: which accounts the key reaches, and new ones; the address that opens one is shown once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, place, project_option

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


@contextmanager
def _reached(ctx: click.Context, project: Path, given: dict[str, Any], *, writing: bool = False) -> Iterator[Any]:
    """Settings, session and the connections API; only ``writing`` can do more than GET."""
    from reconciler.cli.context import open_session
    from reconciler.commands.project import read_settings

    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    session = open_session(ctx, settings)
    with session.connections(writing=writing) as api:
        yield settings, session, api


@connections.command("list", epilog=LIST)
@click.option(
    "--status", type=click.Choice(["ACTIVE", "PENDING", "FAILED"], case_sensitive=False), help="Only these."
)
@json_option
@project_option
@account_options
@click.pass_context
def list_(ctx: click.Context, /, status: str | None, as_json: bool, project: Path, **given: Any) -> int:
    """List the connections, and say which of them this project uses."""
    from reconciler.cli.terminal import say, show, show_json
    from reconciler.commands.connections import connection_document, users_of
    from reconciler.output.connections import connection_lines, total

    with _reached(ctx, project, given) as (settings, _, api):
        every = api.list()
    users = users_of(every, settings)
    found = [connection_document(each, users) for each in every if status in (None, each.status)]
    if as_json:
        show_json({"connections": found})
        return 0
    show(connection_lines(found))
    say(f"{total(len(found))}." if found else "No connection; `reconciler connections create` makes one.")
    return 0


@connections.command("show", epilog=SHOW)
@click.argument("connection_id", metavar="ID")
@json_option
@project_option
@account_options
@click.pass_context
def show_(ctx: click.Context, /, connection_id: str, as_json: bool, project: Path, **given: Any) -> int:
    """Show one connection: its status, and whether this project uses it."""
    from reconciler.cli.terminal import show, show_json
    from reconciler.commands.connections import connection_document, users_of
    from reconciler.output.connections import connection_detail

    with _reached(ctx, project, given) as (settings, _, api):
        found = _found(api, connection_id)
        document = connection_document(found, users_of(() if settings.connection else api.list(), settings))
    if as_json:
        show_json(document)
    else:
        show(connection_detail(document))
    return 0


@connections.command(epilog=CREATE)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until it is active; 0: do not.",
)
@json_option
@project_option
@account_options
@click.pass_context
def create(ctx: click.Context, /, wait: float, as_json: bool, project: Path, **given: Any) -> int:
    """Make a connection, print the address to open in a browser, and wait until the account is connected."""
    from reconciler.cli.context import stopping
    from reconciler.cli.terminal import say, show_json
    from reconciler.commands.connections import connection_document, wait_until_active

    with _reached(ctx, project, given, writing=True) as (_, session, api):
        made = api.create()
        if made.url:
            say("Open this address in a browser and connect the account; it opens a session, so keep it to yourself:")
            click.echo(_plain(made.url), err=as_json)
        elif made.status != "ACTIVE":
            say("The gateway gave no address to open; finish the connection at maton.ai.")
        if wait and made.status != "ACTIVE":
            say(f"Waiting up to {wait:g} s for connection {made.id}. Interrupting leaves it as it is.")
            with stopping(session.stop, reports=True):
                made = wait_until_active(api, made.id, wait, sleep=session.stop.wait)
    if as_json:
        show_json(connection_document(made, {}))
    say(f"Connection {made.id} is {made.status}. Name it with `connection: {made.id}` in reconciler.yaml.")
    return 0


@connections.command(epilog=DELETE)
@click.argument("connection_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--confirm", metavar="ID", help="Id of the project's own connection, in place of typing it.")
@project_option
@account_options
@click.pass_context
def delete(
    ctx: click.Context, /, connection_id: str, yes: bool, confirm: str | None, project: Path, **given: Any
) -> int:
    """Delete a connection. The account behind it stays as it is, and is out of reach until it is connected again."""
    from reconciler.cli.open_ledger import ask
    from reconciler.cli.terminal import say
    from reconciler.commands.connections import users_of
    from reconciler.output.connections import USED

    with _reached(ctx, project, given, writing=True) as (settings, _, api):
        found = _found(api, connection_id)
        users = users_of(() if settings.connection else api.list(), settings).get(found.id, ())
        for user in users:
            say(f"warning: connection {found.id} is in use: {USED[user]}")
        if users:
            _confirm_own(found.id, confirm)
        else:
            ask(f"Delete connection {found.id} ({found.status})?", yes=yes, declined="nothing was deleted")
        api.delete(found.id)
    click.echo(f"deleted connection {found.id}")
    return 0


def _confirm_own(connection_id: str, confirm: str | None) -> None:
    """The connection of this project takes more than a yes: its id, typed or given. Raises Declined."""
    from reconciler.cli.prompt import can_ask, says
    from reconciler.errors import Declined

    if confirm is None and can_ask():
        if not says(f"Delete the connection of this project? Type its id, {connection_id}.", connection_id):
            raise Declined("nothing was deleted")
    elif confirm != connection_id:
        raise Declined(f"this project uses it: confirm with --confirm {connection_id}; nothing was deleted")


def _found(api: Any, connection_id: str) -> Any:
    """The connection; one that is not there is said as such."""
    from reconciler.errors import NotFound

    try:
        return api.get(connection_id)
    except NotFound as error:
        raise NotFound(f"the key has no connection {connection_id}; see `reconciler connections list`") from error


def _plain(url: str) -> str:
    from reconciler.output.wording import printable

    return printable(url)
