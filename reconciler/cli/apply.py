"""``apply`` and ``destroy``: show the plan, pass its approvals, ask, carry it out."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from reconciler.cli.notify import came_of, notifies
from reconciler.cli.options import (
    account_options,
    allow_option,
    minutes_option,
    path_argument,
    place,
    selection_options,
)
from reconciler.cli.outputs import PLAN, name_of, output_option, outputs_of
from reconciler.cli.redaction import output_filter_of
from reconciler.cli.terminal import say, show
from reconciler.errors import ApprovalRequired, ConfigurationError, Refused

APPLY = """\b
Example:
  reconciler apply site/
  reconciler apply --plan plan.json --yes
  reconciler apply site/ --allow deletes=12 --max-minutes 20
  reconciler apply site/ --yes --output junit=report.xml
  reconciler apply site/ --yes --json-events
"""

DESTROY = """\b
Example:
  reconciler destroy site/ --allow deletes
"""

_RUN = (
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--json", "as_json", is_flag=True, help="The same as --output json."),
    output_option(PLAN),
    click.option("--json-events", is_flag=True, help="Print one JSON object a line as things happen."),
    allow_option,
    click.option("--confirm", metavar="NAME", help="Name of a protected environment, in place of typing it."),
    click.option("--parallel", type=int, metavar="N", help="Writes in flight at most (8)."),
    click.option("--max-calls", type=int, metavar="N", help="Stop cleanly after this many calls."),
    minutes_option,
)


def run_options(command: Any) -> Any:
    """Flags of a run that writes."""

    @functools.wraps(command)
    def begun(*args: Any, **given: Any) -> Any:
        if given.pop("json_events"):
            _begin_events(click.get_current_context(), given)
        given["outputs"] = outputs_of(click.get_current_context(), given, PLAN)
        return command(*args, **given)

    for option in reversed(_RUN):
        begun = option(begun)
    return begun


def _begin_events(ctx: click.Context, given: dict[str, Any]) -> None:
    """The stream begins before anything can go wrong; its last event is what ``--json`` would print."""
    from reconciler.cli.events import Events

    if given["as_json"]:
        raise click.UsageError("--json-events and --json both want standard output; choose one")
    output_filter_of(ctx).events = Events(str(ctx.info_name))


@click.command(epilog=APPLY)
@path_argument
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE", help="Apply a saved plan.")
@run_options
@selection_options
@account_options
@click.pass_context
@notifies
def apply(ctx: click.Context, /, path: Path, plan_file: Path | None, **given: Any) -> int:
    """Make the account as the files below PATH say, with exactly the changes that the plan shows."""
    given["allow"] = dict(given["allow"])
    if given["refresh"] == "none":
        raise click.UsageError("--refresh none is for `plan` only; what is written rests on what was read")
    if plan_file:
        return _apply_saved(ctx, path, plan_file, given)
    from reconciler.commands.project import open_workspace, require_resources

    with given["outputs"].problems(name_of(ctx, path)):
        workspace = open_workspace(path, place(ctx, given))
        require_resources(workspace)
    return _apply(ctx, workspace, given)


@click.command(epilog=DESTROY)
@path_argument
@run_options
@account_options
@click.pass_context
def destroy(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Delete what this project created and still manages; what it adopted stays, and is forgotten."""
    from reconciler.commands.plan import destroying
    from reconciler.commands.project import Project, read_settings
    from reconciler.model.resource import DesiredState

    given["allow"] = dict(given["allow"])
    where = place(ctx, given)
    settings = read_settings(where.cwd / path, where)
    if settings.ledger == "none":
        raise ConfigurationError("without a ledger nothing is known to be ours; there is nothing to destroy")
    workspace = Project(where.cwd / path, settings, DesiredState())
    return _apply(ctx, workspace, {**given, "command": "destroy"}, destroying)


