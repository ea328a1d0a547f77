"""Builds the request of a step; references and secrets are filled in just before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from reconciler.kinds import KINDS, schema_version
from reconciler.kinds.base import Kind, PerParent, Template, Wire
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.kinds.field import FieldShape
from reconciler.model.plan import Action, Change, Step, Verb
from reconciler.model.report import ApiRequest, UnboundRequest
from reconciler.model.values import Address, Attrs, Ref, Secret, Value
from reconciler.planner.decoding import decode

#: Temporary name of a parked resource; names have at most 64 characters (api.md §7).
PARKED = "~ {id} moves"

#: Shorter parts of a secret URL are words such as ``hook``, not tokens.
TELLING = 6

_PLACEHOLDER = re.compile(r"{(\w+)}")


def request_for(step: Step, change: Change, dialect: Dialect, slugs: frozenset[str] = frozenset()) -> UnboundRequest:
    """The request of a step. Path and body contain Ref and Secret, which :func:`bind` replaces."""
    kind = KINDS[change.address.kind]
    wire = wire_of(kind, dialect, slugs)
    if step.verb is Verb.DROP:
        return _request(kind.delete, change, None)
    if step.verb is Verb.PARK:
        name = PARKED.format(id=change.remote_id)
        return _request(kind.update, change, _body(kind, _repeated(kind, change, wire, {kind.key[0]: name}), wire))
    if change.action in (Action.CREATE, Action.REPLACE):
        attrs: Attrs = {name: value for name, value in change.attrs.items() if value is not None}
        return _request(kind.create, change, _body(kind, attrs, wire))
    attrs = {each.path: change.attrs.get(each.path, each.after) for each in change.fields}
    return _request(kind.update, change, _body(kind, _repeated(kind, change, wire, attrs), wire))


def _repeated(kind: Kind, change: Change, wire: Wire, attrs: Attrs) -> Attrs:
    """Unchanged fields that an update must repeat, as far as they are known (a webhook's name and secret)."""
    return {**{name: change.attrs[name] for name in wire.repeats if name in change.attrs}, **attrs}


def _body(kind: Kind, attrs: Attrs, wire: Wire) -> dict[str, Any] | None:
    if kind.encode:
        return kind.encode(attrs, wire)
    in_path = _PLACEHOLDER.findall(kind.create.path) if kind.create else ()
    body: dict[str, Any] = {}
    for name, value in attrs.items():
        field = kind.field(name)
        key = wire.names.get(field.name) or field.wire or field.name
        if field.shape is FieldShape.ENTRIES:
            body.setdefault(key, {})[name.removeprefix(f"{field.name}.")] = value
        elif name not in in_path:
            body[key] = _versioned(value) if field.versions else _encode(value)
    return body


def _versioned(value: Value) -> Any:
    """Words, of which some have a schema version of their own."""
    words = sorted(map(str, value)) if isinstance(value, frozenset) else ()
    return [schema_version.to_request(word) for word in words]


def _encode(value: Value) -> Any:
    """The JSON form of a value: sets become sorted lists; references and secrets stay."""
    if isinstance(value, frozenset):
        return sorted((_encode(item) for item in value), key=str)
    return value


def _request(template: Template | None, change: Change, body: Any) -> UnboundRequest:
    assert template is not None, f"{change.address.kind} has no such call"
    attrs = {**change.before, **change.attrs, "id": change.remote_id}
    return UnboundRequest(template.method, fill(template.path, attrs), body)


def fill(template: str, attrs: Attrs) -> tuple[str | Ref, ...]:
    """``/api/tags/{id}`` with placeholders replaced; a Ref stays a separate part until it is bound."""
    parts: list[str | Ref] = []
    for index, piece in enumerate(_PLACEHOLDER.split(template)):
        value = attrs[piece] if index % 2 else piece
        parts.append(value if isinstance(value, Ref) else quote(str(value), safe="/"))
    return tuple(parts)


def bind(request: UnboundRequest, ids: Mapping[Address, str]) -> ApiRequest:
    """Replace references by ids and secrets by values, just before sending; the only function that does.

    Raises KeyError with the address whose id is unknown.
    """
    path = "".join(quote(ids[part.target], safe="") if isinstance(part, Ref) else part for part in request.parts)
    return ApiRequest(request.method, path, _close(request.body, ids))


def _close(value: Any, ids: Mapping[Address, str]) -> Any:
    if isinstance(value, Ref):
        remote_id = ids[value.target]
        return int(remote_id) if remote_id.isdecimal() else remote_id
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, dict):
        return {key: _close(item, ids) for key, item in value.items()}
    return [_close(item, ids) for item in value] if isinstance(value, list) else value


def hidden_in(attrs: Attrs) -> tuple[str, ...]:
    """Texts to mask in messages: secrets, and all parts of a secret URL except the host."""
    found: list[str] = []
    for value in attrs.values():
        if isinstance(value, Secret):
            found += [value.value, *_url_parts(value.value)]
    return tuple(dict.fromkeys(found))


def _url_parts(text: str) -> list[str]:
    _, scheme, rest = text.partition("://")
    user, at, place = rest.partition("/")[0].rpartition("@")
    parts = [user, *user.split(":"), *re.split(r"[/?&#=;]", rest[len(user) + len(at) + len(place) :])]
    return sorted((part for part in parts if len(part) >= TELLING), key=len, reverse=True) if scheme else []


def show(request: UnboundRequest) -> tuple[str, str, Any]:
    """Method, path and body for display: references as ``{kind/key}``, secrets as their source."""
    path = "".join(f"{{{part.target}}}" if isinstance(part, Ref) else part for part in request.parts)
    return request.method, path, _display(request.body)


def _display(value: Any) -> Any:
    if isinstance(value, Ref):
        return f"{{{value.target}}}"
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, dict):
        return {key: _display(item) for key, item in value.items()}
    return [_display(item) for item in value] if isinstance(value, list) else value


class Query(NamedTuple):
    """A list request: native path and filters."""

    path: str
    query: Mapping[str, Any]


def lookup_for(kind: Kind, attrs: Attrs, ids: Mapping[Address, str]) -> Query | None:
    """The request that finds the live resource with this natural key, if the kind can be looked up."""
    if isinstance(kind.source, PerParent):
        return Query(kind.source.path, kind.source.query(_close(attrs[kind.parents[0].name], ids)))
    if kind.lookup is None:
        return None
    path = bind(UnboundRequest("GET", fill(kind.lookup.path, attrs)), ids).path
    return Query(path, {parameter: _close(attrs[name], ids) for parameter, name in kind.lookup.query.items()})


def is_the_one(kind: Kind, item: Mapping[str, Any], attrs: Attrs, ids: Mapping[Address, str], wire: Wire) -> bool:
    """Whether an item of a filtered list has the natural key in ``attrs``; filters alone are not trusted."""
    shown = decode(kind, item, wire, lambda _, remote_id: Ref(Address("", remote_id)))
    for name in kind.key:
        want, have = attrs[name], shown.get(name)
        if isinstance(want, Ref):
            if isinstance(have, Ref) and have.target.key != ids.get(want.target):
                return False
        elif not kind.field(name).same(have, want):
            return False
    return True
