"""``ledger``: look at what is recorded as ours, stop calling something ours, and tend the record itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.ledger_admin import export, import_, move, rebind, unlock
from reconciler.cli.options import account_options, place, project_option
from reconciler.cli.redaction import output_filter_of
from reconciler.cli.terminal import show_json

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
    """The record of what this project made or took over."""


@ledger.command("list", epilog=LIST)
@click.argument("pattern", default="*", shell_complete=completers.recorded)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
def list_(ctx: click.Context, /, pattern: str, as_json: bool, project: Path, **given: Any) -> int:
    """List the resources that are ours; PATTERN is an address with ``*`` and ``?``."""
    from reconciler.cli.open_ledger import opened

    with opened(ctx, place(ctx, given), project) as (_, store):
        about, entries = store.describe(), store.entries(pattern)
        intents = store.load().intents if as_json else {}
    if as_json:
        rows = [_row(entry) for entry in entries]
        head = {"url": about.url, "lineage": about.lineage, "serial": about.serial, "account": about.account}
        show_json({**head, "entries": rows, "intents": [_intent(intents[address]) for address in sorted(intents)]})
        return 0
    from reconciler.output.wording import count, printable

    for entry in entries:
        state = "" if entry.state.value == "settled" else f"  {entry.state.value}"
        address = printable(str(output_filter_of(ctx).marked("address", entry.address)))
        click.echo(f"{address:<50} {entry.provenance.value:<8} id {entry.remote_id or '–'}{state}")
    click.echo(f"{count(len(entries), 'resource')}; {about.url}, serial {about.serial}", err=True)
    return 0


def _row(entry: Any) -> dict[str, Any]:
    return {
        "address": str(entry.address),
        "remote_id": entry.remote_id,
        "provenance": entry.provenance.value,
        "state": entry.state.value,
        "run": entry.run,
        "managed_since": entry.managed_since,
    }


def _intent(intent: Any) -> dict[str, Any]:
    """A write that was announced and whose outcome is not recorded."""
    return {"address": str(intent.address), "verb": intent.verb, "run": intent.run}


@ledger.command(epilog=SHOW)
@click.argument("address", shell_complete=completers.recorded)
@project_option
@account_options
@click.pass_context
def show(ctx: click.Context, /, address: str, project: Path, **given: Any) -> int:
    """Show what is recorded of one resource: what was sent, and what the server made of it."""
    from reconciler.cli.open_ledger import one, opened
    from reconciler.model.serialization import attrs_to_json

    with opened(ctx, place(ctx, given), project) as (_, store):
        entry = one(store, address)
    show_json(
        {
            **_row(entry),
            "applied": attrs_to_json(entry.applied),
            "answered": attrs_to_json(entry.answered),
            "secrets": dict.fromkeys(entry.digests, "kept as a keyed digest"),
            "depends_on": [str(each) for each in entry.depends_on],
            "since": entry.since,
            "origin": str(entry.origin) if entry.origin else None,
            "lifecycle": _lifecycle(entry),
            "part_of": str(entry.part_of) if entry.part_of else None,
            "former": str(entry.former) if entry.former else None,
        }
    )
    return 0


def _lifecycle(entry: Any) -> dict[str, Any]:
    from reconciler.model.serialization import lifecycle_to_json

    return lifecycle_to_json(entry.lifecycle)


@ledger.command(epilog=FORGET)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...", shell_complete=completers.recorded)
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_option
@account_options
@click.pass_context
def forget(ctx: click.Context, /, addresses: tuple[str, ...], yes: bool, project: Path, **given: Any) -> int:
    """Stop calling these ours. Nothing is sent; the account keeps them, and nothing here will delete them."""
    from reconciler.cli.open_ledger import ask, leased, one_address, opened

    with opened(ctx, place(ctx, given), project) as (settings, store):
        found = [one_address(store, address) for address in addresses]
    ask(f"Forget {len(found)} of the ledger's resources?", yes=yes, declined="nothing was forgotten")
    with leased(settings) as store:
        store.forget(found)
    for address in found:
        click.echo(f"forgot {address}")
    return 0


for command in (unlock, export, import_, move, rebind):
    ledger.add_command(command)
