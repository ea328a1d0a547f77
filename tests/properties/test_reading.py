"""However little of an account is read, the plan is the one that reading all of it gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reconciler.apply import precondition
from reconciler.commands.plan import Planned, make_plan
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.gateway import client
from reconciler.model.serialization import change_to_json
from reconciler.refresh import read_strategy
from tests.properties import hand
from tests.properties.bench import Bench, World
from tests.properties.worlds import HAND, desired, seeds

#: Page lengths below the vendor's hundred, so that a small account is many pages; ten is the shortest.
SHORT = 10

#: What a note says of how many have something to do with what changes, which is counted among those that were read.
COUNTED = re.compile(r"(?:; )?(at least )?(\d+) (contacts? (?:loses?|keeps?) it|values? (?:is|are) lost)")

PRUNE = st.fixed_dictionaries(
    {"contact": st.sampled_from(["none", "none", "owned", "all"])},
    optional={
        "tag": st.sampled_from(["created", "owned", "all"]),
        "tagging": st.sampled_from(["owned", "all"]),
        "enrollment": st.sampled_from(["owned", "all"]),
        "membership": st.sampled_from(["owned", "all"]),
    },
)


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages of ten, wherever pages are counted or asked for."""
    for module in (client, read_strategy, read_strategy, precondition):
        monkeypatch.setattr(module, "PAGE", SHORT)
    yield


@st.composite
def crowds(draw: st.DrawFn, name: str) -> list[World]:
    """Contacts that no file names."""
    return [{"email": f"{name}{n}@example.org"} for n in range(draw(st.sampled_from([0, 12, 35, 60])))]


@st.composite
def worlds(draw: st.DrawFn, seed: World, before: World | None = None) -> World:
    """Files, in some of which people have handles, are bound, or lists are authoritative."""
    world = draw(desired(seed, before))
    for contact in world["contacts"]:
        if draw(st.integers(0, 9)) == 0:
            contact["handle"] = contact["email"].partition("@")[0]
        if "tags" in contact and draw(st.integers(0, 3)) == 0:
            contact["tags_authoritative"] = True
    for section in ("enrollments", "memberships"):
        for each in world.get(section, ()):
            if draw(st.integers(0, 5)) == 0:
                each["authoritative"] = True
    return world


def planned(bench: Bench, prune: dict[str, str], refresh: str, *, ledger: bool) -> Planned:
    """A plan that read so."""
    request = replace(bench.request(prune), refresh=refresh)
    with bench.session().reader() as reader:
        return make_plan(request, reader, bench.ledger if ledger else None)


def split(change: Mapping[str, Any]) -> tuple[World, list[tuple[bool, int]]]:
    """A change without the numbers in its note, and these: whether there may be more, and how many there are."""
    counted = [(bool(least), int(number)) for least, number, _ in COUNTED.findall(change.get("note", ""))]
    return {**change, "note": re.sub("^; ", "", COUNTED.sub("", change.get("note", "")))}, counted


def told(bench: Bench, prune: dict[str, str], refresh: str, *, ledger: bool) -> Any:
    """What a plan changes and which approvals it has, or why there is none.

    Whether two look like one that was renamed is judged by what both are in relation to, as far as that was read.
    """
    try:
        found = planned(bench, prune, refresh, ledger=ledger)
    except ConfigurationError as error:  # which names are like a wrong one is judged by what was read, too
        return "wrong", [(problem.where, problem.what) for problem in error.problems]
    except ReconcilerError as error:
        return type(error).__name__, str(error)
    event(f"{refresh}: contact {found.plan.routes.get('contact', 'whole, if at all').partition(' ')[0]}")
    return (
        [split(change_to_json(change)) for change in found.plan.changes],
        [
            (approval.allow, approval.count, approval.reason)
            for approval in found.approvals
            if " would be deleted and " not in approval.reason
        ],
        found.plan.effective,
    )


@given(
    data=st.data(),
    seed=seeds(),
    older=crowds("old"),
    newer=crowds("new"),
    edits=HAND,
    prune=PRUNE,
    ledger=st.sampled_from([True, True, True, False]),
)
def test_the_cheapest_way_tells_what_reading_all_of_it_tells(
    short_pages: None,
    bench: Bench,
    data: Any,
    seed: World,
    older: list[World],
    newer: list[World],
    edits: list[tuple[str, int, int]],
    prune: dict[str, str],
    ledger: bool,
) -> None:
    """Any account, past, files and hands; what the ledger believes of sizes is behind by what came since."""
    bench.start({**seed, "contacts": [*older, *seed["contacts"]]})
    first = data.draw(worlds(seed), "first")
    bench.write({"site.yaml": first})
    with suppress(ReconcilerError):
        bench.apply({**prune, "contact": "none"})
    hand.do(bench.account, edits)
    gone = data.draw(st.lists(st.sampled_from(older), unique_by=lambda e: e["email"]) if older else st.just([]))
    for each in gone:
        bench.account.edit("DELETE", f"/api/contacts/{bench.account.ids()['contacts'][each['email']]}")
    bench.account.seed({"contacts": newer})
    bench.write({"site.yaml": data.draw(worlds(seed, first), "second")})
    auto, full = (told(bench, prune, refresh, ledger=ledger) for refresh in ("auto", "full"))
    if not isinstance(auto[0], str):
        for (_, some), (_, every) in zip(auto[0], full[0], strict=True):
            assert all(not may_be_more for may_be_more, _ in every)
            pairs = zip(some, every, strict=len(some) > 0)  # of whom nobody was read nothing is counted
            assert all(n == most or (may_be_more and n < most) for (may_be_more, n), (_, most) in pairs)
        auto, full = (([change for change, _ in each[0]], *each[1:]) for each in (auto, full))
    assert auto == full
