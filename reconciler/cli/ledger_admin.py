"""``ledger unlock``, ``export``, ``import``, ``move`` and ``rebind``: the record itself, kept in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.options import account_options, allow_option, place, project_option
from reconciler.cli.redaction import output_filter_of
from reconciler.cli.terminal import show_json

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")

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
def unlock(ctx: click.Context, /, yes: bool, project: Path, **given: Any) -> int:
    """Take the lease away from a run that you know is dead. A run that still lives stops at its next write."""
    import time

    from reconciler.cli.open_ledger import ask, opened
    from reconciler.commands import ledgers
    from reconciler.output.history import moment
    from reconciler.output.wording import duration, printable

    with opened(ctx, place(ctx, given), project) as (settings, store):
        held = store.describe().held
    if held is None:
        click.echo("nobody holds the ledger")
        return 0
    age = duration(max(0.0, time.time() - held.acquired))
    click.echo(f"held by {printable(str(held.holder))} since {moment(held.acquired)}, {age}", err=True)
    ask("Take the ledger away from that run?", yes=yes, declined="the ledger is still locked")
    with ledgers.open_to_write(settings) as store:
        store.unlock()
    click.echo("unlocked")
    return 0


@click.command(epilog=EXPORT)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write a file that only you can read.")
@project_option
@account_options
@click.pass_context
def export(ctx: click.Context, /, out: Path | None, project: Path, **given: Any) -> int:
    """Print everything that is recorded as ours, as JSON. Secrets are in it as keyed digests only."""
    from reconciler.cli.open_ledger import opened
    from reconciler.commands.ledger_admin import export as exported
    from reconciler.commands.ledger_admin import write_export
    from reconciler.errors import Refused

    where = place(ctx, given)
    with opened(ctx, where, project) as (_, store):
        if out is None and output_filter_of(ctx).redactor:
            raise Refused("a redacted export could not be imported again; write it with --out, or add --no-redact")
        document = exported(store)
    if out is None:
        show_json(document)
        return 0
    write_export(where.cwd / out, document)
    click.echo(f"wrote {len(document['entries'])} entries to {out}", err=True)
    return 0


@click.command("import", epilog=IMPORT)
@click.argument("file", type=click.Path(path_type=Path))
@project_option
@account_options
@click.pass_context
def import_(ctx: click.Context, /, file: Path, project: Path, **given: Any) -> int:
    """Fill an empty ledger from FILE, all of it or nothing. The history stays behind."""
    from reconciler.cli.open_ledger import leased
    from reconciler.cli.terminal import say
    from reconciler.commands.ledger_admin import bring_in, read_export
    from reconciler.commands.project import read_settings
    from reconciler.errors import ConfigurationError

    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    if settings.ledger == "none":
        raise ConfigurationError("there is nothing to import into; name a ledger with --ledger")
    export = read_export(where.cwd / file, settings.connection)
    with leased(settings) as store:
        same_key = bring_in(store, export)
    click.echo(f"imported {len(export.ledger.entries)} entries")
    if not same_key and any(entry.digests for entry in export.ledger.entries.values()):
        say("The digests of secrets were made with another key: the next apply sends those secrets once more.")
    return 0


@click.command(epilog=MOVE)
@click.argument("old", shell_complete=completers.recorded)
@click.argument("new", shell_complete=completers.addresses)
@yes_option
@project_option
@account_options
@click.pass_context
def move(ctx: click.Context, /, old: str, new: str, yes: bool, project: Path, **given: Any) -> int:
    """Record the resource OLD under the address NEW. Nothing is sent; relations follow."""
    from reconciler.cli.open_ledger import ask, leased, opened
    from reconciler.errors import ConfigurationError
    from reconciler.model.values import Address
    from reconciler.output.wording import shown
    from reconciler.planner.moves import moves_of

    try:
        before, after = Address.parse(old), Address.parse(new)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    with opened(ctx, place(ctx, given), project) as (settings, store):
        moves_of(store.load().entries, before, after)
    ask(f"Record {shown(before)} as {shown(after)}?", yes=yes, declined="nothing was moved")
    with leased(settings) as store:
        moves = moves_of(store.load().entries, before, after)
        store.write(moves=moves)
    for source, target in moves:
        click.echo(f"{shown(source)} → {shown(target)}")
    return 0


@click.command(epilog=REBIND)
@yes_option
@allow_option
@project_option
@account_options
@click.pass_context
def rebind(ctx: click.Context, /, yes: bool, project: Path, **given: Any) -> int:
    """Move the ledger to the configured connection, which must lead to the same account."""
    from reconciler.cli.context import open_session
    from reconciler.cli.open_ledger import ask, leased, opened
    from reconciler.commands.ledger_admin import match, require_most
    from reconciler.kinds.dialect import Dialect
    from reconciler.output.wording import count

    allow = dict(given["allow"])
    with opened(ctx, place(ctx, given), project) as (settings, store):
        session, ledger = open_session(ctx, settings), store.load()
        account = session.account()
    if account is None or account == ledger.account:
        click.echo(f"the ledger is of connection {ledger.account} already")
        return 0
    with session.reader() as reader:
        matches = match(reader, ledger, Dialect(settings.dialect), account)
    for kind, number in sorted(matches.owned.items()):
        click.echo(f"{matches.found[kind]:>6,} of {count(number, kind.replace('_', ' '))} found by id", err=True)
    require_most(matches, account, allow)
    ask(f"Move the ledger from connection {ledger.account} to {account}?", yes=yes, declined="nothing was moved")
    with leased(settings) as store:
        store.rebind(account)
    click.echo(f"the ledger is of connection {account} now")
    return 0
