"""The differences between the two dialects (api.md §9): the vendor's OpenAPI and the gateway's documents."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from reconciler.kinds.base import Kind, Wire


class Dialect(Enum):
    """The description of the API that the account follows."""

    VENDOR = "vendor"
    SKILL = "skill"


#: Differences from the kind's declaration, which follows the vendor.
TABLE: Mapping[Dialect, Mapping[str, Wire]] = {
    Dialect.VENDOR: {
        # The gateway's document requires name and secret in every PATCH of a webhook; the url is immutable.
        "webhook": Wire(immutable=frozenset({"url"}), repeats=("name", "secret")),
    },
    Dialect.SKILL: {
        "contact_field": Wire(names={"name": "name"}),
        "contact": Wire(names={"first_name": "firstName", "last_name": "lastName", "phone_number": "phoneNumber"}),
    },
}

_PLAIN = Wire()


def wire_of(kind: Kind, dialect: Dialect, slugs: frozenset[str] = frozenset()) -> Wire:
    """``kind`` in ``dialect``; ``slugs`` are the account's contact fields, if they were read."""
    wire = TABLE[dialect].get(kind.name, _PLAIN)
    return wire._replace(slugs=slugs) if slugs else wire
