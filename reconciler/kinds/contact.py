"""Contacts: people by e-mail address; fields merge by slug, and names are sent as fields (api.md §5.1)."""

from typing import Any

from reconciler.kinds.base import Collection, Item, Kind, Lookup, Template, Wire
from reconciler.kinds.effects import AUTOMATIONS, IRREVERSIBLE, PERSON_DELETED
from reconciler.kinds.email import PATTERN
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.values import Attrs, Value

LOCALES = tuple("en fr es it pt de nl ru jp tr ar zh sv ro cs hu sk dk id pl el sr hi no th sq sl ua".split(" "))
#: Names in YAML of built-in fields. Accounts have ``surname`` (usual) or ``last_name``.
SLUGS = {"last_name": ("surname", "last_name")} | {own: (own,) for own in ("first_name", "phone_number", "country")}
FRIENDLY = {slug: name for name, slugs in SLUGS.items() for slug in slugs}


def decode(item: Item, wire: Wire) -> dict[str, Value]:
    """Names are rows of ``fields`` or, in the other dialect, keys beside it. Unset fields may be absent."""
    attrs: dict[str, Value] = {"email": item["email"], "locale": item.get("locale")}
    for name, key in wire.names.items():
        attrs[name] = item.get(key) or None
    for row in item.get("fields") or ():
        attrs[FRIENDLY.get(slug := row["slug"]) or f"fields.{slug}"] = row["value"] or None
    return attrs


def encode(attrs: Attrs, wire: Wire) -> dict[str, Any]:
    """The request body with all given attributes."""
    top = {"email": "email", "locale": "locale", **wire.names}
    body: dict[str, Any] = {top[name]: attrs[name] for name in sorted(attrs) if name in top}
    rows = [{"slug": _slug(name, wire), "value": attrs[name]} for name in sorted(attrs) if name not in top]
    return body | ({"fields": rows} if rows else {})


def _slug(name: str, wire: Wire) -> str:
    slugs = SLUGS.get(name) or (name.removeprefix("fields."),)
    return next((slug for slug in slugs if slug in wire.slugs), slugs[0])


def _own(name: str, doc: str, **more: Any) -> Field:
    return Field(
        name=name, doc=doc, nullable=True, max_length=255, slugs=SLUGS[name], pseudonymized="_name" in name, **more
    )


KIND = Kind(
    name="contact",
    section="contacts",
    key=("email",),
    csv_source="email",
    by_id=True,
    person=True,
    chain="email",
    doc="A person, identified by e-mail address. Creating one starts the account's automations.",
    fields=(
        Field(
            name="email",
            required=True,
            is_email=True,
            immutable=True,
            max_length=255,
            pattern=PATTERN,
            doc="Immutable and sent as written; the case of ASCII letters is ignored. Its domain must accept mail.",
            example="ann@example.com",
            hint="use an address such as ann@example.com",
        ),
        _own("first_name", "First name.", personal=True, example="Ann"),
        _own("last_name", "Last name, under the slug that the account has.", personal=True, ref="contact_field"),
        _own("phone_number", "Needs no quotes: +33612345678 stays text.", personal=True),
        _own(
            "country",
            "Two letters, ISO 3166.",
            pattern="^[A-Za-z]{2}$",
            example="FR",
            hint="use a two-letter code such as FR",
        ),
        Field(name="locale", doc="Language of e-mails.", nullable=True, choices=LOCALES, example="en"),
        Field(
            name="fields",
            doc="Values of contact fields by slug; null clears one.",
            shape=FieldShape.ENTRIES,
            ref="contact_field",
            nullable=True,
            personal=True,
            max_length=255,
            example={"company": "Acme"},
        ),
    ),
    source=Collection("/api/contacts", unique=True),
    lookup=Lookup("/api/contacts", {"email": "email"}),
    decode=decode,
    create=Template("POST", "/api/contacts"),
    show=Template("GET", "/api/contacts/{id}"),
    update=Template("PATCH", "/api/contacts/{id}"),
    delete=Template("DELETE", "/api/contacts/{id}"),
    encode=encode,
    effects={Action.CREATE: (AUTOMATIONS,), Action.DELETE: (PERSON_DELETED, IRREVERSIBLE)},
)
