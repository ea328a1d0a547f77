"""Courses: read-only targets of enrollments, found by name, path or id (api.md §5.5)."""

from reconciler.kinds.base import Collection, Kind
from reconciler.kinds.field import Field

KIND = Kind(
    name="course",
    doc="A course of the account; made in the vendor's own pages.",
    key=("name",),
    alternates=("path",),
    fields=(Field(name="name", doc="Not known to be unique.", example="Launch Course"),),
    source=Collection("/api/school/courses"),
)
