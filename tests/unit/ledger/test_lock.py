"""One apply at a time: who may take the lease, when, and what happens to the one who lost it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import LedgerError, Locked
from reconciler.ledger import lock_holder
from reconciler.ledger.lock import Lock
from reconciler.ledger.lock_holder import LockHolder
from reconciler.model.plan import Verb
from reconciler.model.resource import LedgerEntry
from tests.support.waiting import PATIENCE
from tests.unit.ledger.conftest import FakeClock, Where
from tests.unit.ledger.samples import INFO, VIP, done, tag

AFAR = LockHolder("bob", "server", 77, "1", "other-boot", "pid:[1]", "other-machine")


def test_a_held_lease_is_refused_with_all_that_helps(where: Where, clock: FakeClock) -> None:
    """Who, where, since when, how long, and how to force it."""
    Lock.acquire(where.open(clock=clock), AFAR)
    clock.now += 18
    with pytest.raises(Locked) as caught:
        Lock.acquire(where.open(clock=clock))
    assert "bob on server (process 77) since 1970-01-12 13:46:40 UTC; the lock expires in 42 s" in str(caught.value)
    assert "`reconciler ledger unlock`" in str(caught.value)


def test_another_hosts_lease_is_free_after_a_minute_without_renewal(where: Where, clock: FakeClock) -> None:
    """And not before; a renewal starts the minute anew."""
    lease = Lock.acquire(where.open(clock=clock), AFAR)
    other = where.open(clock=clock)
    clock.now += 59
    assert lease.renew()
    clock.now += 59
    with pytest.raises(Locked):
        Lock.acquire(other)
    clock.now += 1
    Lock.acquire(other)
    assert not lease.renew()


def test_a_released_lease_is_free(where: Where) -> None:
    """Released twice, and after it was lost, does no harm to the next holder."""
    store = where.open()
    lease = Lock.acquire(store)
    lease.release()
    assert store.describe().held is None
    other = where.open()
    Lock.acquire(other)
    lease.release()
    other.write([tag("VIP")])
    with pytest.raises(Locked, match="while its lock is held"):
        store.write([tag("VIP")])


def test_this_process_is_not_dead(where: Where) -> None:
    """A second store of the same process is a second holder."""
    Lock.acquire(where.open())
    with pytest.raises(Locked):
        Lock.acquire(where.open())


def test_a_dead_holder_of_this_host_is_replaced_at_once(where: Where) -> None:
    """Its pid belongs to a process that started at another time."""
    Lock.acquire(where.open(), lock_holder.here()._replace(started="1"))
    Lock.acquire(where.open())


def test_a_fenced_writer_writes_nothing(where: Where, clock: FakeClock) -> None:
    """It slept, somebody took over, and it hears so at its next intent and at its settlement."""
    sleeper, other = where.open(clock=clock), where.open(clock=clock)
    Lock.acquire(sleeper, AFAR)
    run = sleeper.begin(INFO)
    sleeper.intend(run, VIP, Verb.MAKE, {}, 5.0)
    clock.now += 61
    Lock.acquire(other)
    for attempt in (
        lambda: sleeper.intend(run, VIP, Verb.MAKE, {}, 5.0),
        lambda: sleeper.complete(run, VIP, tag("VIP"), done(VIP)),
    ):
        with pytest.raises(Locked, match="was taken over by another run"):
            attempt()
    assert other.load().entries == {}
    assert list(other.load().intents) == [VIP]


def test_a_lease_that_ran_out_is_not_ours_even_if_nobody_took_it(where: Where, clock: FakeClock) -> None:
    """Neither written with nor renewed."""
    store = where.open(clock=clock)
    lease = Lock.acquire(store)
    clock.now += 60
    with pytest.raises(Locked, match="ran out 0 s ago"):
        store.write([tag("VIP")])
    assert not lease.renew()


def test_a_long_write_renews_the_lock(where: Where, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that renews it has to wait meanwhile; nobody else can take it before the write ends."""
    monkeypatch.setattr("reconciler.ledger.store._PART", 1)
    store = where.held(clock=clock)

    def slowly() -> Iterator[LedgerEntry]:
        yield tag("A")
        yield tag("B")
        clock.now += 100
        yield tag("C")

    store.write(slowly())
    clock.now += 59
    store.write([tag("D")])
    assert len(store.load().entries) == 4


def test_a_write_needs_more_time_than_it_may_take(where: Where, clock: FakeClock) -> None:
    """20 s left are enough for a write of 19 s, not for one of 20 s."""
    store = where.held(clock=clock)
    run = store.begin(INFO)
    clock.now += 40
    store.intend(run, VIP, Verb.MAKE, {}, 19.0)
    with pytest.raises(Locked, match="ends in 20 s, and a write may take 20 s"):
        store.intend(run, VIP, Verb.MAKE, {}, 20.0)


