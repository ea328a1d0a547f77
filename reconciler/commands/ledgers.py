"""The ledger that the settings name: opened for reading or writing, refused in CI where the checkout names it."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.config import storage
from reconciler.config.setting_types import sqlite_path
from reconciler.config.settings import Settings, default_ledger
from reconciler.errors import ConfigurationError, LedgerError, Refused
from reconciler.ledger.store import Store

#: Sources of the setting that a pull request cannot edit.
_OUTSIDE = ("--ledger", "RECONCILER_LEDGER")
_REMEDY = "Set RECONCILER_LEDGER to a PostgreSQL URL (or pass --ledger explicitly)."


def peek(settings: Settings) -> Store | None:
    """The ledger, to be read; None where there is none yet. Raises ConfigurationError as :func:`check` does."""
    check(settings, writing=False)
    return Store.peek(settings.ledger, root=settings.root, key=settings.digest_key)


def open_to_write(settings: Settings) -> Store:
    """The ledger, made where it is missing. Raises ConfigurationError as :func:`check` does."""
    check(settings, writing=True)
    path = sqlite_path(settings.ledger, settings.root)
    if path and path.parent.name == ".reconciler":
        try:
            storage.make_private_folder(path.parent)
        except OSError as error:
            raise LedgerError(f"cannot use the folder {path.parent}: {error.strerror}") from error
    return Store.open(settings.ledger, root=settings.root, key=settings.digest_key)


def check_left_behind(settings: Settings, account: str | None) -> None:
    """Refuses to start an empty ledger for an environment while that of the project, from before there were any,
    belongs to the same connection: nothing that it records would be managed any more. Raises Refused."""
    if settings.environment is None or settings.sources["ledger"] != "default":
        return
    url = default_ledger(None)
    old = None if Store.exists(settings.ledger, settings.root) else Store.peek(url, root=settings.root)
    if old is None:
        return
    with old:
        found = old.describe()
    number = sum(found.counts.values())
    if number and found.account == account:
        name, file = settings.environment, Path(found.url).name
        raise Refused(
            f"environment {name} has no ledger yet, and {file} records {number} resources of the same connection, "
            f"{account}. To keep that ledger, add `ledger: {url}` to environments.{name} in "
            "reconciler.yaml; to start with an empty one, move that file away"
        )


def exists(settings: Settings) -> bool:
    """Whether there is a ledger that a later run finds again."""
    if settings.ledger == "none":
        return False
    check(settings, writing=False)
    return Store.exists(settings.ledger, settings.root)


def check(settings: Settings, *, writing: bool) -> None:
    """In CI the ledger comes from a flag or the environment: whoever edits the checkout could decide by another one
    what is managed, and thus deleted. Raises ConfigurationError."""
    source = settings.sources["ledger"]
    if not settings.ci or settings.ledger == "none" or source in _OUTSIDE:
        return
    if source != "default":
        raise ConfigurationError(f"{source}: in CI the ledger is not taken from a file of the checkout. {_REMEDY}")
    path = sqlite_path(settings.ledger, settings.root)
    if path and os.path.lexists(path):
        raise ConfigurationError(f"In CI a ledger of the checkout is not used: {path}. {_REMEDY}")
    if writing:
        raise ConfigurationError(f"In CI the default SQLite ledger would be lost. {_REMEDY}")
