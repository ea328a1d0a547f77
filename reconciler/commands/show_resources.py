"""Writes the effective resources of a project as YAML: after variables, defaults, CSV expansion and short forms.

Every relation is an item of its own. Secrets appear as their source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.edit.yaml_writer import document
from reconciler.kinds import SECTIONS
from reconciler.kinds.base import Kind
from reconciler.kinds.field import FieldShape
from reconciler.model.resource import Desired, DesiredState
from reconciler.model.values import Ref, Secret, Value, unescape
from reconciler.planner.documents import Plain, YamlItem, plain_of

Sections = Mapping[str, list[YamlItem]]


def effective_resources(state: DesiredState) -> Sections:
    """The items of each section with their positions as notes, in the order of the files."""
    by_kind: dict[str, list[Desired]] = {}
    for desired in state.resources.values():
        by_kind.setdefault(desired.kind, []).append(desired)
    return {
        section: [YamlItem(_block(kind, each), str(each.origin)) for each in by_kind[kind.name]]
        for section, kind in SECTIONS.items()
        if kind.name in by_kind
    }


def as_yaml(sections: Sections) -> str:
    """One document with all sections; above each item the position that declares it."""
    return "\n".join(document(section, items) for section, items in sections.items())


def as_json(sections: Sections) -> dict[str, list[dict[str, Any]]]:
    """The items of each section with their origins."""
    return {
        section: [{"origin": item.note, "declared": item.value} for item in items]
        for section, items in sections.items()
    }


def map_values(sections: Sections, change: Callable[[Any], Any]) -> Sections:
    """The same items with ``change`` applied to their values, such as redaction."""
    return {name: [replace(item, value=change(item.value)) for item in items] for name, items in sections.items()}


def _block(kind: Kind, desired: Desired) -> dict[str, Plain]:
    block: dict[str, Plain] = {}
    for field in kind.fields:
        if field.shape is FieldShape.ENTRIES:
            names = [name for name in desired.attrs if name.startswith(f"{field.name}.")]
            entries = {name.partition(".")[2]: _plain(desired.attrs[name]) for name in names}
            block |= {field.name: entries} if entries else {}
        elif field.name in desired.attrs:
            block[field.name] = _plain(desired.attrs[field.name])
    return block | _options(desired)


def _options(desired: Desired) -> dict[str, Plain]:
    settings = desired.lifecycle._asdict().items()
    lifecycle: dict[str, Plain] = {
        name: sorted(each) if name == "ignore" else each for name, each in settings if each
    }
    options: dict[str, Plain] = {
        "handle": unescape(desired.key[1:]) if desired.key.startswith("@") else None,
        "id": desired.bound_id,
        "renamed_from": unescape(desired.former.key) if desired.former else None,
        "lifecycle": lifecycle or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _plain(value: Value) -> Plain:
    if isinstance(value, Secret):
        kind, _, name = value.source.partition(":")
        return {kind: name}
    if isinstance(value, Ref):
        return _reference(value)
    if isinstance(value, frozenset) and any(isinstance(each, Ref) for each in value):
        return sorted((_plain(each) for each in value), key=str)
    return plain_of(value)


def _reference(ref: Ref) -> Plain:
    """The name as a file would refer to it: ``VIP``, ``@handle``, ``{id: 7}`` or ``{path: launch}``."""
    key = ref.target.key.rpartition("/")[2]
    if key.startswith("#"):
        return {"id": unescape(key[1:])}
    name, equals, text = key.removeprefix("?").partition("=")
    return {name: unescape(text)} if equals and key.startswith("?") else unescape(key)
