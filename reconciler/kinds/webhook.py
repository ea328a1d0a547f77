"""Webhooks: URLs that receive events; the secret is write-only, and a new url needs a new webhook (api.md §5.8)."""

from reconciler.kinds import schema_version
from reconciler.kinds.base import Collection, Item, Kind, Lookup, Template, Wire
from reconciler.kinds.effects import EVENTS_LOST, NEW_ID
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Prune
from reconciler.model.values import Value

EVENTS = {
    "CONTACT_CREATED": "Somebody became a contact.",
    "CONTACT_OPT_IN": "Somebody filled in a form.",
    "CONTACT_TAG_ADDED": "A contact got a tag.",
    "CONTACT_TAG_REMOVED": "A contact lost a tag.",
    "SALE_NEW": "Something was sold.",
    "SALE_CANCELED": "A sale was cancelled.",
}


#: The schema version that a plain event has.
VERSIONS = {event: 2 if event.startswith("SALE_") else 1 for event in EVENTS}


def decode(item: Item, wire: Wire) -> dict[str, Value]:
    """Decode an item; events whose subscription is disabled are omitted."""
    rows = item.get("subscriptions") or ()
    events = {schema_version.from_answer(row, VERSIONS) for row in rows if _is_on(row)}
    return {
        "name": item.get("name"),
        "url": item.get("url"),
        "active": item.get("active"),
        "events": frozenset(events),
    }


def _is_on(row: object) -> bool:
    return not isinstance(row, dict) or row.get("disabledAt") is None


KIND = Kind(
    name="webhook",
    section="webhooks",
    doc="A URL that receives events. Created last and deleted first, so that a run sends it no events of its own.",
    key=("name",),
    alternates=("url",),
    by_id=True,
    last=True,
    replaceable=True,
    fields=(
        Field(name="name", doc="Name; unique in the account.", required=True, max_length=255, example="CRM sync"),
        Field(
            name="url",
            doc="URL that receives the events; unique in the account.",
            required=True,
            from_env=True,
            pattern=r"^https?://",
            example="https://crm.example.com/hook",
            hint="use a URL that begins with https://",
        ),
        Field(
            name="secret",
            doc="Key that signs each delivery: `{env: NAME}`, `{file: PATH}` or `{command: [PROGRAM, …]}`.",
            shape=FieldShape.SECRET,
            required=True,
            write_only=True,
            example={"env": "CRM_WEBHOOK_SECRET"},
        ),
        Field(
            name="events",
            doc="All events to send; with another schema version than the default as "
            "`{event: SALE_NEW, schema_version: 1}`.",
            shape=FieldShape.WORDS,
            wire="subscriptions",
            required=True,
            choices=EVENTS,
            versions=VERSIONS,
            example=["CONTACT_CREATED", "SALE_NEW"],
        ),
        Field(name="active", doc="false pauses deliveries.", shape=FieldShape.FLAG, reset=True),
    ),
    source=Collection("/api/webhooks", paged=False),
    lookup=Lookup("/api/webhooks"),
    show=Template("GET", "/api/webhooks/{id}"),
    create=Template("POST", "/api/webhooks"),
    update=Template("PATCH", "/api/webhooks/{id}"),
    delete=Template("DELETE", "/api/webhooks/{id}"),
    prune=Prune.CREATED,
    effects={Action.REPLACE: (NEW_ID, EVENTS_LOST)},
    decode=decode,
)
