"""Options and help of `apply` and `destroy`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import ApplyOptions, DestroyOptions
from reconciler.cli.options import (
    PLAN,
    F,
    account_options,
    add_options,
    allow_option,
    minutes_option,
    output_option,
    path_argument,
    selection_options,
    with_options,
)

APPLY = """\b
Example:
  reconciler apply site/
  reconciler apply --plan plan.json --yes
  reconciler apply site/ --allow deletes=12 --max-minutes 20
  reconciler apply site/ --yes --output junit=report.xml
  reconciler apply site/ --yes --json-events
"""


DESTROY = """\b
Example:
  reconciler destroy site/ --allow deletes
"""


_RUN = (
    click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
    click.option("--json", "as_json", is_flag=True, help="The same as --output json."),
    output_option(PLAN),
    click.option("--json-events", is_flag=True, help="Print one JSON object a line as things happen."),
    allow_option,
    click.option("--confirm", metavar="NAME", help="Name of the protected environment, instead of typing it."),
    click.option("--parallel", type=int, metavar="N", help="Parallel writes (8) [RECONCILER_PARALLEL]."),
    click.option(
        "--fail-fast",
        is_flag=True,
        envvar="RECONCILER_FAIL_FAST",
        help="Start no further step after the first failure [RECONCILER_FAIL_FAST].",
    ),
    click.option("--max-calls", type=int, metavar="N", help="Stop after N API requests [RECONCILER_MAX_CALLS]."),
    minutes_option,
)


def run_options(command: F) -> F:
    """Options of a command that writes to the account."""
    return add_options(_RUN, command)


@click.command(epilog=APPLY)
@path_argument
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE", help="Apply a saved plan.")
@run_options
@selection_options
@account_options
@click.pass_context
@with_options(ApplyOptions)
def apply(ctx: click.Context, options: ApplyOptions) -> int:
    """Change the account to match the files below PATH, with exactly the changes that the plan shows."""
    from reconciler.cli.handlers import apply as handlers

    return handlers.apply(ctx, options)


@click.command(epilog=DESTROY)
@path_argument
@run_options
@account_options
@click.pass_context
@with_options(DestroyOptions)
def destroy(ctx: click.Context, options: DestroyOptions) -> int:
    """Delete what this project created and still manages; what it adopted stays, and is forgotten."""
    from reconciler.cli.handlers import apply as handlers

    return handlers.destroy(ctx, options)
