"""Output of the cycles of `watch`: messages, changed plans, the health file, metrics and notifications."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from reconciler.apply.executor import Bounds
from reconciler.cli.context import CommandContext, learn_account, log_of, open_session, requested
from reconciler.cli.logs import log
from reconciler.cli.metrics import Metrics
from reconciler.cli.program import program_of
from reconciler.cli.project_context import open_project, settings_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.results import shown_plan
from reconciler.cli.terminal import print_lines
from reconciler.cli.watch_options import WatchOptions
from reconciler.commands.apply import Options, exit_code
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.project import Invocation, require_resources
from reconciler.commands.session import Session
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Declined, Locked
from reconciler.gateway.client import Exchange
from reconciler.model.plan import Change
from reconciler.model.report import Outcome, Status
from reconciler.model.serialization import Json, change_to_json, digest_of
from reconciler.output.plan_sheet import need
from reconciler.output.text import outcome_line
from reconciler.output.wording import printable
from reconciler.planner.drift import Drift
from reconciler.watch.cycles import (
    CycleObservation,
    CycleResult,
    NotificationState,
    Timing,
    news,
    one_for_a_run,
)
from reconciler.watch.health import write_health
from reconciler.watch.notify import notice_of, notify_if_enabled
from reconciler.watch.text import cycle_line, span
from reconciler.watch.watch import Cycle, Watch, WatchActions, WatchInputs, WatchState

#: Seconds after which a long cycle writes its health file again, at its next API call.
BEAT = 10.0


class WatchLoop:
    """The command's side of a watch: opens the project, prints plans and cycles, writes the health file, notifies."""

    def __init__(
        self, ctx: click.Context, path: Path, invocation: Invocation, options: WatchOptions, stop: threading.Event
    ) -> None:
        self._ctx, self._path, self._invocation, self._command = ctx, path, invocation, options
        self._stop, self._log = stop, log_of(ctx)
        self._metrics: Metrics | None = None
        self._health = invocation.cwd / options.health if options.health else None
        self._plan, self._trouble, self._memory = "", "", NotificationState()
        self._state, self._written = WatchState(), time.monotonic()

    def check(self, settings: Settings) -> None:
        """Raise ConfigurationError without a key, Declined without ``--confirm``: no later cycle can fix these."""
        _check_protected(settings, self._command)
        open_session(self._ctx, settings).api_key  # noqa: B018

    def run(self, most: int | None, metrics: Metrics | None = None) -> int:
        """Run the watch; returns the exit code. Raises ConfigurationError if the health file cannot be written."""
        options, self._metrics = self._command, metrics
        if self._health:
            write_health(self._health, _health_document("starting", WatchState()))
        actions = WatchActions(self._opened, self._show, self._options, exit_code)
        timing = Timing(options.interval, options.jitter, cap=options.max_backoff)
        watch = Watch(actions, options.applies, timing, WatchInputs(self._stop.wait), self._ended, self._started)
        settings = self._settings()
        name = settings.environment or settings.root.name
        what = "applying changes" if options.applies else "reporting only"
        self._say(f"Watching {name}: {what}, every {span(timing.interval)}. Press Ctrl-C to stop.", event="watching")
        try:
            return watch.run(most)
        finally:
            self._write("stopped", watch.state)

    def _opened(self) -> tuple[PlanRequest, CommandContext]:
        workspace = open_project(self._ctx, self._path, self._invocation)
        require_resources(workspace)
        _check_protected(workspace.settings, self._command)
        session = open_session(self._ctx, workspace.settings)
        session.stop, session.log = self._stop, self._called
        return requested(workspace, session), session

    def _settings(self) -> Settings:
        """The last settings read."""
        settings = settings_of(self._ctx)
        assert settings is not None
        return settings

    def _called(self, exchange: Exchange) -> None:
        if self._log is not None:
            self._log(exchange)
        if self._metrics is not None:
            self._metrics.called(exchange)
        if time.monotonic() - self._written >= BEAT:
            self._write("working", self._state)

    def _show(self, planned: Planned, session: Session) -> None:
        """Print the plan unless it is empty or the same as last time."""
        learn_account(redaction_of(self._ctx), planned.found)
        found = _digest((*planned.plan.effective, *planned.plan.blocked))
        if found and found != self._plan:
            assert isinstance(session, CommandContext)
            print_lines(shown_plan(self._ctx, planned, session.settings, session.heading(planned)))
        self._plan = found

    def _options(self, planned: Planned, session: Session) -> Options:
        settings = session.settings
        listener = redaction_of(self._ctx).listener(_failed)
        return Options(
            Bounds(self._stop, settings.max_calls, session.deadline), settings.parallel, listener, command="watch"
        )

    def _started(self, state: WatchState) -> None:
        self._state = state
        self._write("working", state)

    def _ended(self, done: Cycle, state: WatchState) -> None:
        if done.report is not None:
            self._plan = ""  # reported again after another failure
        if self._metrics is not None:
            self._metrics.ended(done, state)
        self._write("waiting", state)
        pause = None if state.next_cycle is None else state.next_cycle - time.time()
        bad = not done.ending.is_success and done.ending is not CycleResult.STOPPED
        self._say(
            cycle_line(done, self._why(done), pause),
            logging.ERROR if done.ending.is_failure else logging.WARNING if bad else logging.INFO,
            "cycle",
            bad=bad,
            number=done.number,
            ending=done.ending.value,
            seconds=round(done.seconds, 3),
            reads=done.calls[0],
            writes=done.calls[1],
            failures=state.failures,
        )
        self._notify(done)

    def _why(self, done: Cycle) -> str:
        """The failure in one line; several problems of files are logged once before it."""
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
                log(f"error: {line}", logging.ERROR, "problem")
        return f"{len(lines)} problems" + (" as before" if self._trouble == before else "")

    def _say(
        self, text: str, level: int = logging.INFO, event: str = "message", *, bad: bool = False, **more: object
    ) -> None:
        if bad or not program_of(self._ctx).quiet:
            log(text, level, event, **more)

    def _write(self, phase: str, state: WatchState) -> None:
        """Write the health file; a failure is only logged."""
        self._written = time.monotonic()
        if self._health is None:
            return
        try:
            write_health(self._health, _health_document(phase, state))
        except ConfigurationError as error:
            log(f"warning: {error}", logging.WARNING, "health")

    def _notify(self, done: Cycle) -> None:
        """Send the notifications of this cycle."""
        settings = self._settings()
        failure = "" if isinstance(done.error, Locked) else done.failure
        seen = CycleObservation(done.ending, _drifted(done.drift), failure, done.planned is not None)
        events, self._memory = news(self._memory, seen)
        for event, resolved in _wanted_events(events, settings.notify.events):
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
            if warning := notify_if_enabled(settings.notify, notice, self._stop):
                log(warning, logging.WARNING, "notification")


