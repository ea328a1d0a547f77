"""Exports live resources as documents that declare exactly them, and lists those that files cannot declare.

References use names; ``{path: …}`` or ``{id: …}`` only where a name is not unique. Values that the account never
shows become a placeholder (secrets) or a commented block (modules of a partial access).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.kinds import KINDS, schema
from reconciler.kinds.base import Embedded, Kind, PerParent
from reconciler.kinds.canonical_order import FREE, Order, of_schema, rank_of
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.resource import Live
from reconciler.model.values import Address, Ref, Secret, clean, unescape
from reconciler.planner.documents import (
    CsvFile,
    ExportedFiles,
    Plain,
    YamlItem,
    cells_of,
    fits,
    gathered,
    may_hold_secret,
    plain_of,
    sayable,
)
from reconciler.planner.matched_state import MatchedState

#: Comment above a block whose secret is a placeholder.
UNSEEN = "The secret cannot be read: set the variable to it. To have it sent, remove `lifecycle`."


def pullable() -> tuple[Kind, ...]:
    """The kinds that can be pulled: writable, and readable without naming a parent."""
    return tuple(kind for kind in KINDS.values() if kind.writable and not isinstance(kind.source, PerParent))


def is_inside(kind: Kind) -> bool:
    """Whether a relation is written inside its parent's block because it is read there."""
    source = kind.source
    return isinstance(source, Embedded) and kind.sugar is not None and kind.sugar.parent == source.parent


def export(
    found: MatchedState, kinds: Iterable[str], *, people: frozenset[Address] | None = None, csv_sources: bool = False
) -> ExportedFiles:
    """Documents of these kinds. ``people``: only these, and only their relations; ``csv_sources``: rows as CSV."""
    exporter = _Exporter(found, people)
    chosen = [KINDS[name] for name in kinds]
    exporter.name(kind for kind in chosen if not kind.parents)
    for kind in chosen:
        if kind.parents:
            if csv_sources or not is_inside(kind):
                exporter.relations(kind)
        else:
            children = [each for each in chosen if is_inside(each) and each.sugar and each.sugar.parent == kind.name]
            exporter.roots(
                kind, () if csv_sources else children, with_csv_source=csv_sources and bool(kind.csv_source)
            )
    return exporter.made


