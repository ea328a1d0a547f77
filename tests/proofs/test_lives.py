"""Lives of a project at random: files, account and ledger change, runs die; what must hold holds after each step."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import RootTransaction

from reconciler.emulator import Account, Emulator
from reconciler.errors import ConfigurationError
from reconciler.gateway.transport import Transport
from reconciler.model.report import Status
from reconciler.model.resource import Ledger
from tests.proofs.conftest import WHOLE
from tests.proofs.hasty import make_hasty
from tests.properties import hand
from tests.properties.bench import Bench
from tests.properties.worlds import HAND, PRUNE, World, desired, seeds

#: How many lives, and how many steps each; the long version takes 10,000 steps or more.
LIVES, STEPS = (330, 50) if WHOLE else (8, 14)
_STEPS_TAKEN = itertools.count()


class Crash(BaseException):
    """The process is no more: nobody catches this, and nothing gets out any more."""


@contextmanager
def dying(point: int) -> Iterator[None]:
    """From event ``point`` on every request and every commit fails; the event itself may still have happened."""
    events = itertools.count(1)

    def around(call: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            if not counts(*args):
                return call(*args, **options)
            if next(events) >= point:
                raise Crash
            done = call(*args, **options)
            if next(events) >= point and done is not None:
                raise Crash  # a commit is over: its own next event will not come to pass
            return done

        return wrapped

    def writes(transaction: RootTransaction) -> bool:
        return not transaction.connection.get_execution_options().get("reading")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "exchange", around(Transport.exchange, lambda *_: True))
        patch.setattr(RootTransaction, "commit", around(RootTransaction.commit, writes))
        yield


class Lives(RuleBasedStateMachine):
    """One project; ``bench`` is set by the test."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.seed: World = {}
        self.world: World = {}
        self.prune: dict[str, str] = {}
        self.twice: Counter[str] = Counter()

    @property
    def account(self) -> Account:
        return self.bench.account

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Something is there, and something is asked for."""
        self.seed = data.draw(seeds())
        self.bench.start(self.seed)
        self.write(data)

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """The files change."""
        self.world = data.draw(desired(self.seed, self.world or None))
        self.prune = data.draw(PRUNE)
        self.bench.write({"site.yaml": self.world})
        self.bench.session()

    @rule(edits=HAND)
    def edit(self, edits: list[tuple[str, int, int]]) -> None:
        """Somebody changes the account."""
        hand.do(self.account, edits)

    @rule(which=st.integers(0, 30))
    def forget(self, which: int) -> None:
        """Somebody takes one out of the ledger: it is not ours any more."""
        owned = sorted(self.bench.ledger.load().entries)
        if owned:
            self.bench.ledger.forget([owned[which % len(owned)]])

    @rule()
    def plan(self) -> None:
        """A plan changes nothing, and reads nothing but with GET."""
        before, ledger = self.account.state(), self.bench.ledger.load()
        self.account.clear()
        self.attempt(lambda: self.bench.plan(self.prune))
        assert not self.account.writes
        assert self.account.state() == before
        assert self.bench.ledger.load() == ledger

    @rule()
    def apply(self) -> None:
        """After a successful apply the next plan is empty, and a second apply writes nothing."""
        done = self.watched(lambda: self.bench.apply(self.prune))
        if done is None:
            return
        _, report = done
        bad = [o for o in report.outcomes if o.status not in (Status.DONE, Status.PENDING)]
        assert not bad, [(str(o.step.address), o.message) for o in bad]
        again = self.bench.plan(self.prune)
        assert not again.plan.effective, again.plan.effective
        self.account.clear()
        self.bench.apply(self.prune)
        assert not self.account.writes
        self.knows_only_what_is_there()

    @rule(which=st.integers(0, 30))
    def undo(self, which: int) -> None:
        """A run is taken back; what cannot come back stays away, and nothing else is touched."""
        runs = self.bench.ledger.runs()
        if runs:
            self.watched(lambda: self.bench.undo(runs[which % len(runs)].id))

    @rule(point=st.integers(1, 60))
    def die(self, point: int) -> None:
        """A run is killed; whatever it left, the next one goes on from there."""

        def killed() -> None:
            with dying(point):
                self.bench.apply(self.prune)

        with suppress(Crash):
            self.watched(killed)

    def attempt(self, act: Callable[[], Any]) -> Any:
        """What cannot be planned is refused, and nothing happens."""
        try:
            return act()
        except ConfigurationError:
            assert not self.account.writes
            return None

    def watched(self, act: Callable[[], Any]) -> Any:
        """A run, with an eye on what it removes and what it makes."""
        ours, before = self.bench.ledger.load(), self.account.state()
        self.account.clear()
        self.account.content.options.unique_tags = False
        try:
            return self.attempt(act)
        finally:
            self.account.content.options.unique_tags = True
            self.nothing_twice(before)
            self.removes_only_ours(ours)
            self.leaves_strangers_alone(ours, before)

    def nothing_twice(self, before: dict[str, Any]) -> None:
        """No natural key exists twice unless it did before."""
        keys: dict[str, Callable[[Any], str]] = {
            "tags": str,
            "contacts": lambda row: str(row["email"]),
            "webhooks": lambda row: str(row["name"]),
        }
        for section, key in keys.items():
            had, has = (Counter(map(key, rows[section])) for rows in (before, self.account.state()))
            assert not {name: count for name, count in has.items() if count > max(1, had[name])}

    def removes_only_ours(self, ours: Ledger) -> None:
        """Deletes only hit what the ledger said was ours, what this life made, or what the files ask to replace."""
        ids = {entry.remote_id for entry in (*ours.entries.values(), *self.bench.ledger.load().entries.values())}
        for each in self.account.writes:
            section, _, number = each["path"].rpartition("/")
            if each["method"] == "DELETE" and section in ("/api/tags", "/api/contacts", "/api/contact_fields"):
                assert number in ids or any(a.kind in section for a in ours.intents), each["path"]

    def leaves_strangers_alone(self, ours: Ledger, before: dict[str, Any]) -> None:
        """People whom neither files nor ledger name stay as they are, but for tags and fields that went."""
        named = {each["email"] for each in self.world.get("contacts", ())}
        named |= {
            each["contact"] for section in ("enrollments", "memberships") for each in self.world.get(section, ())
        }
        named |= {part for address in (*ours.entries, *ours.intents) for part in address.key.split("/")}
        now = self.account.state()
        rows = {row["email"]: row for row in now["contacts"]}
        for row in before["contacts"]:
            if row["email"] not in named:
                assert row["email"] in rows
                assert rows[row["email"]]["locale"] == row["locale"]

    def knows_only_what_is_there(self) -> None:
        """The ledger has no entry for what is gone after an apply, and nothing is in doubt."""
        ledger = self.bench.ledger.load()
        ids = {str(number) for numbers in self.account.ids().values() for number in numbers.values()}
        ids |= {row["slug"] for row in self.account.state()["contact_fields"]} | {"surname", "first_name"}
        for address, entry in ledger.entries.items():
            parts = (entry.remote_id or "").split("/")
            assert set(parts) <= ids | {""}, f"{address} is gone"
        assert not ledger.intents

    @invariant()
    def count(self) -> None:
        """Every step counts."""
        next(_STEPS_TAKEN)


def test_whatever_happens_what_must_hold_holds(
    server: Emulator, make_account: Callable[..., Account], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans, applies, edits of files, account and ledger, and runs that die, in any order."""
    make_hasty(monkeypatch)
    bench = Bench(server, make_account(), tmp_path)
    machine = type("Lives", (Lives,), {"bench": bench})
    began = next(_STEPS_TAKEN)
    run_state_machine_as_test(
        machine,
        settings=settings(
            phases=(Phase.explicit, Phase.generate),
            max_examples=LIVES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not WHOLE,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    bench.close()
    steps = next(_STEPS_TAKEN) - began - 1
    print(f"{steps} steps in {LIVES} lives")
    assert not WHOLE or steps >= 10_000
