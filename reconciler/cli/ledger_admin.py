"""``ledger unlock``, ``export``, ``import``, ``move`` and ``rebind``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.context import open_session
from reconciler.cli.logs import log
from reconciler.cli.open_ledger import ledger_for_reading, locked_ledger
from reconciler.cli.options import (
    ALLOW,
    ANY_PATH,
    YES,
    Allowed,
    ProjectOptions,
    argument,
    examples,
    option,
    with_options,
)
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.prompt import require_yes
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_text
from reconciler.commands import ledgers
from reconciler.commands.ledger_admin import bring_in, match, read_export, require_most, write_export
from reconciler.commands.ledger_admin import export as exported
from reconciler.errors import ConfigurationError, Refused
from reconciler.kinds.dialect import Dialect
from reconciler.model.values import Address
from reconciler.output.history import moment
from reconciler.output.wording import count, duration, printable, shown
from reconciler.planner.moves import moves_of


class UnlockOptions(ProjectOptions):
    """``ledger unlock``."""

    yes: bool = YES


class ExportOptions(ProjectOptions):
    """``ledger export``."""

    out: Path | None = option(
        "--out", type=ANY_PATH, metavar="FILE", help="Write to this file, which only you can read."
    )


class ImportOptions(ProjectOptions):
    """``ledger import``."""

    file: Path = argument(type=ANY_PATH)


class MoveOptions(ProjectOptions):
    """``ledger move``."""

    old: str = argument(shell_complete=completers.recorded)
    new: str = argument(shell_complete=completers.addresses)
    yes: bool = YES


class RebindOptions(ProjectOptions):
    """``ledger rebind``."""

    yes: bool = YES
    allow: Allowed = ALLOW


@click.command(epilog=examples("reconciler ledger unlock"))
@with_options(UnlockOptions)
def unlock(ctx: click.Context, options: UnlockOptions) -> int:
    """Unlock the ledger after a run that has died. A run that is still alive stops at its next write."""
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (settings, store):
        held = store.describe().held
    if held is None:
        print_text("the ledger is not locked")
        return 0
    age = duration(max(0.0, time.time() - held.acquired))
    log(f"locked by {printable(str(held.holder))} since {moment(held.acquired)}, {age}")
    require_yes("Force-unlock the ledger?", yes=options.yes, declined="the ledger is still locked")
    with ledgers.open_to_write(settings) as store:
        store.unlock()
    print_text("unlocked")
    return 0


@click.command(epilog=examples("reconciler ledger export --out ledger.json"))
@with_options(ExportOptions)
def export(ctx: click.Context, options: ExportOptions) -> int:
    """Print the ledger as JSON. Secrets are included as keyed digests only."""
    invocation = invocation_of(ctx, options)
    with ledger_for_reading(ctx, invocation, options.project) as (_, store):
        if options.out is None and redaction_of(ctx).redacts:
            raise Refused("a redacted export cannot be imported; use --out FILE, or add --no-redact")
        document = exported(store)
    if options.out is None:
        print_json(document)
        return 0
    write_export(invocation.cwd / options.out, document)
    log(f"wrote {len(document['entries'])} entries to {options.out}")
    return 0


@click.command("import", epilog=examples("reconciler ledger import ledger.json --ledger sqlite:///team.db"))
@with_options(ImportOptions)
def import_(ctx: click.Context, options: ImportOptions) -> int:
    """Import an exported ledger from FILE into an empty one. The history is not included."""
    invocation = invocation_of(ctx, options)
    settings = read_settings(ctx, options.project, invocation)
    if settings.ledger == "none":
        raise ConfigurationError("no ledger to import into; set one with --ledger")
    export = read_export(invocation.cwd / options.file, settings.connection)
    with locked_ledger(settings) as store:
        same_key = bring_in(store, export)
    print_text(f"imported {len(export.ledger.entries)} entries")
    if not same_key and any(entry.digests for entry in export.ledger.entries.values()):
        log("The digests of secrets were made with another key: the next apply sends these secrets again.")
    return 0


@click.command(epilog=examples("reconciler ledger move tag/Gold tag/@gold --yes"))
@with_options(MoveOptions)
def move(ctx: click.Context, options: MoveOptions) -> int:
    """Rename the address OLD to NEW in the ledger, with its relations. The account is not changed."""
    try:
        before, after = Address.parse(options.old), Address.parse(options.new)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (settings, store):
        moves_of(store.load().entries, before, after)
    redact = redaction_of(ctx).address
    question = f"Rename {shown(redact(before))} to {shown(redact(after))} in the ledger?"
    require_yes(question, yes=options.yes, declined="nothing was moved")
    with locked_ledger(settings) as store:
        moves = moves_of(store.load().entries, before, after)
        store.write(moves=moves)
    for source, target in moves:
        print_text(f"{shown(redact(source))} → {shown(redact(target))}")
    return 0


@click.command(epilog=examples("reconciler ledger rebind --connection 21fd90f9-5935-43cd-b6c8-bde9d915ca80"))
@with_options(RebindOptions)
def rebind(ctx: click.Context, options: RebindOptions) -> int:
    """Bind the ledger to the configured connection, which must lead to the same account."""
    allow = dict(options.allow)
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (settings, store):
        session, ledger = open_session(ctx, settings), store.load()
        account = session.account()
    if account is None or account == ledger.account:
        print_text(f"the ledger already belongs to connection {ledger.account}")
        return 0
    with session.reader() as reader:
        matches = match(reader, ledger, Dialect(settings.dialect), account)
    for kind, number in sorted(matches.owned.items()):
        log(f"{matches.found[kind]:>6,} of {count(number, kind.replace('_', ' '))} found by id")
    require_most(matches, account, allow)
    require_yes(
        f"Bind the ledger to connection {account} in place of {ledger.account}?",
        yes=options.yes,
        declined="the ledger was not changed",
    )
    with locked_ledger(settings) as store:
        store.rebind(account)
    print_text(f"the ledger now belongs to connection {account}")
    return 0
