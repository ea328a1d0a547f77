"""Plans, attribute values and ledgers as plain JSON and back; the values of secrets are never included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Loss, Plan
from reconciler.model.resource import (
    NO_LIFECYCLE,
    Desired,
    DesiredState,
    EntryState,
    Ledger,
    LedgerEntry,
    Lifecycle,
    Provenance,
)
from reconciler.model.values import Address, Attrs, Origin, Ref, Secret, Value

Json = dict[str, Any]

_DESTROYING = {Action.DELETE.value, Action.REPLACE.value}


def change_to_json(change: Change) -> Json:
    """One change; what is empty is left out. The keys that decide equality are those of :func:`meaning`."""
    values: Json = {
        "address": str(change.address),
        "action": change.action.value,
        "cause": change.cause.value if change.cause else None,
        "fields": [_field_to_json(each) for each in change.fields],
        "attrs": attrs_to_json(change.attrs),
        "before": attrs_to_json(change.before),
        "remote_id": change.remote_id,
        "depends_on": [str(each) for each in change.depends_on],
        "detached_from": [str(each) for each in change.detached_from],
        "cascades": [str(each) for each in change.cascades],
        "blocked": change.blocked,
        "moved_from": _text(change.moved_from),
        "former": _text(change.former),
        "part_of": _text(change.part_of),
        "effects": list(change.effects),
        "note": change.note,
        "origin": list(change.origin) if change.origin else None,
        "lifecycle": lifecycle_to_json(change.lifecycle),
        "loss": change.loss._asdict() if change.loss else None,
    }
    return {key: value for key, value in values.items() if value}


def change_from_json(values: Mapping[str, Any]) -> Change:
    """The inverse of :func:`change_to_json`; raises KeyError, TypeError or ValueError on anything else."""
    return Change(
        Address.parse(values["address"]),
        Action(values["action"]),
        cause=Cause(values["cause"]) if "cause" in values else None,
        fields=tuple(_field_from_json(each) for each in values.get("fields", ())),
        attrs=attrs_from_json(values.get("attrs", {})),
        before=attrs_from_json(values.get("before", {})),
        remote_id=values.get("remote_id"),
        depends_on=_addresses(values.get("depends_on", ())),
        detached_from=_addresses(values.get("detached_from", ())),
        cascades=_addresses(values.get("cascades", ())),
        blocked=values.get("blocked"),
        moved_from=_address(values.get("moved_from")),
        former=_address(values.get("former")),
        part_of=_address(values.get("part_of")),
        effects=tuple(values.get("effects", ())),
        note=values.get("note", ""),
        origin=_origin(values.get("origin")),
        lifecycle=lifecycle_from_json(values.get("lifecycle")),
        loss=Loss(**values["loss"]) if "loss" in values else None,
    )


def meaning(values: Mapping[str, Any]) -> Json:
    """The meaning of a change given as JSON: its writes, and the values that a deletion or replacement destroys.

    Two plans are the same when these are equal; the order of fields does not count.
    """
    kept = ["address", "action", "attrs", "remote_id", "blocked", "moved_from", "former", "cascades"]
    if values["action"] in _DESTROYING:
        kept.append("before")
    fields = [{key: each.get(key) for key in ("path", "before", "after")} for each in values.get("fields", ())]
    fields.sort(key=lambda each: str(each["path"]))
    return {**{key: values[key] for key in kept if key in values}, "fields": fields}


def weighed(values: Mapping[str, Any]) -> Json:
    """The same, and from how many people it takes something: more than were approved make a saved plan stale."""
    return {**meaning(values), "people": values.get("loss", {}).get("people", 0)}


def digest_of(changes: Iterable[Mapping[str, Any]]) -> str:
    """The digest of a plan: SHA-256, in hex, of the meaning of its changes (as JSON), NO_CHANGE included."""
    digest = hashlib.sha256()
    for each in changes:
        text = json.dumps(meaning(each), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest.update(text.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


def plan_to_json(plan: Plan) -> Json:
    """The whole plan. ``ids`` are those that the changes name."""
    return {
        "base": plan.base._asdict(),
        "partial": plan.partial,
        "reads": plan.reads,
        "unmanaged": dict(plan.unmanaged),
        "routes": dict(plan.routes),
        "bystanders": plan.bystanders,
        "changes": [change_to_json(change) for change in plan.changes],
    }


def plan_from_json(values: Mapping[str, Any]) -> Plan:
    """The inverse of :func:`plan_to_json`, without ids: those are read again before anything is done."""
    return Plan(
        Base(**values["base"]),
        tuple(change_from_json(each) for each in values["changes"]),
        unmanaged=dict(values["unmanaged"]),
        reads=values["reads"],
        partial=values["partial"],
        routes=dict(values.get("routes", {})),
        bystanders=values.get("bystanders", 0),
    )


def state_to_json(state: DesiredState) -> Json:
    """The desired state, for embedding in a plan, which can then be applied without the files."""
    return {
        "kinds": sorted(state.kinds),
        "authoritative": sorted(
            [kind, str(address), *origin] for (kind, address), origin in state.authoritative.items()
        ),
        "resources": [_desired_to_json(each) for each in state.resources.values()],
    }


def state_from_json(values: Mapping[str, Any]) -> DesiredState:
    """The inverse of :func:`state_to_json`; secrets come back without their values."""
    resources = [_desired_from_json(each) for each in values["resources"]]
    return DesiredState(
        {each.address: each for each in resources},
        frozenset(values["kinds"]),
        {(kind, Address.parse(whole)): Origin(*origin) for kind, whole, *origin in values.get("authoritative", ())},
    )


def _desired_to_json(desired: Desired) -> Json:
    values: Json = {
        "address": str(desired.address),
        "attrs": attrs_to_json(desired.attrs),
        "origin": list(desired.origin),
        "lifecycle": lifecycle_to_json(desired.lifecycle),
        "former": _text(desired.former),
        "id": desired.bound_id,
        "part_of": _text(desired.part_of),
        "leaves_out": list(desired.leaves_out),
    }
    return {key: value for key, value in values.items() if value}


def _desired_from_json(values: Mapping[str, Any]) -> Desired:
    return Desired(
        Address.parse(values["address"]),
        attrs_from_json(values.get("attrs", {})),
        Origin(*values["origin"]),
        lifecycle_from_json(values.get("lifecycle")),
        _address(values.get("former")),
        values.get("id"),
        _address(values.get("part_of")),
        tuple(values.get("leaves_out", ())),
    )


def lifecycle_to_json(lifecycle: Lifecycle) -> Json:
    """The options that are set."""
    values: Json = {**lifecycle._asdict(), "ignore": sorted(lifecycle.ignore)}
    return {key: value for key, value in values.items() if value}


def lifecycle_from_json(values: Mapping[str, Any] | None) -> Lifecycle:
    """The inverse of :func:`lifecycle_to_json`."""
    if not values:
        return NO_LIFECYCLE
    return Lifecycle(**{**values, "ignore": frozenset(values.get("ignore", ()))})


def _field_to_json(change: FieldChange) -> Json:
    values = {"path": change.path, "cause": change.cause.value, "sensitive": change.sensitive or None}
    values["note"] = change.note or None
    sides = {} if change.sensitive else {"before": to_json(change.before), "after": to_json(change.after)}
    return {key: value for key, value in {**values, **sides}.items() if value is not None}


def _field_from_json(values: Mapping[str, Any]) -> FieldChange:
    before, after = from_json(values.get("before")), from_json(values.get("after"))
    return FieldChange(
        values["path"], before, after, Cause(values["cause"]), values.get("sensitive", False), values.get("note", "")
    )


def _text(address: Address | None) -> str | None:
    return str(address) if address else None


def _address(text: str | None) -> Address | None:
    return Address.parse(text) if text else None


def _addresses(texts: list[str]) -> tuple[Address, ...]:
    return tuple(Address.parse(text) for text in texts)


def _origin(values: list[Any] | None) -> Origin | None:
    return Origin(*values) if values else None


def to_json(value: Value) -> Any:
    """One value as JSON; its only marks are ``{"$ref": address}``, ``{"$secret": source}``, ``{"$set": [...]}``."""
    if isinstance(value, Ref):
        return {"$ref": str(value.target)}
    if isinstance(value, Secret):
        return {"$secret": value.source}
    if isinstance(value, frozenset):
        return {"$set": sorted((to_json(item) for item in value), key=repr)}
    return value


def from_json(value: Any) -> Value:
    """The inverse of :func:`to_json`; a secret comes back without its value. Anything else: ValueError."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        mark, content = next(iter(value.items()))
        if mark == "$ref" and isinstance(content, str):
            return Ref(Address.parse(content))
        if mark == "$secret" and isinstance(content, str):
            return Secret(content, "")
        if mark == "$set" and isinstance(content, list):
            return frozenset(from_json(item) for item in content)
    raise ValueError(f"not an attribute value: {value!r}")


