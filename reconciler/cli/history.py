"""``history``: lists the recorded runs, the changes of one of them, or those of one resource."""

from __future__ import annotations

import re

import click

from reconciler.cli import completers
from reconciler.cli.command_options import ProjectOptions
from reconciler.cli.logs import log
from reconciler.cli.open_ledger import ledger_for_reading
from reconciler.cli.options import account_options, project_option, with_options
from reconciler.cli.pager import paged
from reconciler.cli.program import program_of
from reconciler.cli.project_context import place
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_lines
from reconciler.commands.undo import find_resource, find_run
from reconciler.ledger.store import Store
from reconciler.output.history import (
    history_document,
    outcome_lines,
    outcomes_document,
    resource_document,
    resource_lines,
    run_details,
    run_lines,
)

EXAMPLE = """\b
Example:
  reconciler history
  reconciler history 12
  reconciler history contact/ann@example.com
  reconciler history --json
"""


class HistoryOptions(ProjectOptions):
    """``history``."""

    what: str | None
    limit: int | None
    as_json: bool


@click.command(epilog=EXAMPLE)
@click.argument("what", metavar="[RUN|ADDRESS]", required=False, shell_complete=completers.runs_and_addresses)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
@with_options(HistoryOptions)
def history(ctx: click.Context, options: HistoryOptions) -> int:
    """List runs, newest last.

    With the number of a run, show its changes by field; with an address, every recorded change of that resource.
    """
    page = paged(program_of(ctx), wanted=not options.as_json)
    with page, ledger_for_reading(ctx, place(ctx, options), options.project) as (_, store):
        if options.what is not None:
            show = _run if re.fullmatch("-?[0-9]+", options.what) else _resource
            return show(ctx, store, options.what, options.as_json)
        document = history_document(store.runs()[: options.limit], store.run_totals())
        document = redaction_of(ctx).document(document)
        if options.as_json:
            print_json(document)
        elif document["runs"]:
            print_lines(run_lines(document["runs"]))
        else:
            log("No runs yet.")
    return 0


def _run(ctx: click.Context, store: Store, number: str, as_json: bool) -> int:
    run, past = find_run(store, int(number)), store.outcomes(int(number))
    redaction = redaction_of(ctx)
    redaction.learn_past(past)
    past = redaction.past(past)
    document = redaction.document(outcomes_document(run, past))
    if as_json:
        print_json(document)
    else:
        print_lines(run_details(document))
        print_lines(outcome_lines(past))
    return 0


def _resource(ctx: click.Context, store: Store, text: str, as_json: bool) -> int:
    address = find_resource(store, text)
    past, runs = store.outcomes_of(address), {run.id: run for run in store.runs()}
    redaction = redaction_of(ctx)
    redaction.learn_past(past)
    past = redaction.past(past)
    if as_json:
        print_json(redaction.document(resource_document(address, past, runs)))
    elif past:
        print_lines(redaction.lines(resource_lines(past, runs)))
    else:
        log(f"No run changed {address.shown}.")
    return 0
