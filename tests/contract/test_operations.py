"""Every operation that the vendor and the gateway's documents describe is used by some command."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.kinds import KINDS
from tests.contract.openapi import Interface

HERE = Path(__file__).parent

#: Which commands speak to the connections API.
CONNECTIONS = {
    ("GET", "/connections"): "connections list, doctor, and whatever needs to know which one is in use",
    ("GET", "/connections/{}"): "connections show, connections create (until it is active)",
    ("POST", "/connections"): "connections create",
    ("DELETE", "/connections/{}"): "connections delete",
}

#: Modules are read from inside their course; the list of their own is newer than the vendor's document of 2025.
NOT_NEEDED = {("GET", "/api/school/course-modules")}

#: What the gateway's documents list, in their order.
DOCUMENTED = """
    GET /api/contacts            GET /api/contacts/{}           POST /api/contacts
    PATCH /api/contacts/{}       DELETE /api/contacts/{}
    GET /api/tags                GET /api/tags/{}               POST /api/tags
    PUT /api/tags/{}             DELETE /api/tags/{}
    POST /api/contacts/{}/tags   DELETE /api/contacts/{}/tags/{}
    GET /api/contact_fields      POST /api/contact_fields
    PATCH /api/contact_fields/{} DELETE /api/contact_fields/{}
    GET /api/school/courses      GET /api/school/enrollments
    POST /api/school/courses/{}/enrollments                     DELETE /api/school/enrollments/{}
    GET /api/community/communities                              GET /api/community/memberships
    POST /api/community/communities/{}/memberships              DELETE /api/community/memberships/{}
    GET /api/payment/subscriptions                              POST /api/payment/subscriptions/{}/cancel
    GET /api/webhooks            GET /api/webhooks/{}           POST /api/webhooks
    PATCH /api/webhooks/{}       DELETE /api/webhooks/{}
    GET /connections             GET /connections/{}            POST /connections
    DELETE /connections/{}
"""


def used() -> set[tuple[str, str]]:
    """Method and path of every call that a kind declares, and of the connections commands."""
    found = set(CONNECTIONS)
    for kind in KINDS.values():
        found |= {(t.method, plain(t.path)) for t in (kind.create, kind.update, kind.delete, kind.show) if t}
        found |= {("GET", plain(path)) for path in (getattr(kind.source, "path", None),) if path}
        found |= {("GET", plain(kind.lookup.path))} if kind.lookup else set()
    return found


def plain(path: str) -> str:
    """The path with nameless placeholders."""
    return re.sub(r"{\w+}", "{}", path)


def described(interface: Interface) -> set[tuple[str, str]]:
    """Method and path of every operation of a description."""
    return {(each.method, plain(each.template)) for each in interface.operations}


def test_every_operation_that_we_describe_is_used() -> None:
    """And nothing is used that is not described."""
    assert described(Interface.load(HERE / "interface.yaml")) - NOT_NEEDED == used()


def test_every_operation_of_the_vendor_is_used(vendor: Interface) -> None:
    """The same for the vendor's own document, which knows nothing of connections."""
    assert described(vendor) <= used()


def test_every_documented_endpoint_is_used() -> None:
    """The same for what the gateway's documents list."""
    words = DOCUMENTED.split()
    documented = set(zip(words[::2], words[1::2], strict=True))
    assert documented <= used()
    assert len(documented) == 35
