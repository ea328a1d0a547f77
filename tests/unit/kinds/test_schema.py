"""The JSON Schema of the files, made from the kinds."""

from typing import Any

import pytest
from jsonschema import Draft7Validator

from reconciler.kinds import schema

SCHEMA = schema()


def errors(document: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft7Validator(SCHEMA).iter_errors(document)]


def test_it_is_a_schema() -> None:
    """Draft 7, the newest that editors read."""
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "document",
    [
        {"tags": ["VIP", 12, {"name": "Gold", "handle": "gold", "renamed_from": "Silver"}]},
        {"contact_fields": [{"slug": "company", "name": "Company"}]},
        {
            "contacts": [
                {"email": "a@example.com", "locale": None, "fields": {"x": None}, "tags": [], "courses": ["C"]}
            ]
        },
        {"webhooks": [{"name": "A", "url": {"env": "X"}, "secret": {"file": "x"}, "events": ["SALE_NEW"]}]},
        {"taggings": [{"tag": "VIP", "contacts": ["a@example.com"]}]},
        {"enrollments": [{"course": {"id": 1}, "contact": "a@example.com", "access": "full_access"}]},
        {"tags": [], "memberships": [{"community": {"path": "x"}, "contact": "a@example.com"}]},
    ],
)
def test_what_a_user_writes_is_valid(document: dict[str, Any]) -> None:
    """Short forms, references in every form, secrets by source."""
    assert errors(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {"tag": []},
        {"tags": [{"name": "VIP", "colour": "red"}]},
        {"contact_fields": [{"slug": "no-dash", "name": "X"}]},
        {"contact_fields": [{"slug": "a", "name": "X", "renamed_from": "b"}]},
        {"contacts": [{"email": "nobody"}]},
        {"contacts": [{"email": "a@example.com", "locale": "xx"}]},
        {"webhooks": [{"name": "A", "url": "https://a.example.com", "secret": "literal", "events": ["SALE_NEW"]}]},
        {"taggings": [{"tag": "VIP"}]},
        {"taggings": [{"tag": "VIP", "contact": "a@example.com", "contacts": []}]},
        {"taggings": [{"tag": "VIP", "contact": "a@example.com", "handle": "x"}]},
        {"enrollments": [{"course": "C", "contact": "a@example.com", "access": "partial_access"}]},
    ],
)
def test_what_is_wrong_is_refused(document: dict[str, Any]) -> None:
    """Unknown keys, literals for secrets, and what another value makes necessary."""
    assert errors(document)


def test_every_field_is_described() -> None:
    """The reference and editors show these texts."""
    for name, definition in SCHEMA["definitions"].items():
        for field, value in definition.get("properties", {}).items():
            assert value.get("description") or "$ref" in value or name == "lifecycle", (name, field)
