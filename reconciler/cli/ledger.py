"""``ledger list``, ``show`` and ``forget``, and the group of all ``ledger`` commands."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.ledger_admin import export, import_, move, rebind, unlock
from reconciler.cli.logs import log
from reconciler.cli.open_ledger import entry_of, ledger_for_reading, locked_ledger, recorded_address
from reconciler.cli.options import JSON, YES, ProjectOptions, argument, examples, with_options
from reconciler.cli.project_context import invocation_of
from reconciler.cli.prompt import require_yes
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_text
from reconciler.model.resource import Intent, LedgerEntry
from reconciler.model.serialization import Json, attrs_to_json, lifecycle_to_json
from reconciler.output.wording import count, printable


class LedgerListOptions(ProjectOptions):
    """``ledger list``."""

    pattern: str = argument(default="*", shell_complete=completers.recorded)
    as_json: bool = JSON


class LedgerShowOptions(ProjectOptions):
    """``ledger show``."""

    address: str = argument(shell_complete=completers.recorded)


class LedgerForgetOptions(ProjectOptions):
    """``ledger forget``."""

    addresses: tuple[str, ...] = argument(
        nargs=-1, required=True, metavar="ADDRESS...", shell_complete=completers.recorded
    )
    yes: bool = YES


@click.group(
    epilog=examples(
        "reconciler ledger list 'tagging/*'",
        "reconciler ledger show tag/VIP",
        "reconciler ledger forget tag/VIP",
        "reconciler ledger export --out ledger.json",
    )
)
def ledger() -> None:
    """Inspect and maintain the ledger: the record of managed resources."""


@ledger.command("list", epilog=examples("reconciler ledger list 'tagging/*/VIP'"))
@with_options(LedgerListOptions)
def list_(ctx: click.Context, options: LedgerListOptions) -> int:
    """List the managed resources; PATTERN is an address that may contain ``*`` and ``?``."""
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (_, store):
        about, entries = store.describe(), store.entries(options.pattern)
        intents = store.load().intents if options.as_json else {}
    if options.as_json:
        rows = [_row(entry) for entry in entries]
        head = {"url": about.url, "lineage": about.lineage, "serial": about.serial, "account": about.account}
        announced = [_intent(intents[address]) for address in sorted(intents)]
        print_json(redaction_of(ctx).document({**head, "entries": rows, "intents": announced}))
        return 0

    for entry in entries:
        state = "" if entry.state.value == "settled" else f"  {entry.state.value}"
        address = printable(str(redaction_of(ctx).address(entry.address)))
        print_text(f"{address:<50} {entry.provenance.value:<8} id {entry.remote_id or '–'}{state}")
    log(f"{count(len(entries), 'resource')}; {about.url}, serial {about.serial}")
    return 0


@ledger.command(epilog=examples("reconciler ledger show tag/VIP"))
@with_options(LedgerShowOptions)
def show(ctx: click.Context, options: LedgerShowOptions) -> int:
    """Show the ledger entry of one resource: values sent, and values that the server returned."""
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (_, store):
        entry = entry_of(store, options.address)
    print_json(
        redaction_of(ctx).document(
            {
                **_row(entry),
                "applied": attrs_to_json(entry.applied),
                "answered": attrs_to_json(entry.answered),
                "secrets": dict.fromkeys(entry.digests, "stored as a keyed digest"),
                "depends_on": [str(each) for each in entry.depends_on],
                "since": entry.since,
                "origin": str(entry.origin) if entry.origin else None,
                "lifecycle": lifecycle_to_json(entry.lifecycle),
                "part_of": str(entry.part_of) if entry.part_of else None,
                "former": str(entry.former) if entry.former else None,
            }
        )
    )
    return 0


@ledger.command(epilog=examples("reconciler ledger forget tag/VIP tag/Gold --yes"))
@with_options(LedgerForgetOptions)
def forget(ctx: click.Context, options: LedgerForgetOptions) -> int:
    """Stop managing these resources. The account is not changed."""
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (settings, store):
        found = [recorded_address(store, address) for address in options.addresses]
    require_yes(f"Stop managing {count(len(found), 'resource')}?", yes=options.yes, declined="nothing was forgotten")
    with locked_ledger(settings) as store:
        store.forget(found)
    for address in found:
        print_text(f"forgot {redaction_of(ctx).address(address)}")
    return 0


for command in (unlock, export, import_, move, rebind):
    ledger.add_command(command)


def _row(entry: LedgerEntry) -> Json:
    return {
        "address": str(entry.address),
        "remote_id": entry.remote_id,
        "provenance": entry.provenance.value,
        "state": entry.state.value,
        "run": entry.run,
        "managed_since": entry.managed_since,
    }


def _intent(intent: Intent) -> Json:
    """A write whose outcome is not recorded yet."""
    return {"address": str(intent.address), "verb": intent.verb, "run": intent.run}
