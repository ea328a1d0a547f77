"""What is reduced to a remote id reads as it was: rows of the ledger, and what the account has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.codec import DECISIVE, add_row, reduce_rows, to_row
from reconciler.model.resource import DesiredState, EntryState, Ledger, LedgerEntry, Lifecycle, Resources
from reconciler.model.values import Address, Origin, Ref
from reconciler.planner.matched_state import Entries
from reconciler.planner.planner import plan_changes, unmanaged
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, RULES, VIP, contact_item, identified, state, tag_items

BOB, BOB_GOLD = Address("contact", "bob@example.com"), Address("tagging", "bob@example.com/Gold")
SECTIONS: dict[str, Any] = {
    "tags": ["VIP", "Gold"],
    "contacts": [
        {"email": "ann@example.com", "tags": ["VIP"], "locale": "en"},
        {"email": "bob@example.com", "tags": ["VIP", "Gold"]},
    ],
}
PEOPLE = [contact_item("ann@example.com", 1, (1,)), contact_item("bob@example.com", 2, (1, 2))]
IDS = {VIP: "1", GOLD: "2", ANN: "1", BOB: "2"}


def written(desired: DesiredState, changed: Mapping[Address, Mapping[str, Any]] | None = None) -> list[LedgerEntry]:
    """What a run that applied everything wrote, but for ``changed``."""
    entries = []
    for address, each in desired.resources.items():
        ends = [value.target for value in each.attrs.values() if isinstance(value, Ref)]
        owner = next((end for end in ends if end.kind == "contact"), address)
        remote_id = f"{IDS[owner]}/{IDS[ends[0]]}" if ends else IDS[address]
        entry = LedgerEntry(
            address, remote_id, each.attrs, depends_on=tuple(ends), origin=each.origin, part_of=each.part_of, run=4
        )
        entries.append(replace(entry, **(changed or {}).get(address, {})))
    return entries


def loaded(desired: DesiredState, entries: list[LedgerEntry]) -> Entries:
    """The same entries, written and read; relations come last."""
    resources = Resources.by_kind(desired.resources)
    found = Entries(desired=resources)
    for entry in sorted(entries, key=lambda each: each.address.kind == "tagging"):
        kind, row = entry.address.kind, to_row(entry)
        if reduce_rows(found, kind, [[row[name] for name in DECISIVE]], resources.of(kind)):
            add_row(found, tuple(row.values()), resources.get(entry.address))
    return found


def test_rows_that_say_what_is_desired_are_reduced() -> None:
    """Each reads as it was written; those of relations keep not even an id."""
    desired = state(**SECTIONS)
    entries = written(desired)
    found = loaded(desired, entries)
    assert not found.kept
    assert {row.remote_id for row in found.row("tagging").values()} == {None}
    assert found == {entry.address: entry for entry in entries}
    assert sorted(found.values(), key=lambda each: each.address) == sorted(entries, key=lambda each: each.address)
    assert all(found.id_of(entry.address) == entry.remote_id for entry in entries)


@pytest.mark.parametrize("address", [ANN, BOB_GOLD])
@pytest.mark.parametrize(
    "more",
    [
        {"remote_id": None},
        {"remote_id": "9/9"},
        {"applied": {}},
        {"answered": {"locale": "de"}},
        {"digests": {"a": "b"}},
        {"lifecycle": Lifecycle(True)},
        {"state": EntryState.PENDING},
        {"former": Address("contact", "old@example.com")},
        {"part_of": VIP},
    ],
)
def test_a_row_that_says_more_is_kept_whole(address: Address, more: dict[str, Any]) -> None:
    """Nothing that was written is lost; a contact's id may be any."""
    desired = state(**SECTIONS)
    entries = written(desired, {address: more})
    found = loaded(desired, entries)
    assert found == {entry.address: entry for entry in entries}
    assert (address in found.kept) is not (address == ANN and more == {"remote_id": "9/9"})


def test_damage_in_a_row_that_could_be_reduced_is_named() -> None:
    """A row that cannot be read is never taken for one that agrees."""
    desired = state(**SECTIONS)
    row = {**to_row(written(desired)[0]), "since": "soon"}
    with pytest.raises(LedgerError, match=r"tag/VIP is damaged"):
        add_row(Entries(), tuple(row.values()), desired.resources[VIP])
    assert reduce_rows(Entries(), "tag", [[row[name] for name in DECISIVE]], {VIP.key: desired.resources[VIP]})


def test_a_copy_of_entries_is_changed_alone() -> None:
    """Matching takes entries out and gives them other addresses; the ledger that was read stays."""
    desired = state(**SECTIONS)
    found = loaded(desired, written(desired))
    copy = Entries.of(found)
    del copy[VIP]
    copy[GOLD] = replace(copy[GOLD], former=VIP)
    assert VIP not in copy and VIP in found
    assert found[GOLD].former is None and copy[GOLD].former == VIP
    assert copy.id_of(VIP) == "1"  # relations that refer to it are still known by it
    assert len(copy) == len(found) - 1


def plan(desired: DesiredState, entries: list[LedgerEntry], **more: Any) -> dict[Address, Any]:
    items = {"tag": tag_items("VIP", "Gold"), "contact": PEOPLE, **more}
    found = identified(desired, Ledger(entries=loaded(desired, entries)), **items)
    assert unmanaged(found) == {}
    changes = plan_changes(found, desired, RULES)
    assert [change.address for change in changes] == sorted(desired.resources)
    return {change.address: (change.action.value, change.remote_id, change.origin, change.note) for change in changes}


def test_what_agrees_is_in_the_plan_like_everything_else() -> None:
    """With its remote id and its place, whether the ledger has it or not."""
    desired = state(**SECTIONS)
    agreed = plan(desired, written(desired))
    assert {action for action, *_ in agreed.values()} == {"no_change"}
    assert agreed[BOB_GOLD] == ("no_change", "2/2", Origin("a.yaml", 4, 1), "")
    new = plan(desired, [])
    assert {(action, note) for action, _, _, note in new.values()} == {("adopt", "")}
    assert [remote_id for _, remote_id, *_ in new.values()] == [remote_id for _, remote_id, *_ in agreed.values()]


def test_relations_of_somebody_with_another_id_are_compared() -> None:
    """A contact was deleted and is there again: the ledger gets the new ids."""
    desired = state(**SECTIONS)
    again = plan(desired, written(desired), contact=[PEOPLE[0], contact_item("bob@example.com", 7, (1, 2))])
    assert again[BOB][:2] == ("adopt", "7")
    assert again[BOB_GOLD][:2] == ("no_change", "7/2")
    assert again[ANN_VIP][:2] == ("no_change", "1/1")
