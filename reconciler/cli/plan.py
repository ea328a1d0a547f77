"""``plan``: shows what would change, and saves it if requested."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.context import (
    CommandContext,
    log_reading,
    make_plan,
    open_session,
    requested,
    stopping,
)
from reconciler.cli.logs import log
from reconciler.cli.options import (
    CALLS,
    DETAILED_EXITCODE,
    FAIL_ON,
    FILE_PATH,
    MAX_MINUTES,
    PATH,
    AccountOptions,
    OutputOptions,
    SelectionOptions,
    examples,
    option,
    with_options,
)
from reconciler.cli.outputs import name_of, outputs_of
from reconciler.cli.pager import page_lines
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, open_project
from reconciler.cli.results import sheet_for, shown_plan
from reconciler.commands import plan_document
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.project import require_resources
from reconciler.commands.saved_plan import check_key, saved
from reconciler.ledger.store import Store
from reconciler.output.formats import PLAN
from reconciler.planner.drift import alarms


class PlanOptions(OutputOptions, SelectionOptions, AccountOptions):
    """``plan``."""

    path: Path = PATH
    out: Path | None = option("--out", type=FILE_PATH, metavar="FILE", help="Save the plan, for apply --plan FILE.")
    detailed_exitcode: bool = DETAILED_EXITCODE
    calls: bool = CALLS
    fail_on: tuple[str, ...] = FAIL_ON
    max_minutes: float | None = MAX_MINUTES


@click.command(
    epilog=examples(
        "reconciler plan site/ --out plan.json",
        "reconciler plan site/ --json --detailed-exitcode",
        "reconciler plan site/ --target 'contact/ann@example.com' --calls",
        "reconciler plan site/ --fail-on drift --fail-on delete",
        "reconciler plan site/ --output markdown=comment.md --output github",
    )
)
@with_options(PlanOptions)
def plan(ctx: click.Context, options: PlanOptions) -> int:
    """Show the changes that apply would make to match the files below PATH. Never writes."""
    outputs = outputs_of(ctx, options, PLAN)
    with outputs.problems(name_of(ctx, options.path)):
        planned, session = _planned(ctx, options)
    if not outputs.claimed:
        page_lines(
            program_of(ctx), shown_plan(ctx, planned, session.settings, session.heading(planned), calls=options.calls)
        )
    if outputs.wanted:
        outputs.write(sheet_for(planned, outputs, session.settings, session.heading(planned)))
    if options.detailed_exitcode and planned.plan.effective:
        return 2
    return _fails(planned, options.fail_on) if options.fail_on else 0


def _planned(ctx: click.Context, options: PlanOptions) -> tuple[Planned, CommandContext]:
    """The plan, saved if requested, and its session."""
    workspace = open_project(ctx, options.path, invocation_of(ctx, options))
    require_resources(workspace)
    session = open_session(ctx, workspace.settings)
    if options.out:
        check_key(session, redacts=session.redaction.redacts)
    with session.ledger_to_read() as store, session.reader() as reader:
        request = requested(workspace, session, options)
        with stopping(session.stop), session.progress() as progress:
            planned = make_plan(session, request, reader, store, progress)
        log_reading(session, planned)
        if options.out:
            save(Path(program_of(ctx).directory) / options.out, planned, request, session, store, options.path)
    return planned, session


def _fails(planned: Planned, fail_on: tuple[str, ...]) -> int:
    """Exit code 2 if the plan contains one of ``fail_on``, which is logged, else 0."""
    found = [alarm.value for alarm in alarms(planned.plan) if alarm.value in fail_on]
    if found:
        log(f"The plan contains {' and '.join(sorted(found))} (--fail-on).")
    return 2 if found else 0


def save(
    file: Path,
    planned: Planned,
    request: PlanRequest,
    session: CommandContext,
    store: Store | None,
    path: Path | None,
) -> None:
    """Write the plan file, signed if there is a persistent key; ``path`` is the folder of its files."""
    hides = session.redaction.redacts
    document, key = saved(planned, request, session, store, redacts=hides)
    plan_document.write(file, document, key.sign if key else None)
    if key is None:
        log("There is no key yet: the plan file has only a checksum, no signature, and no digests of secrets.")
    place = "" if path is None or str(path) == "." else f" {path}"
    apply = f"reconciler apply{place} --plan {file}"
    if hides:
        log(f"Saved redacted plan to {file}. Apply it with: {apply} (same files and --target required).")
    else:
        log(f"Saved plan to {file}. Apply it with: {apply}" + (" (same files required)." if path else ""))
