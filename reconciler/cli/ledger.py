"""``ledger``: look at what is recorded as ours, and stop calling something ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, place
from reconciler.errors import ConfigurationError, LedgerError

EXAMPLE = """\b
Example:
  reconciler ledger list 'tagging/*'
  reconciler ledger show tag/VIP
  reconciler ledger forget tag/VIP
"""

project_option = click.option(
    "--project", type=click.Path(path_type=Path), default=".", metavar="PATH", help="The project (.)."
)


@click.group(epilog=EXAMPLE)
def ledger() -> None:
    """The record of what this project made or took over."""


@contextmanager
def _opened(ctx: click.Context, project: Path, given: dict[str, Any]) -> Iterator[Any]:
    from reconciler.app.workspace import read_settings
    from reconciler.ledger.store import Store

    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    store = None
    if settings.ledger != "none":
        store = Store.peek(settings.ledger, root=settings.root, key=settings.digest_key)
    if store is None:
        raise LedgerError("there is no ledger yet; the first apply makes it")
    with store:
        yield settings, store


@ledger.command("list")
@click.argument("pattern", default="*")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
def list_(ctx: click.Context, /, pattern: str, as_json: bool, project: Path, **given: Any) -> int:
    """List the resources that are ours; PATTERN is an address with ``*`` and ``?``."""
    with _opened(ctx, project, given) as (_, store):
        about, entries = store.describe(), store.entries(pattern)
    if as_json:
        rows = [_row(entry) for entry in entries]
        head = {"url": about.url, "lineage": about.lineage, "serial": about.serial, "account": about.account}
        click.echo(json.dumps({**head, "entries": rows}, ensure_ascii=False, indent=2))
        return 0
    from reconciler.render.words import clean, count

    for entry in entries:
        state = "" if entry.state.value == "settled" else f"  {entry.state.value}"
        click.echo(f"{clean(str(entry.address)):<50} {entry.provenance.value:<8} id {entry.remote_id or '–'}{state}")
    click.echo(f"{count(len(entries), 'resource')}; {about.url}, serial {about.serial}", err=True)
    return 0


def _row(entry: Any) -> dict[str, Any]:
    return {
        "address": str(entry.address), "remote_id": entry.remote_id, "provenance": entry.provenance.value,
        "state": entry.state.value, "run": entry.run,
    }  # fmt: skip


@ledger.command()
@click.argument("address")
@project_option
@account_options
@click.pass_context
def show(ctx: click.Context, /, address: str, project: Path, **given: Any) -> int:
    """Show what is recorded of one resource: what was sent, and what the server made of it."""
    from reconciler.model.codec import attrs_to_json

    with _opened(ctx, project, given) as (_, store):
        entry = _one(store, address)
    click.echo(json.dumps({
        **_row(entry), "applied": attrs_to_json(entry.applied), "answered": attrs_to_json(entry.answered),
        "secrets": dict.fromkeys(entry.digests, "kept as a keyed digest"),
        "depends_on": [str(each) for each in entry.depends_on], "since": entry.since,
        "origin": str(entry.origin) if entry.origin else None, "lifecycle": _lifecycle(entry),
    }, ensure_ascii=False, indent=2))  # fmt: skip
    return 0


def _lifecycle(entry: Any) -> dict[str, Any]:
    from reconciler.model.planjson import lifecycle_to_json

    return lifecycle_to_json(entry.lifecycle)


def _one(store: Any, address: str) -> Any:
    from reconciler.engine.suggest import near

    known = {str(entry.address): entry for entry in store.entries()}
    if address not in known:
        hint = near(address, known)
        raise ConfigurationError(f"the ledger has no {address}" + (f"; did you mean {hint}?" if hint else ""))
    return known[address]


@ledger.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_option
@account_options
@click.pass_context
def forget(ctx: click.Context, /, addresses: tuple[str, ...], yes: bool, project: Path, **given: Any) -> int:
    """Stop calling these ours. Nothing is sent; the account keeps them, and nothing here will delete them."""
    from reconciler.cli.terminal import can_ask
    from reconciler.errors import Declined
    from reconciler.ledger.lease import Lease
    from reconciler.ledger.store import Store

    with _opened(ctx, project, given) as (settings, store):
        found = [_one(store, address).address for address in addresses]
    if not yes and not can_ask():
        raise Declined("there is no terminal to ask; say --yes")
    if not yes and not click.confirm(f"Forget {len(found)} of the ledger's resources?", err=True):
        raise Declined("declined; nothing was forgotten")
    with Store.open(settings.ledger, root=settings.root, key=settings.digest_key) as store, Lease.acquire(store):
        store.forget(found)
    for address in found:
        click.echo(f"forgot {address}")
    return 0
