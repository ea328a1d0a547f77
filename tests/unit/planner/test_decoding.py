"""Items of answers to attributes."""

from reconciler.kinds import KINDS
from reconciler.kinds.base import Wire
from reconciler.model.values import Address, Ref
from reconciler.planner.decoding import decode


def refer(kind: str, remote_id: str) -> Ref:
    return Ref(Address(kind, "#" + remote_id))


def test_texts_are_cleaned_and_empty_ones_are_nothing() -> None:
    """The same form as the files."""
    field = KINDS["contact_field"]
    assert decode(field, {"slug": "x", "fieldName": " Cafe\u0301 "}, Wire()) == {"slug": "x", "name": "Caf\u00e9"}
    assert decode(field, {"slug": "x", "fieldName": ""}, Wire())["name"] is None


def test_references_come_as_objects_or_bare_ids() -> None:
    """Nothing where nobody can say what they lead to; write-only fields never."""
    enrollment = KINDS["enrollment"]
    item = {"id": 1, "contact": {"id": 7}, "course": 3, "accessType": "full_access", "modules": [1]}
    attrs = decode(enrollment, item, Wire(), refer)
    assert attrs == {"contact": refer("contact", "7"), "course": refer("course", "3"), "access": "full_access"}
    assert decode(enrollment, item, Wire()) == {"access": "full_access"}
    assert decode(enrollment, {"accessType": None}, Wire(), refer) == {"access": None}


def test_a_kind_may_decode_itself() -> None:
    """Contacts and webhooks are odd on the wire."""
    assert decode(KINDS["contact"], {"email": "A@example.com"}, Wire()) == {"email": "A@example.com", "locale": None}