def test_unlock_takes_the_lease_from_anybody(where: Where) -> None:
    """It says from whom; the holder's next write is refused; with nobody there it is no error."""
    store = where.held()
    taken = where.open().unlock()
    assert taken is not None
    assert taken.holder == lock_holder.here()
    with pytest.raises(Locked, match="or unlocked"):
        store.write([tag("VIP")])
    assert store.unlock() is None


def test_the_servers_clock_counts_when_none_is_given(where: Where) -> None:
    """The lease lasts a minute by whatever clock that is."""
    store = where.held()
    held = store.describe().held
    assert held is not None
    assert held.expires - held.acquired == pytest.approx(60)
    store.write([tag("VIP")])


def test_the_thread_renews_until_it_is_stopped(where: Where, clock: FakeClock) -> None:
    """Every 20 s by default; it ends with the block, which frees the lease."""
    waited: list[float] = []
    seen = threading.Event()

    def wait(stop: threading.Event, seconds: float) -> bool:
        waited.append(seconds)
        clock.now += seconds
        if len(waited) > 5:
            seen.set()
            return stop.wait()
        return False

    store = where.open(clock=clock)
    with Lock.acquire(store, wait=wait):
        assert seen.wait(PATIENCE)
        held = store.describe().held
    assert held is not None
    assert held.renewed - held.acquired == 100
    assert set(waited) == {20.0}
    assert store.describe().held is None
    assert not [t for t in threading.enumerate() if t.name == "ledger-lease"]


def test_the_thread_ends_when_the_lease_is_lost(file: Where) -> None:
    """There is nothing left to renew."""
    store = file.open()
    lease = Lock.acquire(store, wait=lambda _stop, _seconds: False)
    store.unlock()
    lease.keep()


def test_the_thread_tries_again_after_a_database_error(file: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sooner than usual, because the minute runs."""
    waited: list[float] = []

    def wait(_stop: threading.Event, seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) > 2

    lease = Lock.acquire(file.open(), wait=wait)
    results = iter([LedgerError("away"), True])

    def renew() -> bool:
        result = next(results)
        if isinstance(result, LedgerError):
            raise result
        return result

    monkeypatch.setattr(lease, "renew", renew)
    lease.keep()
    assert waited == [20.0, 5.0, 20.0]


def stat(proc: Path, pid: int, state: str = "S", started: str = "100") -> None:
    """A process in a pretended /proc; its name has all that makes the line hard to read."""
    (proc / str(pid)).mkdir(parents=True)
    fields = " ".join(["1"] * 18)
    (proc / str(pid) / "stat").write_text(f"{pid} ((a) b () {state} {fields} {started} 0 0\n")


ME = LockHolder("ann", "laptop", 1, "1", "boot", "pid:[1]", "machine")
THEM = ME._replace(pid=4_194_305, started="100")


@pytest.mark.parametrize(
    ("them", "gone"),
    [
        (THEM, False),
        (THEM._replace(started="99"), True),
        (THEM._replace(pid=4_194_306), True),
        (THEM._replace(pid=4_194_307), True),
        (THEM._replace(pid=4_194_306, space="pid:[2]"), False),
        (THEM._replace(boot="older"), True),
        (THEM._replace(boot="older", host="server"), False),
        (THEM._replace(boot="older", machine="other"), False),
        (THEM._replace(boot="older", machine=""), False),
        (THEM._replace(boot="", pid=4_194_306), False),
    ],
)
def test_gone_for_certain(tmp_path: Path, them: LockHolder, gone: bool) -> None:
    """The table of is_gone: a free pid, a zombie, a later process, a reboot; in doubt alive."""
    stat(tmp_path, 4_194_305)
    stat(tmp_path, 4_194_307, state="Z")
    assert lock_holder.is_gone(them, ME, tmp_path) is gone


def test_a_process_that_proc_hides_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked by signal 0: allowed or refused, it is there."""

    def refuse(_pid: int, _signal: int) -> None:
        raise PermissionError

    alive = lock_holder.here()
    assert not lock_holder.is_gone(alive, alive._replace(pid=1), tmp_path)
    monkeypatch.setattr("os.kill", refuse)
    assert not lock_holder.is_gone(alive, alive._replace(pid=1), tmp_path)


def test_facts_that_a_platform_lacks_are_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No /proc, no machine id, no account: still a holder with a name."""

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    me = lock_holder.here(tmp_path, tmp_path / "machine-id")
    assert (me.started, me.boot, me.space, me.machine) == ("", "", "", "")
    assert me.who.startswith("uid ")
