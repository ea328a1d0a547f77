"""Reads what files and ledger touch, with the fewest calls, and matches it kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import NotFound
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Item, Kind, PerParent
from reconciler.kinds.dialect import Dialect
from reconciler.kinds.field import FieldShape
from reconciler.model.resource import DesiredState, Ledger, LedgerEntry, Live, Resources
from reconciler.model.values import Address, Attrs, Ref
from reconciler.planner.approvals import are_all_gone
from reconciler.planner.authoritative_lists import unnamed_targets
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.matched_state import Entries, MatchedState
from reconciler.planner.matching import RELATIONS, ROOTS, Matcher, checked, identify
from reconciler.planner.narrow import with_ids
from reconciler.planner.requests import fill, lookup_for
from reconciler.refresh.read_strategy import ReadRoute, Route, route_all, size_after
from reconciler.refresh.reader import Items, Progress, Reading

(PERSON,) = (kind for kind in KINDS.values() if kind.person)


def touched(state: DesiredState, ledger: Ledger) -> frozenset[str]:
    """The kinds to read: declared or managed ones, kinds of open intents, and kinds that these refer to."""
    names = {*state.kinds, *Entries.of(ledger.entries).counts(), *(address.kind for address in ledger.intents)}
    used = _attribute_names(state, ledger)
    waiting = list(names)
    while waiting:
        kind = KINDS[waiting.pop()]
        parent = [kind.source.parent] if isinstance(kind.source, Embedded) else []
        refs = [f.ref for f in kind.fields if f.ref and _is_used(f.shape, f.name, used.get(kind.name, frozenset()))]
        new = {*parent, *refs} - names
        names |= new
        waiting += new
    return frozenset(names)


def _attribute_names(state: DesiredState, ledger: Ledger) -> dict[str, set[str]]:
    """The attributes in use of each kind; includes the two ends of relations."""
    used: dict[str, set[str]] = {}
    resources, kept = Resources.by_kind(state.resources), Entries.of(ledger.entries).kept
    for kind in KINDS.values():
        if any(field.ref and field not in kind.parents for field in kind.fields):
            names = used[kind.name] = set()
            for desired in resources.of(kind.name).values():
                names.update(desired.attrs)
            for entry in kept.of(kind.name).values():  # the others say what is desired
                names.update(entry.applied)
    return used


def _is_used(shape: FieldShape, name: str, used: Iterable[str]) -> bool:
    """Whether a reference field is in use: always if it is part of the key; contact fields only if one is named."""
    if shape is FieldShape.ENTRIES:
        return any(each.startswith(name + ".") for each in used)
    return name in used if shape in (FieldShape.TEXT, FieldShape.REFS) else True


@dataclass(frozen=True)
class Scope:
    """How much to read. ``whole``: kinds whose unmanaged resources matter; ``swept``: kinds whose unmanaged
    resources are deleted.

    ``mode``: ``auto`` takes the cheapest route, ``full`` walks every collection, ``none`` reads nothing and trusts
    the ledger. ``keep``: kinds whose items are all kept. ``whole_ledger``: the complete ledger, if the ledger to
    read for is a part of it.
    """

    mode: str = "auto"
    whole: frozenset[str] = frozenset()
    swept: frozenset[str] = frozenset()
    allow_missing: bool = False
    parallel: int = 8
    keep: frozenset[str] = frozenset()
    whole_ledger: Ledger | None = None


@dataclass(frozen=True)
class Refreshed:
    """The three sides, the routes taken, and the approximate sizes of walked collections.

    ``targeted``: only what targets depend on was matched; the sides contain nothing else.
    """

    found: MatchedState
    routes: Mapping[str, Route]
    sizes: Mapping[str, int]
    targeted: bool = False


def refresh(
    reader: Reader,
    state: DesiredState,
    ledger: Ledger,
    dialect: Dialect,
    scope: Scope = Scope(),
    *,
    progress: Progress | None = None,
) -> Refreshed:
    """Read the collections that files and ledger need, by the cheapest routes, and match them.

    A managed resource that a walk did not show is read again before it counts as gone. The names of contacts in an
    authoritative list, or under ``prune: all``, are read. If ten or more managed ones of a kind are all gone, it is
    probably another account: they are not read again without ``--allow missing``.
    """
    if scope.mode == "none":
        return Refreshed(remembered(state, ledger, dialect), {}, {})
    return _Refresh(reader, state, ledger, dialect, scope, progress).run()


@dataclass
class _Refresh:
    """One reading of the account; ``items`` holds the items by kind that are not matched yet."""

    reader: Reader
    state: DesiredState
    ledger: Ledger
    dialect: Dialect
    scope: Scope
    progress: Progress | None
    items: Items = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def run(self) -> Refreshed:
        full = self.scope.mode == "full"
        names = touched(self.state, self.ledger)
        routes = route_all(names, self.state, self.ledger, whole=self.scope.whole, full=full)
        matcher = self._matcher()
        reading = self._reading(matcher)
        self.items = reading.roots(routes)
        routes |= reading.cut
        if self.scope.whole_ledger is not None:
            shown = (item.remote_id for item in self.items.get(PERSON.name, ()))
            ledger = with_ids(self.ledger, self.scope.whole_ledger, PERSON.name, shown)
            if ledger is not self.ledger:
                self.ledger = ledger
                matcher = self._matcher()
                reading = self._reading(matcher)
        self.sizes = {name: len(self.items[name]) for name, route in routes.items() if route.way is ReadRoute.WALK}
        guessed = {name: size_after(route) for name, route in reading.cut.items()}
        found = self._match(matcher, reading, routes)
        if missing := unnamed_targets(self.state, found, self.scope.swept):
            for name, ids in missing.items():
                self.items[name] = reading.named(KINDS[name], ids, self.items.get(name, []), routes[name].pages)
            found = self._match(self._matcher(), reading, routes)
        return Refreshed(
            checked(found, self.state), routes, self.sizes | guessed, targeted=self.scope.whole_ledger is not None
        )

    def _matcher(self) -> Matcher:
        return Matcher(self.state, self.ledger, self.dialect, keep=self.scope.keep, swept=self.scope.swept)

    def _reading(self, matcher: Matcher) -> Reading:
        return Reading(self.reader, self.state, self.ledger, matcher.decoder, self.scope.parallel, self.progress)

    def _match(self, matcher: Matcher, reading: Reading, routes: Mapping[str, Route]) -> MatchedState:
        """Match kinds without parents, then kinds read per parent, then all relations."""
        for kind in ROOTS:
            items = self.items.get(kind.name, [])
            names = matcher.name(kind, items)
            if fresh := self._seen_again(matcher, reading, kind, matcher.gone(kind, names)):
                items += fresh
                names = matcher.name(kind, items)
            matcher.take(kind, items, names)
            if not (self.state.authoritative or self.scope.swept):
                self.items[kind.name] = []
        later = [KINDS[name] for name in routes if name not in self.items]
        for kind in RELATIONS:
            matcher.follow(kind)
            if kind not in later:
                self._relate(matcher, reading, kind)
        if later:
            checked(matcher.found, self.state)
            self.items |= reading.relations({kind.name: routes[kind.name] for kind in later}, matcher.found)
        for kind in later:
            self._relate(matcher, reading, kind)
        return matcher.found

    def _relate(self, matcher: Matcher, reading: Reading, kind: Kind) -> None:
        matcher.relations(kind, self.items.get(kind.name))
        if not self._is_walked(kind):
            return
        live = matcher.found.live
        gone = [each for each in matcher.found.entries.addresses(kind.name) if each not in live]
        if fresh := self._seen_again(matcher, reading, kind, gone):
            matcher.relations(kind, fresh)
            self.items[kind.name] += fresh

    def _is_walked(self, kind: Kind) -> bool:
        return kind.name in self.sizes and not isinstance(kind.source, Embedded | PerParent)

    def _seen_again(
        self, matcher: Matcher, reading: Reading, kind: Kind, gone: Sequence[Address]
    ) -> list[DecodedItem]:
        """Items that a walk missed and a single read finds.

        If ten or more managed ones of a kind are all gone, they are not read again without ``--allow missing``.
        """
        found = matcher.found
        if not gone or not self._is_walked(kind):
            return []
        if not self.scope.allow_missing and are_all_gone(found.entries, kind.name, len(gone)):
            return []
        known = {item.remote_id for item in self.items.get(kind.name, ())}
        looked = [item for each in gone for item in _look(self.reader, kind, found.entries[each], found)]
        return [item for item in reading.decoded(kind, looked) if item.remote_id not in known]


def remembered(state: DesiredState, ledger: Ledger, dialect: Dialect) -> MatchedState:
    """The account as recorded in the ledger; referenced resources without an entry count as existing."""
    found = identify(state, ledger, {}, dialect, trusting=True)
    for address, entry in found.entries.kept.items():
        if entry.remote_id is not None:
            found.live.kept[address] = Live(address, entry.remote_id, {**entry.applied, **entry.answered})
    for kind, rows in found.entries.rows.items():
        special = {*found.moved, *found.remarks, *ledger.intents}
        for key, row in rows.items():
            address = Address(kind, key)
            if KINDS[kind].irreversible or address in special:
                live = Live(address, found.entries.id_of(address) or "", found.entries.applied(address))
                found.live.kept[address] = live
            else:
                found.live.agree(kind)[key] = row
    return found


def _parents_live(applied: Attrs, found: MatchedState) -> bool:
    return all(value.target in found.live for value in applied.values() if isinstance(value, Ref))


def _look(reader: Reader, kind: Kind, entry: LedgerEntry, found: MatchedState) -> list[Item]:
    if entry.remote_id is None or not _parents_live(entry.applied, found):
        return []
    if kind.show:
        path = "".join(str(part) for part in fill(kind.show.path, {"id": entry.remote_id}))
        try:
            return [reader.get(path)]
        except NotFound:
            return []
    lookup = lookup_for(kind, entry.applied, found.ids)
    if lookup is None or not lookup.query:
        return []  # read whole a moment ago
    return [item for page in reader.walk(lookup.path, lookup.query) for item in page]
