"""``explain``: everything about one resource, from all sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.options import account_options, place, project_option
from reconciler.cli.terminal import show_json

EXAMPLE = """\b
Example:
  reconciler explain contact/ann@example.com
  reconciler explain tagging/ann@example.com/VIP --project site/
  reconciler explain tag/VIP --json
"""


@click.command(epilog=EXAMPLE)
@click.argument("address", shell_complete=completers.addresses)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@project_option
@account_options
@click.pass_context
def explain(ctx: click.Context, /, address: str, as_json: bool, project: Path, **given: Any) -> int:
    """Say of ADDRESS where it is declared, what each side has, what would be done, by which rule. Never writes."""
    from reconciler.cli.context import open_session, requested, stopping
    from reconciler.cli.terminal import show
    from reconciler.commands.explain import explain_one, parse
    from reconciler.commands.project import open_workspace
    from reconciler.output.explanation import explanation_document, explanation_lines

    wanted = parse(address)
    workspace = open_workspace(project, place(ctx, given))
    session = open_session(ctx, workspace.settings)
    request = requested(workspace, session, given)
    reading, progressing, stop = session.reader(), session.progress(), stopping(session.stop)
    with session.ledger_to_read() as store, reading as reader, stop, progressing as progress:
        told = explain_one(wanted, request, reader, store, progress)
    if as_json:
        document = explanation_document(told.explanation, told.requests, told.reads)
        show_json(document)
    else:
        show(explanation_lines(told.explanation, told.requests))
    return 0
