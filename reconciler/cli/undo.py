"""``undo``: reverts a run."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.context import open_session, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import PROJECT, RunOptions, argument, examples, with_options
from reconciler.cli.project_context import invocation_of, open_project, read_settings
from reconciler.cli.run import begin_run, plan_and_run
from reconciler.cli.terminal import print_lines
from reconciler.commands.project import Invocation
from reconciler.commands.undo import find_run, prepare
from reconciler.errors import ConfigurationError
from reconciler.model.resource import DesiredState
from reconciler.output.history import lost_document, lost_lines


class UndoOptions(RunOptions):
    """``undo``; no ``run`` means the last one."""

    run: int | None = argument(type=int, required=False, shell_complete=completers.runs)
    project: Path = PROJECT


@click.command(
    epilog=examples(
        "reconciler history",
        "reconciler undo",
        "reconciler undo 12",
        "reconciler undo 12 --yes --allow contacts=3",
    )
)
@with_options(UndoOptions)
def undo(ctx: click.Context, options: UndoOptions) -> int:
    """Revert RUN: restore overwritten values, delete created resources, recreate deleted ones.

    Lists what cannot be restored. Without RUN, reverts the last run.
    """
    run = begin_run(ctx, options, "undo")
    invocation = invocation_of(ctx, options)
    settings = read_settings(ctx, options.project, invocation)
    if settings.ledger == "none":
        raise ConfigurationError("undo needs a ledger, which records the runs")
    session = open_session(ctx, settings)
    session.api_key  # noqa: B018 - before a ledger is opened
    if not session.has_ledger():
        raise ConfigurationError("no run to undo: there is no ledger yet; the first apply creates it")
    with session.ledger_to_write() as store:
        state = _state(ctx, invocation, options.project)
        number = find_run(store, options.run).id
        with stopping(session.stop), session.reader() as reader:
            undoing = prepare(number, store, settings, session.account(), run.allow, state, reader)
        print_lines(session.redaction.lines(lost_lines(number, undoing.lost)), err=run.outputs.claimed)
        run.nothing = f"Nothing is left to undo of run {number}."
        run.extra = {"undoes": number, "lost": lost_document(undoing.lost)}
        return plan_and_run(run, session, store, undoing.request)


def _state(ctx: click.Context, invocation: Invocation, project: Path) -> DesiredState:
    """The declared state, or an empty one if the files cannot be read: undo needs only the ledger."""
    try:
        return open_project(ctx, project, invocation).state
    except ConfigurationError:
        log("The files cannot be read, so the secrets that they refer to are not available.")
        return DesiredState()
