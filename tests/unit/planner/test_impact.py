"""What a change takes along, counted from what is live."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plan import Action, Cause, Change, FieldChange, Loss
from reconciler.model.resource import Ledger
from reconciler.model.values import Address
from reconciler.planner.impact import (
    affected_by,
    bearers_of,
    is_rename,
    live_relations,
    values_lost,
    values_of,
    with_losses,
)
from tests.unit.planner.made import ANN, GOLD, VIP, contact_item, entry, identified, ledger, planned, state, tag_items

COMPANY = Address("contact_field", "company")


def lost(address: Address, known: Ledger, *managed: Address, incomplete: bool = False, **items: Any) -> Change:
    """The deletion, with what it takes from people."""
    deletion = Change(address, Action.DELETE)
    affected = affected_by([deletion], identified(state(), known, **items))
    (change,) = with_losses([deletion], affected, frozenset(managed), incomplete=incomplete)
    return change


@pytest.mark.parametrize(
    ("contacts_with_tag", "managed", "words"),
    [
        (0, 0, ""),
        (1, 0, "1 contact loses it (unmanaged)"),
        (2, 0, "2 contacts lose it (all unmanaged)"),
        (3, 1, "3 contacts lose it (2 of them unmanaged)"),
        (3, 3, "3 contacts lose it"),
    ],
)
def test_unmanaged_people_are_told_apart(contacts_with_tag: int, managed: int, words: str) -> None:
    """Managed are those that the ledger records."""
    contacts = [contact_item(f"{n}@example.com", n, (1,)) for n in range(contacts_with_tag)]
    ours = [Address("contact", f"{n}@example.com") for n in range(managed)]
    change = lost(VIP, ledger(entry(VIP)), *ours, tag=tag_items("VIP"), contact=contacts)
    assert (change.note, change.loss) == (words, Loss(contacts_with_tag, contacts_with_tag - managed))


def test_where_not_all_were_read_it_is_a_least_number() -> None:
    """Nobody counted the others."""
    contacts = [contact_item("ann@example.com", 1, (1,))]
    change = lost(VIP, ledger(entry(VIP)), ANN, incomplete=True, tag=tag_items("VIP"), contact=contacts)
    assert (change.note, change.loss) == ("at least 1 contact loses it", Loss(1, 0, least=True))


def test_a_renamed_tag_says_who_keeps_it() -> None:
    """The point of a rename."""
    desired = state(tags=[{"name": "VIP", "renamed_from": "Gold"}])
    contacts = [contact_item("ann@example.com", 1, (1,))]
    assert planned(desired, ledger(entry(GOLD)), tag=tag_items("Gold"), contact=contacts)[VIP].note == (
        "1 contact keeps it"
    )


def test_a_deleted_field_says_how_many_values_go() -> None:
    """Empty ones do not count."""
    contacts = [contact_item("a@example.com", 1, company="Acme"), contact_item("b@example.com", 2, company="")]
    items = {"contact_field": [{"slug": "company", "fieldName": "Company"}], "contact": contacts}
    known = ledger(entry(COMPANY, "company", {"slug": "company", "name": "Company"}))
    assert lost(COMPANY, known, Address("contact", "a@example.com"), **items).note == "1 contact loses its value"
    assert values_of(COMPANY, identified(state(), **items)) == 1
    assert values_lost(1204) == "1,204 values are lost"


def test_only_a_changed_key_is_a_rename() -> None:
    """Of something that stays the same thing."""
    name = (FieldChange("name", "a", "b", Cause.EDITED),)
    assert is_rename(Change(VIP, Action.UPDATE, fields=name))
    assert is_rename(Change(VIP, Action.ADOPT, fields=name))
    assert not is_rename(Change(VIP, Action.CREATE, fields=name))
    assert not is_rename(Change(COMPANY, Action.UPDATE, fields=name))


def test_bearers_are_those_that_a_relation_leads_to() -> None:
    """The contacts of a tag; nobody for one that nobody carries."""
    found = identified(state(), tag=tag_items("VIP", "Gold"), contact=[contact_item("ann@example.com", 1, (1,))])
    bearers = bearers_of(live_relations(found), {VIP, GOLD})
    assert bearers[VIP] == {ANN}
    assert GOLD not in bearers
