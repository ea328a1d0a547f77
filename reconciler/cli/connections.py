"""``connections``: list, show, create and delete connections of the API key."""

from __future__ import annotations

from collections.abc import Mapping

import click

from reconciler.cli.context import CommandContext, open_session, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import JSON, YES, ProjectOptions, argument, examples, option, with_options
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.prompt import confirm, require_yes
from reconciler.cli.terminal import can_ask, print_json, print_lines, print_text
from reconciler.commands.connections import connection_document, users_of, wait_until_active
from reconciler.config.settings import Settings
from reconciler.errors import Declined, NotFound
from reconciler.gateway.connections import Connection, Connections
from reconciler.output.connections import USED, connection_detail, connection_lines
from reconciler.output.wording import count, printable

#: An id for the examples.
SAMPLE = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"


class ConnectionListOptions(ProjectOptions):
    """``connections list``."""

    status: str | None = option(
        "--status",
        type=click.Choice(["ACTIVE", "PENDING", "FAILED"], case_sensitive=False),
        help="Only connections with this status.",
    )
    as_json: bool = JSON


class ConnectionShowOptions(ProjectOptions):
    """``connections show``."""

    connection_id: str = argument(metavar="ID")
    as_json: bool = JSON


class ConnectionCreateOptions(ProjectOptions):
    """``connections create``."""

    wait: float = option(
        "--wait",
        type=click.FloatRange(min=0),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="Wait for the connection to become active; 0: do not wait.",
    )
    as_json: bool = JSON


class ConnectionDeleteOptions(ProjectOptions):
    """``connections delete``."""

    connection_id: str = argument(metavar="ID")
    yes: bool = YES
    confirm: str | None = option(
        "--confirm", metavar="ID", help="Id of the connection, if this project uses it, instead of typing it."
    )


@click.group(
    epilog=examples(
        "reconciler connections list",
        "reconciler connections create --wait 600",
        f"reconciler connections show {SAMPLE}",
    )
)
def connections() -> None:
    """List, create and delete connections to accounts."""


@connections.command("list", epilog=examples("reconciler connections list --status active"))
@with_options(ConnectionListOptions)
def list_(ctx: click.Context, options: ConnectionListOptions) -> int:
    """List the connections, and mark those that this project uses."""
    session = _session(ctx, options)
    with session.connections() as api:
        every = api.list()
    users = users_of(every, session.settings)
    found = [connection_document(each, users) for each in every if options.status in (None, each.status)]
    if options.as_json:
        print_json({"connections": found})
        return 0
    print_lines(connection_lines(found))
    log(
        f"{count(len(found), 'connection')}."
        if found
        else "No connections. Create one with `reconciler connections create`."
    )
    return 0


@connections.command("show", epilog=examples(f"reconciler connections show {SAMPLE}"))
@with_options(ConnectionShowOptions)
def show_(ctx: click.Context, options: ConnectionShowOptions) -> int:
    """Show one connection: its status, and whether this project uses it."""
    session = _session(ctx, options)
    with session.connections() as api:
        found = _found(api, options.connection_id)
        document = connection_document(found, _users(session.settings, api))
    if options.as_json:
        print_json(document)
    else:
        print_lines(connection_detail(document))
    return 0


@connections.command(epilog=examples("reconciler connections create --wait 600"))
@with_options(ConnectionCreateOptions)
def create(ctx: click.Context, options: ConnectionCreateOptions) -> int:
    """Create a connection, print the URL to open in a browser, and wait until the account is connected."""
    session = _session(ctx, options)
    with session.connections_writer() as api:
        made = api.create()
        if made.url:
            log("Open this URL in a browser and connect the account. Keep the URL secret: it opens a session.")
            print_text(printable(made.url), err=options.as_json)
        elif made.status != "ACTIVE":
            log("The gateway returned no URL to open. Finish the connection at maton.ai.")
        if options.wait and made.status != "ACTIVE":
            log(f"Waiting up to {options.wait:g} s for connection {made.id}. Interrupting does not cancel it.")
            with stopping(session.stop, reports=True):
                made = wait_until_active(api, made.id, options.wait, sleep=session.stop.wait)
    if options.as_json:
        print_json(connection_document(made, {}))
    log(f"Connection {made.id} is {made.status}. To use it, set `connection: {made.id}` in reconciler.yaml.")
    return 0


@connections.command(epilog=examples(f"reconciler connections delete {SAMPLE}"))
@with_options(ConnectionDeleteOptions)
def delete(ctx: click.Context, options: ConnectionDeleteOptions) -> int:
    """Delete a connection. The account is not changed, but reconciler cannot use it until it is connected again."""
    session = _session(ctx, options)
    with session.connections_writer() as api:
        found = _found(api, options.connection_id)
        users = _users(session.settings, api).get(found.id, ())
        for user in users:
            log(f"warning: connection {found.id} is in use: {USED[user]}")
        if users:
            _confirm_own(found.id, options.confirm)
        else:
            require_yes(
                f"Delete connection {found.id} ({found.status})?", yes=options.yes, declined="nothing was deleted"
            )
        api.delete(found.id)
    print_text(f"deleted connection {found.id}")
    return 0


def _session(ctx: click.Context, options: ProjectOptions) -> CommandContext:
    return open_session(ctx, read_settings(ctx, options.project, invocation_of(ctx, options)))


def _confirm_own(connection_id: str, typed: str | None) -> None:
    """Require the id of a connection that this project uses, typed or given. Raises Declined."""
    if typed is None and can_ask():
        if not confirm("Delete the connection that this project uses?", connection_id):
            raise Declined("nothing was deleted")
    elif typed != connection_id:
        raise Declined(f"this project uses it: confirm with --confirm {connection_id}; nothing was deleted")


def _users(settings: Settings, api: Connections) -> Mapping[str, tuple[str, ...]]:
    return users_of(() if settings.connection else api.list(), settings)


def _found(api: Connections, connection_id: str) -> Connection:
    """The connection of that id; raises NotFound with a hint."""
    try:
        return api.get(connection_id)
    except NotFound as error:
        raise NotFound(f"no connection {connection_id} for this key; see `reconciler connections list`") from error
