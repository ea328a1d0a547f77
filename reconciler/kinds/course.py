"""Courses: read-only targets of enrollments, identified by name, path or id (api.md §5.5)."""

from reconciler.kinds.base import Collection, Kind
from reconciler.kinds.field import Field

KIND = Kind(
    name="course",
    doc="A course of the account; created in Systeme.io itself.",
    key=("name",),
    alternates=("path",),
    fields=(Field(name="name", doc="Name; must be unique where a reference uses it.", example="Launch Course"),),
    source=Collection("/api/school/courses"),
)
