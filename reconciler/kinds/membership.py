"""Memberships: a contact in a community; accepted first (202), visible later, without an id (api.md §5.6)."""

from reconciler.kinds.base import Collection, Kind, Lookup, Template
from reconciler.kinds.effects import ACCESS_GIVEN, ACCESS_TAKEN, MAIL
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Prune

KIND = Kind(
    name="membership",
    section="memberships",
    doc="A contact in a community. Systeme.io accepts it at once and shows it later.",
    key=("contact", "community"),
    gather="contact",
    authoritative="community",
    accepted=True,
    fields=(
        Field(
            name="community",
            doc="Community by name, `{path: …}` or `{id: …}`.",
            shape=FieldShape.REF,
            ref="community",
            required=True,
            immutable=True,
            example="Insiders",
        ),
        Field(
            name="contact",
            doc="E-mail address of the contact.",
            shape=FieldShape.REF,
            ref="contact",
            wire="contactId",
            answer="contact",
            required=True,
            immutable=True,
            example="ann@example.com",
        ),
    ),
    source=Collection("/api/community/memberships"),
    lookup=Lookup("/api/community/memberships", {"community": "community", "contact": "contact"}),
    create=Template("POST", "/api/community/communities/{community}/memberships"),
    delete=Template("DELETE", "/api/community/memberships/{id}"),
    chain="contact",
    dies_with=("contact",),
    prune=Prune.OWNED,
    effects={Action.CREATE: (ACCESS_GIVEN, MAIL), Action.DELETE: (ACCESS_TAKEN,)},
)
