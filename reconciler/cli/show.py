"""``show``: prints a saved plan."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.logs import log
from reconciler.cli.options import (
    ANY_PATH,
    CALLS,
    DETAILED_EXITCODE,
    OutputOptions,
    ProjectOptions,
    argument,
    examples,
    with_options,
)
from reconciler.cli.outputs import outputs_of
from reconciler.cli.pager import page_lines
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.redaction import redaction_of
from reconciler.cli.results import sheet_for, shown_plan
from reconciler.commands.show import SavedPlan, open_plan
from reconciler.config.settings import Settings
from reconciler.output.formats import PLAN
from reconciler.output.wording import connection_name


class ShowOptions(OutputOptions, ProjectOptions):
    """``show``."""

    file: Path = argument(type=ANY_PATH)
    detailed_exitcode: bool = DETAILED_EXITCODE
    calls: bool = CALLS


@click.command(
    epilog=examples(
        "reconciler show plan.json",
        "reconciler show plan.json --json --detailed-exitcode",
        "reconciler show plan.json --output html=plan.html",
    )
)
@with_options(ShowOptions)
def show(ctx: click.Context, options: ShowOptions) -> int:
    """Show the saved plan in FILE. Does not access the account."""
    outputs = outputs_of(ctx, options, PLAN)
    invocation = invocation_of(ctx, options)
    settings = read_settings(ctx, options.project, invocation)
    saved = open_plan(
        invocation.cwd / options.file, settings, lambda store: redaction_of(ctx).use_digest(store.digest)
    )
    if not saved.checked:
        log("The signature of the plan could not be checked: its key is not available.")
    redaction_of(ctx).learn_plan(saved.plan)
    heading = _heading(saved, settings)
    if not outputs.claimed:
        page_lines(program_of(ctx), shown_plan(ctx, saved, settings, heading, calls=options.calls))
    if outputs.wanted:
        outputs.write(sheet_for(saved, outputs, settings, heading, name=saved.environment or ""))
    return 2 if options.detailed_exitcode and saved.plan.effective else 0


def _heading(saved: SavedPlan, settings: Settings) -> str:
    environment = f", environment {saved.environment}" if saved.environment else ""
    return f"{settings.root.name}{environment}, connection {connection_name(saved.plan.base.account)}"
