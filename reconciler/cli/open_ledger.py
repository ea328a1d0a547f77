"""Opens the ledger of a command line for reading or writing, and looks up entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from reconciler.cli.project_context import read_settings
from reconciler.cli.redaction import redaction_of
from reconciler.commands import ledgers
from reconciler.commands.project import Invocation
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, LedgerError
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address
from reconciler.planner.targeting import abbreviated

T = TypeVar("T")


@contextmanager
def ledger_for_reading(ctx: click.Context, invocation: Invocation, project: Path) -> Iterator[tuple[Settings, Store]]:
    """The project's ledger, opened for reading; raises LedgerError if there is none."""
    settings = read_settings(ctx, project, invocation)
    redaction = redaction_of(ctx)
    store = None
    if settings.ledger != "none":
        store = ledgers.peek(settings)
    if store is None:
        raise LedgerError("there is no ledger yet; the first apply creates it")
    with store:
        redaction.use_digest(store.digest)
        redaction.learn_entries(store.entries())
        yield settings, store


@contextmanager
def locked_ledger(settings: Settings) -> Iterator[Store]:
    """The ledger, locked by this run; created if it is missing."""
    with ledgers.open_to_write(settings) as store, Lock.acquire(store):
        yield store


def entry_of(store: Store, address: str) -> LedgerEntry:
    """The entry of that address; raises ConfigurationError with similar addresses."""
    return _chosen({str(entry.address): entry for entry in store.entries()}, address)


def recorded_address(store: Store, address: str) -> Address:
    """The address, if the ledger has an entry or an intent of it; else raises ConfigurationError."""
    ledger = store.load()
    return _chosen({str(each): each for each in (*ledger.entries, *ledger.intents)}, address)


def _chosen(known: Mapping[str, T], address: str) -> T:
    if address not in known and (named := abbreviated(address, map(Address.parse, known))):
        address = str(named)
    if address not in known:
        hint = near(address, known)
        raise ConfigurationError(f"the ledger has no {address}" + (f"; did you mean {hint}?" if hint else ""))
    return known[address]
