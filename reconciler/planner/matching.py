"""Matches desired resources, ledger entries and live items under one set of addresses.

Kinds without parents come first (tags, contacts, courses), then the relations between them. A reference such as
``{id: 12}`` or ``{path: launch}`` becomes the address of the live resource, and ledger entries of relations follow
renamed parents. A live item that equals its desired resource and its ledger entry (or has no entry yet) is reduced to
its remote id (see ``matched_state``); all others are kept for the planner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SLUGS
from reconciler.kinds.base import Embedded, Item, Kind, PerParent
from reconciler.kinds.dialect import Dialect
from reconciler.kinds.field import FieldShape
from reconciler.model.resource import Desired, DesiredState, Ledger, LedgerEntry, Live, Resources
from reconciler.model.values import Address, Attrs, Ref, Secret, Value, replace_refs
from reconciler.planner.decoding import EMBEDDED, DecodedItem, EmbeddedItem, Inside, ItemDecoder, Refs, referred
from reconciler.planner.identity import LiveItem, NamedItems, name_live, pick
from reconciler.planner.matched_state import DERIVED, Agreed, Entries, LiveResources, MatchedState, remote_id_of
from reconciler.planner.references import dangling, sets_of_nobody

ROOTS = tuple(kind for kind in KINDS.values() if not kind.parents)
#: Relations after what they refer to: modules before the enrollments that name them.
RELATIONS = tuple(sorted((k for k in KINDS.values() if k.parents), key=lambda k: (k.writable, k.name)))
#: Kinds that others refer to, or are read inside of.
TARGETS = frozenset(
    {each.ref for kind in KINDS.values() for each in kind.fields if each.ref}
    | {kind.source.parent for kind in KINDS.values() if isinstance(kind.source, Embedded | PerParent)}
)
#: Kinds with fields that can be read and may be given as secrets, and those fields.
_MAY_BE_SECRET = {
    kind.name: names for kind in KINDS.values() if (names := [each.name for each in kind.fields if each.from_env])
}
_WRITE_ONLY = {kind.name: frozenset(f.name for f in kind.fields if f.write_only) for kind in KINDS.values()}
#: The reduced form of relations of DERIVED without a ledger row.
_RELATION = Agreed(None)
#: The map fields of each kind, with the kind that their slugs name.
_MAPS = [(k.name, f.name, f.ref) for k in KINDS.values() for f in k.fields if f.shape is FieldShape.ENTRIES]


def identify(
    state: DesiredState,
    ledger: Ledger,
    items: Mapping[str, Iterable[Item | DecodedItem]],
    dialect: Dialect,
    *,
    trusting: bool = False,
) -> MatchedState:
    """Match all kinds at once; ``items`` holds the items of each collection that was read, by kind.

    ``trusting``: nothing was read, so all references count as valid. Raises ConfigurationError with all ambiguous
    names and unresolved references.
    """
    matcher = Matcher(state, ledger, dialect)
    for kind in ROOTS:
        rows = matcher.decoded(kind, items.get(kind.name, ()))
        matcher.take(kind, rows, matcher.name(kind, rows))
    for kind in RELATIONS:
        matcher.follow(kind)
        matcher.relations(kind, matcher.decoded(kind, items[kind.name]) if kind.name in items else None)
    return matcher.found if trusting else checked(matcher.found, state)


def checked(found: MatchedState, state: DesiredState) -> MatchedState:
    """Return ``found``; raise ConfigurationError with all ambiguous names and unresolved references."""
    problems = [*found.problems, *dangling(state, found), *sets_of_nobody(state, found)]
    if problems:
        raise ConfigurationError(problems)
    return found


class Matcher:
    """Matches one kind after the other: all of ROOTS, then all of RELATIONS.

    ``keep``: kinds whose items are all kept. ``swept``: kinds whose undeclared items are deleted (``prune: all``).
    """

    def __init__(
        self,
        state: DesiredState,
        ledger: Ledger,
        dialect: Dialect,
        *,
        keep: Set[str] = frozenset(),
        swept: Set[str] = frozenset(),
    ) -> None:
        self.ledger, self.dialect, self.keep, self.swept = ledger, dialect, keep, swept
        desired = Resources.by_kind(state.resources).shallow()
        self.found = MatchedState(desired, Entries.of(ledger.entries), LiveResources(desired))
        self.keys: dict[str, dict[str, str]] = {name: {} for name in KINDS}
        self.holders: dict[str, Sequence[DecodedItem]] = {}

    def decoder(self, kind: Kind) -> ItemDecoder:
        """Decodes the items of one kind as they arrive."""
        swept = any(name == kind.name and ref in self.swept for name, _, ref in _MAPS)
        desired = {} if swept or kind.name in self.keep else self.found.desired.of(kind.name)
        return ItemDecoder(kind, self.dialect, desired, self.found.entries, self._watched(kind))

    def decoded(self, kind: Kind, items: Iterable[Item | DecodedItem]) -> list[DecodedItem]:
        """Decode the items that are not decoded yet."""
        decode = self.decoder(kind).decode
        return [item if isinstance(item, DecodedItem) else decode(item) for item in items]

    def _watched(self, kind: Kind) -> frozenset[str]:
        """Attributes whose values are lost by deletions of this plan and must be counted."""
        found: set[str] = set()
        for name, prefix, ref in _MAPS:
            if name == kind.name and ref:
                declared = self.found.desired.of(ref)
                found |= {f"{prefix}.{key}" for key in self.found.entries.keys_of(ref) if key not in declared}
        return frozenset(found)

    # kinds without parents

    def name(self, kind: Kind, items: Sequence[DecodedItem]) -> NamedItems:
        """Identify the items of a kind without parents; compares nothing yet."""
        return name_live(kind, self.found.desired.of(kind.name), self.found.entries, items)

    def gone(self, kind: Kind, names: NamedItems) -> list[Address]:
        """The ledger entries without a live item."""
        there = {*names.keys, *names.moved.values()}
        return [Address(kind.name, key) for key in self.found.entries.keys_of(kind.name) if key not in there]

    def take(self, kind: Kind, items: Sequence[DecodedItem], names: NamedItems) -> None:
        """Compare the identified items of a kind without parents."""
        found = self.found
        if kind is SLUGS:
            found.slugs = frozenset(item.remote_id for item in items)
        self._note(kind, names)
        if EMBEDDED[kind.name]:
            self.holders[kind.name] = items
        keys = self.keys[kind.name] if kind.name in TARGETS else {}
        taking = _Taking(self, kind)
        for item, key in zip(items, names.keys, strict=True):
            taking.take(key, item.remote_id, item.attrs, item.attrs, item.item)
            keys[item.remote_id] = key

    def _note(self, kind: Kind, names: NamedItems) -> None:
        found = self.found
        moved = {Address(kind.name, new): Address(kind.name, old) for new, old in names.moved.items()}
        found.moved |= moved
        _move(found.entries, moved)
        found.ambiguous |= {Address(kind.name, key): ids for key, ids in names.ambiguous.items()}
        found.remarks |= {Address(kind.name, key): text for key, text in names.remarks.items()}
        found.problems += names.problems

    # relations

    def follow(self, kind: Kind) -> None:
        """Give desired relations and ledger entries the present addresses of their parents, before comparison."""
        self._follow_aliases(kind)
        self._follow_moves(kind)

    def relations(self, kind: Kind, items: Iterable[DecodedItem] | None) -> None:
        """Compare relations of one kind, which may arrive in several parts; None: they were not read.

        Relations that are read inside other items are compared with them.
        """
        source = kind.source
        taking = _Taking(self, kind)
        if isinstance(source, Embedded):
            self._take_inner(kind, source, taking)
        elif isinstance(source, PerParent):
            if items is not None:
                self._pick(kind, items, taking)
        else:
            for item in items or ():
                taking.relate(item.remote_id, item.attrs, item.refs, item.item)

    def _take_inner(self, kind: Kind, source: Embedded, taking: _Taking) -> None:
        (role,) = (index for index, field in enumerate(kind.refs) if field.ref == source.parent)
        place, keys = EMBEDDED[source.parent].index(kind), self.keys[source.parent]
        for holder in self.holders.get(source.parent, ()):
            owner_id = holder.remote_id
            taking.owner = keys[owner_id]
            inside = holder.inside[place]
            for inner in taking.reduce_ends(owner_id, inside) if kind.name in DERIVED else inside:
                remote_id = inner.item_id if kind.remote_id else remote_id_of(owner_id, inner.item_id)
                taking.relate(remote_id, inner.attrs, inner.refs, inner.item, role)

    def _pick(self, kind: Kind, items: Iterable[DecodedItem], taking: _Taking) -> None:
        """Match a kind that is read per parent, after the parents are known."""
        rows = [LiveItem(item.remote_id, taking.with_refs(item.attrs, item.refs), item.item) for item in items]
        entries = {a.key: self.found.entries[a] for a in self.found.entries.addresses(kind.name)}
        picked = pick(kind, self.found.desired.of(kind.name), entries, rows, self.found.live)
        self._note(kind, picked)
        keys = self.keys[kind.name]
        taking = _Taking(self, kind)
        for row, key in zip(picked.rows, picked.keys, strict=True):
            taking.take(key, row.remote_id, row.attrs, row.attrs, row.item)
            keys[row.remote_id] = key

    def note_aliases(self, kind: Kind, remote_id: str, attrs: Attrs, item: Item, address: Address) -> None:
        """Record the id and path of read-only resources as aliases; a natural name only if it is unique."""
        keys = [kind.by_remote_id(remote_id).key]
        keys += [kind.by_property(name, item[name]).key for name in kind.alternates if item.get(name)]
        for prefix in self._spellings(kind, attrs):
            self.found.aliases |= {Address(kind.name, prefix + key): address for key in keys}
            if kind.parents and not address.key.startswith("#"):
                own = address.key.rpartition("/")[2]
                self.found.aliases.setdefault(Address(kind.name, prefix + own), address)

    def _spellings(self, kind: Kind, attrs: Attrs) -> list[str]:
        """All forms of the parent's part of the key, with its slash."""
        if not kind.parents:
            return [""]
        parent = attrs[kind.parents[0].name]
        assert isinstance(parent, Ref)
        others = [alias.key for alias, address in self.found.aliases.items() if address == parent.target]
        return [f"{key}/" for key in (parent.target.key, *others)]

    def _follow_aliases(self, kind: Kind) -> None:
        """Replace references by id or path in desired relations by addresses."""
        referred_to = {each.ref for each in kind.fields if each.ref}
        aliases = {alias: address for alias, address in self.found.aliases.items() if alias.kind in referred_to}
        if not aliases:
            return
        those = self.found.desired.of(kind.name)
        changed = {key: attrs for key, each in those.items() if (attrs := replace_refs(each.attrs, aliases))}
        if changed:
            those = self.found.desired.own(kind.name)
        for key, attrs in changed.items():
            self.found.entries.expand(Address(kind.name, key))
            desired, address = those.pop(key), kind.address(attrs)
            if (first := those.get(address.key)) is not None:
                what = f"{address} is declared twice; first at {first.origin}"
                self.found.problems.append(Problem(str(desired.origin), what))
            those[address.key] = desired.replaced(address=address, attrs=attrs)

    def _follow_moves(self, kind: Kind) -> None:
        """Move entries of relations whose parents have a new address."""
        parents = {old: new for new, old in self.found.moved.items() if old.kind != kind.name}
        entries, moved = self.found.entries, {}
        for address in entries.addresses(kind.name) if parents else ():
            attrs = replace_refs(entries.applied(address), parents)
            if attrs is None:
                continue
            entry = entries[address]
            moved[kind.address(attrs)] = address
            part_of = parents.get(entry.part_of, entry.part_of) if entry.part_of else None
            entries[address] = replace(entry, applied=attrs, part_of=part_of, depends_on=kind.refers_to(attrs))
        self.found.moved |= moved
        _move(entries, moved)


