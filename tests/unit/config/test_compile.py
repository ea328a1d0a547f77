"""Declared items to the desired state."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.resource import Lifecycle
from reconciler.model.values import Address, Ref
from tests.unit.planner.made import ANN, ANN_VIP, VIP, state


def problems(**sections: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        state(**sections)
    return str(caught.value)


def test_a_short_form_is_a_name() -> None:
    """``- VIP`` is ``{name: VIP}``, trimmed."""
    assert state(tags=[" VIP "]).resources[VIP].attrs == {"name": "VIP"}


def test_a_section_that_is_empty_is_mentioned() -> None:
    """Which is not the same as not mentioned."""
    assert state(tags=[]).kinds == {"tag"}
    assert state().kinds == frozenset()


def test_short_relations_are_spelled_out() -> None:
    """One tagging each, part of the contact; what is left out is not managed."""
    found = state(contacts=[{"email": "Ann@Example.com", "tags": ["VIP"]}])
    assert set(found.resources) == {ANN, ANN_VIP}
    assert found.resources[ANN_VIP].part_of == ANN
    assert found.resources[ANN_VIP].attrs == {"contact": Ref(ANN), "tag": Ref(VIP)}
    assert found.resources[ANN].leaves_out == ("enrollment",)
    assert found.kinds == {"contact", "tagging"}


def test_short_courses_give_full_access() -> None:
    """The preset of the sugar."""
    found = state(contacts=[{"email": "ann@example.com", "courses": ["C"]}])
    assert found.resources[Address("enrollment", "ann@example.com/C")].attrs["access"] == "full_access"


def test_several_contacts_are_several_relations() -> None:
    """``contacts:`` instead of ``contact:``; none is none."""
    found = state(taggings=[{"tag": "VIP", "contacts": ["ann@example.com", "bob@example.com"]}])
    assert [address.key for address in found.resources] == ["ann@example.com/VIP", "bob@example.com/VIP"]
    assert state(taggings=[{"tag": "VIP", "contacts": None}]).resources == {}


def test_handles_ids_and_lifecycles_are_kept() -> None:
    """And ``@handle`` refers to it, as the name does."""
    raw = {
        "name": "VIP",
        "handle": "best",
        "id": "7",
        "renamed_from": "Gold",
        "lifecycle": {"prevent_destroy": True, "ignore": ["name"], "create_before_destroy": True},
    }
    handled = Address("tag", "@best")
    found = state(
        tags=[raw],
        taggings=[{"contact": "ann@example.com", "tag": "@best"}, {"contact": "b@example.com", "tag": "VIP"}],
    )
    tag = found.resources[handled]
    assert (tag.bound_id, tag.former) == ("7", Address("tag", "Gold"))
    assert tag.lifecycle == Lifecycle(True, frozenset({"name"}), True)
    taggings = [each for each in found.resources.values() if each.address.kind == "tagging"]
    assert {each.attrs["tag"] for each in taggings} == {Ref(handled)}
    assert state(tags=[{"name": "A", "renamed_from": "@old"}]).resources[Address("tag", "A")].former == Address(
        "tag", "@old"
    )


def test_references_pick_by_id_path_or_name() -> None:
    """The address says how, until the live one is known."""
    raw = {"contact": "ann@example.com", "access": "partial_access"}
    rows = [
        {**raw, "course": {"id": "5"}, "modules": [{"id": "6"}]},
        {**raw, "course": {"path": "launch"}, "modules": ["M"]},
        {**raw, "course": {"name": "C"}, "modules": [{"name": "M"}]},
    ]
    found = [each.attrs for each in state(enrollments=rows).resources.values()]
    assert [str(each["course"]) for each in found] == ["course/#5", "course/?path=launch", "course/C"]
    assert [[str(m) for m in each["modules"]] for each in found] == [
        ["module/#5/#6"],
        ["module/?path=launch/M"],
        ["module/C/M"],
    ]


def test_empty_values_are_nothing() -> None:
    """ "" and null alike; an empty map has no entries."""
    attrs = state(contacts=[{"email": "ann@example.com", "first_name": "", "fields": {"x": ""}}]).resources[ANN].attrs
    assert attrs == {"email": "ann@example.com", "first_name": None, "fields.x": None}
    assert "fields" not in state(contacts=[{"email": "ann@example.com", "fields": None}]).resources[ANN].attrs


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"tags": ["VIP", "VIP"]}, "tag/VIP is declared twice; first declared at a.yaml:1:1"),
        ({"tags": ["VIP", {"name": "VIP", "handle": "x"}]}, "tag/VIP is declared twice"),
        ({"tags": [{"name": "A", "handle": "x"}, {"name": "B", "handle": "x"}]}, "tag/@x is declared twice"),
        ({"tags": [{"name": "A", "id": "1"}, {"name": "B", "id": "1"}]}, "id 1 is used twice"),
        (
            {"contacts": [{"email": "A@example.com"}, {"email": "a@example.com"}]},
            "contact/a@example.com is declared twice",
        ),
        (
            {"contacts": [{"email": "ann@example.com", "first_name": "Ann", "fields": {"first_name": "X"}}]},
            "`fields.first_name` and `first_name` set the same field",
        ),
        (
            {"taggings": [{"contact": "a@example.com", "tag": {"path": "x"}}]},
            "a tag has no path; use one of id, name",
        ),
    ],
)
def test_every_double_is_an_error_that_names_both_places(sections: dict[str, Any], message: str) -> None:
    """All at once, each with its line."""
    assert message in problems(**sections)


def test_all_problems_come_at_once() -> None:
    """Two files, two findings, one error."""
    assert len(problems(tags=["A", "A"], contact_fields=[{"slug": "x", "name": "X"}] * 2).splitlines()) == 2
