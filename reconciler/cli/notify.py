"""Notifications at the end of `apply`, `destroy` and `drift`; a failed notification is a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import click

from reconciler.cli.logs import log
from reconciler.cli.project_context import settings_of
from reconciler.commands.plan import Planned
from reconciler.config.settings import Settings
from reconciler.errors import Declined, Interrupted, ReconcilerError, TimeIsUp
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.planner.approvals import Approval, closed
from reconciler.planner.drift import Drift
from reconciler.watch.cycles import one_for_a_run
from reconciler.watch.notify import notice_of, notify_if_enabled


@dataclass
class RunResult:
    """Findings and changes of a command so far."""

    planned: Planned | None = None
    report: Report | None = None
    drifted: tuple[Drift, ...] = ()
    allowed: Mapping[Allow, int | None] = field(default_factory=dict)


def with_notifications(ctx: click.Context, command: Callable[[RunResult], int]) -> int:
    """Run ``command``, send notifications about its result, and return its exit code."""
    result = RunResult()
    try:
        code = command(result)
    except ReconcilerError as error:
        if isinstance(error, TimeIsUp) or not isinstance(error, Declined | Interrupted):
            _send(ctx, result, error.exit_code, error)
        raise
    _send(ctx, result, code)
    return code


@dataclass(frozen=True)
class _Event:
    """The part of a result that one notification reports."""

    planned: Planned | None = None
    report: Report | None = None
    drifted: tuple[Drift, ...] = ()
    closed: tuple[Approval, ...] = ()


def _send(ctx: click.Context, result: RunResult, code: int, error: ReconcilerError | None = None) -> None:
    settings = settings_of(ctx)
    if settings is None or not settings.notify.url:
        return
    found = dict(_events(result, code, error))
    for name in one_for_a_run(found, settings.notify.events):
        _send_one(ctx, settings, name, found[name], code, error)


def _send_one(
    ctx: click.Context, settings: Settings, name: str, event: _Event, code: int, error: ReconcilerError | None
) -> None:
    notice = notice_of(
        name,
        ctx.info_name or "",
        settings.environment,
        exit_code=code,
        error=error,
        plan=event.planned.plan if event.planned else None,
        report=event.report,
        drift=event.drifted,
        closed=event.closed,
    )
    if warning := notify_if_enabled(settings.notify, notice):
        log(warning, logging.WARNING, "notification")


def _events(result: RunResult, code: int, error: ReconcilerError | None) -> Iterator[tuple[str, _Event]]:
    """Events of drift, of changes that were made, and of failures."""
    planned, report = result.planned, result.report
    if result.drifted:
        yield "drift", _Event(drifted=result.drifted)
    if report is not None and report.outcomes:
        yield "apply", _Event(planned, report)
    if error is not None or code in (1, 3, 4):
        shut = tuple(closed(planned.approvals, result.allowed)) if planned and report is None else ()
        yield "failure", _Event(planned, report, closed=shut)
