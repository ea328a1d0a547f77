"""Gadgets: a kind of the tests with every shape and option; a color is set once, a pin is never shown."""

from reconciler.kinds.base import Collection, Kind, Lookup, Template
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.policy import Prune

PLANS = {"basic": "The small one.", "pro": "The large one."}
LEVELS = ("low", "mid", "high")

KIND = Kind(
    name="gadget",
    section="gadgets",
    doc="A thing that only the tests know.",
    key=("code",),
    by_id=True,
    csv_source="code",
    replaceable=True,
    fields=(
        Field(name="code", doc="Its name.", wire="gadgetCode", max_length=40, required=True, example="G-1"),
        Field(
            name="title",
            doc="What people read.",
            wire="label",
            answer="labelText",
            nullable=True,
            example="Gadget one",
        ),
        Field(
            name="since",
            doc="When it began.",
            wire="startedAt",
            pattern=r"^\d{4}-\d\d-\d\d",
            hint="write a date such as 2026-01-31",
            example="2026-01-31T09:30:00Z",
        ),
        Field(name="plan", doc="Which one.", choices=PLANS, reset="basic", example="pro"),
        Field(name="active", doc="Whether it runs.", shape=FieldShape.FLAG, wire="isActive", reset=True),
        Field(name="seats", doc="How many may use it.", shape=FieldShape.NUMBER, wire="seatCount", example=12),
        Field(
            name="levels", doc="Where.", shape=FieldShape.WORDS, choices=LEVELS, wire="lv", example=["low", "high"]
        ),
        Field(
            name="notes",
            doc="Text by slug.",
            shape=FieldShape.ENTRIES,
            wire="noteTexts",
            nullable=True,
            personal=True,
            example={"shelf": "B4"},
        ),
        Field(name="color", doc="Set once.", immutable=True, wire="paint", example="red"),
        Field(name="link", doc="Where it calls.", from_env=True, example="https://gadgets.example.com/in"),
        Field(
            name="pin",
            doc="Never shown.",
            shape=FieldShape.SECRET,
            wire="pinCode",
            write_only=True,
            example={"env": "GADGET_PIN"},
        ),
        Field(
            name="tags",
            doc="Tags that it was made with.",
            shape=FieldShape.REFS,
            ref="tag",
            wire="tagIds",
            write_only=True,
            example=["VIP"],
        ),
        Field(name="owner", doc="Whose it is.", personal=True, nullable=True, example="Ann Example"),
    ),
    source=Collection("/api/gadgets"),
    lookup=Lookup("/api/gadgets"),
    show=Template("GET", "/api/gadgets/{id}"),
    create=Template("POST", "/api/gadgets"),
    update=Template("PATCH", "/api/gadgets/{id}"),
    delete=Template("DELETE", "/api/gadgets/{id}"),
    prune=Prune.CREATED,
)
