"""``history``: the runs that the ledger remembers, and what one of them did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.options import account_options, place, project_option
from reconciler.cli.redaction import output_filter_of
from reconciler.cli.terminal import show_json

EXAMPLE = """\b
Example:
  reconciler history
  reconciler history 12
  reconciler history --json
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", type=int, required=False, shell_complete=completers.runs)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The newest N runs only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
def history(
    ctx: click.Context, /, run: int | None, limit: int | None, as_json: bool, project: Path, **given: Any
) -> int:
    """List every apply, destroy and undo, newest first; with RUN, what that one did: before → after by field."""
    from reconciler.cli.open_ledger import opened
    from reconciler.output.history import history_document

    with opened(ctx, place(ctx, given), project) as (_, store):
        if run is not None:
            return _one(ctx, store, run, as_json)
        document = history_document(store.runs()[:limit])
    if as_json:
        show_json(document)
        return 0
    from reconciler.cli.terminal import say, show
    from reconciler.output.history import run_lines

    show(run_lines(document["runs"]))
    if not document["runs"]:
        say("No run yet.")
    return 0


def _one(ctx: click.Context, store: Any, number: int, as_json: bool) -> int:
    from reconciler.cli.terminal import show
    from reconciler.commands.undo import find_run
    from reconciler.output.history import outcome_lines, outcomes_document, run_lines

    run, past = find_run(store, number), store.outcomes(number)
    curtain = output_filter_of(ctx)
    curtain.learn_past(past)
    past = curtain.marked("past", past)
    document = outcomes_document(run, past)
    if as_json:
        show_json(document)
    else:
        show(run_lines([document]))
        show(outcome_lines(output_filter_of(ctx).marked("past", past)))
    return 0
