"""Reads the items of each collection by its route, side by side, with exactly the calls that the routes count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.errors import ConfigurationError, GatewayError, NotFound, Problem
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Item, Kind, PerParent
from reconciler.kinds.email import spellings
from reconciler.kinds.field import FieldShape
from reconciler.model.resource import DesiredState, Ledger, Resources
from reconciler.model.values import Address, Attrs, Ref, replace_refs
from reconciler.planner.decoding import DecodedItem, ItemDecoder
from reconciler.planner.matched_state import Entries, MatchedState
from reconciler.planner.requests import lookup_for
from reconciler.refresh.read_strategy import EarlyStop, ReadNeeds, ReadRoute, Route, filter_parent, needs_of, parents

Items = dict[str, list[DecodedItem]]
#: Called with a kind's name and how many of it were read so far; of look-ups also with how many there are, and False.
Progress = Callable[..., None]


@dataclass(frozen=True)
class Reading:
    """Reads one account: collections in parallel, and up to ``parallel`` single look-ups at once.

    ``decoders`` returns the decoder for the items of a kind. ``cut`` holds the walks that ended before their last
    page, by kind.
    """

    reader: Reader
    state: DesiredState
    ledger: Ledger
    decoders: Callable[[Kind], ItemDecoder]
    parallel: int = 8
    progress: Progress | None = None
    cut: dict[str, Route] = field(default_factory=dict)
    _decoders: dict[str, ItemDecoder] = field(default_factory=dict)

    def roots(self, routes: Mapping[str, Route]) -> Items:
        """Read all collections that need no other one first: walks, and look-ups of kinds without parents."""
        jobs = {name: self._job(KINDS[name], route) for name, route in routes.items()}
        now = {name: job for name, job in jobs.items() if job is not None}
        if len(now) == 1:
            return {name: job() for name, job in now.items()}
        with ThreadPoolExecutor(max_workers=max(1, len(now)), thread_name_prefix="read") as pool:
            asked = {name: pool.submit(job) for name, job in now.items()}
            return {name: answer.result() for name, answer in asked.items()}

    def _job(self, kind: Kind, route: Route) -> Callable[[], list[DecodedItem]] | None:
        if route.way is ReadRoute.WALK:
            return lambda: self.walk(kind, route)
        return None if kind.parents else lambda: self._look_up(kind, needs_of(kind, self.state, self.ledger))

    def relations(self, routes: Mapping[str, Route], found: MatchedState) -> Items:
        """Look up relations, which needs the ids of their parents."""
        items: Items = {}
        for name, route in routes.items():
            kind = KINDS[name]
            if isinstance(kind.source, PerParent):
                items[name] = self._all(kind, partial(self._of, kind, kind.source), self._whose(kind, found))
            elif kind.parents and route.way is not ReadRoute.WALK:
                queries = self._queries(kind, route.way, needs_of(kind, self.state, self.ledger), found)
                items[name] = self._all(kind, partial(self._list, kind), queries)
        return items

    def _whose(self, kind: Kind, found: MatchedState) -> list[str]:
        """Ids of the parents to read; a parent that does not exist yet has no relations."""
        named = parents(kind, needs_of(kind, self.state, self.ledger))
        return sorted(found.live[address].remote_id for address in named if address in found.live)

    def _of(self, kind: Kind, source: PerParent, parent: str) -> list[DecodedItem]:
        """The items of one parent, with the reference to it added."""
        try:
            pages = list(self.reader.walk(source.path, source.query(parent)))
        except NotFound:
            asked = list(Resources.by_kind(self.state.resources).of(kind.name).values())
            if not asked:
                return []
            hint = "set that up in the account, or remove these lines"
            raise ConfigurationError(
                Problem(str(each.origin), f"{each.address}: {source.absent} (404)", hint) for each in asked
            ) from None
        return self.decoded(kind, [{**item, source.parameter: parent} for page in pages for item in page])

    def walk(self, kind: Kind, route: Route) -> list[DecodedItem]:
        """Walk the collection, or as much of it as is needed; ``hasMore: false`` costs no further call."""
        source = kind.source
        assert isinstance(source, Collection)
        if not source.paged:
            return self._noted(kind, [], self.reader.whole(source.path))
        sought = self._sought(kind, route)
        items, ended = self._pages(kind, source, sought)
        if sought and ended:
            self.cut[kind.name] = sought.cut(ended)
            items += self._look_up(kind, sought.rest, items)
        return items

    def _pages(self, kind: Kind, source: Collection, sought: EarlyStop | None) -> tuple[list[DecodedItem], int]:
        """The items page by page, and the number of pages after which the walk was cut; 0 if it was not."""
        items: list[DecodedItem] = []
        for walked, (page, more) in enumerate(self.reader.pages(source.path), 1):
            self._noted(kind, items, page)
            if sought and more and sought.is_worth_a_cut(walked, items):
                return items, walked
        return items, 0

    def decoded(self, kind: Kind, page: Sequence[Item]) -> list[DecodedItem]:
        """The items of an answer, decoded; raises GatewayError for an item without its id or key."""
        decoder = self._decoders.get(kind.name)
        if decoder is None:
            decoder = self._decoders[kind.name] = self.decoders(kind)
        return [decoder.decode(item) for item in _checked(kind, page)]

    def _noted(self, kind: Kind, items: list[DecodedItem], page: Sequence[Item]) -> list[DecodedItem]:
        """Decode each page as it arrives, so that raw answers do not accumulate."""
        items += self.decoded(kind, page)
        if self.progress:
            self.progress(kind.name, len(items))
        return items

    def _sought(self, kind: Kind, route: Route) -> EarlyStop | None:
        if not route.stops:
            return None
        least = len(Resources.by_kind(self.state.resources).of(kind.name))
        return EarlyStop(kind, route, least, lambda: needs_of(kind, self.state, self.ledger))

    def _look_up(self, kind: Kind, needs: ReadNeeds, known: Iterable[DecodedItem] = ()) -> list[DecodedItem]:
        """Look up by id first, then by natural key, since a deleted resource may exist again under its name.

        ``known`` were read before.
        """
        items = self._all(kind, partial(self._by_id, kind), sorted(needs.ids))
        seen = {item.remote_id for item in (*known, *items)}
        entries = Entries.of(self.ledger.entries)
        lost = [Address(kind.name, k) for each, k in entries.keys_by_id(kind.name).items() if each not in seen]
        again = {each: entries.applied(each) for each in lost if each in self.state.resources}
        keyed = self._all(kind, partial(self._by_key, kind), [*needs.keys.values(), *again.values()])
        fresh = {item.remote_id: item for item in keyed}
        return items + [item for remote_id, item in fresh.items() if remote_id not in seen]

    def named(
        self, kind: Kind, ids: AbstractSet[str], known: list[DecodedItem], pages: int | None
    ) -> list[DecodedItem]:
        """The known items of a kind and those with these ids, read singly or by pages by number of calls."""
        if len(ids) <= (pages or 1):
            return known + self._all(kind, partial(self._by_id, kind), sorted(ids))
        assert isinstance(kind.source, Collection)
        sought = EarlyStop(
            kind, Route(ReadRoute.WALK, pages or 1, pages), len(ids), lambda: ReadNeeds(frozenset(ids))
        )
        items, ended = self._pages(kind, kind.source, sought)
        rest = sorted(sought.rest.ids) if ended else []
        items += self._all(kind, partial(self._by_id, kind), rest)
        seen = {item.remote_id for item in items}
        return items + [item for item in known if item.remote_id not in seen]

    def _by_id(self, kind: Kind, remote_id: str) -> list[DecodedItem]:
        assert kind.show is not None
        try:
            return self.decoded(kind, [self.reader.get(kind.show.path.format(id=remote_id))])
        except NotFound:
            return []

    def _by_key(self, kind: Kind, attrs: Attrs) -> list[DecodedItem]:
        """The items that the filter returns; each is identified by its own key, since a filter may return others.

        A server may store an address in another spelling; all are tried until one is found.
        """
        (name,) = kind.key
        key, items = str(attrs[name]), list[DecodedItem]()
        for text in spellings(key) if kind.field(name).is_email else (key,):
            where = lookup_for(kind, {**attrs, name: text}, {})
            assert where is not None
            items += self._list(kind, where.query)
            if any(item.key == kind.part(name, key) for item in items):
                break
        return items

    def _list(self, kind: Kind, query: Mapping[str, Any]) -> list[DecodedItem]:
        assert kind.lookup is not None
        return [item for page in self.reader.walk(kind.lookup.path, query) for item in self.decoded(kind, page)]

    def _queries(self, kind: Kind, way: ReadRoute, needs: ReadNeeds, found: MatchedState) -> list[Mapping[str, Any]]:
        assert kind.lookup is not None
        live, ids = _with_live_parents(needs.keys, found), found.ids
        names = {name: parameter for parameter, name in kind.lookup.query.items()}
        if way is ReadRoute.FILTER:
            names = {filter_parent(kind): names[filter_parent(kind)]}
            owners = [found.aliases.get(owner, owner) for owner in needs.whole]
            live += [{filter_parent(kind): Ref(owner)} for owner in owners if owner in found.live]
        asked = {tuple((names[name], ids[_target(attrs[name])]) for name in sorted(names)) for attrs in live}
        return [dict(query) for query in sorted(asked)]

    def _all(
        self, kind: Kind, ask: Callable[[Any], list[DecodedItem]], questions: Iterable[Any]
    ) -> list[DecodedItem]:
        questions = list(questions)
        if len(questions) < 2:
            return [item for question in questions for item in ask(question)]
        items: list[DecodedItem] = []
        with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="look") as pool:
            for number, answer in enumerate(pool.map(ask, questions), 1):
                items += answer
                if self.progress:
                    self.progress(kind.name, number, len(questions), False)
        return items


def _target(value: Any) -> Address:
    assert isinstance(value, Ref)
    return value.target


def _with_live_parents(wanted: Mapping[Address, Attrs], found: MatchedState) -> list[Attrs]:
    """The relations whose parents exist; others cannot exist and need no call."""
    named = [replace_refs(attrs, found.aliases) or attrs for attrs in wanted.values()]
    return [
        attrs
        for attrs in named
        if all(value.target in found.live for value in attrs.values() if isinstance(value, Ref))
    ]


def _checked(kind: Kind, page: Sequence[Item]) -> list[Item]:
    """Return the item; raise GatewayError if it has no id or key."""
    fields = [] if kind.reference_names else [kind.field(name) for name in kind.key]
    texts = [field.answer_key for field in fields if field.shape is FieldShape.TEXT]
    for item in page:
        named = all(isinstance(item.get(key), str) and item[key] for key in texts)
        if not named or not isinstance(item.get(kind.remote_id), int | str):
            raise GatewayError(f"the list of {kind.name}s holds an item without its {kind.remote_id} or name")
    return list(page)
