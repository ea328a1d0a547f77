"""What the files and the ledger touch → the three sides under one set of names, with the fewest calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import NotFound
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Kind
from reconciler.kinds.dialect import Dialect
from reconciler.kinds.field import FieldShape
from reconciler.model.resource import DesiredState, Ledger, LedgerEntry, Live
from reconciler.model.values import Attrs, Ref
from reconciler.planner.approvals import vanished
from reconciler.planner.exact_sets import nameless
from reconciler.planner.kept import held
from reconciler.planner.matching import Identified, identify
from reconciler.planner.narrow import with_ids
from reconciler.planner.quiet import counts_of
from reconciler.planner.requests import fill, lookup_for
from reconciler.planner.ties import counts, singles
from reconciler.refresh.read_strategy import ReadRoute, Route, route_all, size_after
from reconciler.refresh.reader import Items, Progress, Reading

(PERSON,) = (kind for kind in KINDS.values() if kind.person)


def touched(state: DesiredState, ledger: Ledger) -> frozenset[str]:
    """The kinds whose collections have to be read: what is named, what a run did not record, what these refer to."""
    names = {*state.kinds, *counts(ledger.entries), *(address.kind for address in ledger.intents)}
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
    """What is said of each kind; the two ends of a relation always count."""
    used: dict[str, set[str]] = {}
    for address, desired in singles(state.resources).items():
        used.setdefault(address.kind, set()).update(desired.attrs)
    for address, entry in held(singles(ledger.entries)).items():
        used.setdefault(address.kind, set()).update(entry.applied)
    return used


def _is_used(shape: FieldShape, name: str, used: Iterable[str]) -> bool:
    """A reference of the key always counts; names of contact fields only where some resource has one."""
    if shape is FieldShape.ENTRIES:
        return any(each.startswith(name + ".") for each in used)
    return name in used if shape in (FieldShape.TEXT, FieldShape.REFS) else True


@dataclass(frozen=True)
class Scope:
    """How much is read: ``whole`` names kinds of which unmanaged ones matter, ``swept`` those of which they go.

    ``mode``: ``auto`` takes the cheapest route, ``full`` walks every collection, ``none`` reads nothing and takes
    the ledger's word. ``settling``: relations that are as they should be are set apart. ``whole_ledger`` is given
    where the ledger to read for is a part of it.
    """

    mode: str = "auto"
    whole: frozenset[str] = frozenset()
    swept: frozenset[str] = frozenset()
    allow_missing: bool = False
    parallel: int = 8
    settling: bool = False
    whole_ledger: Ledger | None = None


@dataclass(frozen=True)
class Refreshed:
    """The three sides, the routes by which they were read, and about how many there are of what was walked.

    ``partly``: only what targets depend on was matched; the rest of files and ledger is in none of the sides.
    """

    found: Identified
    routes: Mapping[str, Route]
    sizes: Mapping[str, int]
    partly: bool = False


def refresh(
    reader: Reader,
    state: DesiredState,
    ledger: Ledger,
    dialect: Dialect,
    scope: Scope = Scope(),
    *,
    progress: Progress | None = None,
) -> Refreshed:
    """Read what the files and the ledger touch, by the cheapest routes, and bring it under one set of names.

    An owned one that a walk did not show is looked at once before it counts as gone, and whoever has no place, in an
    exact set or at all, is asked for the name. Where ten or more owned of a kind are all gone, it is rather another
    account: they are not looked at again unless somebody said that this is meant.
    """
    if scope.mode == "none":
        return Refreshed(remembered(state, ledger, dialect), {}, {})
    full = scope.mode == "full"
    routes = route_all(touched(state, ledger), state, ledger, whole=scope.whole, full=full)
    reading = Reading(reader, state, ledger, dialect, scope.parallel, progress)
    items = reading.roots(routes)
    routes |= reading.cut
    if scope.whole_ledger is not None:
        shown = (str(item[PERSON.remote_id]) for item in items.get(PERSON.name, ()))
        ledger = with_ids(ledger, scope.whole_ledger, PERSON.name, shown)
    sizes = {name: len(items[name]) for name, route in routes.items() if route.way is ReadRoute.WALK}
    guessed = {name: size_after(route) for name, route in reading.cut.items()}
    if len(items) < len(routes):
        items |= reading.relations(routes, identify(state, ledger, items, dialect, settling=scope.settling))
    found = identify(state, ledger, items, dialect, settling=scope.settling)
    unlikely = () if scope.allow_missing else vanished(found.entries, found.live, counts_of(found.settled))
    gone = (found.entries[address] for address in found.entries if address not in found.live)
    walked = [entry for entry in gone if entry.address.kind in sizes and entry.address.kind not in unlikely]
    seen_again = bool(walked) and _look_again(reader, found, walked, items)
    for name, ids in nameless(state, found, scope.swept).items():
        items[name] = reading.named(KINDS[name], ids, items.get(name, []), routes[name].pages)
        seen_again = True
    if seen_again:
        found = identify(state, ledger, items, dialect, settling=scope.settling)
    return Refreshed(found, routes, sizes | guessed, partly=scope.whole_ledger is not None)


def remembered(state: DesiredState, ledger: Ledger, dialect: Dialect) -> Identified:
    """The account as the ledger remembers it; what it does not know is taken to be there if it is referred to."""
    found = identify(state, ledger, {}, dialect, trusting=True)
    for address, entry in found.entries.items():
        if entry.remote_id is not None:
            found.live[address] = Live(address, entry.remote_id, {**entry.applied, **entry.answered})
    return found


def _look_again(reader: Reader, found: Identified, gone: Iterable[LedgerEntry], items: Items) -> bool:
    """Whether a single look found one that the walk missed; it joins the items of its kind."""
    seen = False
    for entry in gone:
        kind = KINDS[entry.address.kind]
        if entry.remote_id is None or isinstance(kind.source, Embedded) or not _parents_live(entry.applied, found):
            continue
        known = {str(item[kind.remote_id]) for item in items.get(kind.name, ())}
        fresh = [item for item in _look(reader, kind, entry, found) if str(item[kind.remote_id]) not in known]
        items.setdefault(kind.name, []).extend(fresh)
        seen = seen or bool(fresh)
    return seen


def _parents_live(applied: Attrs, found: Identified) -> bool:
    return all(value.target in found.live for value in applied.values() if isinstance(value, Ref))


def _look(reader: Reader, kind: Kind, entry: LedgerEntry, found: Identified) -> list[dict[str, Any]]:
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
