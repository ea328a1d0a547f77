"""Runs and outcomes as a later undo finds them."""

from reconciler.model.plan import Action, Verb
from reconciler.model.report import Status
from reconciler.model.values import Secret
from tests.unit.ledger.conftest import FakeClock, Where
from tests.unit.ledger.samples import ANN, GOLD, INFO, VIP, done, tag


def test_a_run_begins_and_ends(where: Where, clock: FakeClock) -> None:
    """Who, when, which plan, how it ended; newest first; a killed run never finished."""
    store = where.held(clock=clock)
    first = store.begin(INFO)
    clock.now += 5
    store.finish(first, "done", 3, 2)
    second = store.begin(INFO._replace(plan="other"))
    newest, oldest = store.runs()
    assert (newest.id, newest.finished, newest.status) == (second, None, None)
    assert (oldest.info, oldest.started, oldest.finished) == (INFO, clock.now - 5, clock.now)
    assert (oldest.status, oldest.reads, oldest.writes) == ("done", 3, 2)
    assert [run.id for run in store.runs("abc")] == [first]


def test_outcomes_keep_what_was_overwritten(where: Where) -> None:
    """The before-image comes from the intent, the after-image from the entry; order is the order of ending."""
    store = where.held()
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.MAKE, {"name": "before", "secret": Secret("env:A", "x")}, 5.0)
    store.complete(run, VIP, tag("VIP"), done(VIP))
    store.complete(run, GOLD, None, done(GOLD, Action.DELETE))
    store.record(run, done(ANN, Action.UPDATE, Status.SKIPPED, "tag/Gold failed"))
    made, dropped, skipped = store.outcomes(run)
    assert (made.before, made.after) == ({"name": "before", "secret": Secret("env:A", "")}, {"name": "VIP"})
    assert (made.address, made.verb, made.action, made.status, made.remote_id) == (
        VIP,
        "make",
        Action.CREATE,
        Status.DONE,
        "1",
    )
    assert (dropped.before, dropped.after) == (None, None)
    assert (skipped.address, skipped.status, skipped.message) == (ANN, Status.SKIPPED, "tag/Gold failed")


def test_a_run_that_lost_its_lease_may_say_how_it_ended(where: Where) -> None:
    """History of one's own run harms nobody."""
    store = where.held()
    run = store.begin(INFO)
    store.unlock()
    store.record(run, done(ANN, status=Status.NOT_RUN))
    store.finish(run, "stopped", 0, 0)
    assert store.runs()[0].status == "stopped"
    assert len(store.outcomes(run)) == 1
