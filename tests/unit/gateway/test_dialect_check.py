"""By what an answer gives its dialect away."""

from typing import Any

import pytest

from reconciler.errors import Invalid, Violation
from reconciler.gateway.dialect_check import recognise_dialect


@pytest.mark.parametrize(
    ("path", "answer", "dialect"),
    [
        ("/api/contact_fields", {"items": [{"slug": "a", "fieldName": "A"}], "hasMore": False}, "vendor"),
        ("/api/contact_fields", {"items": [{"slug": "a", "name": "A"}], "hasMore": False}, "skill"),
        ("/api/contact_fields", {"items": [{"slug": "a", "name": "A", "fieldName": "A"}]}, None),
        ("/api/contact_fields", {"items": [], "hasMore": False}, None),
        ("/api/contact_fields", {"items": [3], "hasMore": False}, None),
        ("/api/contact_fields/a", {"slug": "a", "name": "A"}, "skill"),
        ("/api/contact_fields/a", None, None),
        ("/api/contacts", {"items": [{"id": 1, "firstName": "Ann", "fields": []}]}, "skill"),
        ("/api/contacts/1", {"id": 1, "lastName": None}, "skill"),
        ("/api/contacts/1", {"id": 1, "fields": [{"slug": "first_name", "value": "Ann"}]}, None),
        ("/api/contacts/1/tags", {"firstName": "x"}, None),
        ("/api/tags", {"items": [{"id": 1, "name": "VIP"}]}, None),
        ("/api/contact_fields", Invalid("x", violations=[Violation("fieldName", "blank")]), "vendor"),
        ("/api/contact_fields/a", Invalid("x", violations=[Violation("name", "blank")]), "skill"),
        ("/api/contact_fields", Invalid("x", violations=[Violation("slug", "taken")]), None),
        ("/api/contact_fields", Invalid("x"), None),
    ],
)
def test_recognise_dialect(path: str, answer: Any, dialect: str | None) -> None:
    """Only marks of one dialect alone decide."""
    assert recognise_dialect(path, answer) == dialect
