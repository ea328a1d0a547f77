"""Chooses for each collection the way to read it that needs the fewest calls.

    WALK     every page: ceil(size / 100)
    LOOK     one by one: a call for each, by id or by natural key
    FILTER   the pages of each parent whose members are named: a course's enrollments
    CUT      a walk that ended early: all was found, or the rest took fewer look-ups than the pages to come
    EACH     one list for each parent that is named, where there is no other way: a contact's subscriptions

The size of a collection is the one of the last complete reading; a collection of unknown size is walked.

After each page of a walk, :class:`EarlyStop` decides whether to read on, to switch to single look-ups, or to stop. It
applies only to collections with unique names (``Collection.unique``): elsewhere a later page may contain another item
of a name that was found, which must be detected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Embedded, Kind, PerParent
from reconciler.model.resource import DesiredState, Ledger, Resources
from reconciler.model.values import Address, Attrs, Ref, unescape
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.matched_state import Entries

#: Items on a full page (api.md §3).
PAGE = 100


class ReadRoute(Enum):
    """The way to read a collection."""

    WALK = "walk"
    LOOK = "look"
    FILTER = "filter"
    CUT = "cut"
    EACH = "each"


@dataclass(frozen=True)
class ReadNeeds:
    """The items to find in one collection: by remote id, by natural key, or as relations of given parents.

    ``whole``: parents of which all relations are needed, unmanaged ones too.
    """

    ids: frozenset[str] = frozenset()
    keys: Mapping[Address, Attrs] = field(default_factory=dict)
    open_ended: bool = False
    whole: frozenset[Address] = frozenset()

    @property
    def calls(self) -> int:
        """Number of single look-ups."""
        return len(self.ids) + len(self.keys)


@dataclass(frozen=True)
class Route:
    """The route taken and the costs of the others in calls; None if unknown.

    ``stops``: a walk may end before the last page. ``walked``: the pages of one that did.
    """

    way: ReadRoute
    calls: int
    pages: int | None = None
    stops: bool = False
    walked: int = 0

    def __str__(self) -> str:
        pages = "pages of unknown number" if self.pages is None else f"about {_many(self.pages, 'page')}"
        if self.way is ReadRoute.WALK:
            return "walked"
        if self.way is ReadRoute.CUT:
            if self.calls == self.walked:
                return f"walked until all were found: {_many(self.calls, 'page')} instead of {pages}"
            left = _many(self.calls - self.walked, "call")
            return f"{_many(self.walked, 'page')} walked, the rest looked up: {left} instead of {pages} in all"
        how = "looked up one by one" if self.way is ReadRoute.LOOK else "read by parent"
        return f"{how}: {_many(self.calls, 'call')} instead of {pages}"


def _many(number: int, one: str) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {one}s"


def needs_of(kind: Kind, state: DesiredState, ledger: Ledger) -> ReadNeeds:
    """The desired, managed or referenced resources of a kind that has a collection."""
    if kind.parents:
        return _relation_needs(kind, state, ledger)
    entries, resources = Entries.of(ledger.entries), Resources.by_kind(state.resources).of(kind.name)
    owned = entries.keys_of(kind.name)
    ids = set(entries.keys_by_id(kind.name))
    ids |= {desired.bound_id for desired in resources.values() if desired.bound_id}
    keys: dict[Address, Attrs] = {}
    for desired in resources.values():
        if desired.bound_id:
            continue
        for wanted in filter(None, (desired.address, desired.former)):
            if wanted.key not in owned and not wanted.key.startswith("@"):
                keys[wanted] = desired.attrs if wanted == desired.address else _key_attrs(kind, wanted)
    for target in _targets(state, entries, kind):
        if target.key not in owned and target.key not in resources:
            keys[target] = _key_attrs(kind, target)
    handled = any(key.startswith("@") for key in (*resources, *owned))
    return ReadNeeds(frozenset(ids), keys, open_ended=handled or not kind.writable)


def _key_attrs(kind: Kind, address: Address) -> Attrs:
    return {kind.key[-1]: unescape(address.key)}


def _targets(state: DesiredState, entries: Entries, wanted: Kind) -> Iterable[Address]:
    """The addresses of one kind that resources and entries refer to."""
    for kind in KINDS.values():
        if any(field.ref == wanted.name for field in kind.refs):
            for resource in Resources.by_kind(state.resources).of(kind.name).values():
                yield from _referred(resource.attrs, wanted)
            for entry in entries.kept.of(kind.name).values():  # the others say what is desired
                yield from _referred(entry.applied, wanted)


def _referred(attrs: Attrs, wanted: Kind) -> Iterable[Address]:
    return [value.target for value in attrs.values() if type(value) is Ref and value.target.kind == wanted.name]


def _relation_needs(kind: Kind, state: DesiredState, ledger: Ledger) -> ReadNeeds:
    resources, entries = Resources.by_kind(state.resources).of(kind.name), Entries.of(ledger.entries)
    wanted = {desired.address: desired.attrs for desired in resources.values()}
    wanted |= {e.address: e.applied for key, e in entries.kept.of(kind.name).items() if key not in resources}
    return ReadNeeds(keys=wanted, whole=frozenset(owner for name, owner in state.authoritative if name == kind.name))


def choose(kind: Kind, needs: ReadNeeds, size: int | None, *, whole: bool) -> Route:
    """The cheapest route for a kind's collection. ``whole``: all items are needed, unmanaged ones too."""
    source = kind.source
    assert isinstance(source, Collection)
    if not source.paged:
        return Route(ReadRoute.WALK, 1, 1)
    pages = None if size is None else max(1, -(-size // PAGE))
    if whole or pages is None or needs.open_ended or kind.lookup is None:
        return Route(ReadRoute.WALK, pages or 1, pages)
    ways = [Route(ReadRoute.WALK, pages, pages)]
    if not needs.whole:
        ways.append(Route(ReadRoute.LOOK, needs.calls, pages))
    if kind.parents:
        ways.append(Route(ReadRoute.FILTER, _filtered_pages(kind, needs), pages))
    return min(ways, key=lambda route: (route.calls, list(ReadRoute).index(route.way)))


def filter_parent(kind: Kind) -> str:
    """The field by which a relation's list is filtered: the reference that is not a person."""
    (name,) = (each.name for each in kind.parents if not KINDS[each.ref or ""].person)
    return name


def parents(kind: Kind, needs: ReadNeeds) -> frozenset[Address]:
    """The parents whose lists are needed to find these relations."""
    return frozenset(target for attrs in needs.keys.values() for target in kind.refers_to(attrs))


def _filtered_pages(kind: Kind, needs: ReadNeeds) -> int:
    """Number of pages: for each parent at least one, and enough for its known members."""
    members, name = dict.fromkeys(needs.whole, 0), filter_parent(kind)
    for attrs in needs.keys.values():
        parent = attrs[name]
        if isinstance(parent, Ref):
            members[parent.target] = members.get(parent.target, 0) + 1
    return sum(max(1, -(-count // PAGE)) for count in members.values())


def collections(names: Iterable[str]) -> list[Kind]:
    """The kinds, among these, that have a list of their own; the others are read inside those."""
    return [KINDS[name] for name in sorted(names) if not isinstance(KINDS[name].source, Embedded)]


def route_all(
    names: frozenset[str], state: DesiredState, ledger: Ledger, *, whole: Iterable[str] = (), full: bool = False
) -> dict[str, Route]:
    """A route for each collection among ``names``; ``full`` walks them all."""
    seen_whole = set(whole)
    known = counts_of(state, ledger)
    routes = {}
    for kind in collections(names):
        if isinstance(kind.source, PerParent):
            routes[kind.name] = Route(ReadRoute.EACH, len(parents(kind, needs_of(kind, state, ledger))))
            continue
        size = ledger.sizes.get(kind.name)
        # half of what is known may be desired and owned at once; relations may still be fewer pages by parent
        many = size is None or (not kind.parents and known[kind.name] >= 2 * -(-size // PAGE))
        walked = full or many or not kind.writable or kind.name in seen_whole
        needs = ReadNeeds() if walked else needs_of(kind, state, ledger)
        route = choose(kind, needs, size, whole=walked)
        stops = (
            isinstance(kind.source, Collection)
            and kind.source.unique
            and not (full or kind.name in seen_whole)
            and route.way is ReadRoute.WALK
        )
        routes[kind.name] = replace(route, stops=stops)
    return routes


def counts_of(state: DesiredState, ledger: Ledger) -> Counter[str]:
    """Number of resources and entries by kind."""
    return Resources.by_kind(state.resources).counts() + Counter(Entries.of(ledger.entries).counts())


class EarlyStop:
    """The items of a collection that are still needed during a walk.

    ``least`` is a lower bound of their number; ``find_out`` is expensive and called only when it may matter.
    """

    def __init__(self, kind: Kind, route: Route, least: int, find_out: Callable[[], ReadNeeds]) -> None:
        self._kind, self._route, self._least, self._find_out = kind, route, least, find_out
        self._struck = self._found = 0

    @cached_property
    def rest(self) -> ReadNeeds:
        """Look-ups for everything not found yet."""
        needs = self._find_out()
        return ReadNeeds(needs.ids, dict(needs.keys), needs.open_ended)

    def is_worth_a_cut(self, walked: int, items: Sequence[DecodedItem]) -> bool:
        """Whether looking up the rest needs fewer calls than the remaining pages.

        If the number of pages is unknown: when the remaining look-ups are no more than the pages walked, and fewer
        items were found than pages walked. Both together then need at most twice the calls of the cheaper way.
        """
        to_come = pages_to_come(self._route, walked)
        if self._least - walked * PAGE > (to_come or walked) or self.rest.open_ended:
            return False
        self._strike(items[self._struck :])
        self._struck = len(items)
        left = self.rest.calls
        if not left:
            return True
        return left < to_come if to_come else left <= walked and self._found < walked

    def _strike(self, items: Sequence[DecodedItem]) -> None:
        ids = {item.remote_id for item in items}
        keys = {Address(self._kind.name, item.key) for item in items}
        left = {address: attrs for address, attrs in self.rest.keys.items() if address not in keys}
        rest = ReadNeeds(self.rest.ids - ids, left)
        self._found += self.rest.calls - rest.calls
        self.rest = rest

    def cut(self, walked: int) -> Route:
        """The route taken if the walk ends after this number of pages."""
        return Route(ReadRoute.CUT, walked + self.rest.calls, self._route.pages, walked=walked)


def pages_to_come(route: Route, walked: int) -> int:
    """Pages left by the last known size; 0 if unknown, or if there are more items by now."""
    return 0 if route.pages is None else max(0, route.pages - walked)


def size_after(route: Route) -> int:
    """The assumed size of a collection whose walk was cut: the last known one, else twice the items walked."""
    return PAGE * (route.walked + (pages_to_come(route, route.walked) or route.walked + 1))
