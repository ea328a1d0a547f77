"""The short forms of a block → one row of relations for each resource that it stands for, where a row can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciler.engine.ties import TIES, Ends, Shelf, Tie, Wanted
from reconciler.model.resource import Desired
from reconciler.model.values import Address, Origin


class Tying:
    """Fills the rows of ``resources``. What is the same for many blocks is understood once and kept once."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Address, Wanted]] = {name: {} for name in TIES}
        self.resources: Shelf[Desired] = Shelf({}, self.rows)
        self._known: dict[tuple[str, str], Address] = {}
        self._same: dict[Ends, Ends] = {}

    def ends(self, tie: Tie, values: Sequence[Any], understood: Callable[[Any], Address]) -> Ends:
        """The other ends that ``values`` name as the files do; ``understood`` makes addresses of them."""
        ends = tuple(self._end(tie, each, understood) for each in values)
        return self._same.setdefault(ends, ends)

    def tie(
        self, tie: Tie, parents: Sequence[Address], ends: Ends, values: Sequence[Any], origin: Origin, *, by_row: bool
    ) -> Iterator[Address]:
        """Yields the parents whose relations a row cannot hold, because some are declared twice.

        ``by_row``: the relations stand where their parents stand, not where the values do.
        """
        alone = len(set(ends)) == len(ends)
        places = getattr(values, "places", None) or (origin,) * len(ends)
        rows = self.rows[tie.name]
        for parent in parents:
            if not alone or parent in rows or any(tie.address(parent, end) in self.resources.single for end in ends):
                yield parent
            else:
                rows[parent] = Wanted(ends, (self.resources[parent].origin,) * len(ends) if by_row else places)

    def _end(self, tie: Tie, value: Any, understood: Callable[[Any], Address]) -> Address:
        if not isinstance(value, str):
            return understood(value)
        known = self._known.get((tie.name, value))
        if known is None:
            known = self._known[tie.name, value] = understood(value)
        return known
