"""Entries at new addresses, and everything that refers to them."""

import pytest

from reconciler.errors import LedgerError
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address, Ref
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import ANN, ANN_VIP, GOLD, VIP, tag

A, B, C = (Address("tag", name) for name in "ABC")


def ids(where: Where) -> dict[str, str | None]:
    """Remote id by key."""
    return {e.address.key: e.remote_id for e in where.opened[0].entries()}


def test_a_swap_loses_nothing(where: Where) -> None:
    """A → B and B → A at once."""
    store = where.held()
    store.write([tag("A", "1"), tag("B", "2")])
    store.write(moves=[(A, B), (B, A)])
    assert ids(where) == {"A": "2", "B": "1"}


def test_a_chain_and_a_drop_go_together(where: Where) -> None:
    """Drops come first, so that a move may take the place; puts come last."""
    store = where.held()
    store.write([tag("A", "1"), tag("B", "2"), tag("C", "3")])
    store.write([tag("A", "4")], [C], [(A, B), (B, C)])
    assert ids(where) == {"A": "4", "B": "1", "C": "2"}


def test_references_follow(where: Where) -> None:
    """Dependencies, parents, references and sets of them; a text that only looks like an address stays."""
    store = where.held()
    entry = LedgerEntry(
        ANN_VIP,
        "5",
        {"tag": Ref(GOLD), "text": "tag/Gold", "texts": frozenset({"tag/Gold"})},
        {"tags": frozenset({Ref(GOLD), Ref(C)})},
        depends_on=(ANN, GOLD),
        part_of=GOLD,
    )
    store.write([tag("Gold"), entry, LedgerEntry(A, "9", depends_on=(C,))])
    store.write(moves=[(GOLD, VIP)])
    found = store.load().entries[ANN_VIP]
    assert found.applied == {"tag": Ref(VIP), "text": "tag/Gold", "texts": frozenset({"tag/Gold"})}
    assert found.answered == {"tags": frozenset({Ref(VIP), Ref(C)})}
    assert (found.depends_on, found.part_of) == ((ANN, VIP), VIP)


def test_references_to_odd_names_follow(where: Where) -> None:
    """Quotes, backslashes and letters beyond ASCII are written otherwise in JSON."""
    odd, new = Address("tag", 'a"b\\é'), Address("tag", '"')
    store = where.held()
    store.write([LedgerEntry(odd, "1"), LedgerEntry(A, "2", {"tag": Ref(odd)}, depends_on=(odd,))])
    store.write(moves=[(odd, new)])
    found = store.load().entries
    assert found.keys() == {new, A}
    assert (found[A].applied, found[A].answered, found[A].depends_on) == ({"tag": Ref(new)}, {}, (new,))


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ([(A, C)], "tag/C is already in the ledger"),
        ([(A, VIP), (B, VIP)], "the same source or target"),
        ([(A, VIP), (A, GOLD)], "the same source or target"),
        ([(A, VIP), (GOLD, Address("tag", "X"))], "tag/Gold is not in the ledger"),
    ],
)
def test_an_impossible_move_changes_nothing(where: Where, moves: list[tuple[Address, Address]], message: str) -> None:
    """Nobody is overwritten, and a move is whole or not at all."""
    store = where.held()
    store.write([tag("A", "1"), tag("B", "2"), tag("C", "3")])
    with pytest.raises(LedgerError, match=message):
        store.write(moves=moves)
    assert ids(where) == {"A": "1", "B": "2", "C": "3"}
    assert store.load().serial == 1
