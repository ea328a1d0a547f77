"""Contacts, webhooks and the dialects on the wire."""

import pytest

from reconciler.kinds import KINDS, contact, webhook
from reconciler.kinds.base import Wire
from reconciler.kinds.dialect import Dialect, wire_of

CONTACT = KINDS["contact"]
ITEM = {
    "id": 1,
    "email": "Ann@Example.com",
    "locale": "en",
    "fields": [
        {"slug": "first_name", "value": "Ann"},
        {"slug": "company", "value": ""},
        {"slug": "city", "value": "Paris"},
    ],
}


@pytest.mark.parametrize("slug", ["surname", "last_name"])
def test_a_last_name_is_known_by_either_slug(slug: str) -> None:
    """Accounts have one or the other; the name in the files is the same."""
    vendor = wire_of(CONTACT, Dialect.VENDOR, frozenset({slug}))
    shown = contact.decode({**ITEM, "fields": [{"slug": slug, "value": "Lee"}]}, vendor)
    assert shown["last_name"] == "Lee"
    body = contact.encode({"email": "a@example.com", "last_name": "Lee"}, vendor)
    assert body == {"email": "a@example.com", "fields": [{"slug": slug, "value": "Lee"}]}


def test_a_last_name_goes_as_surname_where_slugs_are_not_known() -> None:
    """The usual one comes first."""
    body = contact.encode({"last_name": "Lee"}, wire_of(CONTACT, Dialect.VENDOR))
    assert body == {"fields": [{"slug": "surname", "value": "Lee"}]}


def test_contacts_decode_to_flat_attributes() -> None:
    """The e-mail address as the account has it, friendly names, empty values as nothing."""
    assert contact.decode(ITEM, Wire()) == {
        "email": "Ann@Example.com",
        "locale": "en",
        "first_name": "Ann",
        "fields.company": None,
        "fields.city": "Paris",
    }


def test_the_other_dialect_puts_names_beside_the_fields() -> None:
    """``firstName`` at the top, own fields in ``fields``; null clears there too."""
    skill = wire_of(CONTACT, Dialect.SKILL)
    attrs = {"email": "a@example.com", "first_name": "Ann", "last_name": None, "fields.company": "Acme"}
    body = contact.encode(attrs, skill)
    assert body == {
        "email": "a@example.com",
        "firstName": "Ann",
        "lastName": None,
        "fields": [{"slug": "company", "value": "Acme"}],
    }
    assert contact.decode(body, skill)["first_name"] == "Ann"


def test_a_body_without_fields_has_no_such_key() -> None:
    """Nothing is sent that was not asked for."""
    assert contact.encode({"locale": "fr"}, Wire()) == {"locale": "fr"}


def test_an_event_counts_while_it_is_not_disabled() -> None:
    """Cancelled subscriptions stay as rows; older answers hold plain words."""
    rows = [
        {"event": "SALE_NEW", "disabledAt": None},
        {"event": "SALE_CANCELED", "disabledAt": "2024-01-01"},
        "CONTACT_CREATED",
    ]
    shown = webhook.decode({"name": "A", "url": "https://a.example.com", "subscriptions": rows}, Wire())
    assert shown["events"] == frozenset({"SALE_NEW", "CONTACT_CREATED"})
    assert webhook.decode({"name": "A"}, Wire())["events"] == frozenset()


def test_a_webhook_url_is_set_once_in_one_dialect_only() -> None:
    """The vendor's PATCH does not take it, and wants name and secret instead."""
    vendor, skill = (wire_of(KINDS["webhook"], dialect) for dialect in (Dialect.VENDOR, Dialect.SKILL))
    assert (vendor.immutable, vendor.repeats) == (frozenset({"url"}), ("name", "secret"))
    assert (skill.immutable, skill.repeats) == (frozenset(), ())


def test_the_label_of_a_field_has_two_names() -> None:
    """``fieldName`` with the vendor, ``name`` in the gateway's documents."""
    kind = KINDS["contact_field"]
    assert kind.field("name").wire == "fieldName"
    assert wire_of(kind, Dialect.SKILL).names == {"name": "name"}
