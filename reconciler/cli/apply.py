"""``apply`` and ``destroy``: apply the plan of the files, or a saved plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from reconciler.cli.context import CommandContext, open_session, requested
from reconciler.cli.notify import RunResult, with_notifications
from reconciler.cli.options import ANY_PATH, PATH, RunOptions, SelectionOptions, examples, option, with_options
from reconciler.cli.outputs import name_of
from reconciler.cli.project_context import invocation_of, open_project, read_settings
from reconciler.cli.run import Run, begin_run, plan_and_run
from reconciler.commands import plan_document
from reconciler.commands.clone import request_to_make
from reconciler.commands.plan import PlanRequest, destroy_request
from reconciler.commands.plan_file import carried_state, check_account, is_carried, selection_of
from reconciler.commands.project import Invocation, Project, require_resources
from reconciler.commands.redacted import is_redacted
from reconciler.commands.saved_plan import accepted
from reconciler.config import secrets
from reconciler.errors import ConfigurationError
from reconciler.model.resource import DesiredState
from reconciler.model.serialization import Json


class ApplyOptions(RunOptions, SelectionOptions):
    """``apply``."""

    path: Path = PATH
    plan_file: Path | None = option("--plan", type=ANY_PATH, metavar="FILE", help="Apply a saved plan.")


class DestroyOptions(RunOptions):
    """``destroy``."""

    path: Path = PATH


@click.command(
    epilog=examples(
        "reconciler apply site/",
        "reconciler apply --plan plan.json --yes",
        "reconciler apply site/ --allow deletes=12 --max-minutes 20",
        "reconciler apply site/ --yes --output junit=report.xml",
        "reconciler apply site/ --yes --json-events",
    )
)
@with_options(ApplyOptions)
def apply(ctx: click.Context, options: ApplyOptions) -> int:
    """Change the account to match the files below PATH, with exactly the changes that the plan shows."""
    run = begin_run(ctx, options, "apply")

    def applied(result: RunResult) -> int:
        run.result = result
        return _apply(run, options)

    return with_notifications(ctx, applied)


@click.command(epilog=examples("reconciler destroy site/ --allow deletes"))
@with_options(DestroyOptions)
def destroy(ctx: click.Context, options: DestroyOptions) -> int:
    """Delete the resources that this project created. Adopted ones stay in the account and are no longer managed."""
    run = begin_run(ctx, options, "destroy")
    invocation = invocation_of(ctx, options)
    settings = read_settings(ctx, options.path, invocation)
    if settings.ledger == "none":
        raise ConfigurationError("without a ledger no resource is managed, so there is nothing to destroy")
    workspace = Project(invocation.cwd / options.path, settings, DesiredState())
    return _apply_project(run, workspace, None, destroy_request)


def _apply(run: Run, options: ApplyOptions) -> int:
    if options.refresh == "none":
        raise click.UsageError("--refresh none is for `plan` only; a run that writes has to read the account first")
    if options.plan_file:
        return _apply_saved(run, options, options.plan_file)
    with run.outputs.problems(name_of(run.ctx, options.path)):
        workspace = open_project(run.ctx, options.path, invocation_of(run.ctx, options))
        require_resources(workspace)
    return _apply_project(run, workspace, options)


def _apply_project(
    run: Run,
    workspace: Project,
    selection: SelectionOptions | None,
    adapt: Callable[[PlanRequest], PlanRequest] = lambda request: request,
) -> int:
    session = open_session(run.ctx, workspace.settings)
    session.api_key  # noqa: B018 - before a ledger is made
    with session.ledger_to_write() as store:
        return plan_and_run(run, session, store, adapt(requested(workspace, session, selection, run.allow)))


def _apply_saved(run: Run, options: ApplyOptions, plan_file: Path) -> int:
    invocation = invocation_of(run.ctx, options)
    chosen = options.targets or options.excludes or options.target_file
    if chosen and not plan_document.says_redacted(invocation.cwd / plan_file):
        raise click.UsageError("a saved plan is applied as a whole; use --target and --exclude with `plan`")
    settings = read_settings(run.ctx, options.path, invocation)
    session = open_session(run.ctx, settings)
    file = invocation.cwd / plan_file
    plan_document.look(file, None)
    document = plan_document.load(file)
    check_account(document, session.account())
    has_key = session.has_key()
    with session.ledger_to_write() as store:
        reviewed = accepted(document, str(file), session, store, has_key=has_key)
        request = _saved_request(run, reviewed.document, options, invocation, session)
        return plan_and_run(run, session, store, request, reviewed)


def _saved_request(
    run: Run,
    saved: Json,
    options: ApplyOptions,
    invocation: Invocation,
    session: CommandContext,
) -> PlanRequest:
    """The plan request of the files below PATH with the selection of the plan, or the one in the plan of a clone."""
    if is_carried(saved):
        roots = (session.settings.root, *session.settings.files_roots)
        state = carried_state(saved, lambda source: secrets.resolve(source, invocation.environ, roots))
        return request_to_make(state, session, run.allow)
    with run.outputs.problems(session.name):
        workspace = open_project(run.ctx, options.path, invocation)
        require_resources(workspace)
    if is_redacted(saved):
        return requested(workspace, session, options, run.allow)
    chosen = selection_of(saved)
    part = SelectionOptions(
        targets=chosen["targets"], target_file={}, excludes=chosen["excludes"], refresh=options.refresh
    )
    return requested(workspace, session, part, run.allow)
