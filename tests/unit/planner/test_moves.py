"""A new address for what is ours: its relations follow, nobody is overwritten."""

from __future__ import annotations

import re

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.values import Address
from reconciler.planner.moves import moves_of
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, VIP, entry, tagging

OURS = {
    each.address: each
    for each in (entry(VIP), entry(GOLD, "2"), entry(ANN, "1", {"email": "a"}), entry(ANN_VIP, "1/1", tagging()))
}


def test_relations_follow() -> None:
    """Those that have it in their key, by either end."""
    new = Address("tag", "@vip")
    assert moves_of(OURS, VIP, new) == ((VIP, new), (ANN_VIP, Address("tagging", "ann@example.com/@vip")))
    eve = Address("contact", "eve@example.com")
    assert moves_of(OURS, ANN, eve) == ((ANN, eve), (ANN_VIP, Address("tagging", "eve@example.com/VIP")))
    assert len(moves_of(OURS, GOLD, Address("tag", "Silver"))) == 1


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (Address("tag", "Vip"), GOLD, '"tag/VIP"'),
        (VIP, GOLD, "already in the ledger"),
        (VIP, VIP, "already"),
        (VIP, ANN, "cannot become"),
        (VIP, Address("tag", "a/b"), "tag/a%2Fb"),
        (ANN_VIP, Address("tagging", "x/y"), "move the contact or the tag"),
    ],
)
def test_refused(old: Address, new: Address, text: str) -> None:
    """Each with its reason."""
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        moves_of(OURS, old, new)
