"""One JSON object of an answer → attributes in the form in which both sides are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, assert_never

from reconciler.errors import GatewayError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Item, Kind, Wire
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.resource import EMPTY, Desired
from reconciler.model.values import Address, Attrs, Ref, Value, clean, shared
from reconciler.planner.kept import Held
from reconciler.planner.ties import TIES

#: (kind, remote id) → the reference to what has that id.
Refer = Callable[[str, str], Ref]
#: The remote ids of what an item refers to, in the order of ``Kind.refs``.
Refs = tuple[str | None, ...]


def decode(kind: Kind, item: Item, wire: Wire, refer: Refer | None = None) -> dict[str, Value]:
    """Every readable field; references only where ``refer`` can say what they lead to.

    Raises GatewayError for an item that is not shaped as its kind is.
    """
    plain, refs = _read(kind, item, wire)
    return plain | referred(kind, refs, refer) if refer else plain


def referred(kind: Kind, refs: Refs, refer: Refer) -> dict[str, Value]:
    """The references that these ids are."""
    told = zip(kind.refs, refs, strict=True)
    return {field.name: refer(field.ref or "", remote_id) for field, remote_id in told if remote_id is not None}


def _read(kind: Kind, item: Item, wire: Wire) -> tuple[dict[str, Value], Refs]:
    try:
        plain = kind.decode(item, wire) if kind.decode else _by_fields(kind, item, wire)
        return plain, _reference_ids(kind, item, wire) if kind.parents else ()
    except (AttributeError, KeyError, TypeError):
        word = kind.name.replace("_", " ")
        raise GatewayError(f"the account shows a {word} in a shape that cannot be read") from None


def _by_fields(kind: Kind, item: Item, wire: Wire) -> dict[str, Value]:
    shown: dict[str, Value] = {}
    for field in kind.fields:
        if not field.write_only:
            shown |= _values(field, _shown(field, item, wire))
    return shown


def _reference_ids(kind: Kind, item: Item, wire: Wire) -> Refs:
    found: list[str | None] = []
    for field in kind.refs:
        value = _shown(field, item, wire)
        remote_id = value["id"] if isinstance(value, Mapping) else value
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
        case FieldShape.REF:
            return {}  # understood where it is known what has that id
        case FieldShape.REFS | FieldShape.SECRET:
            raise TypeError(f"{field.name} cannot be read")
        case _:
            assert_never(field.shape)


def _plain(field: Field, value: Any) -> Value:
    if isinstance(value, list | dict):
        raise TypeError(f"{field.name} is a list or a mapping")
    plain: Value = field.normal(clean(value)) if isinstance(value, str) else value
    return plain


class DecodedItem(Mapping[str, Any]):
    """An item of a walk, understood: its id, its readable fields, and the ids of what it refers to and holds.

    ``refs`` are in the order of ``Kind.refs``; ``ties`` has, for each kind of relations that it holds and that are
    nothing but their ends, the ids of the other ends. ``item`` is the answer itself where more of it matters,
    elsewhere empty. What ``like``, the files, and ``known``, the ledger, say in the same words is held once. As a
    mapping it still has its id and its fields.
    """

    __slots__ = ("attrs", "item", "kind", "refs", "remote_id", "ties")

    def __init__(
        self,
        kind: Kind,
        item: Item,
        wire: Wire,
        like: Mapping[Address, Desired] = EMPTY,
        known: Mapping[Address, Held] = EMPTY,
    ) -> None:
        self.kind = kind
        self.remote_id = str(item[kind.remote_id])
        plain, self.refs = _read(kind, item, wire)
        want = None if kind.parents else like.get(kind.address(plain))
        entry = known.get(want.address) if want else None
        if entry and entry.remote_id == self.remote_id:
            self.remote_id = entry.remote_id
        self.attrs: Attrs = want.attrs if want and want.attrs == plain else _in_few_words(plain)
        self.ties = _same(tuple(_tie_ids(kind, item, inside) for inside in _TIED[kind.name]))
        self.item = item if kind.name in _WHOLE else EMPTY

    def __getitem__(self, name: str) -> Any:
        return self.remote_id if name == self.kind.remote_id else self.attrs[name]

    def __iter__(self) -> Iterator[str]:
        return iter({self.kind.remote_id: None, **self.attrs})

    def __len__(self) -> int:
        return len(list(iter(self)))


def _inside(kind: Kind) -> dict[str, str]:
    """What is read inside the items of a kind, and where it stands there."""
    sources = {each.name: each.source for each in KINDS.values()}
    return {name: at.wire for name, at in sources.items() if isinstance(at, Embedded) and at.parent == kind.name}


#: Where in an item the relations stand that are nothing but their ends, by the kind of the item.
_TIED: Mapping[str, tuple[str, ...]] = {
    kind.name: tuple(wire for name, wire in _inside(kind).items() if name in TIES) for kind in KINDS.values()
}
#: Kinds whose items are asked for more: names by which others refer to them, what else is read inside them.
_WHOLE = frozenset(
    kind.name for kind in KINDS.values() if not kind.section or kind.called or _inside(kind).keys() - TIES.keys()
)


def _in_few_words(plain: Mapping[str, Value]) -> Attrs:
    return {intern(name): shared(value) if type(value) is str else value for name, value in plain.items()}


@lru_cache(1 << 12)
def _once(remote_id: str) -> str:
    """Many refer to the same."""
    return remote_id


@lru_cache(1 << 12)
def _same(ties: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Many hold the same."""
    return ties


def _tie_ids(kind: Kind, item: Item, wire: str) -> tuple[str, ...]:
    try:
        return tuple([str(each["id"]) for each in item.get(wire) or ()])
    except (KeyError, TypeError):
        raise GatewayError(f"the account shows a {kind.name} whose {wire} have no id") from None
