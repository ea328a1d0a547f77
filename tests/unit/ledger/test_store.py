"""What a ledger holds, and how it changes, on both databases."""

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from reconciler.errors import LedgerError, Locked
from reconciler.ledger.lock import Lock
from reconciler.ledger.schema import LEDGER_VERSION
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Verb
from reconciler.model.report import Status
from reconciler.model.resource import Intent, LedgerEntry
from reconciler.model.values import Address, Secret
from tests.unit.ledger.conftest import FakeClock, Where
from tests.unit.ledger.samples import ANN, FULL, GOLD, INFO, VIP, done, tag


def test_a_new_ledger_is_empty_and_has_a_lineage(where: Where) -> None:
    """Made on opening, and the same ledger when opened again."""
    first = where.open()
    ledger = first.load()
    assert (ledger.serial, ledger.account, dict(ledger.entries), dict(ledger.intents)) == (0, None, {}, {})
    assert len(ledger.lineage) == 36
    assert where.open().load().lineage == ledger.lineage == first.lineage


def test_every_field_of_an_entry_comes_back(where: Where) -> None:
    """The sample differs from the default in each field, so that a field added later is missed here."""
    default = LedgerEntry(ANN, None)
    for column in dataclasses.fields(LedgerEntry):
        if column.name != "address":
            assert getattr(FULL, column.name) != getattr(default, column.name), column.name
    store = where.held()
    bare = LedgerEntry(VIP, None)
    store.write([FULL, bare])
    assert store.load().entries == {ANN: FULL, VIP: bare}


def test_types_of_equal_values_are_kept(where: Where) -> None:
    """True and 1 are equal to Python and are not the same answer."""
    store = where.held()
    store.write([LedgerEntry(VIP, "1", {"n": True}, {"n": 1})])
    answered = store.load().entries[VIP].answered
    assert type(answered["n"]) is int


def test_odd_text_is_taken(where: Where) -> None:
    """Half a surrogate pair and NUL in an answer must not stop a run that has already written."""
    store = where.held()
    run = store.begin(INFO)
    odd = LedgerEntry(VIP, "1", {"name": "a\x00\ud83d"}, {})
    store.complete(run, VIP, odd, done(VIP, message="bad \x00 \ud83d"))
    assert store.load().entries[VIP].applied == odd.applied


def test_an_intent_is_open_until_it_is_settled(where: Where) -> None:
    """Announced, then recorded: the entry appears and the intent goes."""
    store = where.held()
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.MAKE, {"name": "old"}, 5.0)
    assert store.load().intents == {VIP: Intent(VIP, "make", run, {"name": "old"})}
    store.complete(run, VIP, tag("VIP"), done(VIP))
    assert store.load().intents == {}
    assert store.load().entries == {VIP: tag("VIP")}


def test_a_second_intent_replaces_the_first(where: Where) -> None:
    """A recovered run announces the same step again."""
    store = where.held()
    for run in (store.begin(INFO), store.begin(INFO)):
        store.intend(run, VIP, "drop", {}, 5.0)
    assert store.load().intents[VIP].run == run


def test_settling_with_none_deletes_the_entry(where: Where) -> None:
    """After a DELETE there is nothing of ours left."""
    store = where.held()
    store.write([tag("VIP"), tag("Gold")])
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.DROP, {}, 5.0)
    store.complete(run, VIP, None, done(VIP, Action.DELETE))
    assert list(store.load().entries) == [GOLD]


def test_settling_under_another_address_moves_the_entry(where: Where) -> None:
    """A rename leaves one entry, not two."""
    store = where.held()
    store.write([tag("Gold")])
    store.complete(store.begin(INFO), GOLD, tag("VIP"), done(GOLD, Action.UPDATE))
    assert list(store.load().entries) == [VIP]


