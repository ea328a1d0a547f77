"""Looks for accepted writes (202): one filtered list for each parent, at growing intervals, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.engine.calls import is_the_one
from reconciler.errors import GatewayError, Interrupted
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind, Wire
from reconciler.model.plan import Change
from reconciler.model.values import Address, Ref

#: Shares of the whole wait that pass between looks; the first look is at once.
SHARES = (1 / 15, 2 / 15, 4 / 15, 8 / 15)
PLAIN = Wire()

#: Sleeps that many seconds; True when the run is to stop.
Sleep = Callable[[float], bool]


@dataclass(frozen=True)
class Arrivals:
    """Waits ``seconds`` for accepted writes. ``ids`` gives the remote ids of contacts and parents."""

    reader: Reader
    ids: Mapping[Address, str]
    sleep: Sleep
    seconds: float

    def wait(self, accepted: Iterable[Change]) -> dict[Address, str]:
        """The remote ids of those that showed up; what is missing at the end is still pending."""
        waiting = {change.address: change for change in accepted}
        seen: dict[Address, str] = {}
        for share in (0.0, *SHARES):
            pause = share * self.seconds
            if not waiting or (pause and self.sleep(pause)):
                break
            try:
                seen |= self._look(waiting)
            except (GatewayError, Interrupted):
                break  # pending is the truth until the next run looks
            waiting = {address: change for address, change in waiting.items() if address not in seen}
        return seen

    def _look(self, waiting: Mapping[Address, Change]) -> dict[Address, str]:
        seen: dict[Address, str] = {}
        for (kind_name, parent), changes in _by_parent(waiting.values()).items():
            kind = KINDS[kind_name]
            items = self._members(kind, parent)
            for change in changes:
                for item in items:
                    if is_the_one(kind, item, change.attrs, self.ids, PLAIN):
                        seen[change.address] = str(item[kind.remote_id])
        return seen

    def _members(self, kind: Kind, parent: Address) -> list[dict[str, Any]]:
        assert kind.lookup is not None
        (parameter,) = (key for key, name in kind.lookup.query.items() if kind.field(name).ref == parent.kind)
        pages = self.reader.walk(kind.lookup.path, {parameter: self.ids[parent]})
        return [item for page in pages for item in page]


def _by_parent(changes: Iterable[Change]) -> dict[tuple[str, Address], list[Change]]:
    """Grouped by what they were accepted into: the reference that is no person."""
    groups: dict[tuple[str, Address], list[Change]] = {}
    for change in changes:
        for value in change.attrs.values():
            if isinstance(value, Ref) and not KINDS[value.target.kind].person:
                groups.setdefault((change.address.kind, value.target), []).append(change)
    return groups
