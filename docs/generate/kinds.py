"""Writes docs/reference/kinds.md: how each kind is declared, read and written, and its effects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, assert_never

import yaml

from docs.generate import addresses, schemas
from docs.generate.markdown import code, fence, listed, sentence, table
from reconciler.commands.fmt import format_stream
from reconciler.kinds import KINDS, schema
from reconciler.kinds.base import Collection, Embedded, Kind
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action, Change, Step, Verb
from reconciler.model.values import Address, Ref, Secret, Value, escape
from reconciler.planner.requests import request_for, show

INTRO = """\
# Kinds

Everything that files can declare, by kind; also as a JSON Schema for editors:
[schema/reconciler.schema.json](../../schema/reconciler.schema.json).

Text is taken literally: `+33612345678`, `01234`, `no` and `2024-01-01` need no quotes. Unquoted `null`, `~` and an
empty value are not text: where the rules say *`null` clears it*, the value in the account is removed, shown as
`(cleared)`. `Null` and `NULL` are refused as text, because they could be names: write `"Null"` or `null`. A missing
key is unmanaged.

The column *sent as* shows the body in the dialect `vendor`, and in `skill` if it differs. *Immutable* fields cannot
be changed after the creation. For the effects of writes see [plans](plans.md#effects).
"""

CSV = """\
## csv

A CSV file declares one resource for each of its rows. A text is the path of the file; a mapping has these keys, of
which `fields` and `empty` apply to contacts only.
"""

DEFINITIONS = ("secret", "target", "lifecycle")
WORDS = {
    FieldShape.TEXT: "text",
    FieldShape.FLAG: "`true` or `false`",
    FieldShape.NUMBER: "whole number",
    FieldShape.WORDS: "list of words",
    FieldShape.ENTRIES: "text by slug",
    FieldShape.REF: "[reference](#reference)",
    FieldShape.REFS: "list of [references](#reference)",
    FieldShape.SECRET: "[secret](#secret)",
}


def page() -> str:
    """The whole page: declared kinds, then those that are only named, then what several share."""
    definitions = schema()["definitions"]
    written = [_declared(kind, definitions[kind.name]) for kind in KINDS.values() if kind.section]
    named = [_head(kind) for kind in KINDS.values() if not kind.section]
    shared = [_definition(name, definitions[name]) for name in DEFINITIONS]
    index = table(
        ["kind", "section", "meaning"],
        ([f"[{kind.name}](#{kind.name})", code(kind.section), kind.doc] for kind in KINDS.values()),
    )
    return "\n".join([INTRO, index, *written, "", *named, *shared, _csv(definitions["contact"])])


def _declared(kind: Kind, definition: Mapping[str, Any]) -> str:
    own = {field.name for field in kind.fields}
    more = [row for row in schemas.rows(definition, deep=False) if row.path not in own]
    return "\n".join(
        [
            _head(kind),
            table(
                ["key", "type", "rules", "sent as", "meaning"],
                (
                    _field(kind, field, definition["properties"][field.name])
                    for field in kind.fields
                    if not field.note_only
                ),
            ),
            "Further keys:\n",
            table(
                ["key", "type", "default", "meaning"],
                (
                    [code(row.path), "text or mapping" if row.path == "csv" else row.holds, row.default, row.doc]
                    for row in more
                ),
            ),
            *_csv_source(definition),
            fence("yaml", _yaml({kind.section: [_example(kind)]})),
        ]
    )


def _csv_source(definition: Mapping[str, Any]) -> Iterator[str]:
    """Where the long form of `csv` is explained."""
    if "csv" in definition["properties"]:
        yield "`csv` as a mapping has the keys of [csv](#csv).\n"


def _csv(contact: Mapping[str, Any]) -> str:
    """The keys of the long form of `csv`, of which contacts have all."""
    body = table(
        ["key", "type", "default", "meaning"],
        (
            [code(row.path), row.holds, row.default, row.doc + (" Required." if row.required else "")]
            for row in schemas.rows(contact["properties"]["csv"]["anyOf"][1], deep=False)
        ),
    )
    return f"{CSV}\n{body}"


def _head(kind: Kind) -> str:
    return "\n".join([f"## {kind.name}\n", f"{kind.doc} {_fact(kind)}\n", table(["", ""], _traits(kind))])


def _fact(kind: Kind) -> str:
    """The rest of the module docstring of a kind, without the source."""
    text = " ".join((import_module(f"reconciler.kinds.{kind.name}").__doc__ or "").split())
    said = re.sub(r"\s*\([^()]*§[^()]*\)", "", text).partition(": ")[2]
    return sentence(said.partition("; ")[2] or said)


def _traits(kind: Kind) -> Iterator[list[str]]:
    yield ["address", code(addresses.pattern(kind))]
    yield ["read from", _source(kind)]
    for word, template, action in (
        ("create", kind.create, Action.CREATE),
        ("update", kind.update, Action.UPDATE),
        ("delete", kind.delete, Action.DELETE),
    ):
        if template:
            yield [word, "; ".join([code(f"{template.method} {template.path}"), *kind.effects.get(action, ())])]
    if kind.replaceable:
        effects = "; ".join(["delete and create", *kind.effects.get(Action.REPLACE, ())])
        yield ["change of an immutable field", effects]
    if kind.renameable:
        yield ["rename", "`renamed_from`: one update, the id stays"]
    yield from _policy(kind)


def _policy(kind: Kind) -> Iterator[list[str]]:
    if kind.create:
        yield ["pruned by default", code(kind.prune.value)]
    if kind.dies_with:
        yield ["goes, without a call of its own, with its", " or ".join(kind.dies_with)]
    if kind.approval:
        yield ["needs", code(f"--allow {kind.approval.allow.value}=N")]
    if kind.reserved:
        yield ["never deleted", listed(sorted(kind.reserved))]
    if kind.accepted:
        yield ["after a create", "pending until the account shows it"]


def _source(kind: Kind) -> str:
    source = kind.source
    if isinstance(source, Collection):
        how = "pages of 100" if source.paged else "one answer"
        return f"{code(f'GET {source.path}')}, {how}"
    if isinstance(source, Embedded):
        return f"each {source.parent}, key {code(source.wire)}"
    return f"{code(f'GET {source.path}?{source.parameter}=…')}, one {source.parent} at a time"


def _field(kind: Kind, field: Field, schema: schemas.Schema) -> list[str]:
    doc = " ".join(filter(None, (field.doc, schemas.meanings(schema))))
    return [code(field.name), WORDS[field.shape], "; ".join(_rules(kind, field)), _sent_as(kind, field), doc]


def _rules(kind: Kind, field: Field) -> Iterable[str]:
    """What a value has to be, and what may be done with it."""
    by_dialect = [each.value for each in Dialect if field.name in wire_of(kind, each).immutable]
    rules = {
        "required": field.required and field.name != kind.rows,
        f"this, `{field.name}s` or `csv` is required": field.name == kind.gather,
        "this or `csv` is required": field.name == kind.csv_source,
        "immutable": field.immutable,
        f"immutable ({', '.join(by_dialect)})": bool(by_dialect) and not field.immutable,
        "one address, without display name": field.is_email,
        "`null` clears it": field.nullable,
        f"one of {listed(field.choices)}": bool(field.choices),
        f"at most {field.max_length} characters": field.max_length,
        f"fits {code(field.pattern)}": field.pattern and not field.is_email,
        f"default {code(json.dumps(field.reset))}, also when it leaves the files": field.reset is not None,
        "never shown by the account": field.write_only,
        "or a [secret](#secret)": field.from_env,
        "tells who somebody is: a mark under `--redact`": field.personal or (kind.person and field.name in kind.key),
        "says how the write is done; never a difference of its own": field.one_time,
    }
    rules |= {f"{listed([value])} needs {code(other)}": True for value, other in field.needs.items()}
    return [text for text, holds in rules.items() if holds]


def _sent_as(kind: Kind, field: Field) -> str:
    """What this field alone adds to a body, in both dialects where they differ."""
    bodies = {dialect: _part(kind, field, dialect) for dialect in Dialect}
    vendor, skill = bodies[Dialect.VENDOR], bodies[Dialect.SKILL]
    if vendor == skill:
        return vendor
    return f"vendor: {vendor or 'nothing'}; skill: {skill or 'nothing'}"


def _part(kind: Kind, field: Field, dialect: Dialect) -> str:
    attrs = _attrs(kind)
    mine = {name for name in attrs if name.partition(".")[0] == field.name}
    if not mine or not (kind.create or kind.update):
        return ""
    template = kind.create or kind.update
    if template and f"{{{field.name}}}" in template.path:
        return "in the path"
    whole, rest = _body(kind, attrs, dialect), _body(kind, {n: v for n, v in attrs.items() if n not in mine}, dialect)
    part = {key: _less(value, rest.get(key)) for key, value in whole.items() if value != rest.get(key)}
    return code(json.dumps(part, ensure_ascii=False)) if part else ""


def _less(value: Any, other: Any) -> Any:
    return [each for each in value if each not in other] if isinstance(value, list) and other else value


def _body(kind: Kind, attrs: dict[str, Value], dialect: Dialect) -> dict[str, Any]:
    action = Action.CREATE if kind.create else Action.UPDATE
    address = Address(kind.name, "x")
    try:
        change = Change(address, action, attrs=attrs, remote_id="ID")
        if action is Action.UPDATE:
            change = replace(change, fields=tuple(_changed(name, value) for name, value in attrs.items()))
        return show(request_for(Step(address, Verb.MAKE), change, dialect))[2] or {}
    except KeyError:  # a body that cannot be without this field
        return {}


def _changed(name: str, value: Value) -> Any:
    from reconciler.model.plan import Cause, FieldChange

    return FieldChange(name, None, value, Cause.EDITED)


def _attrs(kind: Kind) -> dict[str, Value]:
    """The examples of the fields as the attributes of one resource."""
    return {name: value for field in kind.fields if not field.note_only for name, value in _values(field)}


def _values(field: Field) -> Iterator[tuple[str, Value]]:
    example = _sample(field)
    ref = field.ref or ""
    match field.shape:
        case FieldShape.ENTRIES:
            yield from ((f"{field.name}.{slug}", text) for slug, text in example.items())
        case FieldShape.REF:
            yield field.name, Ref(Address(ref, escape(str(example))))
        case FieldShape.REFS:
            yield field.name, frozenset(Ref(Address(ref, each)) for each in example)
        case FieldShape.WORDS:
            yield field.name, frozenset(example)
        case FieldShape.SECRET:
            yield field.name, Secret(f"env:{example['env']}", "")
        case FieldShape.TEXT | FieldShape.FLAG | FieldShape.NUMBER:
            yield field.name, example
        case _:
            assert_never(field.shape)


def _sample(field: Field) -> Any:
    if field.example is not None:
        return field.example
    return next(iter(field.choices)) if field.choices else field.reset if field.reset is not None else "…"


def _yaml(document: dict[str, Any]) -> str:
    """A file as `reconciler fmt` would leave it."""
    return format_stream(yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()).after.decode()


def _example(kind: Kind) -> dict[str, Any]:
    """One resource with every field that has an example."""
    chosen = [field for field in kind.fields if field.example is not None or (field.required and not field.note_only)]
    return {field.name: _sample(field) for field in chosen}


def _definition(name: str, definition: Mapping[str, Any]) -> str:
    inner = definition if "properties" in definition else definition["anyOf"][1]
    first = "A text is the name; a mapping has one of these keys.\n\n" if "anyOf" in definition else ""
    body = table(
        ["key", "type", "default", "meaning"],
        ([code(row.path), row.holds, row.default, row.doc] for row in schemas.rows(inner, deep=False)),
    )
    return f"## {schemas.NAMES.get(name, name)}\n\n{definition['description']}\n\n{first}{body}"
