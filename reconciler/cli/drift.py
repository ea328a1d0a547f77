"""``drift``: the account's side alone, and the exit code that a pipeline stops at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from reconciler.cli.notify import came_of, notifies
from reconciler.cli.options import account_options, fail_on_option, path_argument, place
from reconciler.cli.outputs import DRIFT, name_of, output_option, outputs_of

EXAMPLE = """\b
Example:
  reconciler drift site/
  reconciler drift site/ --json
  reconciler drift site/ --fail-on delete
  reconciler drift site/ --output markdown=issue.md --output junit=drift.xml
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(DRIFT)
@fail_on_option
@account_options
@click.pass_context
@notifies
def drift(ctx: click.Context, /, path: Path, fail_on: tuple[str, ...], **given: Any) -> int:
    """Show, field by field, what the account changed since the last run. Exit 2 when something did; never writes."""
    from reconciler.cli.context import open_session, requested, stopping
    from reconciler.cli.terminal import show
    from reconciler.commands.drift import find_drift
    from reconciler.commands.project import open_workspace
    from reconciler.errors import ConfigurationError
    from reconciler.output.drift import DriftReport, drift_lines
    from reconciler.planner.drift import alarms_of

    outputs = outputs_of(ctx, given, DRIFT)
    with outputs.problems(name_of(ctx, path)):
        workspace = open_workspace(path, place(ctx, given))
    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store:
        if store is None:
            raise ConfigurationError("without a ledger nothing is known of how things were left")
        with session.reader() as reader, stopping(session.stop), session.progress() as progress:
            found = find_drift(requested(workspace, session, given), reader, store, progress)
        about, came_of(given).drifted = store.describe(), found.items
    account = (session.account() or "the default one")[:8]
    heading = f"{session.name} · connection {account} · ledger serial {about.serial}"
    if not outputs.claimed:
        show(drift_lines(found.items, heading=heading, owned=found.owned, reads=found.reads))
    if outputs.wanted:
        from reconciler.cli.results import drifts_for

        outputs.write(drifts_for(outputs, DriftReport(found.items, found.owned, found.reads, heading, session.name)))
    return raised((each.value for each in alarms_of(found.items)), fail_on or ("drift",))


def raised(alarms: Iterable[str], fail_on: Iterable[str]) -> int:
    """2 when one of the alarms was asked for, else 0."""
    return 2 if set(alarms) & set(fail_on) else 0
