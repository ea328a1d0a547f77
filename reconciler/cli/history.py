"""``history``: lists the recorded runs, and the changes of one of them."""

from __future__ import annotations

import click

from reconciler.cli import completers
from reconciler.cli.command_options import ProjectOptions
from reconciler.cli.logs import log
from reconciler.cli.open_ledger import ledger_for_reading
from reconciler.cli.options import account_options, project_option, with_options
from reconciler.cli.project_context import place
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_lines
from reconciler.commands.undo import find_run
from reconciler.ledger.store import Store
from reconciler.output.history import history_document, outcome_lines, outcomes_document, run_lines

EXAMPLE = """\b
Example:
  reconciler history
  reconciler history 12
  reconciler history --json
"""


class HistoryOptions(ProjectOptions):
    """``history``."""

    run: int | None
    limit: int | None
    as_json: bool


@click.command(epilog=EXAMPLE)
@click.argument("run", type=int, required=False, shell_complete=completers.runs)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
@with_options(HistoryOptions)
def history(ctx: click.Context, options: HistoryOptions) -> int:
    """List runs, newest first; with RUN, show the changes of that run by field."""
    with ledger_for_reading(ctx, place(ctx, options), options.project) as (_, store):
        if options.run is not None:
            return _one(ctx, store, options.run, options.as_json)
        document = redaction_of(ctx).document(history_document(store.runs()[: options.limit]))
    if options.as_json:
        print_json(document)
        return 0

    print_lines(run_lines(document["runs"]))
    if not document["runs"]:
        log("No runs yet.")
    return 0


def _one(ctx: click.Context, store: Store, number: int, as_json: bool) -> int:
    run, past = find_run(store, number), store.outcomes(number)
    redaction = redaction_of(ctx)
    redaction.learn_past(past)
    past = redaction.past(past)
    document = redaction.document(outcomes_document(run, past))
    if as_json:
        print_json(document)
    else:
        print_lines(run_lines([document]))
        print_lines(outcome_lines(past))
    return 0
