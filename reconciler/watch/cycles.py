"""Schedules the cycles of a watch and decides which events to notify about.

result of a cycle     next cycle after                            counts as
──────────────────────────────────────────────────────────────────────────────
unchanged, changes,   the interval                                success
applied
refused               the interval: waiting for a person          neither
partial, failed       a back-off that doubles up to its maximum   failure
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import Enum

from reconciler.model.plan import Plan, count_changes
from reconciler.planner.drift import Drift


class CycleResult(Enum):
    """Result of a cycle. ``changes``: found but not applied, since the watch only reports."""

    UNCHANGED = "unchanged"
    CHANGES = "changes"
    APPLIED = "applied"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_success(self) -> bool:
        """Whether the account was read and everything to apply was applied."""
        return self in (CycleResult.UNCHANGED, CycleResult.CHANGES, CycleResult.APPLIED)

    @property
    def is_failure(self) -> bool:
        """Whether a retry may help."""
        return self in (CycleResult.PARTIAL, CycleResult.FAILED)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between cycles, their random variation as a share, the first and the longest back-off in seconds."""

    interval: float
    jitter: float = 0.1
    first: float = 30.0
    cap: float = 1800.0


def delay(timing: Timing, failures: int, chance: float, at_least: float = 0.0) -> float:
    """Seconds until the next cycle after ``failures`` in a row; ``chance`` is a random number in [0, 1).

    The first back-off is at most the interval, so that a short outage ends soon; it doubles up to ``timing.cap``
    (or the interval, if longer). ``at_least`` is the ``Retry-After`` of the server.
    """
    wait = timing.interval
    if failures:
        longest = max(timing.cap, timing.interval)
        doubled = min(timing.first, timing.interval) * 2.0 ** min(failures - 1, 64)
        wait = min(doubled, longest)
    return max(wait * (1 + timing.jitter * (2 * chance - 1)), at_least)


def changes_by_kind(plan: Plan) -> dict[tuple[str, str], int]:
    """Number of changes to apply, by kind and action."""
    return {(kind, action.value): number for (kind, action), number in count_changes(plan.effective).items()}


def drifted_by_kind(found: Iterable[Drift]) -> dict[str, int]:
    """Number of drifted resources by kind."""
    return dict(Counter(address.kind for address in {each.address for each in found}))


def one_for_a_run(events: Iterable[str], wanted: Container[str]) -> list[str]:
    """The wanted ones of these events; a failed run is reported once, as a failure."""
    chosen = [event for event in events if event in wanted]
    return [event for event in chosen if event != "apply" or "failure" not in chosen]


@dataclass(frozen=True, slots=True)
class NotificationState:
    """The last notification: a digest of the drift, and the present failure."""

    drift: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class CycleObservation:
    """The findings of one cycle for notifications: a digest of the drift and the name of the failure, or empty."""

    ending: CycleResult
    drift: str = ""
    failure: str = ""
    was_read: bool = True


def news(before: NotificationState, seen: CycleObservation) -> tuple[tuple[str, ...], NotificationState]:
    """The events to notify about, and the new state; nothing is notified twice while it stays the same.

    ``drift`` when it differs from the last one, ``apply`` each time, ``failure`` when it starts or changes,
    ``resolved`` when it ends.
    """
    if seen.ending is CycleResult.STOPPED:
        return (), before
    events = ["drift"] if seen.drift and seen.drift != before.drift else []
    events += ["apply"] if seen.ending in (CycleResult.APPLIED, CycleResult.PARTIAL) else []
    if seen.failure:
        events += ["failure"] if seen.failure != before.failure else []
    elif before.failure:
        events += ["resolved"]
    return tuple(events), NotificationState(seen.drift if seen.was_read else before.drift, seen.failure)
