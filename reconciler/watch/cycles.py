"""How the last rounds of a watch ended → how long until the next one, and whether anybody is to be told.

ending of a round     next round after                            counts as
──────────────────────────────────────────────────────────────────────────────
unchanged, changes,   the interval                                success
applied
refused               the interval: waiting for a person          neither
partly, failed        a back-off that doubles up to its cap       failure
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import Enum

from reconciler.model.plan import Plan
from reconciler.planner.drift import Drift


class CycleResult(Enum):
    """How a round ended. ``changes`` were found and not made, as nobody asked for it."""

    UNCHANGED = "unchanged"
    CHANGES = "changes"
    APPLIED = "applied"
    PARTLY = "partly"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_success(self) -> bool:
        """The account was read, and what was to be done was done."""
        return self in (CycleResult.UNCHANGED, CycleResult.CHANGES, CycleResult.APPLIED)

    @property
    def is_failure(self) -> bool:
        """Trying again may help."""
        return self in (CycleResult.PARTLY, CycleResult.FAILED)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between rounds, the share by which they vary, and the first and the longest back-off."""

    interval: float
    jitter: float = 0.1
    first: float = 30.0
    cap: float = 1800.0


def delay(timing: Timing, failures: int, chance: float, at_least: float = 0.0) -> float:
    """Seconds until the next round, after so many failures in a row; ``chance`` is from 0 to below 1.

    The first back-off is no longer than the interval, so that a moment's trouble is over soon; each doubles, up to
    the cap (or the interval, where that is longer). ``at_least`` is what the server asked for.
    """
    wait = timing.interval
    if failures:
        longest = max(timing.cap, timing.interval)
        doubled = min(timing.first, timing.interval) * 2.0 ** min(failures - 1, 64)
        wait = min(doubled, longest)
    return max(wait * (1 + timing.jitter * (2 * chance - 1)), at_least)


def pending_by_kind(plan: Plan) -> dict[tuple[str, str], int]:
    """How many changes wait, by kind and action."""
    return dict(Counter((change.address.kind, change.action.value) for change in plan.pending))


def drifted_by_kind(found: Iterable[Drift]) -> dict[str, int]:
    """How many resources drifted, by kind; fields of one count once."""
    return dict(Counter(address.kind for address in {each.address for each in found}))


def one_for_a_run(events: Iterable[str], wanted: Container[str]) -> list[str]:
    """Those of the events that somebody wants to hear of; a run that went wrong is told of once, as a failure."""
    chosen = [event for event in events if event in wanted]
    return [event for event in chosen if event != "apply" or "failure" not in chosen]


@dataclass(frozen=True, slots=True)
class NotificationState:
    """What was last told of: a digest of the drift that was seen, and the failure that lasts."""

    drift: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class CycleObservation:
    """What one round found, as far as telling goes: digests and words, empty where there is nothing."""

    ending: CycleResult
    drift: str = ""
    failure: str = ""
    was_read: bool = True


def news(before: NotificationState, seen: CycleObservation) -> tuple[tuple[str, ...], NotificationState]:
    """The events to tell of, and what to remember: nothing is told twice while it stays as it is.

    ``drift`` when it is another one than before, ``apply`` each time, ``failure`` when it begins or becomes another
    one, ``resolved`` when it ends.
    """
    if seen.ending is CycleResult.STOPPED:
        return (), before
    events = ["drift"] if seen.drift and seen.drift != before.drift else []
    events += ["apply"] if seen.ending in (CycleResult.APPLIED, CycleResult.PARTLY) else []
    if seen.failure:
        events += ["failure"] if seen.failure != before.failure else []
    elif before.failure:
        events += ["resolved"]
    return tuple(events), NotificationState(seen.drift if seen.was_read else before.drift, seen.failure)
