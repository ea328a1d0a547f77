"""``show``: a saved plan as it was shown when it was made; offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.curtain import curtain_of
from reconciler.cli.options import account_options, place, project_option
from reconciler.cli.terminal import show_json

EXAMPLE = """\b
Example:
  reconciler show plan.json
  reconciler show plan.json --json --detailed-exitcode
"""


@click.command(epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, as `plan --json` does.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@project_option
@account_options
@click.pass_context
def show(ctx: click.Context, /, file: Path, project: Path, **given: Any) -> int:
    """Show the plan in FILE: what `apply --plan FILE` would do. Nothing is read but files."""
    from reconciler.app.showing import open_plan
    from reconciler.app.workspace import read_settings
    from reconciler.cli.terminal import say

    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    saved = open_plan(where.cwd / file, settings, lambda store: curtain_of(ctx).keyed(store.digest))
    if not saved.checked:
        say("The plan is sealed with a key that is not here: whether it was edited could not be checked.")
    if given["as_json"]:
        from reconciler.cli.running import document

        show_json(document(saved))
    else:
        _tell(ctx, saved, settings.pace, file, calls=given["calls"])
    return 2 if given["detailed_exitcode"] and saved.plan.pending else 0


def _tell(ctx: click.Context, saved: Any, pace: float, file: Path, *, calls: bool) -> None:
    from reconciler.cli.running import requests, sheet_of
    from reconciler.cli.terminal import show as put
    from reconciler.render.text import call_lines, plan_lines

    curtain, base = curtain_of(ctx), saved.plan.base
    curtain.learn_plan(saved.plan)
    name = saved.environment or file.name
    heading = f"{name} · connection {(base.account or 'the default one')[:8]} · ledger serial {base.serial}"
    put(plan_lines(sheet_of(saved, curtain, heading, pace), hidden_fields=ctx.obj["quiet"]))
    if calls:
        put([[]])
        put(call_lines(curtain.marked("request", call) for _, call in requests(saved)))
