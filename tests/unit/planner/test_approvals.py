"""Approvals: percentages, floors, people, exact counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan
from reconciler.model.policy import Allow, Limits
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address, Ref
from reconciler.planner.approvals import Approval, approvals, closed, people

FIELD = (FieldChange("name", "a", "b", Cause.EDITED),)


def tags(number: int, first: int = 0) -> list[Address]:
    return [Address("tag", str(n)) for n in range(first, first + number)]


def persons(number: int) -> list[Address]:
    return [Address("contact", f"{n}@example.com") for n in range(number)]


def found(changes: list[Change], owned: list[Address], limits: Limits = Limits()) -> list[tuple[Allow, int]]:  # noqa: B008
    plan = Plan(Base(None, "", 0, "vendor"), tuple(changes), ids=dict.fromkeys(owned, "1"))
    entries = {address: LedgerEntry(address, "1") for address in owned}
    return [(approval.allow, approval.count) for approval in approvals(plan, entries, limits)]


@pytest.mark.parametrize(
    ("owned", "deleted", "shut"),
    [(9, 9, False), (10, 3, False), (10, 4, True), (100, 30, False), (100, 31, True), (0, 0, False)],
)
def test_deletions_are_held_at_a_share_from_a_floor_on(owned: int, deleted: int, shut: bool) -> None:
    """30 % of what is owned, from ten resources on."""
    changes = [Change(address, Action.DELETE) for address in tags(deleted)]
    assert found(changes, tags(owned)) == ([(Allow.DELETES, deleted)] if shut else [])


def test_replacing_counts_as_deleting() -> None:
    """What is made again was gone for a moment."""
    changes = [Change(address, Action.REPLACE, fields=FIELD) for address in tags(4)]
    assert found(changes, tags(10)) == [(Allow.DELETES, 4)]


@pytest.mark.parametrize(
    ("action", "fields", "shut"),
    [
        (Action.UPDATE, FIELD, True),
        (Action.ADOPT, FIELD, True),
        (Action.ADOPT, (), False),
        (Action.CREATE, FIELD, False),
        (Action.FORGET, (), False),
        (Action.NO_CHANGE, (), False),
    ],
)
def test_updates_are_what_overwrites(action: Action, fields: tuple[FieldChange, ...], shut: bool) -> None:
    """Adopting as it is, creating and forgetting overwrite nothing."""
    changes = [Change(address, action, fields=fields) for address in tags(4)]
    assert found(changes, tags(10)) == ([(Allow.UPDATES, 4)] if shut else [])


def test_what_is_blocked_does_not_count() -> None:
    """It is not going to happen."""
    changes = [Change(address, Action.DELETE, blocked="no") for address in tags(9)]
    assert found(changes, tags(10)) == []


@pytest.mark.parametrize(("hit", "shut"), [(3, False), (4, True)])
def test_shares_are_counted_in_people_too(hit: int, shut: bool) -> None:
    """Four of ten people, though only four of a hundred resources."""
    changes = [
        Change(Address("tagging", f"{p.key}/x"), Action.DELETE, before={"contact": Ref(p)}) for p in persons(hit)
    ]
    assert found(changes, [*persons(10), *tags(90)]) == ([(Allow.DELETES, hit)] if shut else [])


def test_limits_can_be_set() -> None:
    """Zero percent holds everything, a hundred nothing."""
    changes = [Change(address, Action.DELETE) for address in tags(1)]
    assert found(changes, tags(10), Limits(deletes=0)) == [(Allow.DELETES, 1)]
    assert found([Change(a, Action.DELETE) for a in tags(10)], tags(10), Limits(deletes=100)) == []
    assert found(changes, tags(1), Limits(deletes=0, floor=1)) == [(Allow.DELETES, 1)]


def test_deleting_and_recreating_people_have_words_of_their_own() -> None:
    """However few they are; a person that is new needs none."""
    ann, bob, eve = persons(3)
    changes = [
        Change(ann, Action.DELETE),
        Change(bob, Action.CREATE, Cause.MISSING),
        Change(eve, Action.CREATE, Cause.NEW),
    ]
    assert found(changes, []) == [(Allow.CONTACTS, 1), (Allow.RECREATE, 1)]


@pytest.mark.parametrize(
    ("allow", "given", "passes"),
    [
        (Allow.DELETES, {}, False),
        (Allow.DELETES, {Allow.DELETES: None}, True),
        (Allow.DELETES, {Allow.DELETES: 4}, True),
        (Allow.DELETES, {Allow.DELETES: 5}, False),
        (Allow.DELETES, {Allow.UPDATES: None}, False),
        (Allow.CONTACTS, {Allow.CONTACTS: None}, False),
        (Allow.CONTACTS, {Allow.CONTACTS: 4}, True),
        (Allow.RECREATE, {Allow.RECREATE: None}, False),
        (Allow.RECREATE, {Allow.RECREATE: 3}, False),
    ],
)
def test_a_given_count_must_be_exact_and_people_need_one(
    allow: Allow, given: dict[Allow, int | None], passes: bool
) -> None:
    """A word without a count does for deletes and updates only."""
    approval = Approval(allow, 4, "because")
    assert closed([approval], given) == (() if passes else (approval,))
    assert approval.flag == f"--allow {allow.value}=4"


@pytest.mark.parametrize(("number", "words"), [(1, "1 contact would"), (1200, "1,200 contacts would")])
def test_reasons_are_sentences(number: int, words: str) -> None:
    """One contact, many contacts."""
    plan = Plan(Base(None, "", 0, "vendor"), tuple(Change(a, Action.DELETE) for a in persons(number)))
    assert words in approvals(plan, {}, Limits())[0].reason


def test_people_are_touched_through_relations() -> None:
    """By what is desired, or by what was, where nothing is desired any more."""
    ann, bob, eve = persons(3)
    changes = [
        Change(ann, Action.UPDATE),
        Change(Address("tagging", "b"), Action.CREATE, attrs={"contact": Ref(bob)}),
        Change(Address("tagging", "e"), Action.DELETE, before={"contact": Ref(eve), "tag": Ref(Address("tag", "x"))}),
        Change(Address("tag", "y"), Action.DELETE, before={"name": "y"}),
    ]
    assert people(changes) == {ann, bob, eve}


def enrolled(number: int, action: Action, cause: Cause | None = None) -> Change:
    person = Ref(Address("contact", f"{number}@example.com"))
    attrs = {"contact": person, "course": Ref(Address("course", "Launch"))}
    address = Address("enrollment", f"{number}@example.com/Launch")
    sides = {"before": attrs} if action is Action.DELETE else {"attrs": attrs}
    return Change(address, action, cause, **sides)


@pytest.mark.parametrize(("stay", "go", "shut"), [(5, 4, False), (7, 3, False), (6, 4, True), (0, 10, True)])
def test_unmanaged_ones_are_a_share_of_their_set(stay: int, go: int, shut: bool) -> None:
    """Though nothing is owned, and from the same floor on."""
    changes = [enrolled(number, Action.ADOPT) for number in range(stay)]
    changes += [enrolled(number, Action.DELETE, Cause.UNLISTED) for number in range(50, 50 + go)]
    assert found(changes, []) == ([(Allow.DELETES, go)] if shut else [])


def test_one_word_allows_what_several_approvals_ask_for() -> None:
    """The count is that of all deletions."""
    changes = [enrolled(number, Action.DELETE, Cause.UNLISTED) for number in range(10)]
    changes += [Change(address, Action.DELETE) for address in tags(10)]
    assert set(found(changes, tags(10))) == {(Allow.DELETES, 20)}


def test_unmanaged_ones_that_pruning_removes_count_as_owned() -> None:
    """Pruning `all` on the first run owns nothing yet."""
    assert found([Change(address, Action.DELETE) for address in tags(10)], []) == [(Allow.DELETES, 10)]


@pytest.mark.parametrize(("owned", "live", "shut"), [(9, 0, False), (10, 0, True), (10, 1, False)])
def test_an_account_without_any_of_ours_is_another_one(owned: int, live: int, shut: bool) -> None:
    """Ten of a kind, and none of them there: let pass by the word alone."""
    entries = {address: LedgerEntry(address, "1") for address in tags(owned)}
    plan = Plan(Base(None, "", 0, "vendor"), (), ids=dict.fromkeys(tags(live), "1"))
    needed = approvals(plan, entries, Limits())
    assert [(approval.allow, approval.flag) for approval in needed] == (
        [(Allow.MISSING, "--allow missing")] if shut else []
    )
    assert closed(needed, {Allow.MISSING: None}) == ()


def tagged(number: int, action: Action = Action.CREATE) -> list[Change]:
    """One tag for each of so many people."""
    made = [(Address("tagging", f"{p.key}/x"), {"contact": Ref(p)}) for p in persons(number)]
    sides = "before" if action is Action.DELETE else "attrs"
    return [Change(address, action, effects=("starts automations",), **{sides: attrs}) for address, attrs in made]


@pytest.mark.parametrize(("number", "shut"), [(100, False), (101, True)])
def test_mail_has_a_limit_in_people(number: int, shut: bool) -> None:
    """However many changes concern one of them."""
    changes = tagged(number)
    twice = [replace(change, address=Address("tagging", f"{change.address.key}y")) for change in changes]
    assert found([*changes, *twice], []) == ([(Allow.EMAILS, number)] if shut else [])
    assert found(changes, [], Limits(emails=number)) == []


def test_mail_is_approved_by_its_exact_number() -> None:
    """A word without a number would cover any number of people."""
    approval = Approval(Allow.EMAILS, 130, "130 people may receive e-mail (limit 100)")
    assert closed([approval], {Allow.EMAILS: None}) == closed([approval], {Allow.EMAILS: 129}) == (approval,)
    assert closed([approval], {Allow.EMAILS: 130}) == ()


def reasons(changes: list[Change], owned: list[Address], **more: Any) -> list[str]:
    plan = Plan(Base(None, "", 0, "vendor"), tuple(changes), ids=dict.fromkeys(owned, "1"))
    return [
        approval.reason for approval in approvals(plan, {a: LedgerEntry(a, "1") for a in owned}, Limits(), **more)
    ]


def test_the_reason_is_said_in_people() -> None:
    """What is deleted, whom it affects, of how many; and that nobody is deleted."""
    changes = [
        Change(a, Action.REPLACE, attrs={"contact": Ref(p)}) for a, p in zip(tags(29), persons(29), strict=True)
    ]
    assert reasons(changes, [*persons(29), *tags(100, 50)]) == [
        "29 replacements affect 29 of 29 people (limit 30%). No contact is deleted"
    ]
    assert reasons([Change(a, Action.DELETE) for a in persons(1)], persons(3))[0] == (
        "1 contact would be deleted permanently"
    )


@pytest.mark.parametrize(
    ("unmanaged", "limits", "shut"),
    [(9, Limits(), False), (10, Limits(), True), (250, Limits(deletes=100), False), (10, Limits(floor=11), False)],
)
def test_unmanaged_people_count_from_the_floor_on(unmanaged: int, limits: Limits, shut: bool) -> None:
    """Nobody knows how many they are in all, so there is no percentage of them."""
    tag = Address("tag", "a")
    owned = [tag, *tags(20), *(Address("contact", f"m{n}") for n in range(5000))]
    plan = Plan(Base(None, "", 0, "vendor"), (Change(tag, Action.DELETE),), ids=dict.fromkeys(owned, "1"))
    needed = approvals(
        plan, {a: LedgerEntry(a, "1") for a in owned}, limits, affected={tag: dict.fromkeys(persons(unmanaged), "")}
    )
    assert bool(needed) is shut
    if shut:
        assert needed[0].reason == (
            "1 deletion affects 10 unmanaged people (approval required from 10 on). No contact is deleted"
        )


@pytest.mark.parametrize(("losing", "shut"), [(3, False), (4, True)])
def test_managed_people_who_lose_a_tag_are_a_share_of_all(losing: int, shut: bool) -> None:
    """One deletion of a hundred resources, four of ten people."""
    tag, people_ = Address("tag", "0"), persons(10)
    entries = {a: LedgerEntry(a, "1") for a in [*tags(90), *people_]}
    plan = Plan(Base(None, "", 0, "vendor"), (Change(tag, Action.DELETE),), ids=dict.fromkeys(entries, "1"))
    needed = approvals(plan, entries, Limits(), affected={tag: dict.fromkeys(people_[:losing], "")})
    assert [approval.reason for approval in needed] == (
        ["1 deletion affects 4 of 10 people (limit 30%). No contact is deleted"] if shut else []
    )


def test_people_named_by_managed_relations_are_managed() -> None:
    """Though no block declares the contact itself."""
    tag = Address("tag", "0")
    relations = {
        Address("tagging", f"{p.key}/y"): LedgerEntry(Address("tagging", f"{p.key}/y"), "1", {"contact": Ref(p)})
        for p in persons(10)
    }
    ids = dict.fromkeys([tag, *relations], "1")
    plan = Plan(Base(None, "", 0, "vendor"), (Change(tag, Action.DELETE),), ids=ids)
    needed = approvals(
        plan, {tag: LedgerEntry(tag, "1"), **relations}, Limits(), affected={tag: dict.fromkeys(persons(10), "")}
    )
    assert [approval.reason for approval in needed] == [
        "1 deletion affects 10 of 10 people (limit 30%). No contact is deleted"
    ]
