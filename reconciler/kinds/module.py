"""Modules: read-only parts of a course, read inside the course, identified by name or id (api.md §5.5)."""

from reconciler.kinds.base import Embedded, Kind
from reconciler.kinds.field import Field, FieldShape

KIND = Kind(
    name="module",
    doc="A part of a course; created in Systeme.io itself.",
    key=("course", "name"),
    fields=(
        Field(name="course", doc="The course that it belongs to.", shape=FieldShape.REF, ref="course"),
        Field(name="name", doc="Name; must be unique within the course where a reference uses it.", example="Week 1"),
    ),
    source=Embedded("course", "modules"),
)
