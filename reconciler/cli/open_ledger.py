"""A command line → the ledger that it means, open for reading or for writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from reconciler.cli.prompt import can_ask, says
from reconciler.cli.redaction import output_filter_of
from reconciler.commands import ledgers
from reconciler.commands.project import Invocation, read_settings
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Declined, LedgerError
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address

T = TypeVar("T")


@contextmanager
def opened(ctx: click.Context, where: Invocation, project: Path) -> Iterator[tuple[Settings, Store]]:
    """The project's ledger as it is, for reading; raises LedgerError where there is none."""
    settings = read_settings(where.cwd / project, where)
    curtain = output_filter_of(ctx)
    store = None
    if settings.ledger != "none":
        store = ledgers.peek(settings)
    if store is None:
        raise LedgerError("there is no ledger yet; the first apply makes it")
    with store:
        curtain.keyed(store.digest)
        curtain.learn_entries(store.entries())
        yield settings, store


@contextmanager
def leased(settings: Settings) -> Iterator[Store]:
    """The ledger under our lease; made where it is missing."""
    with ledgers.open_to_write(settings) as store, Lock.acquire(store):
        yield store


def one(store: Store, address: str) -> LedgerEntry:
    """The entry of that address; raises ConfigurationError with near ones."""
    return _chosen({str(entry.address): entry for entry in store.entries()}, address)


def one_address(store: Store, address: str) -> Address:
    """That address, if the ledger has an entry or an announced write of it; raises ConfigurationError otherwise."""
    ledger = store.load()
    return _chosen({str(each): each for each in (*ledger.entries, *ledger.intents)}, address)


def _chosen(known: Mapping[str, T], address: str) -> T:
    from reconciler.model.did_you_mean import near

    if address not in known:
        hint = near(address, known)
        raise ConfigurationError(f"the ledger has no {address}" + (f"; did you mean {hint}?" if hint else ""))
    return known[address]


def ask(question: str, *, yes: bool, declined: str) -> None:
    """A person says yes, or the flag does; else Declined."""
    if yes:
        return
    if not can_ask():
        raise Declined("there is no terminal to ask; say --yes")
    if not says(question):
        raise Declined(f"declined; {declined}")
