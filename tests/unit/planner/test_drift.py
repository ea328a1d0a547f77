"""What the account changed behind our back, and what a pipeline may stop for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan
from reconciler.model.resource import Desired, EntryState, LedgerEntry, Lifecycle, Live, Resources
from reconciler.model.values import Address, Origin, Secret
from reconciler.planner.drift import Alarm, Drift, alarms, alarms_of, drift
from reconciler.planner.matched_state import Entries, LiveResources, MatchedState
from tests.unit.planner.made import ANN, ANN_VIP, VIP, entry, tagging

HOOK = Address("webhook", "W")


def digest(name: str, value: str) -> str:
    return f"{name}={value}"


def matched(entries: Iterable[LedgerEntry], live: Iterable[Live]) -> MatchedState:
    """The sides of what nobody declares."""
    recorded = Entries({each.address: each for each in entries})
    return MatchedState(Resources(), recorded, LiveResources(kept={each.address: each for each in live}))


def found(entries: list[LedgerEntry], live: list[Live], **wanted: Any) -> tuple[Drift, ...]:
    sides = matched(entries, live)
    desired = {ANN: Desired(ANN, wanted, Origin("a.yaml", 3, 1))} if wanted else {}
    return drift(sides, desired, digest)


def person(**attrs: Any) -> Live:
    return Live(ANN, "1", {"email": "ann@example.com", **attrs})


def ours(**attrs: Any) -> LedgerEntry:
    answered = attrs.pop("answered", {})
    return entry(ANN, "1", {"email": "ann@example.com", **attrs}, answered=answered)


def test_as_we_left_it() -> None:
    """Equal values, fields that are not ours, and what the server made of ours are no drift."""
    assert found([ours(first_name="Ann")], [person(first_name="Ann", locale="fr")]) == ()
    assert found([ours(phone_number="+33 6", answered={"phone_number": "+336"})], [person(phone_number="+336")]) == ()
    assert (
        found([ours(phone_number="+33 6", answered={"phone_number": "+336"})], [person(phone_number="+33 6")]) == ()
    )
    assert found([ours(first_name=None)], [person()]) == ()


def test_a_changed_field() -> None:
    """Recorded is what the account showed when we left it; an empty field counts."""
    (item,) = found([ours(first_name="Ann")], [person(first_name="Anna")])
    assert (item.path, item.recorded, item.live, item.remote_id) == ("first_name", "Ann", "Anna", "1")
    assert not item.desired
    (item,) = found([ours(phone_number="+33 6", answered={"phone_number": "+336"})], [person()])
    assert (item.recorded, item.live) == ("+336", None)


def test_the_files_only_comment() -> None:
    """Whether they name it, where, and whether they want a third value."""
    sides = ([ours(first_name="Ann")], [person(first_name="Anna")])
    (item,) = found(*sides, first_name="Ann")
    assert item.desired
    assert not item.conflict
    assert str(item.origin) == "a.yaml:3:1"
    assert found(*sides, first_name="Annie")[0].conflict
    assert not found(*sides, first_name="Anna")[0].conflict


def test_what_is_gone() -> None:
    """Not there, or another one has its name; what was accepted and does not show yet is not gone."""
    (item,) = found([ours()], [])
    assert (item.path, item.remote_id) == (None, "1")
    (item,) = found([ours()], [Live(ANN, "2", {"email": "ann@example.com"})])
    assert item.path is None
    assert "id 2" in item.note
    waiting = entry(Address("membership", "ann@example.com/C"), None, {}, state=EntryState.PENDING)
    assert found([waiting], []) == ()


def test_what_cannot_drift() -> None:
    """References, unreadable values and ignored fields."""
    assert found([entry(ANN_VIP, "1/2", tagging())], [Live(ANN_VIP, "1/2", {})]) == ()
    modules = entry(Address("enrollment", "a/b"), "1", {"modules": frozenset({"x"})})
    assert found([modules], [Live(modules.address, "1", {})]) == ()
    loose = LedgerEntry(ANN, "1", {"first_name": "Ann"}, lifecycle=Lifecycle(ignore=frozenset({"first_name"})))
    assert found([loose], [person(first_name="Anna")]) == ()


@pytest.mark.parametrize(
    ("want", "conflict"), [("https://a.example.com/1", False), ("https://c.example.com/3", True)]
)
def test_a_hidden_url(want: str, conflict: bool) -> None:
    """By its digest; no more than the host is shown."""
    known = LedgerEntry(
        HOOK, "1", {"name": "W"}, digests={"url": "url=https://a.example.com/1", "secret": "secret=s"}
    )
    live = Live(HOOK, "1", {"name": "W", "url": "https://b.example.com/2"})
    wanted = Desired(HOOK, {"url": Secret("env:U", want)}, Origin("a.yaml", 1, 1))
    (item,) = drift(matched([known], [live]), {HOOK: wanted}, digest)
    assert (item.path, item.live, item.sensitive) == ("url", "https://b.example.com/…", True)
    assert item.conflict is conflict
    same = Live(HOOK, "1", {"name": "W", "url": "https://a.example.com/1"})
    assert drift(matched([known], [same]), {}, digest) == ()


def test_alarms_of_drift() -> None:
    """Drift always, conflict and deletion where they are."""
    item = Drift(ANN, "first_name", "a", "b", "1", desired=True)
    gone = Drift(VIP, None, None, None, "1", desired=True)
    both = Drift(ANN, "first_name", "a", "b", "1", desired=True, conflict=True)
    assert alarms_of([]) == frozenset()
    assert alarms_of([item]) == {Alarm.DRIFT}
    assert alarms_of([gone]) == {Alarm.DRIFT, Alarm.DELETE}
    assert alarms_of([both]) == {Alarm.DRIFT, Alarm.CONFLICT}


def change(action: Action, cause: Cause | None = None, field: Cause | None = None, **more: Any) -> Change:
    fields = (FieldChange("first_name", "a", "b", field),) if field else ()
    return Change(ANN, action, cause, fields, **more)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (change(Action.NO_CHANGE), set()),
        (change(Action.UPDATE, Cause.EDITED, Cause.EDITED), set()),
        (change(Action.UPDATE, Cause.DRIFTED, Cause.DRIFTED), {Alarm.DRIFT}),
        (change(Action.UPDATE, Cause.BOTH, Cause.BOTH), {Alarm.DRIFT, Alarm.CONFLICT}),
        (change(Action.CREATE, Cause.MISSING), {Alarm.DRIFT}),
        (change(Action.CREATE, Cause.NEW), set()),
        (change(Action.DELETE, Cause.REMOVED), {Alarm.DELETE}),
        (change(Action.REPLACE, Cause.EDITED, Cause.EDITED), {Alarm.DELETE}),
        (change(Action.DELETE, Cause.REMOVED, blocked="prevent_destroy"), set()),
        (change(Action.FORGET, Cause.REMOVED), set()),
    ],
)
def test_alarms_of_a_plan(one: Change, expected: set[Alarm]) -> None:
    """Each class by what raises it; what is blocked deletes nothing."""
    assert alarms(Plan(Base(None, "", 0, "vendor"), (one,))) == expected
