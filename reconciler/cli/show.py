"""``show``: a saved plan as it was shown when it was made; offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, place, project_option
from reconciler.cli.outputs import PLAN, output_option, outputs_of
from reconciler.cli.redaction import output_filter_of

EXAMPLE = """\b
Example:
  reconciler show plan.json
  reconciler show plan.json --json --detailed-exitcode
  reconciler show plan.json --output html=plan.html
"""


@click.command(epilog=EXAMPLE)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PLAN)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@project_option
@account_options
@click.pass_context
def show(ctx: click.Context, /, file: Path, project: Path, **given: Any) -> int:
    """Show the plan in FILE: what `apply --plan FILE` would do. Nothing is read but files."""
    from reconciler.cli.terminal import say
    from reconciler.commands.project import read_settings
    from reconciler.commands.show import open_plan

    outputs = outputs_of(ctx, given, PLAN)
    where = place(ctx, given)
    settings = read_settings(where.cwd / project, where)
    saved = open_plan(where.cwd / file, settings, lambda store: output_filter_of(ctx).keyed(store.digest))
    if not saved.checked:
        say("The plan is signed with a key that is not here: whether it was edited could not be checked.")
    output_filter_of(ctx).learn_plan(saved.plan)
    heading = _heading(saved, file)
    if not outputs.claimed:
        _tell(ctx, saved, settings.rate_limit, heading, calls=given["calls"])
    if outputs.wanted:
        from reconciler.cli.results import sheet_for

        name = saved.environment or settings.environment or settings.root.name
        outputs.write(sheet_for(saved, outputs, heading, name, rate_limit=settings.rate_limit))
    return 2 if given["detailed_exitcode"] and saved.plan.pending else 0


def _heading(saved: Any, file: Path) -> str:
    base = saved.plan.base
    name = saved.environment or file.name
    return f"{name} · connection {(base.account or 'the default one')[:8]} · ledger serial {base.serial}"


def _tell(ctx: click.Context, saved: Any, rate_limit: float, heading: str, *, calls: bool) -> None:
    from reconciler.cli.context import requests, sheet_of
    from reconciler.cli.terminal import columns
    from reconciler.cli.terminal import show as put
    from reconciler.output.text import call_lines, plan_lines

    curtain = output_filter_of(ctx)
    sheet = sheet_of(saved, curtain, heading, rate_limit)
    put(plan_lines(sheet, hidden_fields=ctx.obj["quiet"], columns=columns()))
    if calls:
        put([[]])
        put(call_lines(curtain.marked("request", call) for _, call in requests(saved)))
