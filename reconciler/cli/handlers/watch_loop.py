"""Output of the cycles of `watch`: messages, changed plans, the health file, metrics and notifications."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from reconciler.apply.executor import Bounds
from reconciler.cli.command_options import WatchOptions
from reconciler.cli.handlers.context import (
    CommandContext,
    learn_account,
    log_of,
    open_project,
    open_session,
    requested,
    settings_of,
)
from reconciler.cli.handlers.metrics import Metrics
from reconciler.cli.handlers.plan import show_plan
from reconciler.cli.handlers.run import exit_code
from reconciler.cli.program import output_filter_of, program_of
from reconciler.cli.terminal import log, print_lines
from reconciler.commands.apply import Options
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.project import Invocation, require_resources
from reconciler.commands.session import Session
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Declined, Locked
from reconciler.gateway.client import Exchange
from reconciler.model.plan import Change
from reconciler.model.report import Outcome, Status
from reconciler.model.serialization import change_to_json, digest_of
from reconciler.output.plan_view import need
from reconciler.output.text import outcome_line
from reconciler.output.wording import printable
from reconciler.planner.drift import Drift
from reconciler.watch.cycles import (
    CycleObservation,
    CycleResult,
    NotificationState,
    Timing,
    drifted_by_kind,
    news,
    one_for_a_run,
)
from reconciler.watch.health import write_health
from reconciler.watch.notify import notice_of, tell
from reconciler.watch.text import round_line, span
from reconciler.watch.watch import Cycle, Watch, WatchActions, WatchInputs, WatchState

#: Seconds after which a long round writes its health file anew, with the next call that it makes.
BEAT = 10.0


class WatchLoop:
    """One watch: what it needs of its command line, and what it remembers from round to round, which is little."""

    def __init__(
        self, ctx: click.Context, path: Path, where: Invocation, options: WatchOptions, stop: threading.Event
    ) -> None:
        self._ctx, self._path, self._where, self._command = ctx, path, where, options
        self._stop, self._log = stop, log_of(ctx)
        self._metrics: Metrics | None = None
        self._health = where.cwd / options.health if options.health else None
        self._plan, self._trouble, self._memory = "", "", NotificationState()
        self._standing, self._written = WatchState(), time.monotonic()

    def check(self, settings: Settings) -> None:
        """What no round can mend: raises ConfigurationError without a key, Declined without a name to confirm."""
        _check_protected(settings, self._command)
        open_session(self._ctx, settings).api_key  # noqa: B018

    def run(self, most: int | None, metrics: Metrics | None = None) -> int:
        """Round after round; the exit code of the last. Raises ConfigurationError without a place for its file."""
        options, self._metrics = self._command, metrics
        if self._health:
            write_health(self._health, _standing("starting", WatchState()))
        hands = WatchActions(self._opened, self._show, self._options, exit_code)
        timing = Timing(options.interval, options.jitter, cap=options.max_backoff)
        watch = Watch(hands, options.applies, timing, WatchInputs(self._stop.wait), self._told, self._beat)
        settings = self._settings()
        name = settings.environment or settings.root.name
        what = "applies what the files say" if options.applies else "only reports"
        self._say(f"Watching {name}: {what}, every {span(timing.interval)}. Ctrl-C ends it.", event="watching")
        try:
            return watch.run(most)
        finally:
            self._write("stopped", watch.standing)

    # the hands of a round

    def _opened(self) -> tuple[PlanRequest, CommandContext]:
        workspace = open_project(self._ctx, self._path, self._where)
        require_resources(workspace)
        _check_protected(workspace.settings, self._command)
        session = open_session(self._ctx, workspace.settings)
        session.stop, session.log = self._stop, self._called
        return requested(workspace, session), session

    def _settings(self) -> Settings:
        """The settings that were read last."""
        settings = settings_of(self._ctx)
        assert settings is not None
        return settings

    def _called(self, exchange: Exchange) -> None:
        if self._log is not None:
            self._log(exchange)
        if self._metrics is not None:
            self._metrics.called(exchange)
        if time.monotonic() - self._written >= BEAT:
            self._write("working", self._standing)

    def _show(self, planned: Planned, session: Session) -> None:
        """The plan, where it says something and is not the one that was shown last."""
        learn_account(output_filter_of(self._ctx), planned.found)
        found = _digest((*planned.plan.pending, *planned.plan.blocked))
        if found and found != self._plan:
            assert isinstance(session, CommandContext)
            show_plan(self._ctx, planned, session)
        self._plan = found

    def _options(self, planned: Planned, session: Session) -> Options:
        settings = session.settings
        listener = output_filter_of(self._ctx).redacting(_failed)
        return Options(
            Bounds(self._stop, settings.max_calls, session.deadline), settings.parallel, listener, command="watch"
        )

    # what is told

    def _beat(self, standing: WatchState) -> None:
        self._standing = standing
        self._write("working", standing)

    def _told(self, done: Cycle, standing: WatchState) -> None:
        if done.report is not None:
            self._plan = ""  # the same again would be another story
        if self._metrics is not None:
            self._metrics.ended(done, standing)
        self._write("waiting", standing)
        pause = None if standing.next_round is None else standing.next_round - time.time()
        line = round_line(
            done.number,
            done.ending,
            plan=done.planned.plan if done.planned else None,
            report=done.report,
            drift=drifted_by_kind(done.drift),
            why=self._why(done),
            seconds=done.seconds,
            calls=done.calls,
            pause=pause,
        )
        bad = not done.ending.is_success and done.ending is not CycleResult.STOPPED
        self._say(
            line,
            "error" if done.ending.is_failure else "warning" if bad else "info",
            "round",
            bad=bad,
            number=done.number,
            ending=done.ending.value,
            seconds=round(done.seconds, 3),
            reads=done.calls[0],
            writes=done.calls[1],
            failures=standing.failures,
        )
        self._notify(done)

    def _why(self, done: Cycle) -> str:
        """What is wrong, in one line; the many problems of files are told before it, once."""
        if done.closed:
            return "; ".join(need(approval) for approval in done.closed)
        if done.error is None:
            self._trouble = ""
            return ""
        lines = [printable(line) for line in str(done.error).splitlines()]
        before, self._trouble = self._trouble, str(done.error)
        if len(lines) == 1:
            return lines[0]
        if self._trouble != before:
            for line in lines:
                log(f"error: {line}", "error", "problem")
        return f"{len(lines)} problems" + (" as before" if self._trouble == before else "")

    def _say(
        self, text: str, level: str = "info", event: str = "message", *, bad: bool = False, **more: object
    ) -> None:
        if bad or not program_of(self._ctx).quiet:
            log(text, level, event, **more)

    def _write(self, state: str, standing: WatchState) -> None:
        """The health file; a full disk is no reason to stop."""
        self._written = time.monotonic()
        if self._health is None:
            return
        try:
            write_health(self._health, _standing(state, standing))
        except ConfigurationError as error:
            log(f"warning: {error}", "warning", "health")

    def _notify(self, done: Cycle) -> None:
        """What is new to whoever asked to be told."""
        settings = self._settings()
        failure = "" if isinstance(done.error, Locked) else done.failure
        seen = CycleObservation(done.ending, _drifted(done.drift), failure, done.planned is not None)
        events, self._memory = news(self._memory, seen)
        for event, resolved in _told_of(events, settings.notify.events):
            plan = done.planned.plan if done.planned and done.report is None else None
            notice = notice_of(
                event,
                "watch",
                settings.environment,
                plan=plan,
                report=done.report,
                drift=done.drift,
                closed=done.closed,
                error=done.error,
                exit_code=done.exit_code,
                number=done.number,
                resolved=resolved,
            )
            if warning := tell(settings.notify, notice, self._stop):
                log(warning, "warning", "notification")


def _told_of(events: tuple[str, ...], wanted: frozenset[str]) -> Iterator[tuple[str, bool]]:
    for event in one_for_a_run(events, wanted):
        yield event, False
    if "resolved" in events and "failure" in wanted:
        yield "failure", True


def _standing(state: str, standing: WatchState) -> dict[str, Any]:
    """What the health file holds: times and counts."""
    return {
        "state": state,
        "updated": time.time(),
        "rounds": standing.rounds,
        "failures_in_a_row": standing.failures,
        "last_ending": standing.ending.value if standing.ending else None,
        "last_success": standing.last_success,
        "last_failure": standing.last_failure,
        "last_error": standing.last_error,
        "next_round": standing.next_round if state == "waiting" else None,
    }


def _failed(outcome: Outcome, done: int, total: int) -> None:
    if outcome.status in (Status.FAILED, Status.SKIPPED):
        print_lines([outcome_line(outcome, done, total)], err=True)


def _digest(changes: Iterable[Change]) -> str:
    listed = [change_to_json(change) for change in changes]
    return digest_of(listed) if listed else ""


def _drifted(found: tuple[Drift, ...]) -> str:
    if not found:
        return ""
    told = repr([(str(each.address), each.path, each.recorded, each.live) for each in found])
    return hashlib.sha256(told.encode()).hexdigest()


def _check_protected(settings: Settings, options: WatchOptions) -> None:
    """A protected environment is applied to by its name only; raises Declined."""
    name = settings.environment if settings.protect else None
    if name and options.applies and options.confirm != name:
        raise Declined(f"{name} is protected: confirm with --confirm {name}; nothing was changed")
