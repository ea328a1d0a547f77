"""What the user allows: pruning by kind, limits, and the classes that need a word of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from reconciler.model.resource import EMPTY


class Prune(Enum):
    """Which live resources of a kind may be deleted when the files no longer name them."""

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


@dataclass(frozen=True, slots=True)
class Limits:
    """Percent of what is owned above which a plan needs ``--allow``, from ``floor`` resources on."""

    deletes: int = 30
    updates: int = 30
    floor: int = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """``prune`` by kind (a kind that is absent follows its declaration), ``limits``."""

    prune: Mapping[str, Prune] = field(default_factory=lambda: EMPTY)
    limits: Limits = Limits()
