"""Taggings: a tag on a contact, read inside contacts; assigning one starts automations (api.md §5.2)."""

from reconciler.kinds.base import Embedded, Kind, Lookup, Sugar, Template
from reconciler.kinds.effects import AUTOMATIONS
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Prune

KIND = Kind(
    name="tagging",
    section="taggings",
    doc="A tag on a contact. Usually written as `tags:` of the contact.",
    key=("contact", "tag"),
    remote_id="",
    gather="contact",
    fields=(
        Field(
            name="contact",
            doc="E-mail address of the contact.",
            shape=FieldShape.REF,
            ref="contact",
            required=True,
            immutable=True,
            example="ann@example.com",
        ),
        Field(
            name="tag",
            doc="Name of the tag.",
            shape=FieldShape.REF,
            ref="tag",
            wire="tagId",
            answer="id",
            required=True,
            immutable=True,
            example="VIP",
        ),
    ),
    sugar=Sugar(
        "contact",
        "tags",
        fills="tag",
        authoritative_key="tags_authoritative",
        doc="Tags of the contact, by name; other tags stay unless tags_authoritative is true.",
    ),
    source=Embedded("contact", "tags", filter="tags"),
    create=Template("POST", "/api/contacts/{contact}/tags"),
    delete=Template("DELETE", "/api/contacts/{contact}/tags/{tag}"),
    lookup=Lookup("/api/contacts/{contact}"),
    chain="contact",
    dies_with=("contact", "tag"),
    prune=Prune.OWNED,
    effects={Action.CREATE: (AUTOMATIONS,), Action.DELETE: (AUTOMATIONS,)},
)