def _wanted_events(events: tuple[str, ...], wanted: frozenset[str]) -> Iterator[tuple[str, bool]]:
    for event in one_for_a_run(events, wanted):
        yield event, False
    if "resolved" in events and "failure" in wanted:
        yield "failure", True


def _health_document(phase: str, state: WatchState) -> Json:
    """The content of the health file: times in seconds of the epoch, and counts."""
    return {
        "state": phase,
        "updated": time.time(),
        "cycles": state.cycles,
        "failures_in_a_row": state.failures,
        "last_ending": state.ending.value if state.ending else None,
        "last_success": state.last_success,
        "last_failure": state.last_failure,
        "last_error": state.last_error,
        "next_cycle": state.next_cycle if phase == "waiting" else None,
    }


def _failed(outcome: Outcome, done: int, total: int) -> None:
    if outcome.status in (Status.FAILED, Status.SKIPPED):
        print_lines([outcome_line(outcome)], err=True)


def _digest(changes: Iterable[Change]) -> str:
    listed = [change_to_json(change) for change in changes]
    return digest_of(listed) if listed else ""


def _drifted(found: tuple[Drift, ...]) -> str:
    if not found:
        return ""
    listed = repr([(str(each.address), each.path, each.recorded, each.live) for each in found])
    return hashlib.sha256(listed.encode()).hexdigest()


def _check_protected(settings: Settings, options: WatchOptions) -> None:
    """Raise Declined unless ``--confirm`` names the protected environment."""
    name = settings.environment if settings.protect else None
    if name and options.applies and options.confirm != name:
        raise Declined(f"{name} is protected: confirm with --confirm {name}; no changes were made")
