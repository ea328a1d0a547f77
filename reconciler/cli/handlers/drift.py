"""Handler of `drift`: prints changes made outside of reconciler, and decides the exit code."""

from __future__ import annotations

from collections.abc import Iterable

import click

from reconciler.cli.command_options import DriftOptions
from reconciler.cli.handlers.context import learn_account, open_session, requested, stopping
from reconciler.cli.handlers.notify import RunResult, with_notifications
from reconciler.cli.handlers.outputs import DRIFT, name_of, outputs_of
from reconciler.cli.handlers.project_context import open_project, place
from reconciler.cli.handlers.results import drifts_for
from reconciler.cli.terminal import print_lines
from reconciler.commands.drift import find_drift
from reconciler.errors import ConfigurationError
from reconciler.output.drift import DriftReport, drift_lines, redacted_drift
from reconciler.output.wording import connection_name
from reconciler.planner.drift import alarms_of


def drift(ctx: click.Context, options: DriftOptions) -> int:
    """Show what changed in the account since the last run; never writes."""
    return with_notifications(ctx, lambda result: _drift(ctx, options, result))


def _drift(ctx: click.Context, options: DriftOptions, result: RunResult) -> int:
    outputs = outputs_of(ctx, options, DRIFT)
    with outputs.problems(name_of(ctx, options.path)):
        workspace = open_project(ctx, options.path, place(ctx, options))
    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store:
        if store is None:
            raise ConfigurationError("without a ledger nothing is known of how things were left")
        with session.reader() as reader, stopping(session.stop), session.progress() as progress:
            found = find_drift(requested(workspace, session), reader, store, progress)
        about, result.drifted = store.describe(), found.items
    if found.found is not None:
        learn_account(session.redaction, found.found)
    connection = connection_name(session.account())
    heading = f"{session.name} · connection {connection} · ledger serial {about.serial}"
    if not outputs.claimed:
        items, heading = redacted_drift(found.items, session.redaction), session.redaction.text(heading)
        print_lines(drift_lines(items, heading=heading, owned=found.owned, reads=found.reads))
    if outputs.wanted:
        outputs.write(drifts_for(outputs, DriftReport(found.items, found.owned, found.reads, heading, session.name)))
    return raised((each.value for each in alarms_of(found.items)), options.fail_on or ("drift",))


def raised(alarms: Iterable[str], fail_on: Iterable[str]) -> int:
    """2 when one of the alarms was asked for, else 0."""
    return 2 if set(alarms) & set(fail_on) else 0
