"""A ledger as plain JSON and back: what is ours and how we know it, secrets as the keyed digests that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.codec import attrs_from_json, attrs_to_json
from reconciler.model.planjson import lifecycle_from_json, lifecycle_to_json
from reconciler.model.resource import Entry, EntryState, Ledger, Provenance
from reconciler.model.values import Address, Origin

Json = dict[str, Any]

#: Format of the document; another major version is refused.
FORMAT_VERSION = "1.0"


def ledger_to_json(ledger: Ledger) -> Json:
    """The whole ledger but its key, its lease, its history and its open intents."""
    return {
        "format_version": FORMAT_VERSION, "lineage": ledger.lineage, "serial": ledger.serial,
        "account": ledger.account,
        "entries": [entry_to_json(ledger.entries[address]) for address in sorted(ledger.entries)],
    }  # fmt: skip


def ledger_from_json(values: Mapping[str, Any]) -> Ledger:
    """The inverse of :func:`ledger_to_json`; raises KeyError, TypeError or ValueError on anything else."""
    entries = [entry_from_json(each) for each in values["entries"]]
    by_address = {entry.address: entry for entry in entries}
    if len(by_address) < len(entries):
        raise ValueError("an address stands there twice")
    lineage, serial, account = values["lineage"], values["serial"], values["account"]
    if not (isinstance(lineage, str) and lineage and type(serial) is int and isinstance(account, str | None)):
        raise ValueError("the head is not that of a ledger")
    return Ledger(lineage, serial, account, by_address)


def entry_to_json(entry: Entry) -> Json:
    """One entry; what is empty is left out."""
    values: Json = {
        "address": str(entry.address), "remote_id": entry.remote_id, "provenance": entry.provenance.value,
        "applied": attrs_to_json(entry.applied), "answered": attrs_to_json(entry.answered),
        "digests": dict(entry.digests), "depends_on": [str(each) for each in entry.depends_on],
        "origin": list(entry.origin) if entry.origin else None, "lifecycle": lifecycle_to_json(entry.lifecycle),
        "former": str(entry.former) if entry.former else None,
        "part_of": str(entry.part_of) if entry.part_of else None,
        "state": entry.state.value, "since": entry.since, "run": entry.run,
        "managed_since": entry.managed_since,
    }  # fmt: skip
    return {key: value for key, value in values.items() if value or key in ("since", "run", "managed_since")}


def entry_from_json(values: Mapping[str, Any]) -> Entry:
    """The inverse of :func:`entry_to_json`."""
    remote_id, digests = values.get("remote_id"), dict(values.get("digests", {}))
    if not isinstance(remote_id, str | None) or not all(isinstance(each, str) for each in digests.values()):
        raise ValueError("ids and digests are text")
    return Entry(
        Address.parse(values["address"]), remote_id,
        applied=attrs_from_json(values.get("applied", {})), answered=attrs_from_json(values.get("answered", {})),
        digests=digests, depends_on=tuple(Address.parse(each) for each in values.get("depends_on", ())),
        origin=_origin(values.get("origin")), lifecycle=lifecycle_from_json(values.get("lifecycle")),
        provenance=Provenance(values["provenance"]), former=_address(values.get("former")),
        part_of=_address(values.get("part_of")), state=EntryState(values["state"]),
        since=float(values["since"]), run=int(values["run"]), managed_since=int(values["managed_since"]),
    )  # fmt: skip


def _address(text: str | None) -> Address | None:
    return Address.parse(text) if text else None


def _origin(values: list[Any] | None) -> Origin | None:
    if not values:
        return None
    file, line, column = values
    return Origin(str(file), int(line), int(column))