def test_a_cleared_intent_leaves_the_entry(where: Where) -> None:
    """What did not happen changes nothing but the history."""
    store = where.held()
    store.write([tag("VIP")])
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.MAKE, {"name": "x"}, 5.0)
    store.clear_intent(run, VIP, done(VIP, Action.UPDATE, Status.FAILED, "no"))
    assert store.load().intents == {}
    assert store.load().entries == {VIP: tag("VIP")}
    assert [(p.status, p.before) for p in store.outcomes(run)] == [(Status.FAILED, {"name": "x"})]
    store.intend(run, VIP, Verb.MAKE, {}, 5.0)
    store.clear_intent(run, VIP)
    assert len(store.outcomes(run)) == 1


def test_each_write_counts(where: Where) -> None:
    """The serial grows by one in each transaction that changes contents, and the lease is no content."""
    store = where.open()
    with Lock.acquire(store) as lease:
        assert lease.renew()
        assert store.load().serial == 0
        run = store.begin(INFO)
        store.intend(run, VIP, Verb.MAKE, {}, 5.0)
        store.complete(run, VIP, tag("VIP"), done(VIP))
        store.write([tag("A"), tag("B")])
        store.write()
    assert store.load().serial == 4


def test_forget_drops_entries_and_intents(where: Where) -> None:
    """Forgetting what is not there is no error."""
    store = where.held()
    store.write([tag("VIP"), tag("Gold")])
    store.intend(store.begin(INFO), VIP, Verb.MAKE, {}, 5.0)
    store.forget([VIP, ANN])
    store.forget([])
    assert list(store.load().entries) == [GOLD]
    assert store.load().intents == {}


def test_entries_are_found_by_pattern(where: Where) -> None:
    """An address finds itself, also with signs that a pattern would read otherwise."""
    store = where.held()
    store.write([tag("VIP"), tag("Gold"), tag("[x]"), FULL])
    assert [e.address for e in store.entries()] == [ANN, GOLD, VIP, Address("tag", "[x]")]
    assert [e.address for e in store.entries("contact/*")] == [ANN]
    assert [e.address.key for e in store.entries("tag/[x]")] == ["[x]"]


def test_a_ledger_is_claimed_once(where: Where) -> None:
    """The first account stays; another one is told how to move; no account asks nothing."""
    store = where.held()
    store.claim(None)
    assert store.load().account is None
    store.claim("one")
    store.claim("one")
    store.claim(None)
    assert store.load().account == "one"
    with pytest.raises(LedgerError, match=r"belongs to connection one, but the run uses two.*ledger rebind"):
        store.claim("two")
    store.rebind("two")
    store.check("two")
    with pytest.raises(LedgerError, match="the run uses one"):
        store.check("one")


def test_writes_need_the_lease(where: Where) -> None:
    """Without a lease nothing is written."""
    store = where.open()
    with pytest.raises(Locked, match="while its lock is held"):
        store.write([tag("VIP")])
    with pytest.raises(Locked):
        store.begin(INFO)
    assert store.load().serial == 0


def test_a_ledger_describes_itself(where: Where, clock: FakeClock) -> None:
    """Counts by kind, who holds it, and where it is."""
    store = where.held(clock=clock)
    store.write([tag("VIP"), tag("Gold"), FULL])
    store.claim("one")
    shown = store.describe()
    assert (shown.version, shown.lineage, shown.serial, shown.account) == (LEDGER_VERSION, store.lineage, 2, "one")
    assert (shown.counts, shown.intents) == ({"contact": 1, "tag": 2}, 0)
    assert shown.held is not None
    assert shown.held.expires == clock.now + 60
    assert "options" not in shown.url
    assert shown.url in repr(store)


def test_a_damaged_row_is_named(where: Where) -> None:
    """A row that somebody edited says which one it is and how to get rid of it."""
    store = where.held()
    store.write([tag("VIP")])
    with store.session.fenced() as connection:
        connection.exec_driver_sql("UPDATE reconciler_entry SET applied = '{'")
    with pytest.raises(LedgerError, match=r"tag/VIP is damaged.*ledger forget"):
        store.load()


