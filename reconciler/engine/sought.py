"""What a walk is made for → whether its next page is worth a call, or the rest is looked up, or nothing is left.

Only where the vendor lets no two have one name (``Collection.unique``): elsewhere the pages to come may hold another
one of a name that was found, and that has to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from reconciler.engine.routes import PAGE, Needs, Route, Way
from reconciler.kinds.base import Item, Kind


class Sought:
    """What is needed of a collection while it is walked.

    ``least`` is a number that is certainly needed: what ``find_out`` says is dear, and asked when it may matter.
    """

    def __init__(self, kind: Kind, route: Route, least: int, find_out: Callable[[], Needs]) -> None:
        self._kind, self._route, self._least, self._find_out = kind, route, least, find_out
        self._struck = self._found = 0

    @cached_property
    def rest(self) -> Needs:
        """What was not found yet, as look-ups."""
        needs = self._find_out()
        return Needs(needs.ids, dict(needs.keys), needs.open_ended)

    def is_worth_a_cut(self, walked: int, items: Sequence[Item]) -> bool:
        """Whether, after so many pages with these items, looking up the rest takes fewer calls than more pages.

        Where nobody knows how many pages come, that is when there are no more look-ups left than pages were walked,
        and fewer found than walked: so both together take a call more than the look-ups alone would have, or twice
        the cheaper of the two ways, at most.
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

    def _strike(self, items: Sequence[Item]) -> None:
        (name,) = self._kind.key
        ids = {str(item[self._kind.remote_id]) for item in items}
        keys = {self._kind.address({name: item[self._kind.field(name).answer_key]}) for item in items}
        left = {address: attrs for address, attrs in self.rest.keys.items() if address not in keys}
        rest = Needs(self.rest.ids - ids, left)
        self._found += self.rest.calls - rest.calls
        self.rest = rest

    def cut(self, walked: int) -> Route:
        """The route that was taken, when the walk ends after so many pages."""
        return Route(Way.CUT, walked + self.rest.calls, self._route.pages, walked=walked)


def pages_to_come(route: Route, walked: int) -> int:
    """By the last count; 0 where nobody counted, or there are more by now."""
    return 0 if route.pages is None else max(0, route.pages - walked)


def size_after(route: Route) -> int:
    """What is believed of a collection whose walk was cut: what was counted, else as many again as were walked."""
    return PAGE * (route.walked + (pages_to_come(route, route.walked) or route.walked + 1))
