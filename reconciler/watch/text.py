"""The line that a watch prints for each cycle."""

from __future__ import annotations

from reconciler.model.report import Status
from reconciler.output import wording
from reconciler.output.plan_sheet import summary
from reconciler.watch.cycles import drifted_by_kind
from reconciler.watch.watch import Cycle

_OUTCOMES = {
    Status.DONE: "done",
    Status.PENDING: "pending",
    Status.FAILED: "failed",
    Status.SKIPPED: "skipped",
    Status.NOT_RUN: "not run",
}


def cycle_line(done: Cycle, why: str = "", pause: float | None = None) -> str:
    """``cycle 3: unchanged. 427 unchanged. 9 calls in 1.2 s; next in 5 min.``; ``why`` is the error."""
    parts = [f"cycle {done.number}: {done.ending.value}{': ' + why if why else ''}"]
    report, drift = done.report, drifted_by_kind(done.drift)
    if report is not None:
        ends = [f"{report.count(status):,} {said}" for status, said in _OUTCOMES.items() if report.count(status)]
        parts.append(f"run {report.run}: {', '.join(ends) or 'no calls'}")
    elif done.planned is not None:
        parts.append(summary(done.planned.plan).rstrip("."))
    if drift:
        parts.append(f"{wording.count(sum(drift.values()), 'resource')} drifted")
    took = f"{wording.count(sum(done.calls), 'call')} in {done.seconds:.1f} s"
    parts.append(took if pause is None else f"{took}; next in {span(pause)}")
    return ". ".join(part.rstrip(".") for part in parts) + "."


def span(seconds: float) -> str:
    """``0.5 s``, ``30 s``, ``5 min``, ``2.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
