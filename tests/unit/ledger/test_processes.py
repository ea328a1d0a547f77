"""Several threads and processes over one ledger, and processes that are killed."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

import pytest

from reconciler.errors import Locked
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.plan import Verb
from tests.support.waiting import PATIENCE
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import INFO, VIP, done, tag

HOLDER = """
import sys
from pathlib import Path
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from tests.unit.ledger.samples import INFO, VIP
store = Store.open(sys.argv[1], root=Path(sys.argv[2]))
lease = Lock.acquire(store)
run = store.begin(INFO)
store.intend(run, VIP, "make", {"name": "before"}, 5.0)
print("intended", flush=True)
sys.stdin.readline()
lease.release()
store.close()
"""

OPENER = """
import sys
from pathlib import Path
from reconciler.errors import Locked
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
print("ready", flush=True)
sys.stdin.readline()
with Store.open(sys.argv[1], root=Path(sys.argv[2])) as store:
    try:
        Lock.acquire(store)
        print("won", flush=True)
    except Locked:
        print("lost", flush=True)
    sys.stdin.readline()
"""


def pipe(stream: IO[str] | None) -> IO[str]:
    """A pipe that was asked for is there."""
    assert stream is not None
    return stream


@contextmanager
def child(script: str, where: Where) -> Iterator[subprocess.Popen[str]]:
    """Another process; it has been reaped when the block ends."""
    command = [sys.executable, "-W", "error", "-c", script, where.url, str(where.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str]) -> None:
    """Lets a child go on."""
    pipe(process.stdin).write("go\n")
    pipe(process.stdin).flush()


def test_a_killed_run_leaves_its_intent_and_a_free_lease(where: Where) -> None:
    """kill -9 between intent and outcome: the next run finds the one and takes over the other at once."""
    with child(HOLDER, where) as process:
        assert pipe(process.stdout).readline() == "intended\n"
        store = where.open()
        with pytest.raises(Locked, match=rf"\(process {process.pid}\)"):
            Lock.acquire(store)
        process.kill()
        process.wait()
    intent = store.load().intents[VIP]
    assert (intent.verb, dict(intent.before)) == ("make", {"name": "before"})
    Lock.acquire(store)
    store.complete(intent.run, VIP, tag("VIP"), done(VIP))
    assert [past.before for past in store.outcomes(intent.run)] == [{"name": "before"}]
    assert store.runs()[0].finished is None


def test_a_zombie_is_dead(file: Where) -> None:
    """A killed holder whose parent has not asked for it yet."""
    with child(HOLDER, file) as process:
        assert pipe(process.stdout).readline() == "intended\n"
        process.kill()
        pipe(process.stdout).read()
        with Store.peek(file.url, root=file.root) as seen:  # type: ignore[union-attr]
            assert list(seen.load().intents) == [VIP]
        Lock.acquire(file.open())


def test_two_processes_open_a_new_ledger_and_one_gets_the_lease(where: Where) -> None:
    """Both make the tables at once, or rather one does."""
    with child(OPENER, where) as first, child(OPENER, where) as second:
        both = (first, second)
        for step in ("ready", None):
            said = {pipe(process.stdout).readline().strip() for process in both}
            assert said == ({"ready"} if step else {"won", "lost"})
            for process in both:
                tell(process)
        assert [process.wait(PATIENCE) for process in both] == [0, 0]


def test_twenty_threads_share_a_ledger(where: Where) -> None:
    """Every write arrives, once; the serial counts them all; the lease is renewed in between."""
    store = where.open()

    def work(number: int) -> None:
        for turn in range(10):
            entry = tag(f"{number}-{turn}")
            store.intend(run, entry.address, Verb.MAKE, {"name": "old"}, 5.0)
            assert lease.renew()
            store.complete(run, entry.address, entry, done(entry.address))

    with Lock.acquire(store) as lease:
        run = store.begin(INFO)
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(work, range(20)))
        ledger = store.load()
    assert len(ledger.entries) == 200
    assert ledger.intents == {}
    assert ledger.serial == 401
    assert len({past.address for past in store.outcomes(run)}) == 200


def test_plan_reads_while_apply_writes(where: Where) -> None:
    """A reader sees one moment and holds nobody up."""
    store = where.held()
    store.write([tag("VIP")])
    seen = Store.peek(where.url, root=where.root)
    assert seen is not None
    with seen, seen.session.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM reconciler_entry")
        store.write([tag("Gold")])
        assert connection.exec_driver_sql("SELECT count(*) FROM reconciler_entry").scalar() == 1
    assert len(store.load().entries) == 2
    assert store.describe().held is not None
