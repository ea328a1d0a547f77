"""Notifications at the end of `apply`, `destroy` and `drift`; a failed notification is a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import click

from reconciler.cli.logs import log
from reconciler.cli.project_context import settings_of
from reconciler.commands.plan import Planned
from reconciler.errors import Declined, Interrupted, ReconcilerError, TimeIsUp
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.output.notification import Notice
from reconciler.planner.approvals import closed
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


def _send(ctx: click.Context, result: RunResult, code: int, error: ReconcilerError | None = None) -> None:
    settings = settings_of(ctx)
    if settings is None or not settings.notify.url:
        return
    command, environment = ctx.info_name or "", settings.environment
    found = {each.event: each for each in _notices(result, command, environment, code, error)}
    for name in one_for_a_run(found, settings.notify.events):
        if warning := notify_if_enabled(settings.notify, found[name]):
            log(warning, logging.WARNING, "notification")


def _notices(
    result: RunResult, command: str, environment: str | None, code: int, error: ReconcilerError | None
) -> Iterator[Notice]:
    """Notifications of drift, of changes that were made, and of failures."""
    report = result.report
    plan = result.planned.plan if result.planned else None
    notice = partial(notice_of, command=command, environment=environment, exit_code=code, error=error)
    if result.drifted:
        yield notice("drift", drift=result.drifted)
    if report is not None and report.outcomes:
        yield notice("apply", plan=plan, report=report)
    if error is not None or code in (1, 3, 4):
        shut = closed(result.planned.approvals, result.allowed) if result.planned and report is None else ()
        yield notice("failure", plan=plan, report=report, closed=shut)
