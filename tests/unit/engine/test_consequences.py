"""What a change takes along, counted from what is live."""

from __future__ import annotations

import pytest

from reconciler.engine.consequences import bearers_of, is_rename, values_lost, values_of
from reconciler.model.plan import Action, Cause, Change, FieldChange
from reconciler.model.values import Address
from tests.unit.engine.made import ANN, GOLD, VIP, contact_item, entry, identified, ledger, planned, state, tag_items

COMPANY = Address("contact_field", "company")


@pytest.mark.parametrize(("carriers", "words"), [(0, ""), (1, "1 contact loses it"), (2, "2 contacts lose it")])
def test_a_deleted_tag_says_who_loses_it(carriers: int, words: str) -> None:
    """As far as contacts were read."""
    contacts = [contact_item(f"{n}@example.com", n, (1,)) for n in range(1, carriers + 1)]
    note = planned(state(), ledger(entry(VIP)), tag=tag_items("VIP"), contact=contacts)[VIP].note
    assert note.endswith(words)
    assert ("it" in note.split("; ")[-1]) == bool(words)


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
    assert planned(state(), known, **items)[COMPANY].note.endswith("1 value is lost")
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
    bearers = bearers_of((live.address.kind, live.attrs) for live in found.live.values())
    assert bearers[VIP] == {ANN}
    assert GOLD not in bearers
