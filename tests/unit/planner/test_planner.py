"""The planner's table, row by row, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.plan import Action, Cause
from reconciler.model.policy import Policy, Prune
from reconciler.model.resource import EntryState, Lifecycle
from reconciler.model.values import Address
from reconciler.planner.planner import PENDING_FOR, plan_changes, unmanaged
from tests.unit.planner.made import (
    ANN,
    ANN_VIP,
    GOLD,
    RULES,
    VIP,
    contact_item,
    entry,
    identified,
    ledger,
    planned,
    state,
    tag_items,
    tagging,
)

OURS = ledger(entry(VIP, "1"))
DECLARED = state(tags=["VIP"])


@pytest.mark.parametrize(
    ("desired", "ours", "live", "action", "cause"),
    [
        (True, False, False, Action.CREATE, Cause.NEW),
        (True, False, True, Action.ADOPT, None),
        (True, True, True, Action.NO_CHANGE, None),
        (True, True, False, Action.CREATE, Cause.MISSING),
        (False, True, True, Action.DELETE, Cause.REMOVED),
        (False, True, False, Action.FORGET, Cause.REMOVED),
        (False, False, True, None, None),
    ],
)
def test_every_row_of_the_table(desired: bool, ours: bool, live: bool, action: Action | None, cause: Any) -> None:
    """Declared, ours, live → what is done, and why."""
    changes = planned(DECLARED if desired else state(), OURS if ours else None, tag=tag_items("VIP") if live else [])
    assert [(c.action, c.cause) for c in changes.values()] == ([(action, cause)] if action else [])


def test_another_id_under_our_name_is_taken_over() -> None:
    """Ours is gone, and somebody made one of its name."""
    change = planned(DECLARED, ledger(entry(VIP, "99")), tag=tag_items("VIP"))[VIP]
    assert (change.action, change.remote_id) == (Action.ADOPT, "1")


@pytest.mark.parametrize(("applied", "action"), [({"name": "VIP"}, Action.NO_CHANGE), ({}, Action.NO_CHANGE)])
def test_what_is_equal_is_left_alone(applied: dict[str, str], action: Action) -> None:
    """Even where the ledger knew less."""
    assert planned(DECLARED, ledger(entry(VIP, "1", applied)), tag=tag_items("VIP"))[VIP].action is action


def test_without_a_ledger_nothing_is_taken_over() -> None:
    """What is equal is nothing to do, every time."""
    rules = replace(RULES, digest=None)
    assert planned(DECLARED, rules=rules, tag=tag_items("VIP"))[VIP].action is Action.NO_CHANGE
    people = state(contacts=[{"email": "ann@example.com", "first_name": "Ann"}])
    change = planned(people, rules=rules, contact=[contact_item("ann@example.com")])[ANN]
    assert (change.action, change.note) == (Action.UPDATE, "")


def test_an_erased_person_is_blocked_with_what_depends_on_it() -> None:
    """Until somebody says otherwise."""
    desired = state(tags=["VIP"], contacts=[{"email": "ann@example.com", "tags": ["VIP"]}])
    known = ledger(entry(VIP), entry(ANN, "7", {"email": "ann@example.com"}), entry(ANN_VIP, "7/1", tagging()))
    changes = planned(desired, known, tag=tag_items("VIP"), contact=[])
    assert "deleted in the account" in str(changes[ANN].blocked)
    assert changes[ANN_VIP].blocked == "needs contact/ann@example.com"
    again = planned(desired, known, replace(RULES, recreate=True), tag=tag_items("VIP"), contact=[])
    assert [again[ANN].blocked, again[ANN].cause] == [None, Cause.MISSING]


@pytest.mark.parametrize(("age", "action"), [(PENDING_FOR - 1, Action.NO_CHANGE), (PENDING_FOR, Action.CREATE)])
def test_what_is_pending_counts_as_live_for_a_day(age: float, action: Action) -> None:
    """Then it is sent again, and the plan says so."""
    member = Address("membership", "ann@example.com/In")
    desired = state(memberships=[{"community": "In", "contact": "ann@example.com"}])
    pending = entry(member, None, desired.resources[member].attrs, state=EntryState.PENDING, since=RULES.now - age)
    change = planned(
        desired,
        ledger(pending),
        contact=[contact_item("ann@example.com")],
        community=[{"id": 1, "name": "In", "path": "in"}],
    )[member]
    assert change.action is action
    assert change.note


def test_a_guarded_one_is_neither_deleted_nor_replaced() -> None:
    """The ledger remembers what its block said."""
    guarded = entry(VIP, "1", lifecycle=Lifecycle(prevent_destroy=True))
    change = planned(state(), ledger(guarded), tag=tag_items("VIP"))[VIP]
    assert (change.action, change.blocked) == (Action.DELETE, "prevent_destroy")


def test_ignored_fields_are_no_part_of_what_is_wanted() -> None:
    """Neither compared nor remembered."""
    desired = state(contacts=[{"email": "ann@example.com", "locale": "fr", "lifecycle": {"ignore": ["locale"]}}])
    change = planned(desired, contact=[contact_item("ann@example.com")])[ANN]
    assert (change.fields, "locale" in change.attrs) == ((), False)


def test_a_deletion_of_what_is_still_needed_is_refused() -> None:
    """At the line that needs it."""
    desired = state(contacts=[{"email": "ann@example.com", "tags": ["VIP"]}])
    with pytest.raises(ConfigurationError, match=r"tagging/ann@example\.com/VIP needs tag/VIP"):
        planned(desired, OURS, tag=tag_items("VIP"), contact=[contact_item("ann@example.com")])


def test_a_name_that_a_stranger_holds_is_refused() -> None:
    """Unless that one goes, or takes another name, in this plan."""
    desired = state(tags=[{"name": "Gold", "handle": "best"}])
    best = entry(Address("tag", "@best"), "1")
    with pytest.raises(ConfigurationError, match="the name is taken by"):
        planned(desired, ledger(best), tag=tag_items("VIP", "Gold"))
    leaving = planned(desired, ledger(best, entry(GOLD, "2")), tag=tag_items("VIP", "Gold"))
    assert [change.action for change in leaving.values()] == [Action.UPDATE, Action.DELETE]


def test_what_cannot_change_and_cannot_be_replaced_is_refused() -> None:
    """An e-mail under a handle: another address is another person."""
    desired = state(contacts=[{"email": "new@example.com", "handle": "ann"}])
    known = ledger(entry(Address("contact", "@ann"), "1", {"email": "ann@example.com"}))
    with pytest.raises(ConfigurationError, match=r'email is "ann@.*" in the account and cannot be'):
        planned(desired, known, contact=[contact_item("ann@example.com")])


def test_strangers_are_counted_by_kind() -> None:
    """What a plan deletes under ``all`` is not untouched."""
    found = identified(state(), tag=tag_items("A", "B"), contact=[contact_item("ann@example.com", tags=(1,))])
    assert unmanaged(found) == {"tag": 2, "contact": 1, "tagging": 1}
    rules = replace(RULES, policy=Policy({"tag": Prune.ALL}))
    changes = plan_changes(found, state(), rules)
    assert unmanaged(found, changes) == {"contact": 1, "tagging": 1}


def test_changes_come_in_the_order_of_their_addresses() -> None:
    """Whatever the order of the files."""
    assert [a.key for a in planned(state(tags=["C", "A", "B"]))] == ["A", "B", "C"]
