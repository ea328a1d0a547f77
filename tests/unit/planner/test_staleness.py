"""What a begun plan may look like when it is planned again."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.planner.staleness import BegunPlan, differences

ATTRS = {"name": "VIP"}
FIELD = {"path": "name", "before": "a", "after": "VIP"}
DONE, ANNOUNCED = BegunPlan(done=frozenset({"tag/VIP"})), BegunPlan(possibly_done=frozenset({"tag/VIP"}))
NOBODY = BegunPlan()


def of(action: str, *fields: dict[str, Any], address: str = "tag/VIP", **more: Any) -> dict[str, Any]:
    attrs = {} if action in ("delete", "forget") else {"attrs": ATTRS}
    return {"address": address, "action": action, "fields": list(fields), **attrs, **more}


CASES = [
    (of("create"), of("create"), NOBODY, True),
    (of("create"), of("no_change", remote_id="1"), DONE, True),
    (of("create"), of("no_change", remote_id="1"), ANNOUNCED, True),
    (of("create"), of("no_change", remote_id="1"), NOBODY, False),
    (of("create"), of("no_change", attrs={"name": "X"}), DONE, False),
    (of("create"), of("adopt"), ANNOUNCED, True),
    (of("create"), of("adopt"), DONE, False),
    (of("create"), of("adopt", FIELD), ANNOUNCED, False),
    (of("update", FIELD), of("no_change"), DONE, True),
    (of("update", FIELD), of("no_change"), NOBODY, False),
    (of("update", FIELD, moved_from="tag/a"), of("update", FIELD), NOBODY, True),
    (of("adopt"), of("no_change"), NOBODY, True),
    (of("adopt", FIELD), of("no_change"), NOBODY, False),
    (of("no_change", moved_from="tag/a"), of("no_change"), NOBODY, True),
    (of("replace", FIELD, remote_id="1"), of("create"), DONE, True),
    (of("replace", FIELD, remote_id="1"), of("create"), NOBODY, False),
    (of("delete", remote_id="1"), None, DONE, True),
    (of("delete", remote_id="1"), None, NOBODY, False),
    (of("delete", remote_id="1"), of("forget", remote_id="1"), ANNOUNCED, True),
    (of("delete", remote_id="1"), of("forget", remote_id="1"), NOBODY, False),
    (of("forget"), None, NOBODY, True),
    (of("no_change"), of("update", FIELD), DONE, False),
    (of("no_change"), None, NOBODY, False),
    (None, of("create"), NOBODY, False),
]


@pytest.mark.parametrize(("then", "now", "begun", "fresh"), CASES)
def test_the_table(then: dict[str, Any] | None, now: dict[str, Any] | None, begun: BegunPlan, fresh: bool) -> None:
    """Done by the run or still to do; anything else is told in one line."""
    sides = [{"tag/VIP": each} if each else {} for each in (then, now)]
    lines = list(differences(sides[0], sides[1], begun))
    assert (lines == []) is fresh
    assert all(line.startswith("tag/VIP: ") for line in lines)


def test_without_a_begun_run_everything_counts() -> None:
    """The ordinary question: equal, or what differs."""
    then, now = of("create"), of("no_change")
    assert list(differences({"tag/VIP": then}, {"tag/VIP": then})) == []
    assert list(differences({"tag/VIP": then}, {"tag/VIP": now})) == ["tag/VIP: was create, is now no change"]
    assert list(differences({}, {"tag/VIP": now})) == ["tag/VIP: not in the plan"]
    assert list(differences({"tag/VIP": then}, {})) == ["tag/VIP: no longer there"]
    other = of("update", {**FIELD, "after": "X"})
    assert list(differences({"tag/VIP": of("update", FIELD)}, {"tag/VIP": other})) == [
        "tag/VIP: name changed in the files"
    ]


def test_the_parked_half_of_a_replace() -> None:
    """The old one, waiting under its id for its end; no other deletion."""
    then = {"webhook/W": of("replace", address="webhook/W", remote_id="7")}
    rest = {"webhook/W": of("create", address="webhook/W")}
    begun = BegunPlan(done=frozenset({"webhook/W"}))
    waiting = {"webhook/#7": of("delete", address="webhook/#7", remote_id="7")}
    assert list(differences(then, rest | waiting, begun)) == []
    other = {"webhook/#8": of("delete", address="webhook/#8", remote_id="8")}
    assert list(differences(then, rest | other, begun)) == ["webhook/#8: not in the plan"]


SENTENCES = [
    ({"after": "X"}, {}, "name changed in the files"),
    ({"before": "b"}, {}, "name changed in the account"),
    ({"before": "b", "after": "X"}, {}, "name changed in the account; name changed in the files"),
    ({"path": "color"}, {}, "color would now be written; name would no longer be written"),
    ({}, {"blocked": "gone"}, "is blocked: gone"),
    ({}, {"remote_id": "2"}, "is now another resource, with another id"),
    ({}, {"cascades": ["tagging/a"]}, "has tagging/a since then"),
    ({}, {"attrs": {"name": "Y"}}, "name changed in the files"),
    ({}, {"former": "tag/a"}, "renamed_from changed in the files"),
    ({}, {"moved_from": "tag/a"}, "is now recorded in the ledger under tag/a"),
    ({}, {"moved_from": None}, "is now recorded in the ledger under this address"),
]


@pytest.mark.parametrize(("field", "more", "said"), SENTENCES)
def test_what_differs_is_named(field: dict[str, Any], more: dict[str, Any], said: str) -> None:
    """The side that changed, and what; never a value, which may be a person's."""
    then, now = of("update", FIELD, remote_id="1"), of("update", {**FIELD, **field}, remote_id="1") | more
    assert list(differences({"tag/VIP": then}, {"tag/VIP": now})) == [f"tag/VIP: {said}"]
