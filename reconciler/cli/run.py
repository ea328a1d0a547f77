"""Planning, approval, confirmation and execution, shared by all commands that write to the account."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import click

from reconciler.apply.executor import Bounds
from reconciler.cli.context import CommandContext, log_reading, make_plan, stopping
from reconciler.cli.logs import log
from reconciler.cli.notify import RunResult
from reconciler.cli.options import RunOptions
from reconciler.cli.outputs import Outputs, outputs_of
from reconciler.cli.program import program_of
from reconciler.cli.progress import Events
from reconciler.cli.prompt import confirm_plan
from reconciler.cli.redaction import redaction_of
from reconciler.cli.results import RunEnding, sheet_for, shown_plan
from reconciler.cli.terminal import columns, print_lines, print_text
from reconciler.commands.apply import Options, carry_out, exit_code, record_without_steps
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.plan_file import plan_digest
from reconciler.commands.saved_plan import Reviewed, check_reviewed
from reconciler.errors import ApprovalRequired, ConfigurationError, Refused
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.model.serialization import Json
from reconciler.output.formats import PLAN
from reconciler.output.plan_sheet import need
from reconciler.output.text import report_lines
from reconciler.planner.approvals import closed


@dataclass
class Run:
    """One run of a command that writes: options, outputs, and what the command adds to them.

    ``nothing`` is printed in place of an empty plan; ``extra`` are keys of the document. ``digest`` and ``reviewed``
    are those of the saved plan.
    """

    ctx: click.Context
    options: RunOptions
    outputs: Outputs
    command: str = "apply"
    result: RunResult = field(default_factory=RunResult)
    nothing: str = ""
    extra: Json = field(default_factory=dict)
    digest: str = ""
    reviewed: Mapping[Allow, int] = field(default_factory=dict)

    @property
    def allow(self) -> dict[Allow, int | None]:
        """The approvals that are given with ``--allow``."""
        return dict(self.options.allow)


def begin_run(ctx: click.Context, options: RunOptions, command: str) -> Run:
    """Start the stream of events if requested, and check the outputs; raises a usage error if they conflict."""
    if options.json_events:
        if options.as_json:
            raise click.UsageError("--json-events and --json cannot be used together")
        program_of(ctx).events = Events(str(ctx.info_name), redaction_of(ctx).document)
    return Run(ctx, options, outputs_of(ctx, options, PLAN), command)


def plan_and_run(
    run: Run, session: CommandContext, store: Store, request: PlanRequest, reviewed: Reviewed | None = None
) -> int:
    """Plan, show the plan, check approvals, ask, and apply; returns the exit code."""
    ledgered = session.settings.ledger != "none"
    problems = run.outputs.problems(session.name)
    with problems, stopping(session.stop), session.reader() as reader, session.progress() as progress:
        session.redaction.learn_state(request.state)
        planned = make_plan(session, request, reader, store if ledgered else None, progress)
    log_reading(session, planned)
    if reviewed is not None:
        run.reviewed = check_reviewed(reviewed, planned, request, store)
        run.digest = plan_digest(reviewed.document)
    if run.nothing and not (planned.plan.effective or planned.plan.blocked):
        print_text(run.nothing, err=run.outputs.claimed)
    elif not run.outputs.claimed:
        print_lines(shown_plan(run.ctx, planned, session.settings, session.heading(planned)))
    if not planned.plan.effective:
        record_without_steps(planned, session, store)
        write_result(run, session, planned)
        return 0
    run.result.planned, run.result.allowed = planned, run.allow
    try:
        _check_approvals(planned, run)
        confirm_plan(session, planned, run.options, run.command)
    except Refused as error:
        write_result(run, session, planned, refused="; ".join(str(error).splitlines()))
        raise
    return _carry_out(run, session, store, planned)


def _check_approvals(planned: Planned, run: Run) -> None:
    shut = closed(planned.approvals, run.allow, run.reviewed)
    if shut:
        raise ApprovalRequired("\n".join([*(need(approval) for approval in shut), "No changes were made."]))


def _carry_out(run: Run, session: CommandContext, store: Store, planned: Planned) -> int:
    events = session.style.events
    options = Options(
        Bounds(session.stop, session.settings.max_calls, session.deadline, run.options.fail_fast),
        session.settings.parallel,
        starter=events.started if events else None,
        digest=run.digest,
        command=run.command,
    )
    began = time.monotonic()
    with stopping(session.stop, reports=True), session.following(planned.graph.order) as listener:
        report = carry_out(planned, session, store, replace(options, listener=listener))
    run.result.report = report
    print_report(session, planned, report, time.monotonic() - began, err=run.outputs.claimed)
    code = exit_code(report)
    try:
        write_result(run, session, planned, report=report)
    except ConfigurationError as error:  # the run itself is done, so its report decides the exit code
        log(f"error: {error}")
        return code or error.exit_code
    return code


def print_report(session: CommandContext, planned: Planned, report: Report, seconds: float, *, err: bool) -> None:
    """Print how the run ended."""
    shown, made = session.redaction.report(report), session.redaction.plan(planned.plan)
    print_lines(report_lines(shown, made, seconds=seconds, columns=columns(err=err)), err=err)


def write_result(
    run: Run, session: CommandContext, planned: Planned, *, report: Report | None = None, refused: str = ""
) -> None:
    """Write the plan, and the report or the reason of refusal, in all formats that were requested."""
    if not run.outputs.wanted:
        return
    ending = RunEnding(run.allow, report, refused, run.extra)
    sheet = sheet_for(planned, run.outputs, session.settings, session.heading(planned), ending=ending)
    if session.style.events is not None and not refused:
        session.style.events.report(sheet.document)
    run.outputs.write(sheet)
