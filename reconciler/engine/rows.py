"""The items of every collection → rows: remote id, attributes with references, and the answer where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.engine.decode import Shown, decode, referred
from reconciler.engine.names import Row
from reconciler.engine.quiet import Settled, remote_id_of
from reconciler.engine.ties import TIES, Tie
from reconciler.errors import GatewayError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Item, Kind, PerParent
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address, Ref

#: Kinds that others refer to, or are read inside of.
TARGETS = frozenset(
    {each.ref for kind in KINDS.values() for each in kind.fields if each.ref}
    | {kind.source.parent for kind in KINDS.values() if isinstance(kind.source, Embedded | PerParent)}
)


class Rows:
    """``items`` are those of each kind, understood or as they came; ``named`` is filled as names are found."""

    def __init__(self, items: Mapping[str, Iterable[Item]], dialect: Dialect) -> None:
        self.dialect = dialect
        self.items = {
            name: [_understood(KINDS[name], each, dialect) for each in those] for name, those in items.items()
        }
        self.named: dict[str, dict[str, Address]] = {name: {} for name in KINDS}

    def __contains__(self, kind: str) -> bool:
        return kind in self.items

    def shown(self, kind: str) -> Iterable[Shown]:
        """The items of one collection."""
        return self.items.get(kind, ())

    def refer(self, kind: str, remote_id: str) -> Ref:
        """The reference to what has that id: by its address where that is known."""
        return Ref(self.named[kind].get(remote_id) or KINDS[kind].by_remote_id(remote_id))

    def of(self, kind: Kind, settled: Mapping[Address, Settled] = EMPTY) -> Iterator[Row]:
        """Every live one of a kind but those that are settled."""
        if isinstance(kind.source, Embedded):
            tie = TIES.get(kind.name)
            yield from self._tied(tie, kind.source, settled) if tie else self._embedded(kind, kind.source)
            return
        for item in self.shown(kind.name):
            refs = referred(kind, item.refs, self.refer) if item.refs else None
            yield item.remote_id, {**item.attrs, **refs} if refs else item.attrs, item.item

    def _embedded(self, kind: Kind, source: Embedded) -> Iterator[Row]:
        (role,) = (each.name for each in kind.parents if each.ref == source.parent)
        owners = self.named[source.parent]
        wire = wire_of(kind, self.dialect)
        for parent in self.shown(source.parent):
            for item in parent.item.get(source.wire) or ():
                attrs = decode(kind, item, wire, self.refer)
                if "id" not in item:
                    raise GatewayError(f"the account shows a {source.parent} whose {source.wire} have no id")
                attrs[role] = Ref(owners[parent.remote_id])
                yield (str(item["id"]) if kind.remote_id else f"{parent.remote_id}/{item['id']}"), attrs, item

    def _tied(self, tie: Tie, source: Embedded, settled: Mapping[Address, Settled]) -> Iterator[Row]:
        """Foreign ones are not settled, whosesoever they are."""
        owners, target = self.named[source.parent], tie.kind_of(tie.end)
        for parent in self.shown(source.parent):
            owner, ids = owners[parent.remote_id], parent.ties[tie.place]
            done = settled.get(owner)
            if done is not None and len(done.ends) == len(ids):
                continue
            for end_id in ids:
                end = self.refer(target, end_id)
                if done is None or end.target not in done.ends:
                    yield remote_id_of(parent.remote_id, end_id), {tie.end: end, tie.owner: Ref(owner)}, EMPTY


def _understood(kind: Kind, item: Item, dialect: Dialect) -> Shown:
    return item if isinstance(item, Shown) else Shown(kind, item, wire_of(kind, dialect))
