"""Subscriptions: which live one a declaration means, and what the plan says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.kinds.dialect import Dialect
from reconciler.model.plan import Action, Base, Change, Plan, Step, Verb
from reconciler.model.policy import Allow, Limits
from reconciler.model.resource import Ledger
from reconciler.model.values import Address, Ref
from reconciler.planner.approvals import approvals
from reconciler.planner.requests import request_for, show
from tests.unit.planner.made import ANN, RULES, contact_item, entry, ledger, planned, state

MONTHLY = Address("subscription", "ann@example.com/Monthly")


def sub(number: int, plan: str | None = "Monthly", status: str = "active", **more: Any) -> dict[str, Any]:
    """A subscription of Ann, as reading hands it on."""
    price = {
        "id": 1,
        "name": plan,
        "innerName": f"in-{plan}",
        "amount": 123456,
        "currency": "eur",
        "recurringOptions": {"interval": "month", "intervalCount": 1},
    }
    shown = {"status": status, "completedAt": None, "cancelledAt": None, "pricePlan": price if plan else None}
    return {"id": number, "contact": "1", **shown, **more}


def choice(**more: Any) -> dict[str, Any]:
    """A declared end."""
    return {"contact": "ann@example.com", "plan": "Monthly", "state": "cancelled", "when": "now", **more}


def plan(*wishes: dict[str, Any], known: Ledger | None = None, subs: Any = (), **rules: Any) -> dict[Address, Change]:
    """The changes of subscriptions, by address."""
    desired = state(subscriptions=list(wishes))
    items = {"contact": [contact_item("ann@example.com")], "subscription": list(subs)}
    found = planned(desired, known, replace(RULES, **rules), **items)
    return {address: change for address, change in found.items() if address.kind == "subscription"}


def owned(remote_id: str = "7", key: str = "ann@example.com/Monthly", **more: Any) -> Ledger:
    """A ledger that has it as cancelled now."""
    applied = {"contact": Ref(ANN), "plan": "Monthly", "state": "cancelled", "when": "now", **more}
    return ledger(entry(Address("subscription", key), remote_id, applied))


@pytest.mark.parametrize(
    ("status", "ends", "action"),
    [
        ("active", None, Action.UPDATE),
        ("in_charge", None, Action.UPDATE),
        ("incomplete", None, Action.UPDATE),
        ("active", "2026-01-01", Action.ADOPT),
        ("cancelled", "2026-01-01", Action.ADOPT),
        ("completed", None, Action.ADOPT),
        ("incomplete_expired", None, Action.ADOPT),
    ],
)
def test_what_is_over_or_set_to_end_is_done(status: str, ends: str | None, action: Action) -> None:
    """Whatever way of ending is asked for."""
    for when in ("now", "period_end"):
        found = plan(choice(when=when), subs=[sub(7, status=status, cancelledAt=ends)])[MONTHLY]
        assert (found.action, found.remote_id) == (action, "7")
        assert bool(found.fields) == (action is Action.UPDATE) == bool(found.effects)


def test_a_write_says_what_it_costs_and_how_it_ends() -> None:
    """Price and interval, the consequences, and the manner beside the state."""
    found = plan(choice(), subs=[sub(7)])[MONTHLY]
    assert found.note == "1,234.56 EUR a month"
    assert found.effects == ("ends payments", "irreversible")
    assert [(each.path, each.before, each.after) for each in found.fields] == [
        ("state", "active", "cancelled"),
        ("when", None, "now"),
    ]


@pytest.mark.parametrize(
    ("dialect", "when", "body"),
    [
        (Dialect.VENDOR, "now", {"cancel": "Now"}),
        (Dialect.VENDOR, "period_end", {"cancel": "WhenBillingPeriodEnds"}),
        (Dialect.SKILL, "now", {"cancel": "Now"}),
        (Dialect.SKILL, "period_end", {"cancel": "WhenBillingPeriodEnds"}),
    ],
)
def test_the_request_of_each_dialect(dialect: Dialect, when: str, body: Any) -> None:
    """The vendor has to be told when, also through a gateway whose documents show no body."""
    change = plan(choice(when=when), subs=[sub(7)], dialect=dialect)[MONTHLY]
    request = show(request_for(Step(MONTHLY, Verb.MAKE), change, dialect))
    assert request == ("POST", "/api/payment/subscriptions/7/cancel", body)


@pytest.mark.parametrize("name", ["Monthly", "in-Monthly"])
def test_a_price_plan_goes_by_either_name(name: str) -> None:
    """And keeps the name that the files give it."""
    (found,) = plan(choice(plan=name), subs=[sub(7), sub(8, "Yearly"), sub(9, None)]).values()
    assert (found.address.key, found.remote_id) == (f"ann@example.com/{name}", "7")


def test_the_open_one_of_a_plan_counts() -> None:
    """Those that are over are history; where all are, any will do."""
    over = sub(7, status="cancelled")
    assert plan(choice(), subs=[over, sub(8)])[MONTHLY].remote_id == "8"
    assert plan(choice(), subs=[over, sub(9, status="completed")])[MONTHLY].action is Action.ADOPT


def test_two_open_ones_have_to_be_told_apart() -> None:
    """The error names the ids; an id, even beside a plan, decides."""
    subs = [sub(8), sub(7)]
    with pytest.raises(
        ConfigurationError, match=r"a\.yaml:1:1: .*there are 2 of that plan: ids 7, 8; say which: `id: 7`"
    ):
        plan(choice(), subs=subs)
    (found,) = plan(choice(id="8"), subs=subs).values()
    assert (str(found.address), found.remote_id) == ("subscription/ann@example.com/#8", "8")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (choice(plan="Montly"), 'the contact has no subscription "Montly"; there is "Monthly"'),
        (choice(id="9"), 'the contact has no subscription "9"; there is "7"'),
        (choice(id="7", plan="Yearly"), "its plan is not Yearly, but Monthly"),
    ],
)
def test_what_is_not_there_is_an_error(asked: dict[str, Any], said: str) -> None:
    """At its line, with what is near."""
    with pytest.raises(ConfigurationError) as error:
        plan(asked, subs=[sub(7)])
    assert str(error.value).startswith("a.yaml:1:1: subscription/ann@example.com/")
    assert said in str(error.value)


def test_one_that_is_meant_twice_is_an_error() -> None:
    """By its name and by its inner name."""
    with pytest.raises(ConfigurationError, match=r"is declared twice; also as subscription/ann@example\.com/Monthly"):
        plan(choice(), choice(plan="in-Monthly"), subs=[sub(7)])


def test_ours_is_done_even_if_another_came_since() -> None:
    """What somebody bought anew is spoken of, and left alone."""
    found = plan(choice(), known=owned(), subs=[sub(8), sub(7, status="cancelled")])[MONTHLY]
    assert (found.action, found.remote_id) == (Action.NO_CHANGE, "7")
    assert "another one has come since, id 8" in found.note


def test_ours_that_is_gone_needs_nothing() -> None:
    """A contact may have been deleted with all it had; nobody can make a subscription."""
    found = plan(choice(), known=owned(), subs=[])[MONTHLY]
    assert (found.action, found.note) == (Action.NO_CHANGE, "gone from the account; nothing is left to do")


def test_what_was_not_read_is_not_made_up() -> None:
    """Without a reading only what is ours is known."""
    with pytest.raises(ConfigurationError, match="is not known to be there, and cannot be made"):
        planned(state(subscriptions=[choice()]), contact=[contact_item("ann@example.com")])


def test_another_way_of_ending_is_too_late() -> None:
    """The account takes no second cancellation: done, and said."""
    found = plan(choice(when="now"), known=owned(when="period_end"), subs=[sub(7, cancelledAt="2026-01-01")])[MONTHLY]
    assert found.action is Action.NO_CHANGE
    assert found.note == "done already, with `when: period_end`; the account takes no other"


def test_what_leaves_the_files_is_only_forgotten() -> None:
    """There is nothing to delete."""
    found = plan(known=owned(), subs=[sub(7, status="cancelled")])[MONTHLY]
    assert (found.action, found.note) == (Action.FORGET, "no longer managed; kept in the account (read-only kind)")


def test_a_new_name_in_the_files_moves_what_is_ours() -> None:
    """From its plan to its id: nothing is forgotten, nothing adopted."""
    (found,) = plan(choice(id="7"), known=owned(), subs=[sub(7, status="cancelled")]).values()
    assert (found.action, found.moved_from) == (Action.NO_CHANGE, MONTHLY)


def test_every_write_needs_the_exact_count() -> None:
    """And what is done already does not count."""
    changes = plan(
        choice(),
        choice(plan="Yearly"),
        choice(plan="Old"),
        subs=[
            sub(7),
            sub(8, "Yearly"),
            sub(9, "Old", status="cancelled"),
        ],
    )
    (approval,) = approvals(Plan(Base(None, "", 0, "vendor"), tuple(changes.values())), {}, Limits())
    assert (approval.allow, approval.flag) == (Allow.CANCEL, "--allow cancel=2")
    assert approval.reason == "2 subscriptions would be cancelled for good"


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (
            {"amount": 500, "currency": "usd", "recurringOptions": {"interval": "week", "intervalCount": 2}},
            "5.00 USD every 2 weeks",
        ),
        ({"amount": 0, "currency": "eur", "recurringOptions": None}, "0.00 EUR a period"),
        ({"amount": None}, ""),
    ],
)
def test_prices_in_words(price: dict[str, Any], said: str) -> None:
    """Amounts are in cents; what is not known is not said."""
    item = sub(7, pricePlan={"name": "Monthly", "innerName": None, **price})
    assert plan(choice(), subs=[item])[MONTHLY].note == said