class _Exporter:
    def __init__(self, found: MatchedState, people: frozenset[Address] | None) -> None:
        self.found, self.people = found, people
        self.made = ExportedFiles()
        self.order = of_schema(schema())
        self.others: dict[Address, dict[str, str]] = {}
        for alias, address in found.aliases.items():
            name, equals, value = alias.key.removeprefix("?").partition("=")
            if equals and alias.key.startswith("?") and sayable(value):
                self.others.setdefault(address, {})[name] = unescape(value)
        self.variables: set[str] = set()
        self.first_of_name: dict[Address, Address] = {}
        self.named: dict[str, list[tuple[Live, bool]]] = {}

    # resources

    def name(self, kinds: Iterable[Kind]) -> None:
        """Assign a name to each resource; call this before any reference is written."""
        for kind in kinds:
            self.named[kind.name] = list(self._named(kind))

    def roots(self, kind: Kind, children: Iterable[Kind], *, with_csv_source: bool) -> None:
        """Export every live resource as a block, or as a CSV row if a CSV source is used and the row can hold it."""
        within = {child.name: self._by_parent(child) for child in children}
        blocks: list[YamlItem] = []
        rows: list[dict[str, str]] = []
        for live, bound in self.named[kind.name]:
            value = self._value(kind, live)
            if value is None:
                continue
            self.made.declared += 1
            if with_csv_source and (cells := cells_of(kind, value)):
                rows.append(cells)
                continue
            for child in children:
                names = within[child.name].get(live.address)
                if names and child.sugar:
                    value[child.sugar.key] = names
            blocks.append(self._block(kind, value, bound))
        if rows:
            blocks.insert(0, self._csv_source(kind, rows))
        self._keep(kind, blocks)

    def _named(self, kind: Kind) -> Iterator[tuple[Live, bool]]:
        """The items by name; of several with one name the first is bound by its id, the others are left out."""
        mine = [live for live in self.found.live.values() if live.address.kind == kind.name]
        taken = {live.address for live in mine}
        mine.sort(key=lambda each: (kind.address(each.attrs).key, len(each.remote_id), each.remote_id))
        for live in mine:
            natural = kind.address(live.attrs)
            if (kind.person and self._is_unwanted(live.address)) or self._is_built_in(kind, live):
                continue
            if natural == live.address:
                yield live, False
            elif natural in taken:
                self._leave(live.address, f"skipped: {self._first(natural, mine)}")
            else:
                taken.add(natural)
                self.first_of_name[live.address] = natural
                yield live, True

    def _first(self, natural: Address, mine: list[Live]) -> str:
        """Which resource of the name was written instead."""
        kept = next(
            each for each in mine if each.address == natural or self.first_of_name.get(each.address) == natural
        )
        return f'duplicate of {natural.kind} "{unescape(natural.key)}" (id {kept.remote_id})'

    def _is_unwanted(self, person: Address) -> bool:
        return self.people is not None and person not in self.people

    @staticmethod
    def _is_built_in(kind: Kind, live: Live) -> bool:
        return live.attrs.get(kind.key[0]) in kind.reserved

    def _block(self, kind: Kind, value: dict[str, Plain], bound: bool) -> YamlItem:
        if bound:
            return YamlItem(value)
        short = kind.short and list(value) == list(kind.key)
        hidden = "lifecycle" in value
        return YamlItem(value[kind.key[0]] if short else value, UNSEEN if hidden else "")

    def _value(self, kind: Kind, live: Live) -> dict[str, Plain] | None:
        """The keys of a block; None where the files cannot declare it, which is noted."""
        value: dict[str, Plain] = {}
        hidden: list[Plain] = []
        for each in kind.fields:
            secret = each.shape is FieldShape.SECRET and each.required
            if secret or isinstance(live.attrs.get(each.name), Secret):
                value[each.name] = {"env": self._variable(kind, live, each)}
                hidden.append(each.name)
            elif each.shape is FieldShape.ENTRIES:
                value |= self._entries(each, live)
            elif not (each.write_only or each.note_only) and not self._read(kind, each, live, value):
                return None
        if hidden:
            value["lifecycle"] = {"ignore": hidden}
        if kind.address(live.attrs) != live.address:
            value["id"] = live.remote_id
        return value

    def _read(self, kind: Kind, each: Field, live: Live, value: dict[str, Plain]) -> bool:
        """One plain field; False where the resource cannot be declared without it."""
        shown = live.attrs.get(each.name)
        if not each.required and (shown is None or shown == each.reset):
            return True
        whole = isinstance(shown, str) and each.name in kind.key and not each.is_email
        if shown is not None and fits(each, shown) and not (whole and clean(str(shown)) != shown):
            if may_hold_secret(each, shown):
                variable = self._variable(kind, live, each)
                self.made.values[variable] = str(shown)
                value[each.name] = {"env": variable}
            else:
                value[each.name] = plain_of(shown)
            return True
        self._leave(
            live.address,
            f"its {each.name} cannot be written in a file" + ("" if each.required else "; the field is not managed"),
        )
        return not each.required

    def _entries(self, each: Field, live: Live) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        for name in sorted(live.attrs):
            slug, shown = name.removeprefix(each.name + "."), live.attrs[name]
            if slug == name or shown is None:
                continue
            if isinstance(shown, str) and re.fullmatch(r"\w+", slug) and fits(each, shown):
                found[slug] = shown
            else:
                self._leave(live.address, f"its {name} cannot be written in a file; the field is not managed")
        return {each.name: found} if found else {}

    def _variable(self, kind: Kind, live: Live, each: Field) -> str:
        """A name for an environment variable, from that of the resource."""
        words = (kind.name, str(live.attrs.get(kind.key[0]) or ""), each.name)
        text = unicodedata.normalize("NFKD", "_".join(words)).encode("ascii", "ignore").decode()
        name = base = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")[:80]
        number = 1
        while name in self.variables:
            number += 1
            name = f"{base}_{number}"
        self.variables.add(name)
        self.made.secrets.append((name, self.first_of_name.get(live.address, live.address)))
        return name

    def _csv_source(self, kind: Kind, rows: list[dict[str, str]]) -> YamlItem:
        used = {name for row in rows for name in row}
        order = [each.name for each in kind.fields if each.name in used]
        columns = (kind.csv_source, *(name for name in order if name != kind.csv_source), *sorted(used - set(order)))
        file = f"{kind.section}.csv"
        self.made.csv_sources.append(
            CsvFile(file, columns, tuple(tuple(row.get(name, "") for name in columns) for row in rows))
        )
        further: dict[str, Plain] = {name: name for name in columns[1:]}
        long: dict[str, Plain] = {"file": file}
        if not kind.field(kind.csv_source).is_email:
            long["column"] = kind.csv_source
        if further:
            long["fields"] = further
        return YamlItem({"csv": long if len(long) > 1 else file})

    # relations

    def relations(self, kind: Kind) -> None:
        """One block for all relations that differ only in their contact."""
        groups: dict[str, tuple[dict[str, Plain], list[str]]] = {}
        for live in self._related(kind):
            values = self._values_of(kind, live)
            if values is None:
                continue
            who = values.pop(kind.gather)
            _, members = groups.setdefault(repr(values), (values, []))
            members.append(str(who))
        blocks = []
        for _, (values, members) in sorted(groups.items()):
            unread = self._unread(kind, values)
            if not unread:
                self.made.declared += len(members)
            blocks.append(gathered(kind, values, members, unread))
        rank = rank_of(kind)
        self._keep(kind, sorted(blocks, key=lambda block: (block.off, rank(block.value))))

    def _related(self, kind: Kind) -> Iterator[Live]:
        roles = [each.name for each in kind.parents if KINDS[each.ref or ""].person]
        for live in sorted(self.found.live.values(), key=lambda each: each.address):
            if live.address.kind != kind.name:
                continue
            people = [value.target for name in roles if isinstance(value := live.attrs.get(name), Ref)]
            if not any(map(self._is_unwanted, people)):
                yield live

    def _values_of(self, kind: Kind, live: Live) -> dict[str, Plain] | None:
        """The fields of a relation with references by name; None if one cannot be written."""
        if live.address.key.startswith("#"):
            self._leave(live.address, "the account has it twice")
            return None
        values: dict[str, Plain] = {}
        for each in kind.fields:
            value = live.attrs.get(each.name)
            if each.write_only or (value is None and not each.required):
                continue
            plain = self._name_of(value.target) if isinstance(value, Ref) else plain_of(value)
            by_row = each.name == kind.gather
            if (
                plain is None
                or (by_row and not isinstance(plain, str))
                or not (isinstance(value, Ref) or fits(each, value))
            ):
                self._leave(live.address, f"its {each.name} cannot be written in a file")
                return None
            values[each.name] = plain
        return values

    def _name_of(self, target: Address) -> Plain:
        """The reference to a resource as a file writes it; None if it was not read, or cannot be named."""
        live, kind = self.found.live.get(target), KINDS[target.kind]
        if live is None:
            return None
        named = self.first_of_name.get(target, target)
        name = live.attrs.get(kind.key[-1])
        if not named.key.startswith("#") and isinstance(name, str) and sayable(name) and name.strip():
            return unescape(named.key.rpartition("/")[2])
        for other, value in self.others.get(target, {}).items():
            return {other: value}
        return None if kind.section and not named.key.startswith("#") else {"id": live.remote_id}

    def _unread(self, kind: Kind, values: dict[str, Plain]) -> str:
        """The field that a value makes necessary and that the account does not show; empty where there is none."""
        needed = (each.needs.get(str(values.get(each.name))) for each in kind.fields if each.needs)
        return next((name for name in needed if name and kind.field(name).write_only), "")

    def _by_parent(self, child: Kind) -> dict[Address, list[Plain]]:
        """The short form of a relation, by the parent in whose block it is written."""
        assert child.sugar is not None
        (role,) = (each.name for each in child.parents if each.ref == child.sugar.parent)
        lists: dict[Address, list[Plain]] = {}
        for live in self._related(child):
            parent, other = live.attrs.get(role), live.attrs.get(child.sugar.fills)
            if not isinstance(parent, Ref) or not isinstance(other, Ref):
                continue
            name = self._name_of(other.target)
            if name is None:
                self._leave(live.address, f"its {child.sugar.fills} cannot be written in a file")
                continue
            lists.setdefault(parent.target, []).append(name)
            self.made.declared += 1
        return lists

    def _keep(self, kind: Kind, blocks: list[YamlItem]) -> None:
        for block in blocks:
            if block.off:
                self._leave(Address(kind.name, "*"), block.note)
        if blocks:
            order = self.order.of(kind.section).items or FREE
            self.made.documents[kind.section] = tuple(_arranged(block, order) for block in blocks)

    def _leave(self, address: Address, why: str) -> None:
        self.made.left_out.append((address, why))


def _arranged(block: YamlItem, order: Order) -> YamlItem:
    """The keys in the order in which files have them."""
    if not isinstance(block.value, dict):
        return block
    return replace(block, value={name: block.value[name] for name in order.sorted(block.value)})
