"""Builds and sends the notifications that the settings ask for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from reconciler.config.settings import Notify
from reconciler.gateway.notifications import NotificationHook
from reconciler.model.plan import Plan
from reconciler.model.report import Report
from reconciler.output.notification import Notice, notice_document, slack_document
from reconciler.planner.approvals import Approval
from reconciler.planner.drift import Drift
from reconciler.watch.cycles import changes_by_kind, drifted_by_kind


def notice_of(
    event: str,
    command: str,
    environment: str | None,
    *,
    plan: Plan | None = None,
    report: Report | None = None,
    drift: Iterable[Drift] = (),
    closed: Iterable[Approval] = (),
    error: BaseException | None = None,
    exit_code: int = 0,
    number: int | None = None,
    resolved: bool = False,
) -> Notice:
    """The notification of one event: counts, and of an error only its class, since messages may quote the files."""
    return Notice(
        event,
        command,
        environment,
        run=report.run or None if report else None,
        cycle=number,
        exit_code=exit_code,
        error=type(error).__name__ if error else None,
        resolved=resolved,
        changes=changes_by_kind(plan) if plan else {},
        drift=drifted_by_kind(drift),
        outcomes=Counter(outcome.status.value for outcome in report.outcomes) if report else {},
        blocked=len(plan.blocked) if plan else 0,
        needs=tuple(sorted({approval.allow.value for approval in closed})),
    )


def notify_if_enabled(notify: Notify, notice: Notice, stop: threading.Event | None = None) -> str | None:
    """Send the notification if its event is enabled. Returns a warning if that failed; never raises."""
    if not notify.url or notice.event not in notify.events:
        return None
    linked = Notice(**{**vars(notice), "link": notify.link})
    hook = NotificationHook(notify.url, stop=stop)
    reason = hook.post(slack_document(linked) if notify.form == "slack" else notice_document(linked))
    return f"warning: the notification to {hook.host} failed: {reason}" if reason else None
