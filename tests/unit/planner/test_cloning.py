"""Everything that was read of one account → the state that another one takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import Refused
from reconciler.kinds import KINDS
from reconciler.model.resource import DesiredState
from reconciler.model.values import Address, Origin, Ref, Secret
from reconciler.planner.clone import HARMLESS, OF_PEOPLE, CloneChoice, ClonedState, clone, grouped
from tests.unit.planner.made import contact_item, identified, tag_items

ORIGIN = Origin("clone of a", 0, 0)
EVERY = frozenset(name for name, kind in KINDS.items() if kind.writable)
CHOICE = CloneChoice(EVERY, ORIGIN, lambda email: f"m{len(email)}", "made.example.com")
SOMEBODY = Address("contact", "p-m15@made.example.com")


def cloned(choice: CloneChoice = CHOICE, **items: Any) -> ClonedState:
    return clone(identified(DesiredState(), **items), choice)


def test_kinds_are_told_apart_by_what_they_declare() -> None:
    """By default nobody is spoken of, and nothing is sent anywhere."""
    assert sorted(HARMLESS) == ["contact_field", "tag"], "copied by default; docs/guides/cloning.md names them too"
    assert {"contact", "tagging", "enrollment", "membership", "subscription"} == OF_PEOPLE


def test_a_person_becomes_a_made_up_one() -> None:
    """Names are marks, other personal values stay behind; relations follow."""
    ann = contact_item("ann@example.com", tags=(1,), first_name="Ann", phone_number="1", country="FR", company="Acme")
    made = cloned(tag=tag_items("VIP"), contact=[ann])
    assert made.state.resources[SOMEBODY].attrs == {
        "email": "p-m15@made.example.com",
        "locale": "en",
        "first_name": "p-m15",
        "country": "FR",
    }
    tagging = made.state.resources[Address("tagging", f"{SOMEBODY.key}/VIP")]
    assert tagging.attrs == {"contact": Ref(SOMEBODY), "tag": Ref(Address("tag", "VIP"))}
    assert {each.origin for each in made.state.resources.values()} == {ORIGIN}
    assert str(ORIGIN) == "clone of a"
    assert made.replaced == 1


@pytest.mark.parametrize("pattern", ["ANN@example.com", "*@Example.com", "*", "ann@?xample.com"])
def test_who_is_let_through(pattern: str) -> None:
    """Case is ignored; what names nobody is told."""
    choice = replace(CHOICE, allowed=(pattern, "bob@example.com"))
    made = cloned(choice, contact=[contact_item("ann@example.com", first_name="Ann")])
    (resource,) = made.state.resources.values()
    assert resource.attrs["first_name"] == "Ann"
    assert made.unmatched == ("bob@example.com",)


def test_a_domain_with_people() -> None:
    """A made-up address must be nobody's; where nobody is made up it does not matter."""
    people = [contact_item("ann@made.example.com")]
    with pytest.raises(Refused, match="1 of the source's contacts"):
        cloned(contact=people)
    assert cloned(replace(CHOICE, allowed=("*",)), contact=people).replaced == 0


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.org",
        "<bob@example.org>",
        "mailto:bob@example.org?x",
        "bob%40example.org",
        "'bob@example.org'.",
        'b"@example.org',
        "https://bob@example.org/",
    ],
)
def test_texts_that_spell_somebody(text: str) -> None:
    """They go nowhere: a tag stays behind, a value of somebody who was let through is left out."""
    choice = replace(CHOICE, allowed=("a=b/ann@example.com",))
    made = cloned(choice, tag=tag_items(text, "a @ b"), contact=[contact_item("a=b/ann@example.com", friend=text)])
    assert [each.attrs for each in made.state.resources.values()] == [
        {"email": "a=b/ann@example.com", "locale": "en"},
        {"name": "a @ b"},
    ]
    why = {each.why for each in made.left}
    assert why == {
        "name spells the e-mail address of somebody",
        "fields.friend spells the e-mail address of somebody",
    }
    assert "bob" not in str(made.left)


HOOKS = [{"id": "h", "name": "CRM", "url": "https://crm.example.org/", "active": True, "subscriptions": ["SALE_NEW"]}]


def test_webhooks() -> None:
    """Left out, or redirected with another secret; the url of the source is gone."""
    assert [each.what for each in cloned(webhook=HOOKS).left] == ["CRM"]
    choice = replace(CHOICE, url="https://in.example.com/", secret=Secret("env:S", "s"))
    (made,) = cloned(choice, webhook=HOOKS).state.resources.values()
    assert made.attrs == {
        "name": "CRM",
        "url": "https://in.example.com/?webhook=CRM",
        "secret": Secret("env:S", "s"),
        "active": True,
        "events": frozenset({"SALE_NEW"}),
    }


def test_built_in_fields_and_doubles() -> None:
    """Those are on every account; two tags of one name are one."""
    fields = [{"slug": slug, "fieldName": slug} for slug in ("surname", "shoe")]
    made = cloned(contact_field=fields, tag=tag_items("VIP", "VIP"))
    assert sorted(map(str, made.state.resources)) == ["contact_field/shoe", "tag/VIP"]


def test_relations_that_cannot_follow() -> None:
    """Modules cannot be read, a course of two names nothing, a person who was not read is nobody."""
    courses = [{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}, {"id": 3, "name": "Two"}]
    rows = [(1, 1, "partial_access"), (1, 2, "full_access"), (9, 1, "full_access")]
    enrollments = [
        {"id": n, "contact": {"id": who}, "course": {"id": what}, "accessType": access}
        for n, (who, what, access) in enumerate(rows)
    ]
    made = cloned(contact=[contact_item("ann@example.com")], course=courses, enrollment=enrollments)
    assert list(made.state.resources) == [SOMEBODY]
    assert grouped(made.left) == {
        ("enrollment", "its contact was not read"): {"One": 1},
        ("enrollment", "modules cannot be read of the source"): {"One": 1},
        ("enrollment", "the source has more than one course of that name"): {"Two": 1},
    }
