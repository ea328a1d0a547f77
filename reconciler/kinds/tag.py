"""Tags: labels of contacts; a rename keeps the id and all assignments (api.md §5.3)."""

from reconciler.kinds.base import Collection, Kind, Lookup, Template
from reconciler.kinds.effects import TAGS_TAKEN
from reconciler.kinds.field import Field
from reconciler.model.plan import Action
from reconciler.model.policy import Prune

KIND = Kind(
    name="tag",
    section="tags",
    doc="A label of contacts. Rename it with `renamed_from`: every contact keeps it.",
    key=("name",),
    short=True,
    by_id=True,
    fields=(
        Field(name="name", doc="Name in Systeme.io; compared exactly.", required=True, max_length=64, example="VIP"),
    ),
    source=Collection("/api/tags"),
    lookup=Lookup("/api/tags", {"query": "name"}),
    show=Template("GET", "/api/tags/{id}"),
    create=Template("POST", "/api/tags"),
    update=Template("PUT", "/api/tags/{id}"),
    delete=Template("DELETE", "/api/tags/{id}"),
    prune=Prune.CREATED,
    effects={Action.DELETE: (TAGS_TAKEN,)},
)
