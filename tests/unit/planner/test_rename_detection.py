"""Deletions and creations that look like one rename."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address
from reconciler.planner.planner import plan_changes
from reconciler.planner.rename_detection import RenameSuggestion, suggest_renames
from tests.unit.planner.made import ANN, RULES, VIP, contact_item, entry, identified, ledger, state, tag_items


def offered(desired: Any, *entries: LedgerEntry, **items: Any) -> list[str]:
    found = identified(desired, ledger(*entries), **items)
    return [str(offer) for offer in suggest_renames(plan_changes(found, desired, RULES), found)]


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("Premium", "premium plus", True),
        ("Newsletter", "Newsletters", True),
        ("Gold", "Trial", False),
        ("Week 1", "Week 2", False),
    ],
)
def test_names_that_read_alike(old: str, new: str, alike: bool) -> None:
    """Those that differ in their numbers are meant to differ."""
    found = offered(state(tags=[new]), entry(Address("tag", old)), tag=tag_items(old))
    offer = f"a.yaml:1:1: tag/{old} would be deleted and tag/{new} created. "
    advice = f"If this is a rename, add `renamed_from: {old}`"
    assert found == ([offer + advice] if alike else [])


def test_the_same_bearers_are_a_sign() -> None:
    """Whatever the names are."""
    desired = state(tags=["Trial"], contacts=[{"email": "ann@example.com", "tags": ["Trial"]}])
    person = entry(ANN, "1", {"email": "ann@example.com"})
    contacts = [contact_item("ann@example.com", 1, (1,))]
    assert len(offered(desired, entry(VIP), person, tag=tag_items("VIP"), contact=contacts)) == 1


def test_the_same_label_is_a_sign_for_a_field() -> None:
    """Its slug cannot change, so the advice is to keep it, and says what would be lost."""
    desired = state(contact_fields=[{"slug": "employer", "name": "Company"}])
    known = entry(Address("contact_field", "company"), "company", {"slug": "company", "name": "Company"})
    items = {"contact_field": [{"slug": "company", "fieldName": "Company"}]}
    (plain,) = offered(desired, known, **items)
    assert plain.endswith("keep `slug: company` and change only the label to Company")
    (lossy,) = offered(desired, known, **items, contact=[contact_item("a@example.com", company="Acme")])
    assert lossy.endswith(", or 1 value is lost")


def test_nobody_is_paired_twice() -> None:
    """The likest pair first."""
    found = offered(state(tags=["Premiums", "Premium A"]), entry(Address("tag", "Premium")), tag=tag_items("Premium"))
    assert len(found) == 1
    assert "tag/Premiums created" in found[0]


def test_without_a_line_the_offer_stands_alone() -> None:
    """A plan that rests on no files."""
    assert (
        str(RenameSuggestion(VIP, ANN, None, "say so"))
        == "tag/VIP would be deleted and contact/ann@example.com created. say so"
    )
