"""What has to be known of each collection → the way to read it that takes the fewest calls.

    WALK     every page: ceil(size / 100)
    LOOK     one by one: a call for each, by id or by natural key
    FILTER   the pages of each parent whose members are named: a course's enrollments
    CUT      a walk that ended early: all was found, or the rest took fewer look-ups than the pages to come
    EACH     one list for each parent that is named, where there is no other way: a contact's subscriptions

The size of a collection is what the last run saw; where nobody knows, it is walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from reconciler.engine.kept import held
from reconciler.engine.ties import counts, ends_in_rows, of_kind, singles
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Embedded, Kind, PerParent
from reconciler.model.resource import DesiredState, Ledger
from reconciler.model.values import Address, Attrs, Ref, unescape

#: Items on a full page (api.md §3).
PAGE = 100


class Way(Enum):
    """How a collection is read."""

    WALK = "walk"
    LOOK = "look"
    FILTER = "filter"
    CUT = "cut"
    EACH = "each"


@dataclass(frozen=True)
class Needs:
    """What has to be found in one collection: by remote id, by natural key, or as relations of named parents.

    ``whole``: parents of which every relation has to be seen, foreign ones too.
    """

    ids: frozenset[str] = frozenset()
    keys: Mapping[Address, Attrs] = field(default_factory=dict)
    open_ended: bool = False
    whole: frozenset[Address] = frozenset()

    @property
    def calls(self) -> int:
        """How many single look-ups that is."""
        return len(self.ids) + len(self.keys)


@dataclass(frozen=True)
class Route:
    """The way taken and what the others would have cost, in calls; None where nobody knows.

    ``stops``: a walk may end before the last page. ``walked``: the pages of one that did.
    """

    way: Way
    calls: int
    pages: int | None = None
    stops: bool = False
    walked: int = 0

    def __str__(self) -> str:
        pages = "pages of unknown number" if self.pages is None else f"about {_many(self.pages, 'page')}"
        if self.way is Way.WALK:
            return "walked"
        if self.way is Way.CUT:
            if self.calls == self.walked:
                return f"walked until all were found: {_many(self.calls, 'page')} instead of {pages}"
            left = _many(self.calls - self.walked, "call")
            return f"{_many(self.walked, 'page')} walked, the rest looked up: {left} instead of {pages} in all"
        how = "looked up one by one" if self.way is Way.LOOK else "read by parent"
        return f"{how}: {_many(self.calls, 'call')} instead of {pages}"


def _many(number: int, one: str) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {one}s"


def needs_of(kind: Kind, state: DesiredState, ledger: Ledger) -> Needs:
    """Everything desired, owned or referred to of a kind that has a collection."""
    if kind.parents:
        return _relation_needs(kind, state, ledger)
    owned, resources = dict(of_kind(ledger.entries, kind.name)), dict(of_kind(state.resources, kind.name))
    ids = {entry.remote_id for entry in owned.values() if entry.remote_id}
    ids |= {desired.bound_id for desired in resources.values() if desired.bound_id}
    keys: dict[Address, Attrs] = {}
    for desired in resources.values():
        if desired.bound_id:
            continue
        for wanted in filter(None, (desired.address, desired.former)):
            if wanted not in owned and not wanted.key.startswith("@"):
                keys[wanted] = desired.attrs if wanted == desired.address else _key_attrs(kind, wanted)
    for target in _targets(state, ledger):
        if target.kind == kind.name and target not in owned and target not in state.resources:
            keys[target] = _key_attrs(kind, target)
    handled = any(address.key.startswith("@") for address in (*resources, *owned))
    return Needs(frozenset(ids), keys, open_ended=handled or not kind.writable)


def _key_attrs(kind: Kind, address: Address) -> Attrs:
    return {kind.key[-1]: unescape(address.key)}


def _targets(state: DesiredState, ledger: Ledger) -> Iterable[Address]:
    yield from ends_in_rows(state.resources)
    yield from ends_in_rows(ledger.entries)
    singly = singles(state.resources).values(), held(singles(ledger.entries)).values()
    for attrs in (*(desired.attrs for desired in singly[0]), *(entry.applied for entry in singly[1])):
        for value in attrs.values():
            if isinstance(value, Ref):
                yield value.target


def _relation_needs(kind: Kind, state: DesiredState, ledger: Ledger) -> Needs:
    wanted = {address: desired.attrs for address, desired in of_kind(state.resources, kind.name)}
    wanted |= {a: entry.applied for a, entry in of_kind(ledger.entries, kind.name) if a not in wanted}
    return Needs(keys=wanted, whole=frozenset(owner for name, owner in state.exact if name == kind.name))


def choose(kind: Kind, needs: Needs, size: int | None, *, whole: bool) -> Route:
    """The cheapest way to read a kind's collection. ``whole``: everything has to be seen, foreign ones too."""
    source = kind.source
    assert isinstance(source, Collection)
    if not source.paged:
        return Route(Way.WALK, 1, 1)
    pages = None if size is None else max(1, -(-size // PAGE))
    if whole or pages is None or needs.open_ended or kind.lookup is None:
        return Route(Way.WALK, pages or 1, pages)
    ways = [Route(Way.WALK, pages, pages)]
    if not needs.whole:
        ways.append(Route(Way.LOOK, needs.calls, pages))
    if kind.parents:
        ways.append(Route(Way.FILTER, _filtered_pages(kind, needs), pages))
    return min(ways, key=lambda route: (route.calls, list(Way).index(route.way)))


def filter_parent(kind: Kind) -> str:
    """The field by whose target a relation's list is filtered: the one that is no person."""
    (name,) = (each.name for each in kind.parents if not KINDS[each.ref or ""].person)
    return name


def parents(kind: Kind, needs: Needs) -> frozenset[Address]:
    """Whose lists have to be read to find these relations."""
    return frozenset(target for attrs in needs.keys.values() for target in kind.refers_to(attrs))


def _filtered_pages(kind: Kind, needs: Needs) -> int:
    """At least a page for each parent, and as many as its members that we know of fill."""
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
    known = counts(state.resources) + counts(ledger.entries)
    routes = {}
    for kind in collections(names):
        if isinstance(kind.source, PerParent):
            routes[kind.name] = Route(Way.EACH, len(parents(kind, needs_of(kind, state, ledger))))
            continue
        size = ledger.sizes.get(kind.name)
        # half of what is known may be desired and owned at once; relations may still be fewer pages by parent
        many = size is None or (not kind.parents and known[kind.name] >= 2 * -(-size // PAGE))
        walked = full or many or not kind.writable or kind.name in seen_whole
        needs = Needs() if walked else needs_of(kind, state, ledger)
        route = choose(kind, needs, size, whole=walked)
        stops = (
            isinstance(kind.source, Collection)
            and kind.source.unique
            and not (full or kind.name in seen_whole)
            and route.way is Way.WALK
        )
        routes[kind.name] = replace(route, stops=stops)
    return routes
