"""Modules: read-only parts of a course, read from inside it, found by name or id (api.md §5.5)."""

from reconciler.kinds.base import Embedded, Kind
from reconciler.kinds.field import Field, FieldShape

KIND = Kind(
    name="module",
    doc="A part of a course; made in the vendor's own pages.",
    key=("course", "name"),
    fields=(
        Field(name="course", doc="The course it belongs to.", shape=FieldShape.REF, ref="course"),
        Field(name="name", doc="Unique within its course, as far as a reference needs it.", example="Week 1"),
    ),
    source=Embedded("course", "modules"),
)
