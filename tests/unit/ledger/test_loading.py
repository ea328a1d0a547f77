"""Rows of the entry table as entries: what comes back is what went in, whatever is held how."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import LedgerError
from reconciler.kinds import KINDS
from reconciler.ledger.codec import to_row
from reconciler.ledger.loading import entries_of
from reconciler.model.resource import Desired, EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.values import Address, Origin, Ref
from reconciler.planner.kept import CompactEntry, Entries, held
from reconciler.planner.ties import rows_of, singles


def tagging(email: str, tag: str, **more: Any) -> LedgerEntry:
    """One as it is written for the short form of a contact."""
    contact, vip = KINDS["contact"].address({"email": email}), KINDS["tag"].address({"name": tag})
    attrs = {"tag": Ref(vip), "contact": Ref(contact)}
    entry = LedgerEntry(
        KINDS["tagging"].address(attrs),
        f"{email}/{tag}"[:9],
        attrs,
        depends_on=(vip, contact),
        origin=Origin("a.yaml", 3, 5),
        provenance=Provenance.ADOPTED,
        part_of=contact,
        since=1e9,
        run=4,
    )
    return replace(entry, **more)


def loaded(*entries: LedgerEntry, like: dict[Address, Desired] | None = None) -> Any:
    """The same entries, written and read."""
    return entries_of([tuple(to_row(entry).values()) for entry in entries], like or {})


PLAIN = (
    tagging("ann@example.com", "VIP"),
    tagging("ann@example.com", "Gold"),
    tagging("bob@example.com", "x/y"),
    tagging("ann@example.com", 'Élève "a" \\ %'),
    tagging("bob@example.com", "@home"),
)


def test_relations_that_are_only_their_ends_are_held_by_block() -> None:
    """Also when the rows of two blocks stand mixed; each entry is the one that was written."""
    found = loaded(*PLAIN)
    assert not singles(found)
    assert [len(row.ends) for row in rows_of(found)["tagging"].values()] == [3, 2]
    assert dict(found) == {entry.address: entry for entry in PLAIN}
    assert all(found[entry.address] == entry for entry in PLAIN)


def test_the_order_of_dependencies_is_kept() -> None:
    """A plan file writes attributes in another order than the files have."""
    entry = tagging("ann@example.com", "VIP")
    turned = replace(entry, depends_on=entry.depends_on[::-1])
    assert loaded(turned)[entry.address].depends_on == turned.depends_on


@pytest.mark.parametrize(
    "more",
    [
        {"remote_id": None},
        {"digests": {"a": "b"}},
        {"lifecycle": Lifecycle(True)},
        {"state": EntryState.PENDING},
        {"former": Address("tagging", "a/b")},
        {"part_of": None},
        {"part_of": Address("contact", "bob@example.com")},
        {"origin": None},
        {"depends_on": ()},
        {"remote_id": "a\tb"},
        {"remote_id": "a\nb"},
        {"run": 9},
        {"answered": {"tag": Ref(Address("tag", "Other"))}},
        {"applied": {"tag": Ref(Address("tag", "VIP"))}},
        {"origin": Origin("a\nb.yaml", 1, 1)},
    ],
)
def test_what_says_more_stays_alone(more: dict[str, Any]) -> None:
    """Nothing of it is lost for the sake of memory."""
    odd = tagging("ann@example.com", "VIP", **more)
    found = loaded(tagging("ann@example.com", "Gold"), odd)
    assert set(singles(found)) == {odd.address}
    assert found[odd.address] == odd


def test_damage_in_a_row_of_a_block_is_named() -> None:
    """A row that cannot be read is never taken for a plain one."""
    row = {**to_row(tagging("ann@example.com", "VIP")), "since": "soon", "provenance": "found"}
    with pytest.raises(LedgerError, match=r"tagging/ann@example\.com/VIP is damaged"):
        entries_of([tuple(row.values())], {})


def test_what_the_files_say_in_the_same_words_is_held_once() -> None:
    """Address, attributes and origin are the very objects of the files; what differs is the ledger's own."""
    origin, vip = Origin("a.yaml", 1, 1), Address("tag", "VIP")
    same, other = Desired(vip, {"name": "VIP"}, origin), Desired(Address("tag", "B"), {"name": "b"}, origin)
    entries = (
        LedgerEntry(vip, "1", {"name": "VIP"}, origin=origin),
        LedgerEntry(other.address, "2", {"name": "B"}, origin=origin),
    )
    found = loaded(*entries, like={vip: same, other.address: other})
    assert list(found.values()) == list(entries)
    assert found[vip].address is same.address
    assert found[vip].applied is same.attrs
    assert found[vip].origin is origin
    assert found[other.address].applied == {"name": "B"}


MAIL = "ann@example.com"
ANN = Desired(Address("contact", MAIL), {"email": MAIL, "locale": "fr"}, Origin("a.yaml", 3, 5))


def written(**more: Any) -> LedgerEntry:
    """The entry of her who is as the files say."""
    entry = LedgerEntry(ANN.address, "7", ANN.attrs, origin=ANN.origin, since=1e9, run=4)
    return replace(entry, **more)


@pytest.mark.parametrize("more", [{}, {"origin": Origin("b.yaml", 9, 1)}, {"remote_id": None}, {"run": 5}])
def test_what_the_files_say_too_is_said_once(more: dict[str, Any]) -> None:
    """Wherever in the files it stood; whoever asks finds the entry that was written."""
    found = loaded(written(**more), like={ANN.address: ANN})
    assert isinstance(held(found)[ANN.address], CompactEntry)
    assert found == {ANN.address: written(**more)}
    assert found[ANN.address].applied is ANN.attrs
    assert list(found.values()) == [written(**more)]


@pytest.mark.parametrize(
    "more",
    [
        {"applied": {"email": "ann@example.com"}},
        {"answered": {"locale": "de"}},
        {"digests": {"a": "b"}},
        {"depends_on": (Address("tag", "VIP"),)},
        {"lifecycle": Lifecycle(True)},
        {"state": EntryState.PENDING},
        {"former": Address("contact", "old@example.com")},
        {"part_of": Address("tag", "VIP")},
        {"origin": None},
    ],
)
def test_an_entry_of_which_more_is_to_be_said_is_an_entry(more: dict[str, Any]) -> None:
    """Nothing that was written is lost because the files say something like it."""
    found = loaded(written(**more), like={ANN.address: ANN})
    assert isinstance(held(found)[ANN.address], LedgerEntry)
    assert found == {ANN.address: written(**more)}


def test_a_copy_of_entries_is_changed_alone() -> None:
    """Planning takes entries out and gives them other addresses; the ledger that was read stays."""
    found = loaded(written(), like={ANN.address: ANN})
    copy = Entries(found)
    del copy[ANN.address]
    assert not copy and len(found) == 1
