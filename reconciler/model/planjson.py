"""A plan as plain JSON and back: the identity, but for the values of secrets, which never go along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.codec import attrs_from_json, attrs_to_json, from_json, to_json
from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Loss, Plan
from reconciler.model.resource import UNGUARDED, Desired, DesiredState, Lifecycle
from reconciler.model.values import Address, Origin

Json = dict[str, Any]

_DESTROYING = {Action.DELETE.value, Action.REPLACE.value}


def change_to_json(change: Change) -> Json:
    """One change; what is empty is left out. The keys that decide equality are those of :func:`meaning`."""
    values: Json = {
        "address": str(change.address), "action": change.action.value,
        "cause": change.cause.value if change.cause else None,
        "fields": [_field_to_json(each) for each in change.fields],
        "attrs": attrs_to_json(change.attrs), "before": attrs_to_json(change.before),
        "remote_id": change.remote_id,
        "depends_on": [str(each) for each in change.depends_on], "lets_go": [str(each) for each in change.lets_go],
        "along": [str(each) for each in change.along],
        "withheld": change.withheld, "moved_from": _text(change.moved_from), "former": _text(change.former),
        "part_of": _text(change.part_of), "effects": list(change.effects), "note": change.note,
        "origin": list(change.origin) if change.origin else None, "lifecycle": lifecycle_to_json(change.lifecycle),
        "loss": change.loss._asdict() if change.loss else None,
    }  # fmt: skip
    return {key: value for key, value in values.items() if value}


def change_from_json(values: Mapping[str, Any]) -> Change:
    """The inverse of :func:`change_to_json`; raises KeyError, TypeError or ValueError on anything else."""
    return Change(
        Address.parse(values["address"]), Action(values["action"]),
        cause=Cause(values["cause"]) if "cause" in values else None,
        fields=tuple(_field_from_json(each) for each in values.get("fields", ())),
        attrs=attrs_from_json(values.get("attrs", {})), before=attrs_from_json(values.get("before", {})),
        remote_id=values.get("remote_id"),
        depends_on=_addresses(values.get("depends_on", ())), lets_go=_addresses(values.get("lets_go", ())),
        along=_addresses(values.get("along", ())),
        withheld=values.get("withheld"), moved_from=_address(values.get("moved_from")),
        former=_address(values.get("former")), part_of=_address(values.get("part_of")),
        effects=tuple(values.get("effects", ())), note=values.get("note", ""),
        origin=_origin(values.get("origin")), lifecycle=lifecycle_from_json(values.get("lifecycle")),
        loss=Loss(**values["loss"]) if "loss" in values else None,
    )  # fmt: skip


def meaning(values: Mapping[str, Any]) -> Json:
    """What a change, given as JSON, would do, and what a deletion or replacement destroys.

    Two plans are the same when these are equal; the order of fields does not count.
    """
    kept = ["address", "action", "attrs", "remote_id", "withheld", "moved_from", "former", "along"]
    if values["action"] in _DESTROYING:
        kept.append("before")
    fields = [{key: each.get(key) for key in ("path", "before", "after")} for each in values.get("fields", ())]
    fields.sort(key=lambda each: str(each["path"]))
    return {**{key: values[key] for key in kept if key in values}, "fields": fields}


def weighed(values: Mapping[str, Any]) -> Json:
    """The same, and from how many people it takes something: more than were approved make a saved plan stale."""
    return {**meaning(values), "people": values.get("loss", {}).get("people", 0)}


def digest_of(changes: Iterable[Mapping[str, Any]]) -> str:
    """What a plan is known by: SHA-256, in hex, of what its changes (as JSON) would do; NOOP ones included."""
    text = json.dumps([meaning(each) for each in changes], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def plan_to_json(plan: Plan) -> Json:
    """The whole plan. ``ids`` are those that the changes name."""
    return {
        "base": plan.base._asdict(), "partial": plan.partial, "reads": plan.reads,
        "foreign": dict(plan.foreign), "routes": dict(plan.routes),
        "bystanders": plan.bystanders, "changes": [change_to_json(change) for change in plan.changes],
    }  # fmt: skip


def plan_from_json(values: Mapping[str, Any]) -> Plan:
    """The inverse of :func:`plan_to_json`, without ids: those are read again before anything is done."""
    return Plan(
        Base(**values["base"]), tuple(change_from_json(each) for each in values["changes"]),
        foreign=dict(values["foreign"]), reads=values["reads"], partial=values["partial"],
        routes=dict(values.get("routes", {})), bystanders=values.get("bystanders", 0),
    )  # fmt: skip


def state_to_json(state: DesiredState) -> Json:
    """The desired state, for embedding: whoever applies the plan needs nothing else."""
    return {
        "kinds": sorted(state.kinds),
        "unmanaged": sorted([str(address), kind] for address, kind in state.unmanaged),
        "exact": sorted([kind, str(address), *origin] for (kind, address), origin in state.exact.items()),
        "resources": [_desired_to_json(each) for each in state.resources.values()],
    }


def state_from_json(values: Mapping[str, Any]) -> DesiredState:
    """The inverse of :func:`state_to_json`; secrets come back without their values."""
    resources = [_desired_from_json(each) for each in values["resources"]]
    return DesiredState(
        {each.address: each for each in resources},
        frozenset(values["kinds"]),
        frozenset((Address.parse(address), kind) for address, kind in values["unmanaged"]),
        {(kind, Address.parse(whole)): Origin(*origin) for kind, whole, *origin in values.get("exact", ())},
    )


def _desired_to_json(desired: Desired) -> Json:
    values: Json = {
        "address": str(desired.address), "attrs": attrs_to_json(desired.attrs), "origin": list(desired.origin),
        "lifecycle": lifecycle_to_json(desired.lifecycle), "former": _text(desired.former),
        "id": desired.bound_id, "part_of": _text(desired.part_of),
    }  # fmt: skip
    return {key: value for key, value in values.items() if value}


def _desired_from_json(values: Mapping[str, Any]) -> Desired:
    return Desired(
        Address.parse(values["address"]), attrs_from_json(values.get("attrs", {})), Origin(*values["origin"]),
        lifecycle_from_json(values.get("lifecycle")), _address(values.get("former")), values.get("id"),
        _address(values.get("part_of")),
    )  # fmt: skip


def lifecycle_to_json(lifecycle: Lifecycle) -> Json:
    """Only what was said."""
    values: Json = {**lifecycle._asdict(), "ignore": sorted(lifecycle.ignore)}
    return {key: value for key, value in values.items() if value}


def lifecycle_from_json(values: Mapping[str, Any] | None) -> Lifecycle:
    """The inverse of :func:`lifecycle_to_json`."""
    if not values:
        return UNGUARDED
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
