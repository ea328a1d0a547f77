"""Compiles declared items into the desired state: reads fields, expands short forms, resolves references.

Items come one after another and leave nothing behind but their resources. A reference gets the address that the
resource has if it carries no handle; where a resource of that name turns out to have one, the relations that refer
to it are renamed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from sys import intern
from typing import Any, NamedTuple, assert_never

from reconciler.config.positions import FIRST, SequenceNode
from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SECTIONS, schema_version
from reconciler.kinds.base import Kind, Sugar
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.csv_rows import CsvRows
from reconciler.model.resource import (
    EMPTY,
    NO_LIFECYCLE,
    Declared,
    Desired,
    DesiredState,
    Lifecycle,
    Place,
    Resources,
    place_of,
)
from reconciler.model.values import Address, Attrs, FlatAttrs, Origin, Ref, Value, clean, replace_refs

#: With more duplicate declarations than this, the folder probably contains two projects.
MANY_DOUBLES = 50

#: Relations of each kind that may be written inside its block.
SUGARED: Mapping[str, tuple[tuple[Kind, Sugar], ...]] = {
    parent: tuple((kind, kind.sugar) for kind in KINDS.values() if kind.sugar and kind.sugar.parent == parent)
    for parent in KINDS
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
    """Compiles item by item; ``handled`` has the handle's address of each natural address that has one."""

    def __init__(self) -> None:
        self.resources: Resources[Desired] = Resources()
        self.problems: list[Problem] = []
        self.handled: dict[Address, Address] = {}
        self.readers = {
            kind.name: [(field.name, field, self._reader(kind, field)) for field in kind.fields]
            for kind in KINDS.values()
        }
        self.bound: dict[tuple[str, str], Origin] = {}
        self.kinds: set[str] = set()
        self.authoritative: dict[tuple[str, Address], Origin] = {}
        self.csv_references: dict[tuple[Address, str], list[Origin]] = {}
        self.csv_blocks: dict[tuple[str, str], list[Origin]] = {}
        self.targets: dict[tuple[str, str], Ref] = {}
        self.short_forms: dict[tuple[str, str], _ShortForm] = {}
        self.by_handle: dict[Address, Address] = {}
        self.doubles: list[DoubleDeclaration] = []

    def read(self, declared: Declared) -> None:
        kind = SECTIONS[declared.section]
        self.kinds.add(kind.name)
        if declared.raw is None:
            return
        raw = declared.raw if isinstance(declared.raw, dict) else {kind.key[0]: declared.raw}
        item = BlockItem(kind, raw, declared.origin)
        if kind.parents:
            self._add_relations(item, declared.rows)
        elif declared.rows is not None:
            self._add_rows(item, declared.rows)
        else:
            self._spell_out(item, self._add_root(item, self._attrs(item)))

    def finish(self) -> DesiredState:
        """Rename references to resources that carry a handle, and return the desired state."""
        renamed = self._renamed()
        if renamed:
            self._rename(renamed)
        self.problems += self._double_problems()
        if self.problems:
            raise ConfigurationError(self.problems)
        return DesiredState(
            self.resources,
            frozenset(self.kinds),
            {(kind, renamed.get(whole, whole)): line for (kind, whole), line in self.authoritative.items()},
            {(renamed.get(each, each), file): places for (each, file), places in self.csv_references.items()},
            self.csv_blocks,
        )

    def _renamed(self) -> dict[Address, Address]:
        """The references to rename, by address: names of resources with a handle, and handles without a resource."""
        lost = {each: named for each, named in self.by_handle.items() if each not in self.resources}
        return {**{each: self.handled.get(named, named) for each, named in lost.items()}, **self.handled}

    def _rename(self, renamed: Mapping[Address, Address]) -> None:
        """Give every resource that refers to one of ``renamed`` the new reference, and the address that follows."""
        for kind in KINDS.values():
            those = self.resources.of(kind.name)
            changed = {key: attrs for key, each in those.items() if (attrs := replace_refs(each.attrs, renamed))}
            if not changed:
                continue
            every = list(those.values())
            those.clear()
            for desired in every:  # in the order of the files, in which doubles are reported
                attrs, part_of = changed.get(desired.key), desired.part_of
                if attrs is not None:
                    address = kind.address(attrs) if kind.parents else desired.address
                    part_of = renamed.get(part_of, part_of) if part_of else None
                    desired = desired.replaced(address=address, attrs=FlatAttrs.of(attrs), part_of=part_of)
                self._keep(desired)

    def _add_root(self, item: BlockItem, attrs: dict[str, Value]) -> list[Ref]:
        """Add a resource; returns its reference, or none for a duplicate, whose relations are not added either."""
        kind, raw, doubles = item.kind, item.raw, len(self.doubles)
        children = SUGARED[kind.name]
        address = self._add(item, attrs, tuple([child.name for child, sugar in children if sugar.key not in raw]))
        natural = kind.address(attrs) if raw.get("handle") else address
        first = self.handled.get(natural) or (natural if raw.get("handle") and natural in self.resources else address)
        if first != address:
            self.doubles.append(DoubleDeclaration(natural, item.origin, self.resources[first].origin))
        elif natural != address:
            self.handled[natural] = address
        for child, sugar in children:
            if sugar.key in raw:
                self.kinds.add(child.name)
                if sugar.authoritative_key and raw.get(sugar.authoritative_key):
                    self.authoritative[(child.name, address)] = origin_in(raw, sugar.authoritative_key, item.origin)
        return [Ref(address)] if len(self.doubles) == doubles else []

    def _add_rows(self, item: BlockItem, rows: CsvRows) -> None:
        """Add one resource for each row: the fields of the block, overridden by the cells of the row."""
        base, names = self._attrs(item), self._attribute_names(item, rows)
        short_forms = [child.name for child, sugar in SUGARED[item.kind.name] if sugar.key in item.raw]
        self._note_block(item, rows.file, item.kind.name, *short_forms)
        self._note_entries(item, rows, {*base, *names.values()})
        added: list[Ref] = []
        for origin, cells in rows:
            attrs = {**base, **{names[name]: self._cell(item.kind, name, text) for name, text in cells.items()}}
            added += self._add_root(item._replace(origin=origin), attrs)
        self._spell_out(item, added, rows.file)

    def _attribute_names(self, item: BlockItem, rows: CsvRows) -> dict[str, str]:
        """The attribute that each column sets; reports an attribute that two columns set."""
        names: dict[str, str] = {}
        for name in rows.columns:
            head, _, slug = name.partition(".")
            filled = _EntryNames(item.kind, head)[slug] if slug else name
            if filled in names.values():
                self.problems.append(Problem(str(item.origin), f"two columns of the CSV file set {filled}"))
            names[name] = filled
        return names

    @staticmethod
    def _cell(kind: Kind, name: str, text: str | None) -> Value:
        return text or None if "." in name else kind.field(name).normal(text)

    def _add_relations(self, item: BlockItem, rows: CsvRows | None) -> None:
        """One relation for each item of ``contacts: [a, b]`` and for each CSV row, with the position of its line."""
        kind = item.kind
        base = self._attrs(item)
        owner = base[kind.authoritative] if kind.authoritative and item.raw.get("authoritative") else None
        if isinstance(owner, Ref):
            line = origin_in(item.raw, "authoritative", item.origin)
            self.authoritative.setdefault((kind.name, owner.target), line)
        if not kind.gather or kind.gather in base:
            self._add(item, base)
            return
        self._note_references(base, item.origin.file, item.raw, item.origin)
        if rows is not None:
            self._note_block(item, rows.file, kind.name)
            self._note_references(base, rows.file, item.raw, item.origin)
        field = kind.field(kind.gather)
        for origin, value in members(item, rows):
            each = item._replace(origin=origin)
            self._add(each, {**base, field.name: self._target(each, field, value, base)})

    def _spell_out(self, item: BlockItem, parents: Sequence[Ref], csv_file: str = "") -> None:
        """Expand ``tags: [VIP]``: one tagging for a contact, or one for each row of a CSV file."""
        for child, sugar in SUGARED[item.kind.name]:
            if values := item.raw.get(sugar.key):
                self._add_short_form(child, sugar, values, item.origin, parents, csv_file)

    def _add_short_form(
        self, child: Kind, sugar: Sugar, values: Sequence[Any], place: Origin, parents: Sequence[Ref], csv_file: str
    ) -> None:
        """One relation for each value and parent: the hot loop, as these are most of the resources."""
        role, kind = child.key[0], child.name
        those = self.resources.of(kind)
        places = places_in(values, place)
        for index, each in enumerate(values):
            form = self.short_forms.get((kind, each)) if isinstance(each, str) else None
            if form is None:
                form = self._short_form(child, sugar, each, origin_in(values, index, place))
            if csv_file:
                self._note_references(form.attrs, csv_file, EMPTY, origin_in(values, index, place))
            for parent in parents:
                owner = parent.target
                at = self.resources[owner].place if csv_file else places[index]
                desired = Desired.related(kind, owner.key + form.rest, form.attrs.extended(role, parent), at, owner)
                first = those.setdefault(desired.key, desired)
                if first is not desired:
                    self._report_double(desired, first)

    def _short_form(self, child: Kind, sugar: Sugar, value: Any, origin: Origin) -> _ShortForm:
        """One entry of a short form; kept for names, which many blocks repeat."""
        one = BlockItem(child, EMPTY, origin)
        base: dict[str, Value] = {}
        for field in child.fields:
            if field.name == sugar.fills:
                base[field.name] = self._target(one, field, value, base)
            elif field.name in sugar.preset:
                self._reader(child, field)(one, field, sugar.preset[field.name], base)
        nobody = Ref(Address(sugar.parent, ""))
        form = _ShortForm(FlatAttrs.of(base), child.address({**base, child.key[0]: nobody}).key)
        if isinstance(value, str):
            self.short_forms[child.name, value] = form
        return form

    def _note_references(self, attrs: Attrs, csv_file: str, raw: Any, place: Origin) -> None:
        """Record where a block names what all rows of its CSV file refer to."""
        for name, value in attrs.items() if csv_file else ():
            for each in value if isinstance(value, frozenset) else (value,):
                if isinstance(each, Ref):
                    self.csv_references.setdefault((each.target, csv_file), []).append(
                        value_origin_in(raw, name, place)
                    )

    def _note_block(self, item: BlockItem, csv_file: str, *kinds: str) -> None:
        """Record where a block names the CSV file from which it makes resources of these kinds."""
        for kind in kinds:
            self.csv_blocks.setdefault((kind, csv_file), []).append(value_origin_in(item.raw, "csv", item.origin))

    def _note_entries(self, item: BlockItem, rows: CsvRows, names: Iterable[str]) -> None:
        """Record where a block names the fields that the rows of its CSV file set."""
        options = item.raw["csv"]
        columns = options.get("fields", EMPTY) if isinstance(options, Mapping) else EMPTY
        for name in names:
            for target in item.kind.refers_to({name: None}):
                head, _, slug = name.partition(".")
                holder, key = (columns, name) if name in columns else (item.raw[head], slug)
                place = origin_in(holder, key, item.origin)
                self.csv_references.setdefault((target, rows.file), []).append(place)

    def _add(self, item: BlockItem, attrs: dict[str, Value], leaves_out: tuple[str, ...] = ()) -> Address:
        kind, raw = item.kind, item.raw
        handle = raw.get("handle")
        address = kind.by_handle(handle) if handle else kind.address(attrs)
        former = raw.get("renamed_from")
        self._keep(
            Desired(
                address,
                FlatAttrs.of(attrs),
                item.origin,
                lifecycle_of(raw),
                self._former(kind, former) if former else None,
                raw.get("id"),
                leaves_out=leaves_out,
            )
        )
        return address

    def _keep(self, desired: Desired) -> None:
        """Adds a resource, or reports that it is there already."""
        first = self.resources.of(desired.kind).setdefault(desired.key, desired)
        if first is not desired:
            self._report_double(desired, first)
        elif desired.bound_id is not None:
            self._note_id(desired)

    def _report_double(self, desired: Desired, first: Desired) -> None:
        self.doubles.append(DoubleDeclaration(desired.address, desired.origin, first.origin))

    def _double_problems(self) -> Iterator[Problem]:
        """One problem for each duplicate; those of a CSV file that a block reads are summed up at the block."""
        single: list[DoubleDeclaration] = []
        blocks: dict[tuple[str, str], list[DoubleDeclaration]] = {}
        for double in self.doubles:
            block = double.address.kind, double.here.file
            (blocks.setdefault(block, []) if block in self.csv_blocks else single).append(double)
        for block, found in blocks.items():
            address, here, there = found[0]
            if len(found) == 1:
                single += found
                continue
            what = f"{len(found):,} rows of {here.file} are declared twice; the first: {address} in line {here.line}"
            yield Problem(str(self.csv_blocks[block][-1]), f"{what}, first declared at {there}", "remove one of them")
        if len(single) > MANY_DOUBLES:
            yield Problem("", f"{len(single):,} duplicate declarations", "does the folder contain two projects?")
        for address, here, there in single:
            yield Problem(str(here), f"{address} is declared twice; first declared at {there}", "remove one of them")

    def _note_id(self, desired: Desired) -> None:
        first = self.bound.setdefault((desired.kind, str(desired.bound_id)), desired.origin)
        if first != desired.origin:
            what = f"id {desired.bound_id} is used twice; first at {first}"
            self.problems.append(Problem(str(desired.origin), what))

    @staticmethod
    def _former(kind: Kind, text: str) -> Address:
        return kind.by_handle(text[1:]) if text.startswith("@") else kind.address({kind.key[0]: text})

    def _attrs(self, item: BlockItem) -> dict[str, Value]:
        attrs: dict[str, Value] = {}
        raw = item.raw
        for name, field, read in self.readers[item.kind.name]:
            if name in raw:
                read(item, field, raw[name], attrs)
        return attrs

    def _reader(self, kind: Kind, field: Field) -> _Reader:
        """The function that reads the values of a field."""
        match field.shape:
            case FieldShape.ENTRIES:
                return partial(self._read_entries, _EntryNames(kind, field.name))
            case FieldShape.WORDS:
                return self._read_words
            case FieldShape.REF:
                return self._read_target
            case FieldShape.REFS:
                return self._read_targets
            case FieldShape.TEXT:
                return self._read_name if field.name in kind.key and not field.is_email else self._read_text
            case FieldShape.FLAG | FieldShape.NUMBER | FieldShape.SECRET:
                return self._read_unchanged
            case _:
                assert_never(field.shape)

    @staticmethod
    def _read_unchanged(_item: BlockItem, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        attrs[field.name] = value

    @staticmethod
    def _read_text(_item: BlockItem, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        attrs[field.name] = field.normal(value)

    @staticmethod
    def _read_name(_item: BlockItem, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        attrs[field.name] = field.normal(clean(value) if isinstance(value, str) else value)

    def _read_target(self, item: BlockItem, field: Field, value: Any, attrs: dict[str, Value]) -> None:
        attrs[field.name] = self._target(item, field, value, attrs)

    def _read_targets(self, item: BlockItem, field: Field, value: Sequence[Any], attrs: dict[str, Value]) -> None:
        attrs[field.name] = frozenset(self._target(item, field, each, attrs) for each in value)

    def _read_words(self, item: BlockItem, field: Field, value: Sequence[Any], attrs: dict[str, Value]) -> None:
        words = [schema_version.from_declared(each, field.versions) for each in value]
        names = [schema_version.base(word) for word in words]
        for index, name in enumerate(names):
            if name in names[:index]:
                where = origin_in(value, index, item.origin)
                self.problems.append(Problem(str(where), f"{name} is listed twice", "remove one of them"))
        attrs[field.name] = frozenset(words)

    def _read_entries(
        self,
        names: _EntryNames,
        item: BlockItem,
        field: Field,
        value: Mapping[str, Any] | None,
        attrs: dict[str, Value],
    ) -> None:
        for slug, text in (value or EMPTY).items():
            name = names[slug]
            if name in attrs:
                what = f"`{field.name}.{slug}` and `{name}` set the same field"
                self.problems.append(Problem(str(item.origin), what, "remove one of them"))
            attrs[name] = text or None

    def _target(self, item: BlockItem, field: Field, value: Any, attrs: Attrs) -> Ref:
        kind = KINDS[field.ref or ""]
        if kind.key[1:]:
            prefix = "".join(f"{ref.target.key}/" for name in kind.key[:-1] if isinstance(ref := attrs[name], Ref))
            return self._resolved(item, kind, prefix, value)
        if kind.person or not isinstance(value, str):
            return self._resolved(item, kind, "", value)  # people are many, and named once or twice each
        known = self.targets.get((kind.name, value))
        if known is None:
            known = self.targets[kind.name, value] = self._resolved(item, kind, "", value)
        return known

    def _resolved(self, item: BlockItem, kind: Kind, prefix: str, value: Any) -> Ref:
        if not isinstance(value, str):
            return self._picked(item, kind, prefix, value)
        natural = Address(kind.name, prefix + kind.part(kind.key[-1], value))
        if value.startswith("@") and kind.section:
            address = kind.by_handle(value[1:])
            self.by_handle[address] = natural
            return Ref(address)
        return Ref(natural)

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


class _EntryNames(dict[str, str]):
    """The attribute of each entry of a map field, by slug; some slugs have a field of their own."""

    def __init__(self, kind: Kind, head: str) -> None:
        self._head = head
        self._own = {slug: field.name for field in kind.fields for slug in field.slugs}

    def __missing__(self, slug: str) -> str:
        name = self[slug] = self._own.get(slug) or intern(f"{self._head}.{slug}")
        return name


class DoubleDeclaration(NamedTuple):
    """A resource that is declared twice, with both positions."""

    address: Address
    here: Origin
    there: Origin


class BlockItem(NamedTuple):
    """One resource as written, before its references are resolved."""

    kind: Kind
    raw: Mapping[str, Any]
    origin: Origin


class _ShortForm(NamedTuple):
    """One entry of a short form, without its parent: the attributes, and what follows the parent's key in the key."""

    attrs: FlatAttrs
    rest: str


#: Adds the value of a field to the attributes of an item.
_Reader = Callable[[BlockItem, Field, Any, dict[str, Value]], None]


def lifecycle_of(raw: Mapping[str, Any]) -> Lifecycle:
    """The ``lifecycle`` of a block."""
    if not (block := raw.get("lifecycle")):
        return NO_LIFECYCLE
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


def places_in(values: Sequence[Any], default: Origin) -> list[Place]:
    """The place of each item; that of ``default`` where the list has no positions."""
    if not isinstance(values, SequenceNode):
        return [place_of(default)] * len(values)
    file, base = values.file, values.place + FIRST
    return [(file, base + mark) for mark in values.marks]


def value_origin_in(node: Any, key: str, default: Origin) -> Origin:
    """The position of the value of ``key``; ``default`` where the node has no positions."""
    find = getattr(node, "value_origin", None)
    found: Origin = find(key) if find else default
    return found
