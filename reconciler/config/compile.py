"""Compiles declared items into the desired state: reads fields, expands short forms, resolves references."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import Any, NamedTuple, assert_never

from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SECTIONS, schema_version
from reconciler.kinds.base import Kind
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.csv_rows import CsvRows
from reconciler.model.resource import EMPTY, UNGUARDED, Declared, Desired, DesiredState, Lifecycle, Unmanaged
from reconciler.model.values import Address, Origin, Ref, Value, clean
from reconciler.planner.ties import TIES, DeclaredRelations, Ends, RelationKind, RelationRows

#: Duplicate declarations that are reported; the rest is counted, as two copies of one CSV file have one cause.
MAX_REPORTED = 50

#: Relations of each kind that may be written inside its block.
SUGARED: Mapping[str, tuple[Kind, ...]] = {
    parent: tuple(kind for kind in KINDS.values() if kind.sugar and kind.sugar.parent == parent) for parent in KINDS
}


def compile_state(declared: Iterable[Declared]) -> DesiredState:
    """The desired state that the declared items describe.

    Raises ConfigurationError with every problem found: duplicate resources and names, handles and ids that two
    resources use.
    """
    compiler = _StateCompiler()
    for item in declared:
        compiler.read(item)
    return compiler.finish()


class _StateCompiler:
    """Compiles in two passes: first resources with a name of their own, then the relations that refer to them."""

    def __init__(self) -> None:
        self.tying = RelationCompiler()
        self.resources = self.tying.resources
        self.problems: list[Problem] = []
        self.waiting: deque[RelationBlock | ShortForm] = deque()
        self.handled: dict[Address, Address] = {}
        self.names: dict[tuple[str, str, str], str] = {}
        self.bound: dict[tuple[str, str], Origin] = {}
        self.unmanaged: dict[tuple[str, ...], set[Address]] = {}
        self.kinds: set[str] = set()
        self.exact: dict[tuple[str, Address], Origin] = {}
        self.csv_references: dict[tuple[Address, str], list[Origin]] = {}
        self.doubles = 0

    def read(self, declared: Declared) -> None:
        kind = SECTIONS[declared.section]
        self.kinds.add(kind.name)
        if declared.raw is None:
            return
        raw = declared.raw if isinstance(declared.raw, Mapping) else {kind.key[0]: declared.raw}
        item = BlockItem(kind, raw, declared.origin)
        if kind.parents:
            self.waiting.append(RelationBlock(item, declared.rows))
        elif declared.rows is not None:
            self._add_rows(item, declared.rows)
        else:
            self._spell_out(item, [self._add_root(item, self._attrs(item))])

    def finish(self) -> DesiredState:
        """Compile the relations, now that every handle is known, and return the desired state."""
        while self.waiting:
            each = self.waiting.popleft()
            for item, attrs in self._short_form(each) if isinstance(each, ShortForm) else self._gathered(each):
                self._add(item, attrs)
        if self.doubles > MAX_REPORTED:
            what = f"{self.doubles:,} duplicate declarations; showing {MAX_REPORTED}"
            self.problems.append(
                Problem("", what, "two blocks may use one CSV file, or the folder may contain two projects")
            )
        if self.problems:
            raise ConfigurationError(self.problems)
        return DesiredState(
            self.resources, frozenset(self.kinds), Unmanaged(self.unmanaged), self.exact, self.csv_references
        )

    def _add_root(self, item: BlockItem, attrs: dict[str, Value]) -> Address:
        address = self._add(item, attrs)
        natural = item.kind.address(attrs) if item.raw.get("handle") else address
        first = self.handled.get(natural) or (natural if natural in self.resources.single else address)
        if first != address:
            self._twice(natural, item.origin, self.resources[first].origin)
        elif natural != address:
            self.handled[natural] = address
        left_out = []
        for child in SUGARED[item.kind.name]:
            sugar = child.sugar
            if sugar is None or sugar.key not in item.raw:
                left_out.append(child.name)
                continue
            self.kinds.add(child.name)
            if sugar.exact and item.raw.get(sugar.exact):
                self.exact[(child.name, address)] = origin_in(item.raw, sugar.exact, item.origin)
        if left_out:
            self.unmanaged.setdefault(tuple(left_out), set()).add(address)
        return address

    def _add_rows(self, item: BlockItem, rows: CsvRows) -> None:
        """Add one resource for each row: the fields of the block, overridden by the cells of the row."""
        base, names = self._attrs(item), self._attribute_names(item, rows)
        added = []
        for origin, cells in rows:
            attrs = {**base, **{names[name]: self._cell(item.kind, name, text) for name, text in cells.items()}}
            added.append(self._add_root(item._replace(origin=origin), attrs))
        self._spell_out(item, added, rows.file)

    def _attribute_names(self, item: BlockItem, rows: CsvRows) -> dict[str, str]:
        """The attribute that each column sets; reports an attribute that two columns set."""
        names: dict[str, str] = {}
        for name in rows.columns:
            filled = self._own_name(item.kind, *name.split(".", 1)) if "." in name else name
            if filled in names.values():
                self.problems.append(Problem(str(item.origin), f"two columns of the CSV file set {filled}"))
            names[name] = filled
        return names

    @staticmethod
    def _cell(kind: Kind, name: str, text: str | None) -> Value:
        return text or None if "." in name else kind.field(name).normal(text)

    def _gathered(self, block: RelationBlock) -> Iterator[tuple[BlockItem, dict[str, Value]]]:
        """One relation for each item of ``contacts: [a, b]`` and for each CSV row, with the position of its line."""
        item, rows = block
        kind = item.kind
        base = self._attrs(item)
        if kind.exclusive and item.raw.get("exclusive") and isinstance(whole := base[kind.exclusive], Ref):
            self.exact.setdefault((kind.name, whole.target), origin_in(item.raw, "exclusive", item.origin))
        if not kind.gather or kind.gather in base:
            yield item, base
            return
        self._note_references(base, item.origin.file if rows is None else rows.file, item.raw, item.origin)
        field = kind.field(kind.gather)
        for origin, value in members(item, rows):
            each = item._replace(origin=origin)
            yield each, {**base, field.name: self._target(each, field, value, base)}

    def _spell_out(self, item: BlockItem, parents: Sequence[Address], csv_file: str = "") -> None:
        """Expand ``tags: [VIP]``: one tagging for a contact, or one for each row of a CSV file."""
        for child in SUGARED[item.kind.name]:
            if child.sugar and (values := item.raw.get(child.sugar.key)):
                self.waiting.append(ShortForm(child, values, item.origin, parents, csv_file))

    def _short_form(self, short: ShortForm) -> Iterator[tuple[BlockItem, dict[str, Value]]]:
        child, values, place, parents, csv_file = short
        sugar = child.sugar
        assert sugar is not None
        if tie := TIES.get(child.name):
            at, field = BlockItem(child, EMPTY, place), child.field(tie.end)
            ends = self.tying.ends(tie, values, lambda each: self._target(at, field, each, {}).target)
            parents = list(self.tying.tie(tie, parents, ends, values, place, by_row=bool(csv_file)))
            self._note_ends(ends, values, place, csv_file)
        if not parents:
            return
        (role,) = (field.name for field in child.parents if field.ref == sugar.parent)
        for index, each in enumerate(values):
            one = BlockItem(child, {**sugar.preset, sugar.fills: each}, origin_in(values, index, place))
            base = self._attrs(one)
            self._note_references(base, csv_file, EMPTY, one.origin)
            for parent in parents:
                origin = self.resources[parent].origin if csv_file else one.origin
                yield one._replace(origin=origin, part_of=parent), {**base, role: Ref(parent)}

    def _note_references(self, attrs: Mapping[str, Value], csv_file: str, raw: Any, place: Origin) -> None:
        """Record where a block names what all rows of its CSV file refer to."""
        for name, value in attrs.items() if csv_file else ():
            for each in value if isinstance(value, frozenset) else (value,):
                if isinstance(each, Ref):
                    self.csv_references.setdefault((each.target, csv_file), []).append(
                        value_origin_in(raw, name, place)
                    )

    def _note_ends(self, ends: Ends, values: Sequence[Any], place: Origin, csv_file: str) -> None:
        for index, end in enumerate(ends) if csv_file else ():
            self.csv_references.setdefault((end, csv_file), []).append(origin_in(values, index, place))

    def _add(self, item: BlockItem, attrs: dict[str, Value]) -> Address:
        kind, raw = item.kind, item.raw
        handle = raw.get("handle")
        address = kind.by_handle(handle) if handle else kind.address(attrs)
        if address in self.resources:
            self._twice(address, item.origin, self.resources[address].origin)
            return address
        former = raw.get("renamed_from")
        self.resources.single[address] = Desired(
            address,
            attrs,
            item.origin,
            lifecycle_of(raw),
            self._former(kind, former) if former else None,
            self._bound(kind, raw, item.origin),
            item.part_of,
        )
        return address

    def _twice(self, address: Address, here: Origin, there: Origin) -> None:
        self.doubles += 1
        if self.doubles > MAX_REPORTED:
            return
        self.problems.append(
            Problem(str(here), f"{address} is declared twice; first declared at {there}", "remove one of them")
        )

    @staticmethod
    def _former(kind: Kind, text: str) -> Address:
        return kind.by_handle(text[1:]) if text.startswith("@") else kind.address({kind.key[0]: text})

    def _bound(self, kind: Kind, raw: Mapping[str, Any], origin: Origin) -> str | None:
        if (remote_id := raw.get("id")) is None:
            return None
        first = self.bound.setdefault((kind.name, remote_id), origin)
        if first != origin:
            self.problems.append(Problem(str(origin), f"id {remote_id} is used twice; first at {first}"))
        return str(remote_id)

    def _attrs(self, item: BlockItem) -> dict[str, Value]:
        attrs: dict[str, Value] = {}
        for field in item.kind.fields:
            if field.name in item.raw:
                self._read_field(item, field, item.raw[field.name], attrs)
        return attrs

    def _read_field(self, item: BlockItem, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        match field.shape:
            case FieldShape.ENTRIES:
                self._read_entries(item, field, value or {}, attrs)
            case FieldShape.WORDS:
                attrs[field.name] = self._words(item, field, value)
            case FieldShape.REF:
                attrs[field.name] = self._target(item, field, value, attrs)
            case FieldShape.REFS:
                attrs[field.name] = frozenset(self._target(item, field, each, attrs) for each in value)
            case FieldShape.TEXT:
                name = field.name in item.kind.key and isinstance(value, str) and not field.is_email
                attrs[field.name] = field.normal(clean(value) if name else value)
            case FieldShape.FLAG | FieldShape.NUMBER | FieldShape.SECRET:
                attrs[field.name] = value
            case _:
                assert_never(field.shape)

    def _words(self, item: BlockItem, field: Field, value: Sequence[Any]) -> frozenset[Value]:
        words = [schema_version.from_declared(each, field.versions) for each in value]
        names = [schema_version.base(word) for word in words]
        for index, name in enumerate(names):
            if name in names[:index]:
                where = origin_in(value, index, item.origin)
                self.problems.append(Problem(str(where), f"{name} is listed twice", "remove one of them"))
        return frozenset(words)

    def _read_entries(
        self, item: BlockItem, field: Field, entries: Mapping[str, Any], attrs: dict[str, Value]
    ) -> None:
        for slug, value in entries.items():
            name = self._own_name(item.kind, field.name, slug)
            if name in attrs:
                what = f"`{field.name}.{slug}` and `{name}` set the same field"
                self.problems.append(Problem(str(item.origin), what, "remove one of them"))
            attrs[name] = value or None

    def _own_name(self, kind: Kind, head: str, slug: str) -> str:
        """The attribute of an entry; some slugs have a field of their own."""
        name = self.names.get((kind.name, head, slug))
        if name is None:
            name = next((each.name for each in kind.fields if slug in each.slugs), intern(f"{head}.{slug}"))
            self.names[kind.name, head, slug] = name
        return name

    def _target(self, item: BlockItem, field: Field, value: Any, attrs: Mapping[str, Value]) -> Ref:
        if isinstance(value, Address):
            return Ref(value)
        kind = KINDS[field.ref or ""]
        prefix = "".join(f"{ref.target.key}/" for name in kind.key[:-1] if isinstance(ref := attrs[name], Ref))
        if isinstance(value, Mapping):
            return self._picked(item, kind, prefix, value)
        if value.startswith("@") and kind.by_handle(value[1:]) in self.resources:
            return Ref(kind.by_handle(value[1:]))
        natural = Address(kind.name, prefix + kind.part(kind.key[-1], value))
        if (named := self.handled.get(natural)) is not None:
            return Ref(named)
        known = self.resources.single.get(natural)
        return Ref(known.address if known else natural)

    def _picked(self, item: BlockItem, kind: Kind, prefix: str, value: Mapping[str, Any]) -> Ref:
        (name, text), *_ = value.items()
        if name == "id":
            return Ref(Address(kind.name, prefix + kind.by_remote_id(text).key))
        if name in kind.alternates:
            return Ref(kind.by_property(name, text))
        if name != kind.key[-1]:
            known = ", ".join(("id", kind.key[-1], *kind.alternates))
            self.problems.append(Problem(str(item.origin), f"a {kind.name} has no {name}", f"use one of {known}"))
        return Ref(Address(kind.name, prefix + kind.part(kind.key[-1], text)))


class BlockItem(NamedTuple):
    """One resource as written, before its references are resolved."""

    kind: Kind
    raw: Mapping[str, Any]
    origin: Origin
    part_of: Address | None = None


class RelationBlock(NamedTuple):
    """A block of relations, and the rows of its csv."""

    item: BlockItem
    rows: CsvRows | None


class ShortForm(NamedTuple):
    """The short form of relations inside the block of one resource, or of all rows of a CSV file."""

    child: Kind
    values: Sequence[Any]
    place: Origin
    parents: Sequence[Address]
    csv_file: str


def lifecycle_of(raw: Mapping[str, Any]) -> Lifecycle:
    """The ``lifecycle`` of a block."""
    if not (block := raw.get("lifecycle")):
        return UNGUARDED
    return Lifecycle(
        bool(block.get("prevent_destroy")),
        frozenset(block.get("ignore") or ()),
        bool(block.get("create_before_destroy")),
    )


def members(item: BlockItem, rows: CsvRows | None) -> Iterator[tuple[Origin, Any]]:
    """Position and name of every person in the block: first the list, then the CSV rows."""
    listed = item.raw.get(item.kind.gather + "s") or ()
    for index, each in enumerate(listed):
        yield origin_in(listed, index, item.origin), each
    for origin, cells in rows or ():
        yield origin, cells[item.kind.gather]


def origin_in(node: Any, index: int | str, default: Origin) -> Origin:
    """The position of an item of ``node``; ``default`` where the node has no positions."""
    find = getattr(node, "origin", None)
    found: Origin = find(index) if find else default
    return found


def value_origin_in(node: Any, key: str, default: Origin) -> Origin:
    """The position of the value of ``key``; ``default`` where the node has no positions."""
    find = getattr(node, "value_origin", None)
    found: Origin = find(key) if find else default
    return found


class RelationCompiler:
    """Fills the relation rows of ``resources``; equal ends of many blocks are resolved and stored once."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Address, DeclaredRelations]] = {name: {} for name in TIES}
        self.resources: RelationRows[Desired] = RelationRows({}, self.rows)
        self._known: dict[tuple[str, str], Address] = {}
        self._same: dict[Ends, Ends] = {}

    def ends(self, tie: RelationKind, values: Sequence[Any], understood: Callable[[Any], Address]) -> Ends:
        """The targets that ``values`` name, resolved by ``understood``."""
        ends = tuple(self._end(tie, each, understood) for each in values)
        return self._same.setdefault(ends, ends)

    def tie(
        self,
        tie: RelationKind,
        parents: Sequence[Address],
        ends: Ends,
        values: Sequence[Any],
        origin: Origin,
        *,
        by_row: bool,
    ) -> Iterator[Address]:
        """Yields the parents whose relations cannot be stored as a row, because some are declared twice.

        ``by_row``: the relations have the positions of their parents, not those of the values.
        """
        alone = len(set(ends)) == len(ends)
        places = getattr(values, "places", None) or (origin,) * len(ends)
        rows = self.rows[tie.name]
        for parent in parents:
            if not alone or parent in rows or any(tie.address(parent, end) in self.resources.single for end in ends):
                yield parent
            else:
                rows[parent] = DeclaredRelations(
                    ends, (self.resources[parent].origin,) * len(ends) if by_row else places
                )

    def _end(self, tie: RelationKind, value: Any, understood: Callable[[Any], Address]) -> Address:
        if not isinstance(value, str):
            return understood(value)
        known = self._known.get((tie.name, value))
        if known is None:
            known = self._known[tie.name, value] = understood(value)
        return known
