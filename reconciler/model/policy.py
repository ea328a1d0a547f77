"""The policy of a run: pruning by kind, limits, and the classes of changes that need approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Prune(Enum):
    """Which live resources of a kind may be deleted when the files do not declare them."""

    NONE = "none"
    CREATED = "created"
    OWNED = "owned"
    ALL = "all"


class Allow(Enum):
    """The closed list of ``--allow`` classes."""

    DELETES = "deletes"
    UPDATES = "updates"
    CONTACTS = "contacts"
    CANCEL = "cancel"
    RECREATE = "recreate"
    MISSING = "missing"
    EMAILS = "emails"
    TAKEOVER = "takeover"


#: Classes whose approval must give the exact count of the plan.
COUNTED = frozenset({Allow.CONTACTS, Allow.CANCEL, Allow.RECREATE, Allow.EMAILS, Allow.TAKEOVER})
#: Classes without a count: an account is the wrong one, or it is not.
UNCOUNTED = frozenset({Allow.MISSING})


def _limit(default: int, doc: str, *, most: int | None = None) -> int:
    """A field of :class:`Limits`: ``doc`` is its description in schema and reference, ``most`` its maximum."""
    limit: int = field(default=default, metadata={"doc": doc, "most": most})
    return limit


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits above which a plan needs approval. Settings, schema, plan files and reference follow from the fields."""

    deletes: int = _limit(30, "Percent of managed resources or people that deletions may affect.", most=100)
    updates: int = _limit(30, "Percent of managed resources or people that updates may affect.", most=100)
    floor: int = _limit(10, "Percentages apply from this many managed resources, or people, on.")
    emails: int = _limit(100, "People who may receive e-mail because of one plan.")


@dataclass(frozen=True, slots=True)
class Policy:
    """``prune`` by kind (a kind that is absent follows its declaration), ``limits``."""

    prune: Mapping[str, Prune] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = Limits()
