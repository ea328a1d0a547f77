"""``undo``: the inverse of a run, planned, gated and applied like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.apply import plan_and_run, run_options
from reconciler.cli.options import account_options, place, project_option

EXAMPLE = """\b
Example:
  reconciler history
  reconciler undo 12
  reconciler undo 12 --yes --allow contacts=3
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", type=int, shell_complete=completers.runs)
@project_option
@run_options
@account_options
@click.pass_context
def undo(ctx: click.Context, /, run: int, project: Path, **given: Any) -> int:
    """Put back what RUN overwrote, remove what it made, make again what it removed; says first what stays lost."""
    from reconciler.cli.context import open_session
    from reconciler.cli.terminal import show
    from reconciler.commands.project import read_settings
    from reconciler.commands.undo import prepare
    from reconciler.errors import ConfigurationError
    from reconciler.output.history import lost_document, lost_lines

    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    if settings.ledger == "none":
        raise ConfigurationError("without a ledger there is no history, and nothing that could be undone")
    session = open_session(ctx, settings)
    session.api_key  # noqa: B018 - before a ledger is opened
    if not session.has_ledger():
        raise ConfigurationError(f"there is no run {run}: there is no ledger yet; the first apply makes it")
    given["allow"] = dict(given["allow"])
    with session.ledger_to_write() as store:
        undoing = prepare(run, store, settings, session.account(), given["allow"], _files(where, project))
        show(lost_lines(run, undoing.lost), err=given["outputs"].claimed)
        given |= {"command": "undo", "nothing": f"Nothing is left to undo of run {run}."}
        given["more"] = {"undoes": run, "lost": lost_document(undoing.lost)}
        return plan_and_run(ctx, session, store, undoing.request, given)


def _files(where: Any, project: Path) -> Any:
    """What the files ask for, or nothing where they cannot be read: undoing rests on the ledger."""
    from reconciler.cli.terminal import say
    from reconciler.commands.project import open_workspace
    from reconciler.errors import ConfigurationError
    from reconciler.model.resource import DesiredState

    try:
        return open_workspace(project, where).state
    except ConfigurationError:
        say("The files cannot be read now; secrets that they name are not at hand.")
        return DesiredState()
