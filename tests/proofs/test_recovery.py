"""What a killed run left, one case at a time: who made it, what it is called, and whose it is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.gateway.transport import Transport
from reconciler.ledger.store import Store
from reconciler.model.resource import Provenance
from reconciler.model.values import Address
from tests.proofs.forks import ledger_of
from tests.proofs.hasty import make_hasty
from tests.support.project import Project


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The run dies, as far as its ledger knows, before the n-th outcome is stored."""

    def arrange(project: Project, nth: int = 1) -> None:
        complete, left = Store.complete, [nth]

        def dying(*args: Any, **options: Any) -> None:
            left[0] -= 1
            if left[0] <= 0:
                raise KeyboardInterrupt
            complete(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Store, "complete", dying)
            patch.setattr("threading.excepthook", lambda *_: None)
            project.run("apply", "--yes", "--parallel", "1")

    return arrange


def provenance(project: Project, kind: str, key: str) -> Provenance:
    return ledger_of(project).entries[Address(kind, key)].provenance


def test_what_was_made_is_known_to_be_made(project: Project, unrecorded: Callable[..., None]) -> None:
    """Found again by the next run it counts as created, so that it goes when its line goes."""
    project.write("tags: [A, B]")
    unrecorded(project)
    assert project.account.state()["tags"]
    project.apply()
    assert provenance(project, "tag", "A") is provenance(project, "tag", "B") is Provenance.CREATED


def test_what_was_taken_over_is_not_taken_for_made(
    make_project: Callable[..., Project], unrecorded: Callable[..., None]
) -> None:
    """The PATCH of an adoption was done and not recorded: what was there before us is still not ours to delete."""
    project = make_project({"contact_fields": [{"slug": "theirs", "name": "Theirs"}]})
    project.write("contact_fields: [{slug: theirs, name: Ours}]")
    unrecorded(project)
    assert project.account.state()["contact_fields"] == [{"slug": "theirs", "name": "Ours"}]
    project.apply()
    assert provenance(project, "contact_field", "theirs") is Provenance.ADOPTED


def test_what_was_made_and_is_not_wanted_any_more_goes(project: Project, unrecorded: Callable[..., None]) -> None:
    """Between the two runs its line was taken out of the files: no orphan stays."""
    project.write("tags: [A]")
    unrecorded(project)
    assert project.account.state()["tags"] == ["A"]
    project.write("tags: []")
    project.apply()
    assert project.account.state()["tags"] == []
    assert not ledger_of(project).intents


def test_what_was_made_and_is_called_otherwise_now_is_ours(project: Project, unrecorded: Callable[..., None]) -> None:
    """Between the two runs it got a new name in the files."""
    project.write("tags: [A]")
    unrecorded(project)
    project.write("tags: [{name: B, renamed_from: A}]")
    project.apply()
    assert project.account.state()["tags"] == ["B"]
    assert provenance(project, "tag", "B") is Provenance.CREATED


def test_a_swap_that_was_cut_short_is_not_taken_back(make_project: Callable[..., Project]) -> None:
    """Every call fails after the ledger took note of the new names; the next run swaps, and not the other way."""
    project = make_project({"unique_tags": False, "contacts": [{"email": "ann@example.com"}]})
    project.write("tags: [A, B]\ncontacts: [{email: ann@example.com, tags: [A]}]")
    project.apply()
    project.write(
        "tags: [{name: A, renamed_from: B}, {name: B, renamed_from: A}]\n"
        "contacts: [{email: ann@example.com, tags: [B]}]"
    )
    project.account.fault("status", method="PUT", status=422, times=None)
    assert project.run("apply", "--yes", "--allow", "updates").code != 0
    project.account.set_faults([])
    before = project.account.ids()["tags"]
    project.apply("--allow", "updates")
    assert project.account.ids()["tags"] == {"A": before["B"], "B": before["A"]}
    project.assert_converged()


def test_a_lost_answer_whose_look_fails_stays_in_doubt(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither "made" nor "not made" is recorded; the next run finds it, made by us, and makes no second one."""
    make_hasty(monkeypatch)
    project.account.options.unique_tags = False
    project.write("tags: [A]")
    exchange = Transport.exchange
    lost = {"post": False}

    def blind(transport: Transport, method: str, *rest: Any) -> Any:
        if method == "GET" and lost["post"]:
            project.account.fault("status", method="GET", status=429, times=5)
            lost["post"] = False
        lost["post"] = lost["post"] or method == "POST"
        return exchange(transport, method, *rest)

    project.account.fault("drop_after", method="POST")
    monkeypatch.setattr(Transport, "exchange", blind)
    assert project.run("apply", "--yes").code == 1
    monkeypatch.setattr(Transport, "exchange", exchange)
    project.account.set_faults([])
    assert list(ledger_of(project).intents) == [Address("tag", "A")]
    project.apply()
    assert project.account.state()["tags"] == ["A"]
    assert provenance(project, "tag", "A") is Provenance.CREATED


def test_a_membership_nobody_accepted_is_not_called_pending(
    make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests without an answer, and it does not show: that is a failure, and the next run tries again."""
    make_hasty(monkeypatch)
    project = make_project({"communities": [{"name": "Club"}], "contacts": [{"email": "ann@example.com"}]})
    project.write("memberships: [{community: Club, contacts: [ann@example.com]}]")
    project.account.fault("drop_before", method="POST", times=None)
    assert project.run("apply", "--yes").code == 1
    assert len(project.account.writes) == 2
    project.account.set_faults([])
    assert project.run("plan", "--detailed-exitcode").code == 2
    project.apply()
    assert len(project.account.state()["memberships"]) == 1
