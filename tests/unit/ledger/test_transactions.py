"""Writes of several threads share a transaction, and each gets the answer that it would have got alone."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import RootTransaction
from sqlalchemy.exc import OperationalError

from reconciler.errors import LedgerError, Locked
from reconciler.ledger.store import Store
from reconciler.model.plan import Verb
from reconciler.model.values import Address
from tests.support.waiting import until
from tests.unit.ledger.conftest import FakeClock, Where
from tests.unit.ledger.samples import INFO, VIP, done, tag

NAMES = [Address("tag", f"Tag {number}") for number in range(5)]


def at_once(store: Store, *writes: Callable[[], None]) -> list[BaseException | None]:
    """Begin all writes while the connection is busy; returns what each of them raised."""
    raised: list[BaseException | None] = [None] * len(writes)

    def carry_out(number: int) -> None:
        try:
            writes[number]()
        except BaseException as error:
            raised[number] = error

    threads = [threading.Thread(target=carry_out, args=(number,)) for number in range(len(writes))]
    with store.session.reading():
        for number, thread in enumerate(threads, start=1):
            thread.start()
            until(lambda number=number: len(store.session._waiting) == number)
    for thread in threads:
        thread.join()
    return raised


def commits(patch: pytest.MonkeyPatch, answers: list[BaseException | None]) -> None:
    """Let the next commits end like this; None succeeds."""
    commit: Any = RootTransaction.commit

    def answered(self: RootTransaction) -> None:
        problem = answers.pop(0)
        if problem is not None:
            raise problem
        commit(self)

    patch.setattr(RootTransaction, "commit", answered)


def test_threads_that_wait_share_a_transaction(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """One commit for five intents, each of which counts."""
    store = where.held()
    run = store.begin(INFO)
    with monkeypatch.context() as patch:
        commits(patch, [None, None])  # that of the reader which kept them waiting, and theirs
        raised = at_once(store, *(lambda name=name: store.intend(run, name, Verb.MAKE, {}, 5.0) for name in NAMES))
    assert raised == [None] * 5
    ledger = store.load()
    assert list(ledger.intents) == NAMES
    assert ledger.serial == 6


def test_an_intent_that_comes_too_late_is_refused_alone(where: Where, clock: FakeClock) -> None:
    """The lock lasts for what was done, and not for another request."""
    store = where.held(clock=clock)
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.MAKE, {}, 36.0)
    clock.now += 30
    late, recorded = at_once(
        store,
        lambda: store.intend(run, NAMES[0], Verb.MAKE, {}, 36.0),
        lambda: store.complete(run, VIP, tag("VIP"), done(VIP)),
    )
    assert isinstance(late, Locked)
    assert "ends in 30 s, and a write may take 36 s" in str(late)
    assert recorded is None
    ledger = store.load()
    assert (list(ledger.entries), ledger.intents) == ([VIP], {})


def test_a_transaction_that_fails_is_an_error_for_all(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again: a server that did not answer may have carried it out."""
    store = where.held()
    run = store.begin(INFO)
    with monkeypatch.context() as patch:
        commits(patch, [None, OperationalError("COMMIT", {}, Exception("away"))])
        raised = at_once(store, *(lambda name=name: store.intend(run, name, Verb.MAKE, {}, 5.0) for name in NAMES))
    assert [type(error) for error in raised] == [LedgerError] * 5
    assert store.load().intents == {}


def test_an_interrupted_thread_leaves_the_writes_of_others_to_them(
    file: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread believes that its write is done because another one had taken it on."""
    store = file.held()
    run = store.begin(INFO)
    with monkeypatch.context() as patch:
        commits(patch, [None, KeyboardInterrupt(), *[None] * 5])
        raised = at_once(store, *(lambda name=name: store.intend(run, name, Verb.MAKE, {}, 5.0) for name in NAMES))
    assert [type(error) for error in raised].count(KeyboardInterrupt) == 1
    assert len(store.load().intents) == 4
