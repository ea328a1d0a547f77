"""The vocabulary of kinds: addresses, fields, references."""

import pytest

from reconciler.kinds import KINDS, SECTIONS
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.values import Address, Ref

ANN, VIP = Address("contact", "ann@example.com"), Address("tag", "VIP")


@pytest.mark.parametrize(
    ("kind", "attrs", "key"),
    [
        ("tag", {"name": " VIP "}, "VIP"),
        ("tag", {"name": "Cafe\u0301"}, "Caf\u00e9"),
        ("tag", {"name": "a/b%"}, "a%2Fb%25"),
        ("tag", {"name": "@home"}, "%40home"),
        ("contact", {"email": "Ann@Example.COM"}, "ann@example.com"),
        ("contact_field", {"slug": "company"}, "company"),
        ("webhook", {"name": "CRM sync"}, "CRM sync"),
        ("tagging", {"contact": Ref(ANN), "tag": Ref(VIP)}, "ann@example.com/VIP"),
        ("membership", {"contact": Ref(ANN), "community": Ref(Address("community", "#5"))}, "ann@example.com/#5"),
        ("module", {"course": Ref(Address("course", "A%2FB")), "name": "x/y"}, "A%2FB/x%2Fy"),
    ],
)
def test_the_natural_key_makes_the_address(kind: str, attrs: dict[str, object], key: str) -> None:
    """NFC and trimmed, e-mails folded, tag names exact, slashes escaped."""
    assert KINDS[kind].address(attrs) == Address(kind, key)


def test_other_names_of_an_address_cannot_be_taken_for_a_name() -> None:
    """A handle, an id and another property each begin with a sign that names have escaped."""
    tag, course = KINDS["tag"], KINDS["course"]
    assert tag.by_handle("vip").key == "@vip"
    assert tag.by_remote_id("7").key == "#7"
    assert course.by_property("path", "a/b").key == "?path=a%2Fb"
    assert tag.address({"name": "@vip"}).key == "%40vip"


def test_attributes_of_a_map_belong_to_its_field() -> None:
    """``fields.company`` is a part of ``fields``; an unknown name is a defect."""
    assert KINDS["contact"].field("fields.company").name == "fields"
    with pytest.raises(KeyError, match="tag has no field colour"):
        KINDS["tag"].field("colour")


def test_references_are_found_in_every_shape() -> None:
    """One, several, and the slugs of a map; their order does not depend on hashes."""
    enrollment = KINDS["enrollment"]
    modules = [Address("module", f"C/{n}") for n in range(9)]
    attrs = {"course": Ref(Address("course", "C")), "modules": frozenset(map(Ref, reversed(modules)))}
    assert enrollment.refers_to(attrs) == (Address("course", "C"), *modules)
    contact = {"email": "ann@example.com", "fields.company": "Acme", "first_name": "Ann"}
    assert KINDS["contact"].refers_to(contact) == (Address("contact_field", "company"),)


@pytest.mark.parametrize(
    ("name", "renameable", "writable"),
    [
        ("tag", True, True),
        ("webhook", True, True),
        ("contact", False, True),
        ("contact_field", False, True),
        ("tagging", False, True),
        ("enrollment", False, True),
        ("membership", False, True),
        ("course", False, False),
        ("module", False, False),
        ("community", False, False),
    ],
)
def test_what_can_be_renamed_and_made(name: str, renameable: bool, writable: bool) -> None:
    """Tags and webhooks change their names; courses, modules and communities are only referred to."""
    assert KINDS[name].renameable is renameable
    assert KINDS[name].writable is writable


def test_every_declaration_is_sound() -> None:
    """Keys, references and gathered fields name what is there; what can be made has a section."""
    for kind in KINDS.values():
        assert all(kind.field(name) for name in (*kind.key, *kind.dies_with))
        assert all(each.ref in KINDS for each in kind.fields if each.shape in (FieldShape.REF, FieldShape.REFS))
        assert not kind.gather or kind.field(kind.gather).shape is FieldShape.REF
        assert kind.by_id or not kind.renameable, "a rename is followed by the remote id"
        assert all(each.shape is not FieldShape.REFS or each.write_only for each in kind.fields), "REFS are not read"
        assert all(each in kind.parents for each in kind.refs), "a reference outside of the key is not read"
        assert all(not each.pattern or each.hint for each in kind.fields)
        assert kind.doc
        assert all(each.doc for each in kind.fields)
    assert {kind.name for kind in SECTIONS.values()} >= {kind.name for kind in KINDS.values() if kind.writable}


def test_the_parent_of_a_short_form_comes_first_in_the_key() -> None:
    """Then the key of each relation is that of the parent and a rest that depends on the entry only."""
    for kind in KINDS.values():
        if kind.sugar:
            assert kind.field(kind.key[0]).ref == kind.sugar.parent


def test_empty_text_is_nothing() -> None:
    """Absent, null and "" compare equal."""
    assert [Field(name="a", doc=".").normal(value) for value in ("", None, "X", True)] == [None, None, "X", True]
    assert Field(name="s", doc=".", shape=FieldShape.SECRET).sensitive


def test_every_shape_has_a_schema_and_words() -> None:
    """Tables by shape are complete; a ``match`` is checked by mypy."""
    from docs.generate.kinds import WORDS
    from reconciler.kinds.schema import _SHAPES

    assert list(WORDS) == list(FieldShape), "docs/generate/kinds.py"
    assert list(_SHAPES) == list(FieldShape), "reconciler/kinds/schema.py"