def attrs_to_json(attrs: Attrs) -> dict[str, Any]:
    """All attributes, sorted by name, so that equal attributes give equal text."""
    return {name: to_json(attrs[name]) for name in sorted(attrs)}


def attrs_from_json(attrs: Mapping[str, Any]) -> dict[str, Value]:
    """The inverse of :func:`attrs_to_json`."""
    return {name: from_json(value) for name, value in attrs.items()}


#: Format of the document; another major version is refused.
FORMAT_VERSION = "1.0"


def ledger_to_json(ledger: Ledger) -> Json:
    """The ledger without key, lock, history and open intents."""
    return {
        "format_version": FORMAT_VERSION,
        "lineage": ledger.lineage,
        "serial": ledger.serial,
        "account": ledger.account,
        "entries": [entry_to_json(ledger.entries[address]) for address in sorted(ledger.entries)],
    }


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


def entry_to_json(entry: LedgerEntry) -> Json:
    """One entry; what is empty is left out."""
    values: Json = {
        "address": str(entry.address),
        "remote_id": entry.remote_id,
        "provenance": entry.provenance.value,
        "applied": attrs_to_json(entry.applied),
        "answered": attrs_to_json(entry.answered),
        "digests": dict(entry.digests),
        "depends_on": [str(each) for each in entry.depends_on],
        "origin": list(entry.origin) if entry.origin else None,
        "lifecycle": lifecycle_to_json(entry.lifecycle),
        "former": str(entry.former) if entry.former else None,
        "part_of": str(entry.part_of) if entry.part_of else None,
        "state": entry.state.value,
        "since": entry.since,
        "run": entry.run,
        "managed_since": entry.managed_since,
    }
    return {key: value for key, value in values.items() if value or key in ("since", "run", "managed_since")}


def entry_from_json(values: Mapping[str, Any]) -> LedgerEntry:
    """The inverse of :func:`entry_to_json`."""
    remote_id, digests = values.get("remote_id"), dict(values.get("digests", {}))
    if not isinstance(remote_id, str | None) or not all(isinstance(each, str) for each in digests.values()):
        raise ValueError("ids and digests are text")
    return LedgerEntry(
        Address.parse(values["address"]),
        remote_id,
        applied=attrs_from_json(values.get("applied", {})),
        answered=attrs_from_json(values.get("answered", {})),
        digests=digests,
        depends_on=tuple(Address.parse(each) for each in values.get("depends_on", ())),
        origin=_origin(values.get("origin")),
        lifecycle=lifecycle_from_json(values.get("lifecycle")),
        provenance=Provenance(values["provenance"]),
        former=_address(values.get("former")),
        part_of=_address(values.get("part_of")),
        state=EntryState(values["state"]),
        since=float(values["since"]),
        run=int(values["run"]),
        managed_since=int(values["managed_since"]),
    )
