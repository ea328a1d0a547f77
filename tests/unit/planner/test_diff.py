"""One resource desired, applied and live: every combination of the field table."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from reconciler.kinds import KINDS
from reconciler.model.plan import Cause, FieldChange
from reconciler.model.values import Address, Ref, Secret
from reconciler.planner.diff import differences, leaves, let_go
from tests.unit.planner.made import ANN, entry

CONTACT, WEBHOOK, ENROLLMENT = KINDS["contact"], KINDS["webhook"], KINDS["enrollment"]
ABSENT = object()


def digest(name: str, value: str) -> str:
    return f"{name}={value}"


def expected(desired: Any, applied: Any, answered: Any, live: Any) -> Cause | None:
    """The table of the design, written once more in other words."""
    if desired is ABSENT or desired == live:
        return None  # let go, or nothing to write
    shown = applied if answered is ABSENT else answered
    if applied is ABSENT:
        return Cause.EDITED
    if desired == applied:
        return None if live == shown else Cause.DRIFTED
    return Cause.EDITED if live == shown else Cause.BOTH


VALUES = ("a", "b", None)
COMBINATIONS = [
    (desired, applied, answered, live)
    for desired, applied, answered, live in product(
        (*VALUES, ABSENT), (*VALUES, ABSENT), (*VALUES, "c", ABSENT), VALUES
    )
    if not (applied is ABSENT and answered is not ABSENT)
]


@pytest.mark.parametrize(("desired", "applied", "answered", "live"), COMBINATIONS)
def test_every_combination_of_a_readable_field(desired: Any, applied: Any, answered: Any, live: Any) -> None:
    """Desired × sent × what the server made of it × live."""

    def attrs(value: Any) -> dict[str, Any]:
        return {} if value is ABSENT else {"first_name": value}

    known = entry(ANN, applied=attrs(applied), answered=attrs(answered))
    found = differences(CONTACT, attrs(desired), attrs(live), known, frozenset(), digest)
    cause = expected(desired, applied, answered, live)
    assert [each.cause for each in found] == ([cause] if cause else [])
    assert found == ((FieldChange("first_name", live, desired, Cause.NEW),) if cause else ())


@pytest.mark.parametrize("live", VALUES)
@pytest.mark.parametrize("desired", VALUES)
def test_without_an_entry_every_difference_is_edited(desired: Any, live: Any) -> None:
    """Adopting writes only differences."""
    found = differences(CONTACT, {"first_name": desired}, {"first_name": live}, None, frozenset(), digest)
    assert [each.cause for each in found] == ([Cause.EDITED] if desired != live else [])


def test_ignored_fields_never_differ() -> None:
    """Neither edited nor released."""
    known = entry(ANN, applied={"active": False})
    assert differences(WEBHOOK, {"name": "A"}, {"name": "B"}, known, frozenset({"name", "active"}), digest) == ()


@pytest.mark.parametrize(("live", "changes"), [(False, 1), (True, 0)])
def test_a_released_field_returns_to_its_reset(live: bool, changes: int) -> None:
    """Only where it is not there already."""
    found = differences(WEBHOOK, {}, {"active": live}, entry(ANN, applied={"active": False}), frozenset(), digest)
    assert [(each.after, each.cause) for each in found] == [(True, Cause.RELEASED)] * changes


def test_fields_without_a_reset_are_let_go() -> None:
    """They are named, so that the reader knows."""
    known = entry(ANN, applied={"first_name": "Ann", "active": True})
    assert (
        differences(CONTACT, {}, {"first_name": "X"}, entry(ANN, applied={"first_name": "A"}), frozenset(), None)
        == ()
    )
    assert let_go(CONTACT, {}, entry(ANN, applied={"first_name": "Ann"})) == ("first_name",)
    assert let_go(WEBHOOK, {"first_name": 1}, known) == ()


@pytest.mark.parametrize(
    ("known", "key", "cause"),
    [
        ({"secret": "secret=new"}, digest, None),
        ({"secret": "secret=old"}, digest, Cause.ROTATED),
        ({}, digest, Cause.ROTATED),
        (None, digest, Cause.ROTATED),
        (None, None, None),
    ],
)
def test_secrets_are_compared_by_digest(known: Any, key: Any, cause: Cause | None) -> None:
    """Never shown; sent once where nothing is known; not at all where nothing can be remembered."""
    ours = None if known is None else entry(ANN, applied={}, digests=known)
    found = differences(WEBHOOK, {"secret": Secret("env:S", "new")}, {}, ours, frozenset(), key)
    assert [(each.cause, each.before, each.after, each.sensitive) for each in found] == (
        [(cause, None, None, True)] if cause else []
    )


@pytest.mark.parametrize(
    ("live", "known", "cause"),
    [
        ("https://new.example.com/t", {}, None),
        ("https://old.example.com/t", {"url": "url=https://new.example.com/t"}, Cause.DRIFTED),
        ("https://old.example.com/t", {"url": "url=https://old.example.com/t"}, Cause.EDITED),
        (None, {}, Cause.EDITED),
    ],
)
def test_a_text_from_the_environment_is_compared_and_masked(live: Any, known: Any, cause: Cause | None) -> None:
    """Its host is all that is shown."""
    want = Secret("env:URL", "https://new.example.com/t")
    ours = entry(ANN, applied={}, digests=known)
    found = differences(WEBHOOK, {"url": want}, {"url": live}, ours, frozenset(), digest)
    assert [each.cause for each in found] == ([cause] if cause else [])
    for each in found:
        assert each.sensitive
        assert "/t" not in f"{each.before}{each.after}"
        assert each.after == "https://new.example.com/…"


MODULES = [frozenset({Ref(Address("module", f"C/{name}"))}) for name in "AB"]


@pytest.mark.parametrize(
    ("known", "changes"),
    [(None, 0), ({}, 0), ({"modules": MODULES[0]}, 0), ({"modules": MODULES[1]}, 1)],
)
def test_other_unreadable_values_are_compared_with_what_was_sent(known: Any, changes: int) -> None:
    """Unknown ones are assumed equal."""
    ours = None if known is None else entry(ANN, applied=known)
    found = differences(ENROLLMENT, {"modules": MODULES[0]}, {}, ours, frozenset(), digest)
    assert found == ((FieldChange("modules", MODULES[1], MODULES[0], Cause.EDITED),) if changes else ())


def test_references_of_the_key_cannot_differ() -> None:
    """They are the address; a live one whose owner was not read goes by another name."""
    want, have = {"contact": Ref(ANN)}, {"contact": Ref(Address("contact", "#1"))}
    assert differences(KINDS["tagging"], want, have, None, frozenset(), digest) == ()


def test_sets_differ_by_their_leaves() -> None:
    """What goes before what comes, each sorted; other values as a whole."""
    change = FieldChange("events", frozenset("abc"), frozenset("cde"), Cause.EDITED)
    assert leaves(change) == [
        ("events", "a", None),
        ("events", "b", None),
        ("events", None, "d"),
        ("events", None, "e"),
    ]
    assert leaves(FieldChange("x", "a", None, Cause.EDITED)) == [("x", "a", None)]
    assert leaves(FieldChange("x", None, frozenset({"b"}), Cause.NEW)) == [("x", None, {"$set": ["b"]})]
