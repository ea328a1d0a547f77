"""What the two dialects spell differently (api.md §9): the vendor's OpenAPI and the gateway's documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from reconciler.kinds.base import Kind, Wire


class Dialect(Enum):
    """Which description of the wire the account follows."""

    VENDOR = "vendor"
    SKILL = "skill"


#: Only what differs from the kind's own declaration, which follows the vendor.
TABLE: Mapping[Dialect, Mapping[str, Wire]] = {
    Dialect.VENDOR: {
        # The 2025 document demands name and secret in every PATCH of a webhook; its url is set once.
        "webhook": Wire(immutable=frozenset({"url"}), repeats=("name", "secret")),
    },
    Dialect.SKILL: {
        "contact_field": Wire(names={"name": "name"}),
        "contact": Wire(names={"first_name": "firstName", "last_name": "lastName", "phone_number": "phoneNumber"}),
    },
}

_PLAIN = Wire()


def wire_of(kind: Kind, dialect: Dialect, slugs: frozenset[str] = frozenset()) -> Wire:
    """How ``dialect`` spells ``kind``; ``slugs`` are the account's contact fields, where they were read."""
    wire = TABLE[dialect].get(kind.name, _PLAIN)
    return replace(wire, slugs=slugs) if slugs else wire
