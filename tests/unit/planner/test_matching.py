"""Files, ledger and raw items under one set of names."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.model.values import Address, Ref
from tests.unit.planner.made import (
    ANN,
    ANN_VIP,
    VIP,
    contact_item,
    entry,
    identified,
    ledger,
    state,
    tag_items,
    tagging,
)

COURSES = [
    {"id": 11, "name": "Launch", "path": "launch", "modules": [{"id": 21, "name": "A"}, {"id": 22, "name": "B"}]},
    {"id": 12, "name": "Twin", "path": "one", "modules": [{"id": 23, "name": "A"}, {"id": 24, "name": "A"}]},
    {"id": 13, "name": "Twin", "path": "two"},
]
ENROLLED = {"contact": "ann@example.com", "access": "partial_access"}


def enrollment(course: Any, *modules: Any) -> dict[str, Any]:
    return {**ENROLLED, "course": course, "modules": list(modules)}


def resolve(*rows: dict[str, Any]) -> list[tuple[str, list[str]]]:
    items = {"course": COURSES, "contact": [contact_item("ann@example.com")]}
    found = identified(state(enrollments=list(rows)), **items)
    return [
        (str(each.address), sorted(str(ref) for ref in each.attrs["modules"]))  # type: ignore[union-attr]
        for each in found.desired.values()
    ]


@pytest.mark.parametrize("course", ["Launch", {"id": "11"}, {"path": "launch"}, {"name": "Launch"}])
@pytest.mark.parametrize("module", ["A", {"id": "21"}, {"name": "A"}])
def test_a_course_and_its_modules_go_by_any_of_their_names(course: Any, module: Any) -> None:
    """All lead to one address."""
    assert resolve(enrollment(course, module)) == [("enrollment/ann@example.com/Launch", ["module/Launch/A"])]


def test_of_twins_each_goes_by_its_id() -> None:
    """A path or an id tells them apart; so does a module's id."""
    assert resolve(enrollment({"path": "two"}, {"id": "23"}) | {"modules": []})[0][0].endswith("#13")
    assert resolve(enrollment({"id": "12"}, {"id": "24"})) == [
        ("enrollment/ann@example.com/#12", ["module/#12/#24"])
    ] or resolve(enrollment({"id": "12"}, {"id": "24"}))[0][0].endswith("#12")


def test_one_relation_under_two_names_is_declared_twice() -> None:
    """With both places."""
    with pytest.raises(ConfigurationError, match=r"declared twice; first at a\.yaml:1:1"):
        resolve(enrollment("Launch", "A"), enrollment({"path": "launch"}, "B"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (enrollment("Lunch", "A"), 'no course named "Lunch" in this account; did you mean "Launch"?'),
        (enrollment("Launch", "Z"), 'no module named "Z" in this account; did you mean one of "A", "B"?'),
        (enrollment("Twin", "A"), 'course "Twin" is ambiguous: ids 12, 13; use the id, e.g. {id: 12}'),
        (enrollment("Launch", "A") | {"contact": "x@example.com"}, 'no contact named "x@example.com"'),
    ],
)
def test_what_leads_nowhere_is_an_error_with_near_names(row: dict[str, Any], message: str) -> None:
    """At the line of the one that refers."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(row)
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.yaml:1:1")


def test_many_other_names_are_counted_instead_of_listed() -> None:
    """Nothing is near."""
    items = tag_items("Alpha", "Beta", "Gamma", "Delta")
    with pytest.raises(ConfigurationError, match="correct the name, or declare it"):
        identified(
            state(taggings=[{"contact": "ann@example.com", "tag": "zzz"}]),
            tag=items,
            contact=[contact_item("ann@example.com")],
        )


def test_relations_are_read_inside_contacts() -> None:
    """A tagging has the ids of both; one of a tag that was not read goes by its id."""
    found = identified(state(), tag=tag_items("VIP"), contact=[contact_item("ann@example.com", 7, (1, 9))])
    assert found.live[ANN_VIP].remote_id == "7/1"
    assert found.live[ANN_VIP].attrs == tagging()
    assert Address("tagging", "ann@example.com/#9") in found.live
    assert found.ids[ANN] == "7"


def test_members_whose_contact_was_not_read_go_by_id() -> None:
    """They are unmanaged and only counted."""
    items = {
        "community": [{"id": 1, "name": "In", "path": "in"}],
        "membership": [{"id": 5, "community": {"id": 1}, "contact": {"id": 77}}],
    }
    assert Address("membership", "#77/In") in identified(state(), **items).live


def test_two_relations_of_one_key_are_told_apart() -> None:
    """Two enrollments of one contact in one course."""
    row = {"contact": {"id": 1}, "course": {"id": 11}, "accessType": "full_access"}
    items = {
        "course": COURSES[:1],
        "contact": [contact_item("ann@example.com")],
        "enrollment": [{"id": 1, **row}, {"id": 2, **row}],
    }
    found = identified(state(), **items)
    assert [a.key for a in found.live if a.kind == "enrollment"] == ["ann@example.com/Launch", "#2"]


def test_entries_move_with_what_they_belong_to() -> None:
    """A renamed tag takes its taggings along, in the ledger."""
    known = ledger(
        entry(Address("tag", "Gold"), "1"),
        entry(ANN, "1", {"email": "ann@example.com"}),
        entry(Address("tagging", "ann@example.com/Gold"), "1/1", tagging(tag=Address("tag", "Gold")), part_of=ANN),
    )
    found = identified(
        state(tags=[{"name": "VIP", "renamed_from": "Gold"}]),
        known,
        tag=tag_items("Gold"),
        contact=[contact_item("ann@example.com", tags=(1,))],
    )
    assert found.moved == {VIP: Address("tag", "Gold"), ANN_VIP: Address("tagging", "ann@example.com/Gold")}
    assert found.entries[ANN_VIP].applied == tagging()
    assert found.entries[ANN_VIP].part_of == ANN


def test_part_of_follows_a_renamed_parent() -> None:
    """Entries name their block by its new address."""
    old = Address("contact", "@ann")
    known = ledger(
        entry(old, "1", {"email": "ann@example.com"}),
        entry(VIP),
        entry(Address("tagging", "@ann/VIP"), "1/1", tagging(contact=old), part_of=old),
    )
    desired = state(contacts=[{"email": "ann@example.com"}])
    found = identified(desired, known, tag=tag_items("VIP"), contact=[contact_item("ann@example.com", tags=(1,))])
    assert found.entries[ANN_VIP].part_of == ANN


def test_sets_of_references_are_renamed_too() -> None:
    """The modules of an entry whose course now goes by another name."""
    assert (
        Ref(Address("module", "Launch/A"))
        in identified(
            state(enrollments=[enrollment({"id": "11"}, "A", {"id": "22"})]),
            course=COURSES,
            contact=[contact_item("ann@example.com")],
        )
        .desired[Address("enrollment", "ann@example.com/Launch")]
        .attrs["modules"]
    )  # type: ignore[operator]
