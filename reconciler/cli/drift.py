"""``drift``: shows changes made outside of reconciler; the exit code says whether there are any."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from reconciler.cli.context import heading, learn_account, open_session, requested, stopping
from reconciler.cli.notify import RunResult, with_notifications
from reconciler.cli.options import FAIL_ON, PATH, AccountOptions, DriftOutputOptions, examples, with_options
from reconciler.cli.outputs import name_of, outputs_of
from reconciler.cli.pager import page_lines
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, open_project
from reconciler.cli.results import drifts_for
from reconciler.cli.terminal import columns
from reconciler.commands.drift import find_drift
from reconciler.errors import ConfigurationError
from reconciler.output.drift import DriftReport, drift_lines
from reconciler.output.formats import DRIFT
from reconciler.planner.drift import alarms_of


class DriftOptions(DriftOutputOptions, AccountOptions):
    """``drift``."""

    path: Path = PATH
    fail_on: tuple[str, ...] = FAIL_ON


@click.command(
    epilog=examples(
        "reconciler drift site/",
        "reconciler drift site/ --json",
        "reconciler drift site/ --fail-on delete",
        "reconciler drift site/ --output markdown=issue.md --output junit=drift.xml",
    )
)
@with_options(DriftOptions)
def drift(ctx: click.Context, options: DriftOptions) -> int:
    """Show changes made outside of reconciler since the last run, by field. Exit 2 if there are any; never writes.

    Resources that others created, and tags that others gave to contacts, are only counted: they are not managed.
    """
    return with_notifications(ctx, lambda result: _drift(ctx, options, result))


def _drift(ctx: click.Context, options: DriftOptions, result: RunResult) -> int:
    outputs = outputs_of(ctx, options, DRIFT)
    with outputs.problems(name_of(ctx, options.path)):
        workspace = open_project(ctx, options.path, invocation_of(ctx, options))
    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store:
        if store is None:
            raise ConfigurationError("drift needs a ledger, which records the last written values")
        with session.reader() as reader, stopping(session.stop), session.progress() as progress:
            found = find_drift(requested(workspace, session), reader, store, progress)
        result.drifted = found.items
    if found.found is not None:
        learn_account(session.redaction, found.found)
    title = heading(session.settings, session.account())
    report = drifts_for(
        outputs, DriftReport(found.items, found.owned, found.reads, title, session.name, added=found.added)
    )
    if not outputs.claimed:
        page_lines(program_of(ctx), drift_lines(report, columns()))
    if outputs.wanted:
        outputs.write(report)
    return raised((each.value for each in alarms_of(found.items)), options.fail_on or ("drift",))


def raised(alarms: Iterable[str], fail_on: Iterable[str]) -> int:
    """Exit code 2 if one of the alarms is in ``fail_on``, else 0."""
    return 2 if set(alarms) & set(fail_on) else 0
