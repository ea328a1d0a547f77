"""Subscriptions from end to end: once is for good, and everything around it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.cli import run
from reconciler.commands import apply
from tests.cli.support import ended
from tests.support.project import Project, requests_of

SEED = {
    "contacts": [{"email": "ann@example.com"}],
    "subscriptions": [{"id": 7, "contact": "ann@example.com", "plan": "Monthly"}],
}
FILE = "subscriptions:\n  - {contact: ann@example.com, plan: Monthly, state: cancelled, when: now}\n"

MakeProject = Callable[..., Project]


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """A project that ends Ann's subscription."""
    found = make_project(SEED)
    found.write(FILE)
    return found


@pytest.mark.parametrize("args", [(), ("--allow", "cancel"), ("--allow", "cancel=2"), ("--allow", "updates=1")])
def test_nothing_but_the_exact_count_will_do(project: Project, args: tuple[str, ...]) -> None:
    """Refused with the flag to type."""
    ended(project.run("apply", "--yes", *args), 3, "--allow cancel=1")
    assert not project.account.writes


def test_a_machine_reads_what_it_comes_to(project: Project) -> None:
    """Action, price, effects, consequences, the approval and the request."""
    document = project.plan()
    (change,) = [each for each in document["changes"] if each["address"].startswith("subscription/")]
    assert (change["action"], change["note"]) == ("update", "19.00 EUR a month")
    assert change["consequences"] == ["irreversible", "seen_by_customers"]
    assert document["needs"] == [
        {"allow": "cancel", "count": 1, "reason": "1 subscription would be cancelled for good"}
    ]
    (request,) = change["requests"]
    assert request == {"method": "POST", "path": "/api/payment/subscriptions/7/cancel", "body": {"cancel": "Now"}}


def test_a_new_one_of_the_same_plan_is_left_alone(project: Project) -> None:
    """It is somebody's new decision; the plan speaks of it and asks for nothing."""
    project.apply("--allow", "cancel=1")
    project.account.seed({"subscriptions": [{"id": 8, "contact": "ann@example.com", "plan": "Monthly"}]})
    document = project.plan("--detailed-exitcode")
    (note,) = filter(None, (each["note"] for each in document["changes"]))
    assert "id 8" in note
    assert document["needs"] == []


def test_without_a_ledger_it_works_by_the_plan(project: Project) -> None:
    """Nothing is remembered, so what is over is what decides."""
    ended(project.run("apply", "--yes", "--ledger", "none", "--allow", "cancel=1"), 0)
    ended(project.run("plan", "--ledger", "none", "--detailed-exitcode"), 0)


def test_undo_says_that_there_is_no_way_back(project: Project) -> None:
    """And sends nothing."""
    project.apply("--allow", "cancel=1")
    project.account.clear()
    ended(project.run("undo", "1", "--yes"), 0, "subscription/ann@example.com/Monthly", "cannot be reverted")
    assert not project.account.writes


def test_destroy_leaves_it(project: Project) -> None:
    """Nothing is there to be removed."""
    project.apply("--allow", "cancel=1")
    project.account.clear()
    ended(project.run("destroy", "--yes"), 0)
    assert not project.account.writes


def test_a_saved_plan_is_carried_out(project: Project) -> None:
    """Its approval is asked for again."""
    ended(project.run("plan", "--out", "plan.json"), 0)
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 3, "--allow cancel=1")
    ended(project.run("apply", "--plan", "plan.json", "--yes", "--allow", "cancel=1"), 0)
    project.assert_converged()


def test_what_is_old_is_read_again_through_its_contact(project: Project) -> None:
    """There is no other list to look it up in."""
    project.write("limits: {fresh: 0}", "reconciler.yaml")
    project.apply("--allow", "cancel=1")
    assert requests_of(project.account)[-2:] == [
        "GET /api/payment/subscriptions?limit=50&contact=1000001",
        "POST /api/payment/subscriptions/7/cancel",
    ]


def test_refresh_none_does_not_guess(project: Project) -> None:
    """What is not ours is not known."""
    ended(project.run("plan", "--refresh", "none"), 1, "site.yaml:2:5", "is not known to be there")


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("contact: ann@example.com, state: cancelled, when: now", "missing key `plan` or `id`"),
        ("contact: ann@example.com, id: '', state: cancelled, when: now", 'invalid id ""'),
        ("contact: ann@example.com, plan: Monthly, state: cancelled", "missing key `when`"),
        ("contact: ann@example.com, plan: Monthly, state: active, when: now", 'unsupported state "active"'),
        ("contact: ann@example.com, plan: Monthly, state: cancelled, when: later", 'unsupported when "later"'),
        ("contact: ann@example.com, plan: Monthly, state: cancelled, when: now, price: 3", "unknown key `price`"),
    ],
)
def test_a_block_that_is_not_whole(project: Project, block: str, said: str) -> None:
    """Offline, at its place."""
    project.write(f"subscriptions:\n  - {{{block}}}\n")
    ended(project.run("validate"), 1, "site.yaml:2:", said)


def test_an_account_that_goes_away_ends_the_run(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """One failure with its remedy instead of one for each step; the next apply does the rest, and no more."""
    project = make_project({})
    project.write(f"tags: [{', '.join(f'T{n}' for n in range(20))}]\n")
    gateway, number = project.server.gateway, project.account.connection

    def fail(outcome: Any, done: int, total: int) -> None:
        if done == 5:
            gateway.set_status(number, "FAILED")

    before = apply.carry_out
    with monkeypatch.context() as patch:
        patch.setattr(
            run,
            "carry_out",
            lambda planned, session, store, options: before(
                planned, session, store, apply.replace(options, listener=fail)
            ),
        )
        said = ended(project.run("apply", "--yes", "--parallel", "1"), 4, "5 of 20 done, 1 failed, 14 not run")
    assert "`reconciler connections create`" in said
    assert "Stopped: the account cannot be reached; run apply again to continue." in said
    assert len(project.account.writes) == 5
    gateway.set_status(number, "ACTIVE")
    project.apply()
    assert len(project.account.writes) == 20
    project.assert_converged()


@pytest.mark.parametrize("name", ["Monthly", "PP1"])
def test_what_was_ended_has_not_drifted(make_project: MakeProject, name: str) -> None:
    """How it ended is nothing that the account shows, and its price plan has two names."""
    price = {"contact": "ann@example.com", "plan": "Monthly", "inner_name": "PP1"}
    project = make_project({**SEED, "subscriptions": [price]})
    project.write(FILE.replace("Monthly", name))
    project.apply("--allow", "cancel=1")
    ended(project.run("drift"), 0, "No drift.")
    ended(project.run("explain", f"subscription/ann@example.com/{name}"), 0, "matches the configuration: no change")
