"""``history``: lists the recorded runs, the changes of one of them, or those of one resource."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import click

from reconciler.cli import completers
from reconciler.cli.logs import log
from reconciler.cli.open_ledger import ledger_for_reading
from reconciler.cli.options import JSON, ProjectOptions, argument, examples, option, with_options
from reconciler.cli.pager import page_lines
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json
from reconciler.commands.undo import find_resource, find_run
from reconciler.ledger.store import Store
from reconciler.model.report import PastOutcome
from reconciler.model.serialization import Json
from reconciler.output.history import (
    history_document,
    outcome_lines,
    outcomes_document,
    resource_document,
    resource_lines,
    run_details,
    run_lines,
)
from reconciler.output.layout import Line


class HistoryOptions(ProjectOptions):
    """``history``."""

    what: str | None = argument(metavar="[RUN|ADDRESS]", required=False, shell_complete=completers.runs_and_addresses)
    limit: int | None = option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N runs.")
    as_json: bool = JSON


@click.command(
    epilog=examples(
        "reconciler history",
        "reconciler history 12",
        "reconciler history contact/ann@example.com",
        "reconciler history --json",
    )
)
@with_options(HistoryOptions)
def history(ctx: click.Context, options: HistoryOptions) -> int:
    """List runs, newest last.

    With the number of a run, show its changes by field; with an address, every recorded change of that resource.
    """
    with ledger_for_reading(ctx, invocation_of(ctx, options), options.project) as (_, store):
        if options.what is None:
            found = _runs(ctx, store, options.limit)
        else:
            found = (_run if re.fullmatch("-?[0-9]+", options.what) else _resource)(ctx, store, options.what)
    if options.as_json:
        print_json(found.document)
    elif found.lines:
        page_lines(program_of(ctx), found.lines)
    else:
        log(found.nothing)
    return 0


class _Found(NamedTuple):
    """The recorded history: as JSON, as lines, and the message if there are no lines."""

    document: Json
    lines: Sequence[Line]
    nothing: str = ""


def _runs(ctx: click.Context, store: Store, limit: int | None) -> _Found:
    document = redaction_of(ctx).document(history_document(store.runs()[:limit], store.run_totals()))
    return _Found(document, list(run_lines(document["runs"])) if document["runs"] else [], "No runs yet.")


def _run(ctx: click.Context, store: Store, number: str) -> _Found:
    run, past = find_run(store, int(number)), _redacted(ctx, store.outcomes(int(number)))
    document = redaction_of(ctx).document(outcomes_document(run, past))
    return _Found(document, [*run_details(document), *outcome_lines(past)])


def _resource(ctx: click.Context, store: Store, text: str) -> _Found:
    address = find_resource(store, text)
    past, runs = _redacted(ctx, store.outcomes_of(address)), {run.id: run for run in store.runs()}
    document = redaction_of(ctx).document(resource_document(address, past, runs))
    lines = redaction_of(ctx).lines(resource_lines(past, runs))
    return _Found(document, list(lines), f"No run changed {address.shown}.")


def _redacted(ctx: click.Context, past: list[PastOutcome]) -> list[PastOutcome]:
    """The outcomes, with pseudonyms if requested; from now on their values are redacted in messages."""
    redaction_of(ctx).learn_past(past)
    return redaction_of(ctx).past(past)
