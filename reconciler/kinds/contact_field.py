"""Contact fields: the properties that contacts can have; the slug is the id and never changes (api.md §5.4)."""

from reconciler.kinds.base import Collection, Kind, Lookup, Template
from reconciler.kinds.effects import VALUES_LOST
from reconciler.kinds.field import Field
from reconciler.model.plan import Action
from reconciler.model.policy import Prune

#: Slugs that exist in every account (api.md §5.1); they are never deleted.
BUILT_IN = frozenset(
    "first_name surname last_name phone_number country company_name postcode city street_address state".split(" ")
)

KIND = Kind(
    name="contact_field",
    section="contact_fields",
    doc="A field that contacts can have. Its slug never changes; its label can.",
    key=("slug",),
    remote_id="slug",
    by_id=True,
    fields=(
        Field(
            name="slug",
            doc="Name in requests: letters, digits and underscores; immutable.",
            required=True,
            immutable=True,
            pattern=r"^[A-Za-z0-9_]+$",
            example="company",
            hint="use a-z, 0-9 and _",
        ),
        Field(
            name="name",
            doc="Label in Systeme.io.",
            wire="fieldName",
            required=True,
            max_length=255,
            example="Company",
        ),
    ),
    source=Collection("/api/contact_fields", paged=False),
    lookup=Lookup("/api/contact_fields"),
    create=Template("POST", "/api/contact_fields"),
    update=Template("PATCH", "/api/contact_fields/{id}"),
    delete=Template("DELETE", "/api/contact_fields/{id}"),
    prune=Prune.CREATED,
    reserved=BUILT_IN,
    effects={Action.DELETE: (VALUES_LOST,)},
)
