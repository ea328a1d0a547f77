"""Declared items → the desired state: fields understood, short forms spelled out, references made addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SECTIONS
from reconciler.kinds.base import Field, Kind, Shape
from reconciler.model.resource import UNGUARDED, Declared, Desired, DesiredState, Lifecycle
from reconciler.model.values import Address, Origin, Ref, Value, clean, escape

#: Relations of each kind that may be written inside its block.
SUGARED: Mapping[str, tuple[Kind, ...]] = {
    parent: tuple(kind for kind in KINDS.values() if kind.sugar and kind.sugar.parent == parent) for parent in KINDS
}


class Item(NamedTuple):
    """One resource as written, before its references are understood."""

    kind: Kind
    raw: Mapping[str, Any]
    origin: Origin
    part_of: Address | None = None


def compile_state(declared: Iterable[Declared]) -> DesiredState:
    """What the files ask for.

    Raises ConfigurationError with every problem found: resources declared twice, names given twice, handles and
    ids that two resources claim.
    """
    compiler = _Compiler()
    for item in declared:
        compiler.read(item)
    return compiler.finish()


class _Compiler:
    """Collects in two passes: first what has a name of its own, then the relations that refer to it."""

    def __init__(self) -> None:
        self.resources: dict[Address, Desired] = {}
        self.problems: list[Problem] = []
        self.relations: list[Item] = []
        self.addresses: dict[Address, Address] = {}
        self.bound: dict[tuple[str, str], Origin] = {}
        self.unmanaged: set[tuple[Address, str]] = set()
        self.kinds: set[str] = set()

    def read(self, declared: Declared) -> None:
        kind = SECTIONS[declared.section]
        self.kinds.add(kind.name)
        if declared.raw is None:
            return
        raw = declared.raw if isinstance(declared.raw, Mapping) else {kind.key[0]: declared.raw}
        item = Item(kind, raw, declared.origin)
        if kind.parents:
            self.relations += _gathered(item)
        else:
            self._add_root(item)

    def finish(self) -> DesiredState:
        for item in self.relations:
            self._add(item, self._attrs(item))
        if self.problems:
            raise ConfigurationError(self.problems)
        return DesiredState(self.resources, frozenset(self.kinds), frozenset(self.unmanaged))

    def _add_root(self, item: Item) -> None:
        attrs = self._attrs(item)
        address = self._add(item, attrs)
        natural = item.kind.address(attrs)
        if self.addresses.setdefault(natural, address) != address:
            self._twice(natural, item.origin, self.resources[self.addresses[natural]].origin)
        for child in SUGARED[item.kind.name]:
            sugar = child.sugar
            if sugar and sugar.key in item.raw:
                self.kinds.add(child.name)
                self.relations += _spelled_out(child, address, item)
            else:
                self.unmanaged.add((address, child.name))

    def _add(self, item: Item, attrs: dict[str, Value]) -> Address:
        kind, raw = item.kind, item.raw
        handle = raw.get("handle")
        address = kind.by_handle(handle) if handle else kind.address(attrs)
        if address in self.resources:
            self._twice(address, item.origin, self.resources[address].origin)
            return address
        former = raw.get("renamed_from")
        self.resources[address] = Desired(
            address, attrs, item.origin, _lifecycle(raw), self._former(kind, former) if former else None,
            self._bound(kind, raw, item.origin), item.part_of,
        )  # fmt: skip
        return address

    def _twice(self, address: Address, here: Origin, there: Origin) -> None:
        self.problems.append(Problem(str(here), f"{address} is declared twice; first at {there}", "keep one of them"))

    @staticmethod
    def _former(kind: Kind, text: str) -> Address:
        return kind.by_handle(text[1:]) if text.startswith("@") else kind.address({kind.key[0]: text})

    def _bound(self, kind: Kind, raw: Mapping[str, Any], origin: Origin) -> str | None:
        if (remote_id := raw.get("id")) is None:
            return None
        first = self.bound.setdefault((kind.name, remote_id), origin)
        if first != origin:
            self.problems.append(Problem(str(origin), f"id {remote_id} is bound twice; first at {first}"))
        return str(remote_id)

    def _attrs(self, item: Item) -> dict[str, Value]:
        attrs: dict[str, Value] = {}
        for field in item.kind.fields:
            if field.name in item.raw:
                self._read_field(item, field, item.raw[field.name], attrs)
        return attrs

    def _read_field(self, item: Item, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        match field.shape:
            case Shape.ENTRIES:
                self._read_entries(item, field, value or {}, attrs)
            case Shape.WORDS:
                attrs[field.name] = frozenset(value)
            case Shape.REF:
                attrs[field.name] = self._target(item, field, value, attrs)
            case Shape.REFS:
                attrs[field.name] = frozenset(self._target(item, field, each, attrs) for each in value)
            case Shape.TEXT:
                text = clean(value) if field.name in item.kind.key and isinstance(value, str) else value
                attrs[field.name] = field.normal(text)
            case _:
                attrs[field.name] = value

    def _read_entries(self, item: Item, field: Field, entries: Mapping[str, Any], attrs: dict[str, Value]) -> None:
        for slug, value in entries.items():
            own = next((each.name for each in item.kind.fields if slug in each.slugs), None)
            name = own or f"{field.name}.{slug}"
            if name in attrs:
                what = f"`{field.name}.{slug}` and `{name}` are the same field"
                self.problems.append(Problem(str(item.origin), what, "keep one of them"))
            attrs[name] = value or None

    def _target(self, item: Item, field: Field, value: Any, attrs: Mapping[str, Value]) -> Ref:
        if isinstance(value, Address):
            return Ref(value)
        kind = KINDS[field.ref or ""]
        prefix = "".join(f"{ref.target.key}/" for name in kind.key[:-1] if isinstance(ref := attrs[name], Ref))
        if isinstance(value, Mapping):
            return self._picked(item, kind, prefix, value)
        if value.startswith("@") and kind.by_handle(value[1:]) in self.resources:
            return Ref(kind.by_handle(value[1:]))
        natural = Address(kind.name, prefix + _part(kind, value))
        return Ref(self.addresses.get(natural, natural))

    def _picked(self, item: Item, kind: Kind, prefix: str, value: Mapping[str, Any]) -> Ref:
        (name, text), *_ = value.items()
        if name == "id":
            return Ref(Address(kind.name, prefix + kind.by_remote_id(text).key))
        if name in kind.alternates:
            return Ref(kind.by_property(name, text))
        if name != kind.key[-1]:
            known = ", ".join(("id", kind.key[-1], *kind.alternates))
            self.problems.append(Problem(str(item.origin), f"a {kind.name} has no {name}", f"name it by {known}"))
        return Ref(Address(kind.name, prefix + _part(kind, text)))


def _part(kind: Kind, text: str) -> str:
    return escape(text.casefold() if kind.field(kind.key[-1]).fold else text)


def _lifecycle(raw: Mapping[str, Any]) -> Lifecycle:
    if not (block := raw.get("lifecycle")):
        return UNGUARDED
    return Lifecycle(
        bool(block.get("prevent_destroy")),
        frozenset(block.get("ignore") or ()),
        bool(block.get("create_before_destroy")),
    )


def _gathered(item: Item) -> Iterator[Item]:
    """``contacts: [a, b]`` is one relation each; each carries the position of its line."""
    one, many = item.kind.gather, item.kind.gather + "s"
    if many not in item.raw:
        yield item
        return
    rest = {name: value for name, value in item.raw.items() if name != many}
    for index, each in enumerate(item.raw[many] or ()):
        yield item._replace(raw={**rest, one: each}, origin=_origin(item.raw[many], index, item.origin))


def _spelled_out(child: Kind, parent: Address, item: Item) -> Iterator[Item]:
    """``tags: [VIP]`` of a contact is one tagging."""
    sugar = child.sugar
    assert sugar is not None
    (role,) = (field.name for field in child.parents if field.ref == parent.kind)
    values = item.raw[sugar.key] or ()
    for index, each in enumerate(values):
        raw = {**sugar.preset, role: parent, sugar.fills: each}
        yield Item(child, raw, _origin(values, index, item.origin), parent)


def _origin(node: Any, index: int, default: Origin) -> Origin:
    """Nodes of the loader know the position of each item; plain lists do not."""
    find = getattr(node, "origin", None)
    found: Origin = find(index) if find else default
    return found
