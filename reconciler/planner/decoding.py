"""Decodes the JSON objects of answers into attributes that are compared with the desired ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from functools import cached_property, lru_cache
from sys import intern
from typing import Any, NamedTuple, assert_never

from reconciler.errors import GatewayError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Item, Kind, Wire
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.resource import EMPTY, Desired
from reconciler.model.values import Attrs, FlatAttrs, Ref, Value, clean, shared
from reconciler.planner.matched_state import DERIVED, Entries

#: (kind, remote id) → the reference to what has that id.
Refer = Callable[[str, str], Ref]
#: The remote ids of what an item refers to, in the order of ``Kind.refs``.
Refs = tuple[str | None, ...]

#: The fields of each kind that answers show; references are decoded where it is known what has their ids.
_READABLE = {
    kind.name: [f for f in kind.fields if not f.write_only and f.shape is not FieldShape.REF]
    for kind in KINDS.values()
}


def decode(kind: Kind, item: Item, wire: Wire, refer: Refer | None = None) -> dict[str, Value]:
    """Every readable field; references only where ``refer`` can say what they lead to.

    Raises GatewayError for an item that is not shaped as its kind is.
    """
    plain, refs = _read(kind, item, wire)
    return plain | referred(kind, refs, refer) if refer else plain


def referred(kind: Kind, refs: Refs, refer: Refer) -> dict[str, Value]:
    """The references that these ids are."""
    known = zip(kind.refs, refs, strict=True)
    return {field.name: refer(field.ref or "", remote_id) for field, remote_id in known if remote_id is not None}


def _read(kind: Kind, item: Item, wire: Wire) -> tuple[dict[str, Value], Refs]:
    try:
        plain = kind.decode(item, wire) if kind.decode else _by_fields(kind, item, wire)
        return plain, _reference_ids(kind, item, wire) if kind.parents else ()
    except (AttributeError, KeyError, TypeError):
        word = kind.name.replace("_", " ")
        raise GatewayError(f"the account shows a {word} in a shape that cannot be read") from None


def _by_fields(kind: Kind, item: Item, wire: Wire) -> dict[str, Value]:
    shown: dict[str, Value] = {}
    for field in _READABLE[kind.name]:
        shown |= _values(field, _shown(field, item, wire))
    return shown


def _reference_ids(kind: Kind, item: Item, wire: Wire) -> Refs:
    found: list[str | None] = []
    for field in kind.refs:
        value = _shown(field, item, wire)
        remote_id = value["id"] if isinstance(value, dict) else value
        found.append(None if value is None else _once(str(remote_id)))
    return tuple(found)


def _shown(field: Field, item: Item, wire: Wire) -> Any:
    return item.get(wire.names.get(field.name) or field.answer_key)


def _values(field: Field, value: Any) -> dict[str, Value]:
    """The attributes of one field. Raises TypeError for a value of another shape."""
    match field.shape:
        case FieldShape.TEXT | FieldShape.FLAG | FieldShape.NUMBER:
            return {field.name: _plain(field, value)}
        case FieldShape.WORDS:
            return {field.name: None if value is None else frozenset(_plain(field, each) for each in value)}
        case FieldShape.ENTRIES:
            return {f"{field.name}.{slug}": _plain(field, text) for slug, text in (value or {}).items()}
        case FieldShape.REF | FieldShape.REFS | FieldShape.SECRET:
            raise TypeError(f"{field.name} cannot be read")
        case _:
            assert_never(field.shape)


def _plain(field: Field, value: Any) -> Value:
    if isinstance(value, list | dict):
        raise TypeError(f"{field.name} is a list or a mapping")
    plain: Value = field.normal(clean(value)) if isinstance(value, str) else value
    return plain


class EmbeddedItem(NamedTuple):
    """An item nested in another one: its id, readable fields, references, and the answer itself."""

    item_id: str
    attrs: Attrs
    refs: Refs
    item: Item


class DecodedItem:
    """An item of an answer: its id, its key where it has no parents, its readable fields, and what it refers to.

    ``refs`` are remote ids in the order of ``Kind.refs``; ``inside`` has the items of each kind of EMBEDDED. ``item``
    is the answer itself where more of it matters, elsewhere empty.
    """

    __slots__ = ("attrs", "inside", "item", "key", "refs", "remote_id")

    def __init__(
        self, remote_id: str, key: str, attrs: Attrs, refs: Refs, inside: tuple[Inside, ...], item: Item
    ) -> None:
        self.remote_id, self.key, self.attrs, self.refs = remote_id, key, attrs, refs
        self.inside, self.item = inside, item


Inside = tuple[EmbeddedItem, ...]

#: The kinds that are read inside the items of a kind.
EMBEDDED: Mapping[str, tuple[Kind, ...]] = {
    name: tuple(k for k in KINDS.values() if isinstance(k.source, Embedded) and k.source.parent == name)
    for name in KINDS
}
#: Kinds whose answers are asked for more: names by which others refer to them.
_WHOLE = frozenset(kind.name for kind in KINDS.values() if not kind.section or kind.reference_names)


class ItemDecoder:
    """Decodes the items of one kind as they arrive.

    An item that shows what is desired for its key keeps no attributes of its own. It keeps them where the ledger's
    row differs, where another resource may get it, and where it has a value of ``watched``: attributes that matter
    although nobody declares them.
    """

    def __init__(
        self,
        kind: Kind,
        dialect: Dialect,
        desired: Mapping[str, Desired] = EMPTY,
        entries: Entries | None = None,
        watched: frozenset[str] = frozenset(),
    ) -> None:
        self.kind, self.dialect = kind, dialect
        self.desired, self.watched = desired, watched
        self.entries = Entries() if entries is None else entries
        self.rows, self.kept = self.entries.row(kind.name), self.entries.kept.of(kind.name)
        self.wire = wire_of(kind, dialect)
        self._same: dict[tuple[tuple[str, Value], ...], Attrs] = {}

    @cached_property
    def _elsewhere(self) -> tuple[Mapping[str, str], Set[str]]:
        """The keys of ids that belong to a resource already, and keys whose holder may be another resource."""
        owned = self.entries.keys_by_id(self.kind.name) if self.kind.by_id else {}
        bound = {each.bound_id: key for key, each in self.desired.items() if each.bound_id}
        return owned | bound, {each.former.key for each in self.desired.values() if each.former}

    def decode(self, item: Item) -> DecodedItem:
        """The attributes of one item; raises GatewayError if the item lacks the shape of its kind."""
        kind, remote_id = self.kind, str(item[self.kind.remote_id])
        plain, refs = _read(kind, item, self.wire)
        if kind.parents:
            key, attrs = "", self._same.setdefault(tuple(plain.items()), plain)
        else:
            (name,) = kind.key
            key = kind.part(name, str(plain.get(name)))
            want = self.desired.get(key)
            if want is not None and self._shows(want, plain) and self._belongs(remote_id, want):
                key, attrs = want.key, want.attrs
            else:
                attrs = _kept(plain)
        inside = tuple([_inside(kind, item, inner, self.dialect) for inner in EMBEDDED[kind.name]])
        return DecodedItem(remote_id, key, attrs, refs, inside, item if kind.name in _WHOLE else EMPTY)

    def _shows(self, want: Desired, plain: Mapping[str, Value]) -> bool:
        for name, value in want.attrs.items():
            if plain.get(name) != value:
                return False
        if not self.watched:
            return True
        return not any(plain.get(name) is not None and name not in want.attrs for name in self.watched)

    def _belongs(self, remote_id: str, want: Desired) -> bool:
        """Whether nothing but ``want`` can be what has this id."""
        row = self.rows.get(want.key)
        if row is not None:
            return row.remote_id == remote_id and want.former is None
        owners, formers = self._elsewhere
        free = want.key not in self.kept and want.key not in formers and want.former is None
        return free and owners.get(remote_id, want.key) == want.key


def _kept(plain: Mapping[str, Value]) -> Attrs:
    """Attributes of an item that differs from the files; short texts are shared, since many items repeat them."""
    return FlatAttrs.of(
        {intern(name): shared(value) if type(value) is str else value for name, value in plain.items()}
    )


@lru_cache(1 << 12)
def _once(remote_id: str) -> str:
    """Many refer to the same."""
    return remote_id


def _inside(kind: Kind, item: Item, inner: Kind, dialect: Dialect) -> Inside:
    """The items of a kind that are read inside of an item."""
    source = inner.source
    assert isinstance(source, Embedded)
    try:
        rows = item.get(source.wire) or ()
        ids = tuple([str(row["id"]) for row in rows])
    except (KeyError, TypeError):
        raise GatewayError(f"the account shows a {kind.name} whose {source.wire} have no id") from None
    if inner.name in DERIVED:
        return _bare(inner.name, ids)
    wire = wire_of(inner, dialect)
    read = [_read(inner, row, wire) for row in rows]
    whole = inner.name in _WHOLE
    return tuple(
        EmbeddedItem(each, plain, refs, row if whole else EMPTY)
        for each, (plain, refs), row in zip(ids, read, rows, strict=True)
    )


@lru_cache(1 << 12)
def _bare(kind: str, ids: tuple[str, ...]) -> Inside:
    """Relations that are nothing but their two ends; many resources have the same."""
    return tuple(_bare_item(kind, each) for each in ids)


@lru_cache(1 << 12)
def _bare_item(kind: str, item_id: str) -> EmbeddedItem:
    source = KINDS[kind].source
    assert isinstance(source, Embedded)
    refs = tuple(None if field.ref == source.parent else item_id for field in KINDS[kind].refs)
    return EmbeddedItem(item_id, EMPTY, refs, EMPTY)
