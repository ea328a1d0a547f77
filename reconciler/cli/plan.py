"""``plan``: read everything, show what would change, write nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import (
    account_options,
    fail_on_option,
    minutes_option,
    path_argument,
    place,
    selection_options,
)
from reconciler.cli.outputs import PLAN, name_of, output_option, outputs_of
from reconciler.cli.terminal import columns, say, show
from reconciler.errors import Refused

EXAMPLE = """\b
Example:
  reconciler plan site/ --out plan.json
  reconciler plan site/ --json --detailed-exitcode
  reconciler plan site/ --target 'contact/ann@example.com' --calls
  reconciler plan site/ --fail-on drift --fail-on delete
  reconciler plan site/ --output markdown=comment.md --output github
"""

NO_KEY = (
    "saving {what} needs a persistent key: set RECONCILER_LEDGER_KEY, or run apply once, which creates the ledger "
    "and its key; nothing was planned"
)


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PLAN)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--calls", is_flag=True, help="List every request, in order.")
@fail_on_option
@minutes_option
@selection_options
@account_options
@click.pass_context
def plan(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Show what would change in the account to make it as the files below PATH say. Never writes."""
    outputs = outputs_of(ctx, given, PLAN)
    with outputs.problems(name_of(ctx, path)):
        planned, session = _planned(ctx, path, given)
    if not outputs.claimed:
        show_plan(ctx, planned, session, calls=given["calls"])
    if outputs.wanted:
        from reconciler.cli.results import sheet_for

        heading, rate_limit = session.heading(planned), session.settings.rate_limit
        outputs.write(sheet_for(planned, outputs, heading, session.name, rate_limit=rate_limit))
    if given["detailed_exitcode"] and planned.plan.pending:
        return 2
    return _fails(planned, given["fail_on"]) if given["fail_on"] else 0


def _planned(ctx: click.Context, path: Path, given: dict[str, Any]) -> tuple[Any, Any]:
    """The plan, saved where that was asked for, and the session that made it."""
    from reconciler.cli.context import open_session, requested, stopping, tell_reading
    from reconciler.commands.plan import make_plan
    from reconciler.commands.project import open_workspace, require_resources

    workspace = open_workspace(path, place(ctx, given))
    require_resources(workspace)
    session = open_session(ctx, workspace.settings)
    if given["out"]:
        require_key(session)
    with session.ledger_to_read() as store, session.reader() as reader:
        request = requested(workspace, session, given)
        with stopping(session.stop), session.progress() as progress:
            planned = make_plan(request, reader, store, progress=progress)
        tell_reading(session, planned)
        if given["out"]:
            save(Path(ctx.obj["directory"]) / given["out"], planned, request, session, store, path)
    return planned, session


def _fails(planned: Any, fail_on: tuple[str, ...]) -> int:
    """2 when the plan shows one of those, and says which."""
    from reconciler.planner.drift import alarms

    found = [alarm.value for alarm in alarms(planned.plan) if alarm.value in fail_on]
    if found:
        say(f"Failed on {' and '.join(sorted(found))}, as --fail-on asked.")
    return 2 if found else 0


def show_plan(ctx: click.Context, planned: Any, session: Any, *, calls: bool = False, err: bool = False) -> None:
    """The plan for people; with ``calls`` every request after it."""
    from reconciler.cli.context import requests, sheet_of
    from reconciler.output.text import call_lines, plan_lines

    curtain = session.curtain
    sheet = sheet_of(planned, curtain, session.heading(planned), session.settings.rate_limit)
    show(plan_lines(sheet, hidden_fields=ctx.obj["quiet"], columns=columns(err=err)), err=err)
    if calls:
        show([[]], err=err)
        show(call_lines(curtain.marked("request", call) for _, call in requests(planned)), err=err)


def require_key(session: Any, *, always: bool = False) -> None:
    """Refuse to save a plan that others carry on without a key to sign it with."""
    what = "a redacted plan" if session.curtain.redactor else "a plan in CI" if session.settings.ci else "this plan"
    if (always or session.curtain.redactor or session.settings.ci) and not session.has_key():
        raise Refused(NO_KEY.format(what=what))


def save(file: Path, planned: Any, request: Any, session: Any, store: Any, path: Path | None) -> None:
    """Write the plan file, signed where there is a key that stays; ``path`` are the files that it was made from."""
    from reconciler.commands import plan_document
    from reconciler.commands.plan_file import to_document
    from reconciler.commands.redacted import redacted

    key = session.key(store) if session.has_key() else None
    document = to_document(planned, request, key, session.settings.environment, session.has_ledger())
    hides = session.curtain.redactor is not None
    if hides and key:
        document = redacted(document, planned.plan.changes, key.digest)
    plan_document.write(file, document, key.sign if key else None)
    if key is None:
        say("There is no key yet: the plan file has only a checksum, and no digests of secrets.")
    place = "" if path is None or str(path) == "." else f" {path}"
    apply = f"reconciler apply{place} --plan {file}"
    if hides:
        say(f"Saved redacted plan to {file}. Apply it with: {apply} (same files and --target required).")
    else:
        say(f"Saved plan to {file}. Apply it with: {apply}" + (" (same files required)." if path else ""))
