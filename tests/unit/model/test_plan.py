"""Plans: what is effective, what is blocked."""

from reconciler.model.plan import Action, Base, Change, Plan, Step, Verb, is_effective
from reconciler.model.policy import Limits, Policy
from reconciler.model.report import JSON, MERGE_PATCH, ApiRequest, Outcome, Report, Status
from reconciler.model.values import Address

A, B = Address("tag", "A"), Address("tag", "B")


def test_a_change_without_action_is_effective_only_when_it_moves() -> None:
    """A new address changes the ledger, an unchanged resource changes nothing."""
    still, moving = Change(A, Action.NO_CHANGE), Change(A, Action.NO_CHANGE, moved_from=B)
    assert (is_effective(still), is_effective(moving)) == (False, True)


def test_a_plan_sorts_what_is_blocked_from_what_is_effective() -> None:
    """Blocked changes count as nothing to do."""
    held, done, quiet = Change(A, Action.DELETE, blocked="no"), Change(B, Action.CREATE), Change(A, Action.NO_CHANGE)
    plan = Plan(Base(None, "", 0, "vendor"), (held, done, quiet))
    assert plan.effective == (done,)
    assert plan.blocked == (held,)


def test_requests_know_their_content_type() -> None:
    """PATCH is a merge patch, POST and PUT are JSON, nothing has none."""
    assert ApiRequest("PATCH", "/api/tags/1", {}).content_type == MERGE_PATCH
    assert ApiRequest("POST", "/api/tags", {"name": "VIP"}).content_type == JSON
    assert ApiRequest("DELETE", "/api/tags/1").content_type is None


def test_reports_count_by_status() -> None:
    """How many steps ended so."""
    done = Outcome(Step(A, Verb.MAKE), Action.CREATE, Status.DONE)
    report = Report((done, done, Outcome(Step(B, Verb.DROP), Action.DELETE, Status.FAILED)))
    assert [report.count(status) for status in (Status.DONE, Status.FAILED, Status.SKIPPED)] == [2, 1, 0]


def test_the_limits_are_those_of_the_design() -> None:
    """30 % of what is owned, from ten on; nothing is said about pruning."""
    assert (Limits().deletes, Limits().updates, Limits().floor) == (30, 30, 10)
    assert dict(Policy().prune) == {}
