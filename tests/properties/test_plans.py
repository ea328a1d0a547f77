"""A plan is a value: neither order nor files matter, it survives being written down, and making it writes nothing."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.commands import plan_document
from reconciler.commands.plan import Planned
from reconciler.commands.plan_file import check_fresh, plan_of, to_document
from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.model.plan import Changes, Plan
from reconciler.model.serialization import plan_from_json, plan_to_json, state_from_json, state_to_json
from reconciler.model.values import Secret, Value
from tests.properties import hand
from tests.properties.bench import ENVIRON, Bench, World
from tests.properties.worlds import HAND, PRUNE, desired, seeds


@st.composite
def pasts(draw: st.DrawFn) -> tuple[World, World, list[tuple[str, int, int]], World]:
    """A seed, a state that was applied, what was done by hand since, and the state that is wanted now."""
    seed = draw(seeds())
    first = draw(desired(seed))
    return seed, first, draw(HAND), draw(desired(seed, first))


def planned(bench: Bench, past: Any, prune: dict[str, str]) -> Planned:
    """The plan after that past; a state that cannot be planned is no example."""
    seed, first, edits, second = past
    bench.start(seed)
    bench.write({"site.yaml": first})
    try:
        bench.apply(prune)
        hand.do(bench.account, edits)
        bench.write({"site.yaml": second})
        bench.account.clear()
        return bench.plan(prune)
    except ConfigurationError:
        assume(False)
        raise


def with_secrets(plan: Plan) -> Plan:
    """The plan with the values of its secrets, which are never written down."""

    def value(each: Value) -> Value:
        known = isinstance(each, Secret)
        return Secret(each.source, ENVIRON[each.source.removeprefix("env:")]) if known else each

    changes = [
        replace(change, attrs={name: value(each) for name, each in change.attrs.items()}) for change in plan.changes
    ]
    return replace(plan, changes=tuple(changes))


def split(world: World, choice: random.Random) -> dict[str, World]:
    """The same resources in another order, dealt out to up to three files; keys are shuffled too."""
    files: dict[str, World] = {}
    sections = list(world)
    choice.shuffle(sections)
    for section in sections:
        rows = [dict(choice.sample(list(row.items()), len(row))) for row in world[section]]
        choice.shuffle(rows)
        files.setdefault(f"{choice.randrange(3)}.yaml", {})[section] = []
        for row in rows:
            files.setdefault(f"{choice.randrange(3)}.yaml", {}).setdefault(section, []).append(row)
    return files


@given(past=pasts(), prune=PRUNE, choice=st.randoms(use_true_random=False))
def test_order_and_files_do_not_matter(bench: Bench, past: Any, prune: dict[str, str], choice: Any) -> None:
    """Shuffled and split, the files give an equal plan with the same steps in the same order."""
    one = planned(bench, past, prune)
    bench.write(split(past[3], choice))
    other = bench.plan(prune)
    assert other.plan == one.plan
    assert set(other.graph.order) == set(one.graph.order)
    assert other.graph.needs == one.graph.needs


@given(past=pasts(), prune=PRUNE)
def test_planning_only_reads(bench: Bench, past: Any, prune: dict[str, str]) -> None:
    """Nothing but GETs leaves, nothing in the account or the ledger changes, and a second plan is equal."""
    one = planned(bench, past, prune)
    state, ledger = bench.account.state(), bench.ledger.load()
    assert bench.plan(prune).plan == one.plan
    assert {each["method"] for each in bench.account.requests} <= {"GET"}
    assert (bench.account.state(), bench.ledger.load()) == (state, ledger)


def told(bench: Bench, prune: dict[str, str], keep: frozenset[str]) -> Any:
    """Everything that a plan says, or the problems that keep it from being made."""
    try:
        made = bench.plan(prune, keep=keep)
    except ConfigurationError as error:
        return sorted(map(str, error.problems))
    changes = [
        (c, c.cause, c.note, c.origin, c.part_of, c.depends_on, c.detached_from, c.effects, c.lifecycle)
        for c in made.plan.changes
    ]
    return changes, made.approvals, made.plan.unmanaged, made.plan.reads, made.graph, made.slugs, made.sizes


@given(past=pasts(), prune=PRUNE)
def test_agreed_resources_are_planned_like_others(bench: Bench, past: Any, prune: dict[str, str]) -> None:
    """A plan in which every resource is compared field by field is the same, in every word."""
    seed, first, edits, second = past
    bench.start(seed)
    bench.write({"site.yaml": first})
    try:
        bench.apply(prune)
    except ConfigurationError:
        assume(False)
    hand.do(bench.account, edits)
    bench.write({"site.yaml": second})
    assert told(bench, prune, frozenset()) == told(bench, prune, frozenset(KINDS))


@given(past=pasts(), prune=PRUNE)
def test_a_plan_survives_being_written_down(bench: Bench, past: Any, prune: dict[str, str]) -> None:
    """plan → JSON → plan and state → JSON → state are identities; no secret is in either."""
    one = planned(bench, past, prune)
    text = json.dumps(plan_to_json(one.plan))
    assert with_secrets(plan_from_json(json.loads(text))) == one.plan
    assert plan_to_json(plan_from_json(json.loads(text))) == json.loads(text)
    state = bench.request(prune).state
    written = json.dumps(state_to_json(state))
    assert state_to_json(state_from_json(json.loads(written))) == json.loads(written)
    assert set(state_from_json(json.loads(written)).resources) == set(state.resources)
    assert not any(secret in text + written for secret in ENVIRON.values())


@given(past=pasts(), prune=PRUNE)
def test_a_plan_file_gives_the_same_plan(bench: Bench, past: Any, prune: dict[str, str]) -> None:
    """A saved plan is read back and found fresh against a second one; no secret is in the file."""
    one = planned(bench, past, prune)
    request, key = bench.request(prune), bench.ledger.key
    path = bench.folder / "plan.json"
    plan_document.write(path, to_document(one, request, key, None, True), key.sign)
    assert not any(secret in path.read_text(encoding="utf-8") for secret in ENVIRON.values())
    saved = plan_document.read(path, key.sign)
    assert plan_of(saved) == plan_from_json(plan_to_json(one.plan))
    check_fresh(saved, bench.plan(prune), request, key)


def test_what_agrees_takes_the_short_form(bench: Bench) -> None:
    """Files, ledger and account agree: no resource is compared in full, managed or about to be adopted."""
    seed = {
        "communities": ["Insiders"],
        "courses": [{"id": 11, "name": "Launch", "path": "launch"}, "Bonus"],
        "contacts": [{"email": f"{name}@example.com", "tags": ["A", "B"]} for name in ("ann", "bob")],
        "enrollments": [{"contact": "ann@example.com", "course": "Bonus"}],
        "memberships": [{"contact": "ann@example.com", "community": "Insiders"}],
        "contact_fields": [{"slug": "town", "name": "Town"}],
        "tags": ["A", "B"],
    }
    contacts = [{"email": f"{name}@example.com", "tags": ["A", "B"]} for name in ("ann", "bob")]
    enrollments = [{"contact": "ann@example.com", "course": "Bonus", "access": "full_access"}]
    first = {
        "tags": ["A", {"name": "B"}],
        "contact_fields": [{"slug": "town", "name": "Town"}],
        "contacts": contacts,
        "enrollments": enrollments,
        "memberships": [{"contact": "ann@example.com", "community": "Insiders"}],
    }
    bench.start(seed)
    bench.write({"site.yaml": first})
    changes = bench.plan({}).plan.changes
    assert isinstance(changes, Changes)
    assert [str(each.address) for each in changes.own] == []
    bench.apply({})
    changes = bench.plan({}).plan.changes
    assert isinstance(changes, Changes)
    assert [str(each.address) for each in changes.own] == []