def _apply(
    ctx: click.Context, workspace: Any, given: dict[str, Any], adapt: Callable[[Any], Any] = lambda request: request
) -> int:
    from reconciler.cli.context import open_session, requested

    session = open_session(ctx, workspace.settings)
    session.api_key  # noqa: B018 - before a ledger is made
    with session.ledger_to_write() as store:
        return plan_and_run(ctx, session, store, adapt(requested(workspace, session, given)), given)


def _apply_saved(ctx: click.Context, path: Path, plan_file: Path, given: dict[str, Any]) -> int:
    from reconciler.cli.context import open_session
    from reconciler.commands import plan_document
    from reconciler.commands.plan_file import check_account, check_base
    from reconciler.commands.project import read_settings
    from reconciler.kinds.dialect import Dialect

    where = place(ctx, given)
    chosen = given["targets"] or given["excludes"] or given["target_file"]
    if chosen and not plan_document.says_redacted(where.cwd / plan_file):
        raise click.UsageError("a saved plan is applied whole; --target and --exclude belong to `plan`")
    settings = read_settings(where.cwd / path, where)
    session = open_session(ctx, settings)
    plan_document.look(where.cwd / plan_file, None)
    check_account(plan_document.load(where.cwd / plan_file), session.account())
    has_key = session.has_key()
    with session.ledger_to_write() as store:
        key = session.key(store) if has_key else None
        saved = plan_document.read(
            where.cwd / plan_file,
            key.sign if key else None,
            lambda document: _needs_no_signature(document, session, store),
        )
        ledgered = settings.ledger != "none"
        check_base(saved, store.lineage if ledgered else None, Dialect(settings.dialect))
        request = _saved_request(saved, path, where, session, given, signed=key is not None)
        return plan_and_run(ctx, session, store, request, given, Reviewed(saved, key))


def _needs_no_signature(document: dict[str, Any], session: Any, store: Any) -> bool:
    """Whether a plan with a checksum only was made before the ledger, and its key, existed.

    The ledger is still empty (an apply was refused), or it recorded runs of this very plan.
    """
    from reconciler.commands.plan_file import is_carried, unfinished
    from reconciler.commands.redacted import is_redacted

    if session.settings.digest_key or session.settings.ci or is_redacted(document) or is_carried(document):
        return False
    return bool(unfinished(document, store)) or not (store.runs() or store.entries())


class Reviewed(NamedTuple):
    """A saved plan to be applied, and the key that it was signed with; None for one with a checksum only."""

    document: dict[str, Any]
    key: Any


def _saved_request(
    saved: dict[str, Any], path: Path, where: Any, session: Any, given: dict[str, Any], *, signed: bool
) -> Any:
    """What the files below PATH ask for, cut as the plan was; the plan of a clone carries what it asks for."""
    from reconciler.cli.context import requested
    from reconciler.commands.plan_file import carried_state, is_carried, selection_of
    from reconciler.commands.project import open_workspace, require_resources
    from reconciler.commands.redacted import is_redacted
    from reconciler.config import secrets

    if not signed and (is_redacted(saved) or is_carried(saved) or session.settings.ci):
        raise Refused(
            "the plan is not signed; it needs RECONCILER_LEDGER_KEY, when it is made and when it is applied"
        )
    if is_carried(saved):
        from reconciler.commands.clone import request_to_make

        roots = (session.settings.root, *session.settings.files_roots)
        state = carried_state(saved, lambda source: secrets.resolve(source, where.environ, roots))
        return request_to_make(state, session, given["allow"])
    with given["outputs"].problems(session.name):
        workspace = open_workspace(path, where)
        require_resources(workspace)
    if not is_redacted(saved):
        given = {**given, **selection_of(saved), "target_file": None}
    return requested(workspace, session, given)


