"""Communities: read-only targets of memberships, identified by name, path or id (api.md §5.6)."""

from reconciler.kinds.base import Collection, Kind
from reconciler.kinds.field import Field

KIND = Kind(
    name="community",
    doc="A community of the account; created in Systeme.io itself.",
    key=("name",),
    alternates=("path",),
    fields=(Field(name="name", doc="Name; must be unique where a reference uses it.", example="Insiders"),),
    source=Collection("/api/community/communities"),
)
