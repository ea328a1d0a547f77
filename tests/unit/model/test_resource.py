"""A relation that is made without address and origin is the same as one that is made with them."""

from __future__ import annotations

import pytest

from reconciler.model.resource import Desired, place_of
from reconciler.model.values import Address, Origin

ANN = Address("contact", "ann@example.com")
TAGGING = Address("tagging", "ann@example.com/VIP")


@pytest.mark.parametrize(
    "origin", [Origin("a.yaml", 3, 7), Origin("people.csv", 2, 0), Origin("a run", 0, 0)], ids=str
)
def test_a_related_resource(origin: Origin) -> None:
    """Positions may have no column, or no line."""
    related = Desired.related(*TAGGING, {"tag": "VIP"}, place_of(origin), ANN)
    assert related == Desired(TAGGING, {"tag": "VIP"}, origin, part_of=ANN)
    assert related.origin == origin
    assert related.place == place_of(origin)