def plan_and_run(
    ctx: click.Context, session: Any, store: Any, request: Any, given: dict[str, Any],
    reviewed: Reviewed | None = None,
) -> int:  # fmt: skip
    """Plan, show, pass the approvals, ask and carry out; ``given`` are the flags of the command and its name."""
    from dataclasses import replace

    from reconciler.cli.context import stopping, tell_reading
    from reconciler.cli.plan import show_plan
    from reconciler.cli.prompt import ask
    from reconciler.cli.results import tell_run
    from reconciler.commands.apply import needs_ledger
    from reconciler.commands.plan import make_plan
    from reconciler.commands.plan_file import begun, check_fresh, plan_digest, reviewed_counts

    ledgered = session.settings.ledger != "none"
    problems = given["outputs"].problems(session.name)
    with problems, stopping(session.stop), session.reader() as reader, session.progress() as progress:
        session.curtain.learn_state(request.state)
        request = replace(request, on_found=session.curtain.learn_found)
        planned = make_plan(request, reader, store if ledgered else None, progress=progress)
    tell_reading(session, planned)
    if reviewed is not None:
        saved, done = reviewed.document, begun(reviewed.document, store)
        check_fresh(saved, planned, request, reviewed.key, done)
        given = {**given, "digest": plan_digest(saved), "reviewed": reviewed_counts(saved) if done else {}}
    if "nothing" in given and not (planned.plan.pending or planned.plan.blocked):
        click.echo(given["nothing"], err=given["outputs"].claimed)
    elif not given["outputs"].claimed:
        show_plan(ctx, planned, session)
    if not planned.plan.pending:
        return _quiet(session, store, planned, given, needs_ledger(planned, store, time.time()))
    came_of(given).planned = planned
    try:
        _pass_approvals(planned, given)
        ask(session, planned, given)
    except Refused as error:
        tell_run(session, planned, given, refused="; ".join(str(error).splitlines()))
        raise
    return _run(session, store, planned, given)


def _quiet(session: Any, store: Any, planned: Any, given: dict[str, Any], settle: bool) -> int:
    """Nothing to send; the ledger may still have something to learn."""
    from reconciler.cli.results import tell_run
    from reconciler.commands.apply import settle_ledger

    if settle and session.settings.ledger != "none":
        settle_ledger(planned, store, 0, time.time())
    tell_run(session, planned, given)
    return 0


def _pass_approvals(planned: Any, given: dict[str, Any]) -> None:
    from reconciler.output.plan_view import need
    from reconciler.planner.approvals import closed

    shut = closed(planned.approvals, given["allow"], given.get("reviewed", {}))
    if shut:
        raise ApprovalRequired("\n".join([*(need(approval) for approval in shut), "No changes were made."]))


def _run(session: Any, store: Any, planned: Any, given: dict[str, Any]) -> int:
    from reconciler.apply.executor import Bounds
    from reconciler.cli.context import stopping
    from reconciler.cli.results import tell_run
    from reconciler.commands.apply import Options, carry_out
    from reconciler.output.text import report_lines

    events = session.manner.events
    bounds = Bounds(session.stop, session.settings.max_calls, session.deadline)
    with stopping(session.stop, reports=True), session.following(planned.graph.order) as listener:
        options = Options(
            bounds, session.settings.parallel, listener, events and events.started,
            digest=given.get("digest", ""), command=given.get("command", "apply"),
        )  # fmt: skip
        came_of(given).report = report = carry_out(planned, session, store, options)
    show(report_lines(session.curtain.marked("report", report)), err=given["outputs"].claimed)
    code = exit_code(report)
    try:
        tell_run(session, planned, given, report=report)
    except ConfigurationError as error:  # a file that cannot be written any more; what was done is what counts
        say(f"error: {error}")
        return code or error.exit_code
    return code


def exit_code(report: Any) -> int:
    """0 when everything is done, 4 when only a part is, 1 when nothing is, 130 when a signal stopped it.

    A run that the ledger broke off before anything was done ends as that error would.
    """
    from reconciler.model.report import Status

    if report.stopped == "interrupted":
        return 130
    bad = len(report.outcomes) - report.count(Status.DONE) - report.count(Status.PENDING)
    if not bad and not report.stopped:
        return 0
    if report.broken and bad == len(report.outcomes):
        return int(report.broken)
    return 4 if bad < len(report.outcomes) or report.stopped else 1
