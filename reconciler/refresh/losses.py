"""Reads which contacts lose something by deletions, if the contacts were not read completely.

deleted                read
──────────────────────────────────────────────────────────────────────────────
tags                   the contacts that carry each (``?tags=ID``); all contacts where that is known to be fewer pages
a contact field        all contacts: the list has no filter for values (api.md §3)

The whole list is walked, although the limits may be exceeded after its first page: the number is what a person
approves, so it has to be the exact one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from reconciler.errors import NotFound
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS, SLUGS
from reconciler.kinds.base import Collection as PagedList
from reconciler.kinds.base import Embedded, Item
from reconciler.kinds.dialect import Dialect
from reconciler.model.plan import Change
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address
from reconciler.planner.decoding import ItemDecoder
from reconciler.planner.impact import AffectedContacts, has_value
from reconciler.refresh.read_strategy import PAGE
from reconciler.refresh.reader import Progress

#: The list of people, and the parameter of it that takes the id of what they carry, by the kind of that.
(PERSON,) = (kind for kind in KINDS.values() if kind.person)
_FILTERS = {
    kind.field(kind.key[-1]).ref: kind.source.filter
    for kind in KINDS.values()
    if isinstance(kind.source, Embedded) and kind.source.parent == PERSON.name and kind.source.filter
}


@dataclass(frozen=True)
class LossReader:
    """``size`` is the number of contacts in the account, if known."""

    reader: Reader
    dialect: Dialect
    size: int | None = None
    parallel: int = 8
    progress: Progress | None = None

    def affected_contacts(
        self, deletions: Sequence[Change], addresses: Mapping[str, Address] = EMPTY
    ) -> AffectedContacts:
        """The contacts that lose something by each deletion. ``addresses`` are those of known contacts, by id."""
        found: dict[Address, dict[Address, str]] = {change.address: {} for change in deletions}
        queries = self._queries(deletions) if deletions else []
        if not queries:
            return {}
        with ThreadPoolExecutor(max_workers=min(self.parallel, len(queries)), thread_name_prefix="count") as pool:
            for people in pool.map(lambda query: self._losing(query, deletions, addresses), queries):
                for address, person, remote_id in people:
                    found[address][person] = remote_id
        return found

    def people(self, ids: Collection[str]) -> dict[str, Address]:
        """The addresses of the contacts with these ids, as far as they exist, read by the fewest calls."""
        assert isinstance(PERSON.source, PagedList)
        pages = None if self.size is None else max(1, -(-self.size // PAGE))
        if pages is None or len(ids) > pages:
            items: list[Item] = [item for page in self.reader.walk(PERSON.source.path) for item in page]
        else:
            with ThreadPoolExecutor(max_workers=self.parallel, thread_name_prefix="look") as pool:
                items = [item for item in pool.map(self._single, sorted(ids)) if item]
        found = map(ItemDecoder(PERSON, self.dialect).decode, items)
        return {each.remote_id: Address(PERSON.name, each.key) for each in found if each.remote_id in ids}

    def _single(self, remote_id: str) -> Item | None:
        assert PERSON.show is not None
        try:
            return self.reader.get(PERSON.show.path.format(id=remote_id))
        except NotFound:
            return None

    def _queries(self, deletions: Sequence[Change]) -> list[dict[str, Any]]:
        pages = None if self.size is None else max(1, -(-self.size // PAGE))
        filters = [(_FILTERS.get(change.address.kind), change.remote_id) for change in deletions]
        if not all(name for name, _ in filters) or (pages is not None and len(filters) > pages):
            return [{}]
        return [{str(name): remote_id} for name, remote_id in filters]

    def _losing(
        self, query: Mapping[str, Any], deletions: Sequence[Change], addresses: Mapping[str, Address]
    ) -> set[tuple[Address, Address, str]]:
        """A deleted resource, a contact that loses it, and the remote id of the contact."""
        assert isinstance(PERSON.source, PagedList)
        decoder, count, people = ItemDecoder(PERSON, self.dialect), 0, set()
        carried = {c.remote_id: c.address for c in deletions if c.address.kind in _FILTERS}
        slugs = [change.address for change in deletions if change.address.kind == SLUGS.name]
        for page in self.reader.walk(PERSON.source.path, query):
            for person in map(decoder.decode, page):
                address = addresses.get(person.remote_id) or Address(PERSON.name, person.key)
                lost = {carried[each.item_id] for part in person.inside for each in part if each.item_id in carried}
                lost.update(slug for slug in slugs if has_value(PERSON.name, person.attrs, slug))
                people |= {(each, address, person.remote_id) for each in lost}
            count += len(page)
            if self.progress:
                self.progress(PERSON.name, count)
        return people
