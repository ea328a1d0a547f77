"""Requests, answers, outcomes and the report of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from reconciler.model.plan import Action, Step
from reconciler.model.resource import EMPTY, Provenance
from reconciler.model.values import Address, Attrs, Ref

MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"


class UnboundRequest(NamedTuple):
    """A call whose remote ids are not known yet: ``parts`` make up the native path; path and body may contain Ref and
    Secret."""

    method: str
    parts: tuple[str | Ref, ...]
    body: Any = None


class ApiRequest(NamedTuple):
    """A call ready to send: native path (``/api/tags/7``) and JSON body."""

    method: str
    path: str
    body: Any = None

    @property
    def content_type(self) -> str | None:
        """PATCH is a merge patch, POST and PUT are plain JSON (vendor OpenAPI); no body, no type."""
        if self.body is None:
            return None
        return MERGE_PATCH if self.method == "PATCH" else JSON


class Answer(NamedTuple):
    """A successful answer: status and decoded JSON (None without a body)."""

    status: int
    body: Any = None


class Status(Enum):
    """The result of a step."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one step. ``differs`` maps fields to values that the server changed."""

    step: Step
    action: Action
    status: Status
    remote_id: str | None = None
    message: str = ""
    answered: Attrs = field(default_factory=lambda: EMPTY)
    differs: Mapping[str, tuple[Any, Any]] = field(default_factory=lambda: EMPTY)


class PastOutcome(NamedTuple):
    """One outcome in the history, with the state before and after, without the values of secrets.

    ``before`` is None if no intent had been stored, ``after`` if the resource was deleted or nothing was done.
    ``digests`` (of secrets, by field) and ``provenance`` are those of the ledger entry before the step. ``tagged``
    are the remote ids of the contacts that lost a deleted tag, unmanaged ones too; None if unknown.
    """

    seq: int
    run: int
    address: Address
    verb: str
    action: Action
    status: Status
    remote_id: str | None
    message: str
    before: Attrs | None
    after: Attrs | None
    digests: Mapping[str, str] = EMPTY
    provenance: Provenance | None = None
    tagged: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes of a run in the order in which they ended, and the number of calls.

    ``stopped`` is the reason for an early end, ``broken`` the exit code if a ledger error or a lost lock caused it.
    """

    outcomes: tuple[Outcome, ...] = ()
    reads: int = 0
    writes: int = 0
    run: int = 0
    stopped: str | None = None
    broken: int | None = None

    def count(self, status: Status) -> int:
        """The number of steps with this status."""
        return sum(1 for outcome in self.outcomes if outcome.status is status)