def test_digests_depend_on_name_value_and_key(where: Where) -> None:
    """The ledger's own key lasts; one from the environment takes its place."""
    store, again, other = where.open(), where.open(), where.open(key="k" * 20)
    one = store.digest("webhook/CRM secret", "canary")
    assert len(one) == 64
    assert one == again.digest("webhook/CRM secret", "canary")
    different = {
        one,
        store.digest("other", "canary"),
        store.digest("webhook/CRM secret", "x"),
        store.key.sign(b"canary"),
        other.digest("webhook/CRM secret", "canary"),
    }
    assert len(different) == 5


def test_peek_reads_and_never_makes(where: Where) -> None:
    """Plan finds no ledger and leaves none; where there is one it may read and not write."""
    assert Store.peek(where.url, root=where.root) is None
    assert not Store.exists(where.url, where.root)
    assert list(where.root.iterdir()) == []
    where.held().write([tag("VIP")])
    assert Store.exists(where.url, where.root)
    seen = Store.peek(where.url, root=where.root)
    assert seen is not None
    with seen:
        assert list(seen.load().entries) == [VIP]
        seen.check("any")
        with pytest.raises(LedgerError, match="read-only"):
            Lock.acquire(seen)


def test_a_ledger_of_none_has_the_same_interface(tmp_path: Path) -> None:
    """Kept in memory, under a key that lasts as long."""
    with Store.none() as store, Store.none() as other, Lock.acquire(store):
        run = store.begin(INFO)
        store.intend(run, VIP, Verb.MAKE, {}, 5.0)
        store.complete(run, VIP, tag("VIP"), done(VIP))
        assert list(store.load().entries) == [VIP]
        assert store.digest("a", "b") != other.digest("a", "b")
        assert str(store.session.place) == "memory"


def test_no_secret_reaches_the_file(file: Where) -> None:
    """Applied, echoed by the server, overwritten, or in the outcome: a secret leaves marks only."""
    store = file.held(key="environment-canary")
    secret = Secret("env:HOOK", "value-canary")
    entry = LedgerEntry(
        VIP,
        "1",
        {"secret": secret},
        {"secret": "value-canary", "name": "x"},
        {"secret": store.digest("secret", secret.value)},
    )
    run = store.begin(INFO)
    store.intend(run, VIP, Verb.MAKE, {"secret": secret}, 5.0)
    store.complete(run, VIP, entry, done(VIP))
    assert store.load().entries[VIP].answered == {"name": "x"}
    store.close()
    content = (file.root / ".reconciler/ledger.db").read_bytes()
    assert b"env:HOOK" in content
    assert b"canary" not in content


def test_a_ledger_without_its_key_is_refused(where: Where) -> None:
    """Somebody emptied a table; the connection is closed again."""
    store = where.held()
    with store.session.fenced() as connection:
        connection.exec_driver_sql("DELETE FROM reconciler_key")
    with pytest.raises(LedgerError, match="cannot be used"):
        where.open()


def test_a_rollback_that_fails_does_not_hide_the_reason(file: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first error is reported, and the next write works on a new connection."""
    store = file.held()
    with monkeypatch.context() as patched:

        def refuse(_transaction: object) -> None:
            raise OperationalError("ROLLBACK", {}, Exception("away"))

        patched.setattr("sqlalchemy.RootTransaction.rollback", refuse)
        with pytest.raises(LedgerError, match="tag/Gold is not in the ledger"):
            store.write(moves=[(GOLD, VIP)])
    store.close()
    assert file.open().load().entries == {}


def test_a_closed_ledger_says_so(where: Where) -> None:
    """Closing twice is fine; using it afterwards is an error of ours, not a traceback of a library."""
    store = where.open()
    store.close()
    store.close()
    with pytest.raises(LedgerError, match="open it again"):
        store.load()
