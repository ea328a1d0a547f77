"""The results of one account and of a whole fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from reconciler.model.resource import EMPTY


class AccountState(Enum):
    """The result of the run of one account."""

    UNCHANGED = "unchanged"
    CHANGES = "changes"
    DRIFTED = "drifted"
    APPLIED = "applied"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_RUN = "not run"

    @property
    def is_good(self) -> bool:
        """Whether the account needs no second run."""
        return self in (AccountState.UNCHANGED, AccountState.CHANGES, AccountState.DRIFTED, AccountState.APPLIED)

    @property
    def is_failure(self) -> bool:
        """Whether it counts for ``--max-failures``."""
        return self in (AccountState.FAILED, AccountState.PARTIAL, AccountState.REFUSED)


class NeededApproval(NamedTuple):
    """An approval that the plan of one account needs, as (class of ``--allow``, number, reason)."""

    allow: str
    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class AccountResult:
    """One account of a fleet run. ``counts`` are changes by action (or drifted resources),
    ``protected`` is the environment that must be confirmed by name; ``writes_ledger``: the plan changes the
    ledger although nothing is sent. ``key`` is the lane."""

    name: str
    state: AccountState
    exit_code: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    people: int = 0
    seconds: float = 0.0
    error: str = ""
    needs: tuple[NeededApproval, ...] = ()
    protected: str = ""
    writes_ledger: bool = False
    key: str = ""
    wave: int = 0


@dataclass(frozen=True)
class FleetReport:
    """All results of one fleet run, in the order of the declaration; ``seconds`` is the whole duration."""

    command: str
    name: str
    results: tuple[AccountResult, ...]
    seconds: float = 0.0
    folder: str = ""
    stopped: str = ""
    document: Mapping[str, object] = field(default_factory=lambda: EMPTY)

    @property
    def lanes(self) -> int:
        """Number of API keys in use."""
        return len({result.key for result in self.results})

    def count(self, state: AccountState) -> int:
        """Number of accounts with this result."""
        return sum(1 for result in self.results if result.state is state)

    def total(self, action: str) -> int:
        """Number of changes with this action in all accounts."""
        return sum(result.counts.get(action, 0) for result in self.results)


class FleetApproval(NamedTuple):
    """One class of approvals over all accounts: the sum, and the number of each account."""

    allow: str
    number: int
    accounts: tuple[tuple[str, int], ...]


def approvals_of(results: Iterable[AccountResult]) -> list[FleetApproval]:
    """The approvals that the plans need, summed up over the fleet by class."""
    found: dict[str, list[tuple[str, int]]] = {}
    for result in results:
        for needed in result.needs:
            found.setdefault(needed.allow, []).append((result.name, needed.number))
    return [FleetApproval(allow, sum(n for _, n in each), tuple(each)) for allow, each in found.items()]


#: Exit codes from bad to good: the first one that an account ended with is that of the fleet.
WORST_FIRST = (130, 1, 4, 3, 2, 0)


def worst(codes: set[int]) -> int:
    """The exit code of a fleet whose accounts ended with these."""
    return next((code for code in WORST_FIRST if code in codes), 0)
