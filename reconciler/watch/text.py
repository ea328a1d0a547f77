"""The line that a watch prints for each cycle."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.plan import Plan
from reconciler.model.report import Report, Status
from reconciler.output import wording
from reconciler.output.plan_sheet import summary
from reconciler.watch.cycles import CycleResult

_OUTCOMES = {
    Status.DONE: "done",
    Status.PENDING: "pending",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.NOT_RUN: "not run",
}


def cycle_line(
    number: int,
    ending: CycleResult,
    *,
    plan: Plan | None = None,
    report: Report | None = None,
    drift: Mapping[str, int] | None = None,
    why: str = "",
    seconds: float = 0.0,
    calls: tuple[int, int] = (0, 0),
    pause: float | None = None,
) -> str:
    """``cycle 3: unchanged. 427 unchanged. 9 calls in 1.2 s; next in 5 min.``; ``why`` is the error."""
    parts = [f"cycle {number}: {ending.value}{': ' + why if why else ''}"]
    if report is not None:
        done = [f"{report.count(status):,} {said}" for status, said in _OUTCOMES.items() if report.count(status)]
        parts.append(f"run {report.run}: {', '.join(done) or 'no calls'}")
    elif plan is not None:
        parts.append(summary(plan).rstrip("."))
    if drift:
        parts.append(f"{wording.count(sum(drift.values()), 'resource')} drifted")
    took = f"{wording.count(sum(calls), 'call')} in {seconds:.1f} s"
    parts.append(took if pause is None else f"{took}; next in {span(pause)}")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def span(seconds: float) -> str:
    """``0.5 s``, ``30 s``, ``5 min``, ``2.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
