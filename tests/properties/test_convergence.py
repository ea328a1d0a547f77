"""Any desired state × any account × any past: one apply leads there, with the fewest writes, and stays there."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, note
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError
from reconciler.model.report import Status
from tests.properties import hand
from tests.properties.bench import Bench, World
from tests.properties.reference import Reference, Snapshot, adopt_ids
from tests.properties.worlds import HAND, PRUNE, desired, seeds


def converge(bench: Bench, reference: Reference, world: World, prune: dict[str, str]) -> bool:
    """Apply and compare with the reference; False when the state cannot be planned, and then nothing happened."""
    before, serial = Snapshot.of(bench.account), bench.ledger.load()
    bench.write({"site.yaml": world})
    bench.account.clear()
    try:
        planned, report = bench.apply(prune)
    except ConfigurationError as error:
        note(str(error))
        event("refused")
        assert bench.account.writes == []
        assert Snapshot.of(bench.account).content() == before.content()
        assert bench.ledger.load() == serial
        return False
    event("applied")
    wanted, writes = reference.apply(world, before, prune)
    note("\n".join(f"{o.step.verb.value} {o.step.address}: {o.status.value} {o.message}" for o in report.outcomes))
    assert {outcome.status for outcome in report.outcomes} <= {Status.DONE}
    assert Snapshot.of(bench.account).content() == wanted
    sent = [f"{each['method']} {each['path']} {each['body']}" for each in bench.account.writes]
    assert len(sent) == writes == report.writes == len(planned.graph.order), sent
    adopt_ids(reference, bench.account)
    settled(bench, reference, prune)
    return True


def settled(bench: Bench, reference: Reference, prune: dict[str, str]) -> None:
    """The next plan is empty, a second apply writes nothing, and the ledger owns what it should."""
    bench.account.clear()
    again, report = bench.apply(prune)
    assert [change for change in again.plan.changes if change.action.value != "no_change"] == []
    assert (again.plan.effective, again.graph.order, report.outcomes) == ((), (), ())
    assert bench.account.writes == []
    made = {
        str(address): entry.provenance.value == "created" for address, entry in bench.ledger.load().entries.items()
    }
    assert sorted(made.values()) == sorted(owned.made for owned in reference.owned.values())


@given(data=st.data(), seed=seeds(), prune=PRUNE)
def test_one_apply_converges(bench: Bench, data: Any, seed: World, prune: dict[str, str]) -> None:
    """Without a past: what is there is adopted, what is missing is made, what is unmanaged stays."""
    bench.start(seed)
    converge(bench, Reference(), data.draw(desired(seed)), prune)


@given(data=st.data(), seed=seeds(), edits=HAND, prune=PRUNE)
def test_a_life_converges(
    bench: Bench, data: Any, seed: World, edits: list[tuple[str, int, int]], prune: dict[str, str]
) -> None:
    """An earlier state is applied, people change things by hand, other files are applied: twice over."""
    bench.start(seed)
    reference, world = Reference(), data.draw(desired(seed), "first")
    if not converge(bench, reference, world, prune):
        return
    hand.do(bench.account, edits)
    second = data.draw(desired(seed, world), "second")
    converge(bench, reference, second, prune)
