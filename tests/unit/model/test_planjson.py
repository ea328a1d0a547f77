"""Plans and desired states to JSON and back: the identity, but for secrets."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan
from reconciler.model.resource import NO_LIFECYCLE, Desired, DesiredState, Lifecycle
from reconciler.model.serialization import (
    change_from_json,
    change_to_json,
    lifecycle_from_json,
    lifecycle_to_json,
    meaning,
    plan_from_json,
    plan_to_json,
    state_from_json,
    state_to_json,
)
from reconciler.model.values import Address, Origin, Ref, Secret

ANN, VIP, GOLD = Address("contact", "ann@example.com"), Address("tag", "VIP"), Address("tag", "Gold")
FULL = Change(
    ANN,
    Action.UPDATE,
    Cause.BOTH,
    fields=(
        FieldChange("first_name", "Ann", None, Cause.DRIFTED),
        FieldChange("tags", frozenset({"a"}), frozenset({Ref(VIP)}), Cause.EDITED),
        FieldChange("secret", None, None, Cause.ROTATED, sensitive=True),
    ),
    attrs={"email": "ann@example.com", "first_name": None, "tag": Ref(VIP)},
    before={"first_name": "Ann"},
    remote_id="7",
    depends_on=(VIP,),
    detached_from=(GOLD,),
    blocked="prevent_destroy",
    moved_from=VIP,
    former=GOLD,
    part_of=VIP,
    effects=("starts automations",),
    note="a note",
    origin=Origin("a.yaml", 1, 2),
    lifecycle=Lifecycle(True, frozenset({"b", "a"}), True),
)


def through_text(values: Any) -> Any:
    return json.loads(json.dumps(values))


def same(one: Change, other: Change) -> bool:
    """Every slot, those included that equality leaves out."""
    return all(getattr(one, each.name) == getattr(other, each.name) for each in fields(Change))


@pytest.mark.parametrize("change", [FULL, Change(VIP, Action.NO_CHANGE), Change(VIP, Action.DELETE, remote_id="1")])
def test_a_change_comes_back_whole(change: Change) -> None:
    """Causes, notes and positions too."""
    assert same(change_from_json(through_text(change_to_json(change))), change)


def test_what_is_empty_is_left_out() -> None:
    """A quiet change is two keys."""
    assert change_to_json(Change(VIP, Action.NO_CHANGE)) == {"address": "tag/VIP", "action": "no_change"}


def test_a_sensitive_field_travels_without_its_sides() -> None:
    """Even if somebody put values there."""
    change = Change(VIP, Action.UPDATE, fields=(FieldChange("secret", "old", "new", Cause.ROTATED, sensitive=True),))
    assert "old" not in (text := json.dumps(change_to_json(change)))
    assert "new" not in text


@pytest.mark.parametrize(
    "words",
    [
        {"cause": Cause.EDITED},
        {"note": "other"},
        {"origin": None},
        {"effects": ()},
        {"depends_on": ()},
        {"lifecycle": NO_LIFECYCLE},
        {"before": {}},
        {"part_of": None},
        {"detached_from": ()},
    ],
)
def test_words_and_positions_do_not_change_the_meaning(words: dict[str, Any]) -> None:
    """Two changes that would do the same are equal, as values and as JSON."""
    other = replace(FULL, **words)
    assert other == FULL
    assert meaning(change_to_json(other)) == meaning(change_to_json(FULL))


@pytest.mark.parametrize(
    "deed",
    [
        {"action": Action.ADOPT},
        {"attrs": {}},
        {"remote_id": "8"},
        {"blocked": None},
        {"moved_from": None},
        {"former": None},
        {"fields": ()},
    ],
)
def test_everything_that_would_be_done_changes_the_meaning(deed: dict[str, Any]) -> None:
    """A saved plan is stale when any of these is another one now."""
    other = replace(FULL, **deed)
    assert other != FULL
    assert meaning(change_to_json(other)) != meaning(change_to_json(FULL))


def test_a_plan_comes_back() -> None:
    """Base, counts and changes; ids are read again before anything is done."""
    plan = Plan(
        Base("account", "lineage", 3, "vendor"),
        (FULL, Change(VIP, Action.NO_CHANGE)),
        unmanaged={"tag": 2},
        ids={VIP: "1"},
        reads=4,
        partial=True,
    )
    back = plan_from_json(through_text(plan_to_json(plan)))
    assert back == plan
    assert (back.base, back.unmanaged, back.reads, back.ids) == (plan.base, plan.unmanaged, 4, {})


def test_a_desired_state_comes_back_without_secret_values() -> None:
    """Whoever applies the plan needs nothing else."""
    desired = Desired(
        VIP,
        {"name": "VIP", "secret": Secret("env:X", "hush")},
        Origin("a.yaml", 1, 1),
        Lifecycle(ignore=frozenset({"name"})),
        GOLD,
        "9",
        ANN,
    )
    plain = Desired(ANN, {}, Origin("b.yaml", 2, 2), leaves_out=("tagging",))
    state = DesiredState({VIP: desired, ANN: plain}, frozenset({"tag"}))
    text = json.dumps(state_to_json(state))
    assert "hush" not in text
    back = state_from_json(json.loads(text))
    without = desired.replaced(attrs={"name": "VIP", "secret": Secret("env:X", "")})
    assert back == replace(state, resources={VIP: without, ANN: plain})


def test_lifecycles_say_only_what_was_said() -> None:
    """Nothing said is nothing written."""
    assert lifecycle_to_json(NO_LIFECYCLE) == {}
    assert lifecycle_from_json(None) == NO_LIFECYCLE
    assert lifecycle_from_json(lifecycle_to_json(FULL.lifecycle)) == FULL.lifecycle
