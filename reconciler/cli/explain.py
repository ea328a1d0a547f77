"""``explain``: shows how one resource is resolved."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli import completers
from reconciler.cli.context import learn_account, open_session, requested, stopping
from reconciler.cli.options import JSON, ProjectOptions, argument, examples, with_options
from reconciler.cli.pager import page_lines
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, open_project
from reconciler.cli.redaction import Redaction
from reconciler.cli.terminal import print_json
from reconciler.commands.explain import explain_one
from reconciler.output.explanation import explanation_document, explanation_lines
from reconciler.planner.explanation import Explanation


class ExplainOptions(ProjectOptions):
    """``explain``."""

    address: str = argument(shell_complete=completers.addresses)
    as_json: bool = JSON


@click.command(
    epilog=examples(
        "reconciler explain contact/ann@example.com",
        "reconciler explain tagging/ann@example.com/VIP --project site/",
        "reconciler explain tag/VIP --json",
    )
)
@with_options(ExplainOptions)
def explain(ctx: click.Context, options: ExplainOptions) -> int:
    """Explain how ADDRESS is resolved: where it is declared, its values on each side, the decision and its rule."""
    workspace = open_project(ctx, options.project, invocation_of(ctx, options))
    session = open_session(ctx, workspace.settings)
    request = requested(workspace, session)
    reading, progressing, stop = session.reader(), session.progress(), stopping(session.stop)
    with session.ledger_to_read() as store, reading as reader, stop, progressing as progress:
        explained = explain_one(options.address, request, reader, store, progress)
    learn_account(session.redaction, explained.found)
    shown = _redacted(explained.explanation, session.redaction)
    requests = [session.redaction.request(each) for each in explained.requests]
    if options.as_json:
        print_json(session.redaction.document(explanation_document(shown, requests, explained.reads)))
    else:
        lines = explanation_lines(shown, requests)
        page_lines(program_of(ctx), session.redaction.lines(lines))
    return 0


def _redacted(found: Explanation, redaction: Redaction) -> Explanation:
    """With pseudonyms for personal values, also for those that are too short to be found in free text."""
    rows = (
        replace(
            row,
            desired=redaction.value(row.path, row.desired),
            applied=redaction.value(row.path, row.applied),
            live=redaction.value(row.path, row.live),
        )
        for row in found.rows
    )
    return replace(found, rows=tuple(rows))
