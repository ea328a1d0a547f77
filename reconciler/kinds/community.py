"""Communities: read-only targets of memberships, found by name, path or id (api.md §5.6)."""

from reconciler.kinds.base import Collection, Kind
from reconciler.kinds.field import Field

KIND = Kind(
    name="community",
    doc="A community of the account; made in the vendor's own pages.",
    key=("name",),
    alternates=("path",),
    fields=(Field(name="name", doc="Not known to be unique.", example="Insiders"),),
    source=Collection("/api/community/communities"),
)
