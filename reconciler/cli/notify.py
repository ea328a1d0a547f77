"""The end of ``apply`` or ``drift`` → the notifications that were asked for; one warning when one is not taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from reconciler.cli.terminal import say
from reconciler.errors import Declined, Interrupted, ReconcilerError, TimeIsUp


@dataclass
class RunResult:
    """What has come of a command so far: its plan, its report, what it found drifted."""

    planned: Any = None
    report: Any = None
    drifted: tuple[Any, ...] = ()


def came_of(given: Mapping[str, Any]) -> RunResult:
    """Where a command notes what comes of it; where nobody is told, it is noted for nothing."""
    found: RunResult = given.get("came") or RunResult()
    return found


def notifies(command: Callable[..., int]) -> Callable[..., int]:
    """The command, and after it a word to whoever wants to know; never another exit code."""

    @wraps(command)
    def told(ctx: click.Context, /, **given: Any) -> int:
        came = RunResult()
        try:
            code = command(ctx, **given, came=came)
        except ReconcilerError as error:
            if isinstance(error, TimeIsUp) or not isinstance(error, Declined | Interrupted):
                _send(ctx, given, came, error.exit_code, error)
            raise
        _send(ctx, given, came, code)
        return code

    return told


def _send(
    ctx: click.Context, given: dict[str, Any], came: RunResult, code: int, error: ReconcilerError | None = None
) -> None:
    settings = ctx.obj.get("settings")
    if settings is None or not settings.notify.url:
        return
    from reconciler.watch.cycles import one_for_a_run
    from reconciler.watch.notify import notice_of, tell

    found = dict(_events(came, dict(given.get("allow") or {}), code, error))
    for event in one_for_a_run(found, settings.notify.events):
        notice = notice_of(
            event, ctx.info_name or "", settings.environment, exit_code=code, error=error, **found[event]
        )
        if warning := tell(settings.notify, notice):
            say(warning, "warning", "notification")


def _events(
    came: RunResult, allowed: Mapping[Any, int | None], code: int, error: ReconcilerError | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is worth a word: what drifted, what was done, what went wrong."""
    seen: dict[str, Any] = {"plan": came.planned.plan if came.planned else None, "report": came.report}
    if came.drifted:
        yield "drift", {"drift": came.drifted}
    if came.report is not None and came.report.outcomes:
        yield "apply", seen
    if error is not None or code in (1, 3, 4):
        from reconciler.planner.approvals import closed

        shut = closed(came.planned.approvals, allowed) if came.planned and came.report is None else ()
        yield "failure", {**seen, "closed": shut}