class _Taking:
    """Compares the items of one kind with the desired resources and ledger entries, and reduces or keeps each."""

    def __init__(self, matcher: Matcher, kind: Kind) -> None:
        self.matcher, self.kind, found = matcher, kind, matcher.found
        self.found = found
        self.desired, self.entries = found.desired.of(kind.name), found.entries
        self.rows, self.unequal = found.entries.row(kind.name), found.entries.kept.of(kind.name)
        self.kept, self.agreed = found.live.kept.of(kind.name), found.live.agree(kind.name)
        every = (*found.moved, *found.remarks, *matcher.ledger.intents)
        self.special = {address for address in every if address.kind == kind.name}
        self.reduces = not kind.irreversible and kind.name not in matcher.keep
        self.by_keys = len(kind.parents) == len(kind.key)
        self.places = [kind.refs.index(field) for field in kind.parents]
        self.ref_keys = [matcher.keys[field.ref or ""] for field in kind.refs]
        self.owner = ""
        self._refs: dict[tuple[str, str], Ref] = {}
        self._ends: dict[str, tuple[str, bool]] = {}

    def reduce_ends(self, owner_id: str, inside: Inside) -> Iterator[EmbeddedItem]:
        """Reduce the relations of the current owner that agree on all sides, and yield the others.

        For relations of DERIVED, of which there are the most: nothing but their ends is compared.
        """
        owner, place = self.owner, DERIVED[self.kind.name][0]
        is_same_owner = self.entries.id_at(self.kind.parents[place].ref or "", owner) == owner_id
        for inner in inside:
            end, is_same_end = self._ends.get(inner.item_id) or self._find_end(inner.item_id)
            key = f"{end}/{owner}" if place else f"{owner}/{end}"
            want, row = self.desired.get(key), self.rows.get(key)
            if want is None or key in self.agreed or key in self.kept or not self._may_be_reduced(want):
                yield inner
            elif row is not None and is_same_owner and is_same_end:
                self.agreed[want.key] = row
            elif row is None and key not in self.unequal:
                self.agreed[want.key] = _RELATION
            else:
                yield inner

    def _find_end(self, end_id: str) -> tuple[str, bool]:
        """The key of an end, and whether ledger and account have the same id for it; cached, since ends are few."""
        end_kind = self.kind.parents[DERIVED[self.kind.name][1]].ref or ""
        key = self.matcher.keys[end_kind].get(end_id, "")
        self._ends[end_id] = key, self.entries.id_at(end_kind, key) == end_id
        return self._ends[end_id]

    def relate(self, remote_id: str, attrs: Attrs, refs: Refs, item: Item, role: int = -1) -> None:
        """Compare one relation; ``role`` is the position of the reference to the current owner."""
        key = self._key(refs, role)
        if key is not None and key not in self.agreed and key not in self.kept:
            want = self.desired.get(key)
            if want is not None and (found := self._agreed(want, remote_id, attrs)):
                self.agreed[want.key] = found
                return
        shown = self.with_refs(attrs, refs)
        if role >= 0:
            owner = self.kind.refs[role]
            shown[owner.name] = Ref(Address(owner.ref or "", self.owner))
        address = self.kind.address(shown)
        if address.key in self.agreed or address.key in self.kept:
            address = self.kind.by_remote_id(remote_id)  # a second one of the same name goes by its id
        self.take(address.key, remote_id, shown, None, item)

    def _key(self, refs: Refs, role: int) -> str | None:
        """The key made of the two ends; None if other fields are part of it, or an end is unknown."""
        if not self.by_keys:
            return None
        parts = []
        for place in self.places:
            ref = refs[place]
            part = self.owner if place == role else self.ref_keys[place].get(ref or "")
            if part is None:
                return None
            parts.append(part)
        return "/".join(parts)

    def with_refs(self, attrs: Attrs, refs: Refs) -> dict[str, Value]:
        """The attributes with ids replaced by references to the addresses, where these are known."""
        return {**attrs, **referred(self.kind, refs, self._refer)}

    def _refer(self, kind: str, remote_id: str) -> Ref:
        ref = self._refs.get((kind, remote_id))
        if ref is None:
            key = self.matcher.keys[kind].get(remote_id)
            address = KINDS[kind].by_remote_id(remote_id) if key is None else Address(kind, key)
            ref = self._refs[kind, remote_id] = Ref(address)
        return ref

    def take(self, key: str, remote_id: str, attrs: Attrs, plain: Attrs | None, item: Item) -> None:
        """Compare one item under its key; ``plain`` are the attributes to compare, None if that was done."""
        want = self.desired.get(key)
        if want is not None and plain is not None and (found := self._agreed(want, remote_id, plain)):
            self.agreed[want.key] = found
            return
        address = Address(self.kind.name, key)
        if not self.kind.section:
            self.matcher.note_aliases(self.kind, remote_id, attrs, item, address)
        if self.kind.name in _MAY_BE_SECRET:
            attrs = self._with_secrets(address, attrs)
        self.kept[key] = Live(address, remote_id, want.attrs if want and want.attrs == attrs else attrs)

    def _may_be_reduced(self, want: Desired) -> bool:
        """Whether there is nothing to decide about or to note on a resource but what its attributes say."""
        if not self.reduces or want.lifecycle.ignore:
            return False
        return not self.special or {want.address, want.former}.isdisjoint(self.special)

    def _agreed(self, want: Desired, remote_id: str, shown: Attrs) -> Agreed | None:
        """The reduced form of a resource that agrees on all sides; None if it needs a decision or a note."""
        if not self._may_be_reduced(want):
            return None
        row = self.rows.get(want.key)
        if row is None:
            row = None if want.key in self.unequal else Agreed(remote_id)
        elif row.remote_id != remote_id:
            return None
        return row if self._is_as_desired(want, shown) else None

    def _is_as_desired(self, want: Desired, shown: Attrs) -> bool:
        if shown is want.attrs:
            return True
        key = self.kind.key if self.kind.parents else ()
        for name, value in want.attrs.items():
            if name not in key and (shown.get(name) != value or name in _WRITE_ONLY[self.kind.name]):
                return False
        return True

    def _with_secrets(self, address: Address, attrs: Attrs) -> Attrs:
        """The live attributes; a readable value that files or ledger treat as secret becomes a :class:`Secret`.

        All output, comparison and storage happen after this step.
        """
        want, entry = self.desired.get(address.key), self.entries.get(address)
        secrets: dict[str, Value] = {}
        for name in _MAY_BE_SECRET[self.kind.name]:
            given, value = want.attrs.get(name) if want else None, attrs.get(name)
            if isinstance(value, str) and isinstance(given, Secret):
                secrets[name] = Secret(given.source, value)
            elif isinstance(value, str) and entry and name in entry.digests:
                secrets[name] = Secret("the account", value)
        if not secrets:
            return attrs
        self.found.secrets[address] = secrets
        return {**attrs, **secrets}


def _move(entries: Entries, moved: Mapping[Address, Address]) -> None:
    """Move entries to their new addresses, all at once, since two may swap addresses."""
    taken_out: dict[Address, LedgerEntry] = {new: entries.pop(old) for new, old in moved.items()}
    entries.update({new: replace(entry, address=new) for new, entry in taken_out.items()})
