"""Marks instead of people: in addresses, fields, documents and running text; everything else stays as it is."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan, Step, Verb
from reconciler.model.report import Outcome, PastOutcome, Report, Status
from reconciler.model.values import Address, Ref
from reconciler.output.redact import KnownValues, Redactor

ANN = "c:" + hashlib.sha256(b"ann@example.com").hexdigest()[:8]
CONTACT = Address("contact", "ann@example.com")


def value_mark(text: str) -> str:
    """The mark of a value that is no address."""
    return "v:" + hashlib.sha256(text.encode()).hexdigest()[:8]


@pytest.fixture
def redactor() -> Redactor:
    """One that digests without a key, so that marks are known beforehand."""
    return Redactor(lambda text: hashlib.sha256(text.encode()).hexdigest())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("contact of ann@example.com.", f"contact of {ANN}."),
        ("'ann@example.com', ANN@Example.com", f"'{ANN}', {ANN}"),
        (
            "GET /api/contacts?limit=100&email=ann%40example.com → 200",
            f"GET /api/contacts?limit=100&email={ANN} → 200",
        ),
        ("tagging/ann@example.com/Deep Dive: gone", f"tagging/{ANN}/Deep Dive: gone"),
        ("/api/contacts/{contact/ann@example.com}/tags", f"/api/contacts/{{contact/{ANN}}}/tags"),
        ("\x1b[32mann@example.com\x1b[0m", f"\x1b[32m{ANN}\x1b[0m"),
        ("contact/#12 and tagging/*", "contact/#12 and tagging/*"),
        ("contact/@boss: x", "contact/c:" + hashlib.sha256(b"@boss").hexdigest()[:8] + ": x"),
        ("postgresql+psycopg://app@db.example.com/x", "postgresql+psycopg://app@db.example.com/x"),
        ("tag/@gold and @ alone", "tag/@gold and @ alone"),
        (f"contact/{ANN}", f"contact/{ANN}"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_text_shows_no_address(redactor: Redactor, text: str, shown: str) -> None:
    """Whatever looks like an e-mail address is marked, in any of its spellings; the rest of the text stays."""
    assert redactor.text(text) == shown


@given(st.emails(domains=st.just("example.com")))
def test_no_address_gets_through(address: str) -> None:
    """Of any address that a contact can have, nothing that tells who it is stays in a message."""
    redactor = Redactor(lambda text: hashlib.sha256(text.encode()).hexdigest())
    redactor.learn([(KINDS["contact"].address({"email": address}), {"email": address})])
    assert address not in redactor.text(f"GET: {address} is taken")


def test_personal_fields_are_marked_by_name(redactor: Redactor) -> None:
    """Attributes, field changes, rows of a body and flat names of the other dialect; short values too."""
    document: dict[str, Any] = {
        "address": "contact/ann@example.com",
        "attrs": {"first_name": "Jo", "locale": "en", "fields.company": "Acme"},
        "fields": [{"path": "first_name", "before": None, "after": "Jo"}, {"path": "locale", "after": "fr"}],
        "body": {"email": "ann@example.com", "firstName": "Jo", "fields": [{"slug": "company", "value": "Acme"}]},
        "differs": {"phone_number": {"sent": "1", "is": "+1"}},
        "contact": {"$ref": "contact/ann@example.com"},
    }
    jo, acme = value_mark("Jo"), value_mark("Acme")
    assert redactor.document(document) == {
        "address": f"contact/{ANN}",
        "attrs": {"first_name": jo, "locale": "en", "fields.company": acme},
        "fields": [{"path": "first_name", "before": None, "after": jo}, {"path": "locale", "after": "fr"}],
        "body": {"email": ANN, "firstName": jo, "fields": [{"slug": "company", "value": acme}]},
        "differs": {"phone_number": {"sent": value_mark("1"), "is": value_mark("+1")}},
        "contact": {"$ref": f"contact/{ANN}"},
    }


def test_a_document_is_marked_once(redactor: Redactor) -> None:
    """What is marked already stays: a plan that was redacted may pass the stream again."""
    once = redactor.document({"email": "ann@example.com", "first_name": "Ann", "note": "of ann@example.com"})
    assert redactor.document(once) == once


def test_a_schema_is_no_document_about_people(redactor: Redactor) -> None:
    """A JSON Schema names the same fields and says nothing of anybody."""
    schema = {"$schema": "x", "properties": {"email": {"type": "string", "examples": ["ann@example.com"]}}}
    assert redactor.document(schema) == schema


def test_a_plan_stays_a_plan(redactor: Redactor) -> None:
    """Addresses, references and values are marked; actions, order and everything else are as they were."""
    tagging = Address("tagging", "ann@example.com/VIP")
    fields = (FieldChange("first_name", "Ann", "Anne", Cause.EDITED),)
    attrs = {"contact": Ref(CONTACT), "tag": Ref(Address("tag", "VIP"))}
    plan = Plan(
        Base("acc", "l", 1, "vendor"),
        (
            Change(CONTACT, Action.UPDATE, Cause.EDITED, fields, {"email": "ann@example.com", "first_name": "Anne"}),
            Change(
                tagging, Action.CREATE, Cause.NEW, attrs=attrs, depends_on=(CONTACT,), note="ann@example.com asked"
            ),
        ),
    )
    contact, tagged = redactor.plan(plan).changes
    assert contact.address == Address("contact", ANN)
    assert contact.fields == (FieldChange("first_name", value_mark("Ann"), value_mark("Anne"), Cause.EDITED),)
    assert tagged.address == Address("tagging", f"{ANN}/VIP")
    assert tagged.attrs == {"contact": Ref(Address("contact", ANN)), "tag": Ref(Address("tag", "VIP"))}
    assert tagged.depends_on == (Address("contact", ANN),)
    assert tagged.note == f"{ANN} asked"


def test_a_report_and_the_past_are_marked(redactor: Redactor) -> None:
    """Outcomes: whose they are, what the server said, what it made of a value."""
    outcome = Outcome(
        Step(CONTACT, Verb.MAKE),
        Action.UPDATE,
        Status.DONE,
        "7",
        "ann@example.com is it",
        differs={"first_name": ("Jo", "JO"), "locale": ("en", "fr")},
    )
    (shown,) = redactor.report(Report((outcome,))).outcomes
    assert (shown.step.address.key, shown.message) == (ANN, f"{ANN} is it")
    assert shown.differs == {"first_name": (value_mark("Jo"), value_mark("JO")), "locale": ("en", "fr")}
    past = PastOutcome(1, 1, CONTACT, "make", Action.UPDATE, Status.DONE, "7", "", {"first_name": "Jo"}, None)
    (told,) = redactor.past([past])
    assert (told.address.key, told.before, told.after) == (ANN, {"first_name": value_mark("Jo")}, None)


def test_a_request_is_marked(redactor: Redactor) -> None:
    """Method, path and body of a call that is only shown."""
    call = ("POST", "/api/contacts/{contact/ann@example.com}/tags", {"tagId": "{tag/VIP}"})
    assert redactor.request(call) == ("POST", f"/api/contacts/{{contact/{ANN}}}/tags", {"tagId": "{tag/VIP}"})


def test_known_values_are_found_as_whole_words(redactor: Redactor) -> None:
    """What this run knows of people is marked in messages: whole words of three characters or more."""
    attrs = {
        "first_name": "Annabel",
        "last_name": "Jo",
        "phone_number": "+33612345678",
        "fields.company": "Acme & Sons",
    }
    redactor.learn([(CONTACT, attrs), (Address("tag", "Acme"), {"name": "Acme"})])
    text = redactor.text("Annabel of Acme & Sons (+33612345678), Annabella, Jo, at Acme")
    marks = (value_mark("Annabel"), value_mark("Acme & Sons"), value_mark("+33612345678"))
    assert text == "{} of {} ({}), Annabella, Jo, at Acme".format(*marks)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("Ann", "Ann, Anna and AnnX", "(x), Anna and AnnX"),
        ("Ann Lee", "Ann, Ann Lee", "Ann, (x)"),
        ('say "hi"', r'{"a": "say \"hi\""}', '{"a": "(x)"}'),
        ("a\u202eb c", "a\\u202eb c", "(x)"),
        ("x" * 70, f'"{"x" * 59}…"', '"(x)"'),
        ("Zoë Ü", "Zo%C3%AB%20%C3%9C", "(x)"),
        ("create", '"action": "create"', '"action": "create"'),
        ("name", '"name": "name"', '"name": "name"'),
        ("colour", '{"colour": "colour"}', '{"colour": "(x)"}'),
        ("Jo", "Jo", "Jo"),
        ("+++", "+++", "+++"),
    ],
)
def test_values_are_known_in_each_way_of_writing_them(value: str, text: str, shown: str) -> None:
    """Cut, escaped or quoted; never a part of a word, a key of JSON or a word of our own documents."""
    known = KnownValues()
    known.add(value, lambda: "(x)")
    assert known.replaced(text) == shown


def test_the_longest_value_counts() -> None:
    """Of two values that begin alike the longer one is meant; the name of a tag is shown even so."""
    known = KnownValues()
    for value in ("Ann", "Ann Lee", "Lee", "VIP"):
        known.add(value, lambda value=value: f"({len(value)})")
    known.allow("VIP")
    assert known.replaced("Ann Lee Ann Lee Lee VIP") == "(7) (7) (3) VIP"


def test_which_fields_are_personal_is_declared() -> None:
    """Names, numbers and all free fields of a contact; what says nothing of who somebody is is not."""
    personal = {field.name for kind in KINDS.values() for field in kind.fields if field.personal}
    assert personal == {"first_name", "last_name", "phone_number", "fields"}
    assert not json.dumps(Redactor(str).document({"country": "FR", "locale": "fr"})).count("v:")
