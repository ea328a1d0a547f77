"""Exports, imports and rebinds a ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.commands import plan_document
from reconciler.commands.plan import PlanRequest, read_for_plan
from reconciler.config import storage
from reconciler.errors import ApprovalRequired, ConfigurationError, LedgerError, Refused
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store, restore
from reconciler.model.policy import Allow, Policy
from reconciler.model.resource import EMPTY, DesiredState, EntryState, Ledger
from reconciler.model.serialization import FORMAT_VERSION, ledger_from_json, ledger_to_json

#: A fixed text whose digest shows whether two ledgers have the same key, without revealing it.
_PROBE = ("export", "key")


def export(store: Store) -> dict[str, Any]:
    """The JSON of a ledger without key, lock, history and open intents.

    ``key`` holds a probe, by which an import knows whether digests of secrets remain valid.
    """
    return {**ledger_to_json(store.load()), "key": store.digest(*_PROBE)}


def write_export(path: Path, document: Mapping[str, Any]) -> None:
    """Write the export to a file with mode 0600; raises ConfigurationError if that fails."""
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    try:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; use a file name")
        storage.write(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"cannot write the ledger to {path}: {error.strerror}") from error


@dataclass(frozen=True)
class ImportedLedger:
    """An exported ledger; ``key`` is the probe of the key that made its digests."""

    ledger: Ledger
    key: str | None


def read_export(path: Path, account: str | None) -> ImportedLedger:
    """Read and check an export. Raises ConfigurationError if it is not one, Refused for another version, LedgerError
    for another account."""
    document = plan_document.load(path, "ledger", "ledger export --out FILE")
    version = str(document.get("format_version"))
    if "entries" not in document:
        raise ConfigurationError(
            f"{path} is not an exported ledger; create one with `reconciler ledger export --out FILE`"
        )
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise Refused(f"{path} has format {version}, but this reconciler reads {FORMAT_VERSION}")
    try:
        ledger = ledger_from_json(document)
        _check_names(ledger)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path} is not a valid ledger ({error}); nothing was imported") from None
    if None not in (account, ledger.account) and account != ledger.account:
        raise LedgerError(f"{path} is the ledger of connection {ledger.account}, but this project uses {account}")
    return ImportedLedger(ledger, document.get("key"))


def _check_names(ledger: Ledger) -> None:
    """Refuse kinds and fields that this version does not know."""
    for entry in ledger.entries.values():
        if entry.address.kind not in KINDS:
            raise ValueError(f"unknown kind {entry.address.kind}")
        for name in (*entry.applied, *entry.answered, *entry.digests):
            KINDS[entry.address.kind].field(name)


def bring_in(store: Store, export: ImportedLedger) -> bool:
    """Fill the empty ``store``; returns whether the digests of secrets are valid (else they are dropped)."""
    same_key = export.key == store.digest(*_PROBE)
    ledger = export.ledger
    if not same_key:
        entries = {a: replace(e, digests=EMPTY) if e.digests else e for a, e in ledger.entries.items()}
        ledger = replace(ledger, entries=entries)
    restore(store, ledger)
    return same_key


@dataclass(frozen=True)
class RenameMatches:
    """By kind: how many managed resources the account has under the same id, and how many are managed."""

    found: Mapping[str, int]
    owned: Mapping[str, int]

    @property
    def most(self) -> bool:
        """Whether more than half were found."""
        return sum(self.found.values()) * 2 > sum(self.owned.values()) or not self.owned


def match(reader: Reader, ledger: Ledger, dialect: Dialect, account: str | None) -> RenameMatches:
    """Read the account and count the managed resources in it."""
    anything = {Allow.MISSING: None}
    found = read_for_plan(
        PlanRequest(DesiredState(), Policy(), dialect, account, allow=anything), reader, ledger
    ).found
    owned: dict[str, int] = {}
    seen: dict[str, int] = {}
    for address, entry in found.entries.items():
        if entry.state is EntryState.SETTLED:
            live = found.live.get(address)
            owned[address.kind] = owned.get(address.kind, 0) + 1
            seen[address.kind] = seen.get(address.kind, 0) + (live is not None and live.remote_id == entry.remote_id)
    return RenameMatches(seen, owned)


def require_most(matches: RenameMatches, account: str | None, allow: Mapping[Allow, int | None]) -> None:
    """Raise ApprovalRequired unless most managed resources are in the account."""
    if not matches.most and Allow.MISSING not in allow:
        there, all_ = sum(matches.found.values()), sum(matches.owned.values())
        raise ApprovalRequired(
            f"only {there} of {all_} resources in the ledger exist in the account of connection {account}: "
            "check the connection. If the resources were deleted, use --allow missing; nothing was changed"
        )
