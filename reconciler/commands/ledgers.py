"""Opens the ledger that the settings name; in CI the checkout may not choose it."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.config import storage
from reconciler.config.setting_types import sqlite_path
from reconciler.config.settings import Settings, default_ledger
from reconciler.errors import ConfigurationError, LedgerError, Refused
from reconciler.ledger.store import Store

#: Sources of the setting that a pull request cannot change.
_OUTSIDE = ("--ledger", "RECONCILER_LEDGER")
_REMEDY = "Set RECONCILER_LEDGER to a PostgreSQL URL (or pass --ledger explicitly)."


def peek(settings: Settings) -> Store | None:
    """Open the ledger read-only; None if there is none yet. Raises ConfigurationError as :func:`check` does."""
    check(settings, writing=False)
    return Store.peek(settings.ledger, root=settings.root, key=settings.digest_key)


def open_to_write(settings: Settings) -> Store:
    """Open the ledger for writing; creates a missing one. Raises ConfigurationError as :func:`check` does."""
    check(settings, writing=True)
    path = sqlite_path(settings.ledger, settings.root)
    if path and path.parent.name == ".reconciler":
        try:
            storage.make_private_folder(path.parent)
        except OSError as error:
            raise LedgerError(f"cannot use the folder {path.parent}: {error.strerror}") from error
    return Store.open(settings.ledger, root=settings.root, key=settings.digest_key)


def check_left_behind(settings: Settings, account: str | None) -> None:
    """Raise Refused if an environment would start an empty ledger while the project has one for the same connection
    from before it had environments: the resources in it would no longer be managed."""
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
    """Whether a ledger exists that later runs will find."""
    if settings.ledger == "none":
        return False
    check(settings, writing=False)
    return Store.exists(settings.ledger, settings.root)


def check(settings: Settings, *, writing: bool) -> None:
    """In CI, raise ConfigurationError unless a flag or the environment names the ledger: a checkout that chooses it
    would decide what is managed, and so what is deleted."""
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
