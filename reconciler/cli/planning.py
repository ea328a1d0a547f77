"""``plan``: read everything, show what would change, write nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, path_argument, place, selection_options
from reconciler.cli.terminal import say, show

EXAMPLE = """\b
Example:
  reconciler plan site/ --out plan.json
  reconciler plan site/ --json --detailed-exitcode
  reconciler plan site/ --target 'contact/ann@example.com' --calls
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@selection_options
@account_options
@click.pass_context
def plan(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Show what would change in the account to make it as the files below PATH say. Never writes."""
    from reconciler.app.planning import make_plan
    from reconciler.app.workspace import open_workspace, require_resources
    from reconciler.cli.running import open_session, requested, stopping

    workspace = open_workspace(path, place(ctx, given))
    require_resources(workspace)
    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store, session.reader() as reader:
        request = requested(workspace, session, given)
        with stopping(session.stop), session.progress() as progress:
            planned = make_plan(request, reader, store, progress=progress)
        if given["out"]:
            save(Path(ctx.obj["directory"]) / given["out"], planned, request, session, store)
    if given["as_json"]:
        from reconciler.cli.running import document

        click.echo(json.dumps(document(planned), ensure_ascii=False, indent=2))
    else:
        show_plan(ctx, planned, session, calls=given["calls"])
    return 2 if given["detailed_exitcode"] and planned.plan.pending else 0


def show_plan(ctx: click.Context, planned: Any, session: Any, *, calls: bool = False, err: bool = False) -> None:
    """The plan for people; with ``calls`` every request after it."""
    from reconciler.cli.running import requests
    from reconciler.render.text import call_lines, plan_lines

    lines = plan_lines(
        planned.plan, heading=session.heading(planned), writes=len(planned.graph.order),
        pace=session.settings.pace, needed=planned.gates, hidden_fields=ctx.obj["quiet"],
    )  # fmt: skip
    show(lines, err=err)
    if calls:
        show([[]], err=err)
        show(call_lines(call for _, call in requests(planned)), err=err)


def save(path: Path, planned: Any, request: Any, session: Any, store: Any) -> None:
    """Write the plan file, sealed with the ledger's key where there is one that stays."""
    from reconciler.app.saved import to_document
    from reconciler.disk import planfile

    lasting = session.has_ledger()
    keyed = store is not None and (lasting or session.settings.digest_key is not None)
    document = to_document(planned, request, store.digest if keyed else None, session.settings.environment, lasting)
    planfile.write(path, document, store.seal if keyed else None)
    if not keyed:
        say("No ledger yet: the plan file is protected by a checksum only, and carries no digests of secrets.")
    say(f"Saved to {path}; `reconciler apply --plan {path}` makes exactly these changes.")
