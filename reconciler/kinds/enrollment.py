"""Enrollments: a contact's access to a course; access is immutable and its modules are write-only (api.md §5.5)."""

from reconciler.kinds.base import Collection, Kind, Lookup, Sugar, Template
from reconciler.kinds.effects import ACCESS_GIVEN, ACCESS_LAPSES, ACCESS_TAKEN, MAIL, NEW_ID
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action
from reconciler.model.policy import Prune

PARTIAL = ("partial_access", "partial_dripping_access")
ACCESS = {
    "full_access": "The whole course, at once.",
    "dripping_content": "The whole course, lesson by lesson as it is scheduled.",
    "partial_access": "The modules that are named, at once.",
    "partial_dripping_access": "The modules that are named, lesson by lesson as they are scheduled.",
}

KIND = Kind(
    name="enrollment",
    section="enrollments",
    doc="A contact's access to a course. To change access or modules, it is deleted and created again.",
    key=("contact", "course"),
    gather="contact",
    authoritative="course",
    replaceable=True,
    fields=(
        Field(
            name="course",
            doc="Course by name, `{path: …}` or `{id: …}`.",
            shape=FieldShape.REF,
            ref="course",
            required=True,
            immutable=True,
            example="Launch Course",
        ),
        Field(
            name="access",
            doc="Access to the course.",
            wire="accessType",
            immutable=True,
            required=True,
            choices=ACCESS,
            needs=dict.fromkeys(PARTIAL, "modules"),
            example="partial_access",
        ),
        Field(
            name="modules",
            doc="Modules by name or `{id: …}`, for the two partial accesses.",
            shape=FieldShape.REFS,
            ref="module",
            immutable=True,
            write_only=True,
            example=["Welcome", "Week 1"],
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
    sugar=Sugar(
        "contact", "courses", fills="course", preset={"access": "full_access"}, doc="Courses to give full access to."
    ),
    source=Collection("/api/school/enrollments"),
    lookup=Lookup("/api/school/enrollments", {"course": "course", "contact": "contact"}),
    create=Template("POST", "/api/school/courses/{course}/enrollments"),
    delete=Template("DELETE", "/api/school/enrollments/{id}"),
    chain="contact",
    dies_with=("contact",),
    prune=Prune.OWNED,
    effects={
        Action.CREATE: (ACCESS_GIVEN, MAIL),
        Action.DELETE: (ACCESS_TAKEN,),
        Action.REPLACE: (NEW_ID, ACCESS_LAPSES, MAIL),
    },
)
