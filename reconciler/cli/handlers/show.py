"""Handler of `show`: prints a saved plan."""

from __future__ import annotations

import click

from reconciler.cli.command_options import ShowOptions
from reconciler.cli.handlers.context import protected_environment, requests, sheet_of
from reconciler.cli.handlers.outputs import PLAN, outputs_of
from reconciler.cli.handlers.project_context import place, read_settings
from reconciler.cli.handlers.results import sheet_for
from reconciler.cli.logs import log
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import columns, print_lines
from reconciler.commands.show import SavedPlan, open_plan
from reconciler.config.settings import Settings
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.text import call_lines, plan_lines
from reconciler.output.wording import connection_name


def show(ctx: click.Context, options: ShowOptions) -> int:
    """Show the plan in FILE: what `apply --plan FILE` would do. Nothing is read but files."""
    outputs = outputs_of(ctx, options, PLAN)
    where = place(ctx, options)
    settings = read_settings(ctx, options.project, where)
    saved = open_plan(where.cwd / options.file, settings, lambda store: redaction_of(ctx).use_digest(store.digest))
    if not saved.checked:
        log("The plan is signed with a key that is not here: whether it was edited could not be checked.")
    redaction_of(ctx).learn_plan(saved.plan)
    heading, protected = _heading(saved, settings), protected_environment(settings)
    if not outputs.claimed:
        sheet = sheet_of(saved, redaction_of(ctx), heading, settings.rate_limit, protected)
        _print(ctx, saved, sheet, calls=options.calls)
    if outputs.wanted:
        name = saved.environment or settings.environment or settings.root.name
        limit = settings.rate_limit
        outputs.write(sheet_for(saved, outputs, heading, name, rate_limit=limit, protected=protected))
    return 2 if options.detailed_exitcode and saved.plan.pending else 0


def _heading(saved: SavedPlan, settings: Settings) -> str:
    environment = f", environment {saved.environment}" if saved.environment else ""
    return f"{settings.root.name}{environment}, connection {connection_name(saved.plan.base.account)}"


def _print(ctx: click.Context, saved: SavedPlan, sheet: PlanSheet, *, calls: bool) -> None:
    redaction, program = redaction_of(ctx), program_of(ctx)
    print_lines(plan_lines(sheet, hidden_fields=program.quiet, columns=columns(), detail=program.verbose > 0))
    if calls:
        print_lines([[]])
        print_lines(call_lines(redaction.calls(call for _, call in requests(saved))))
