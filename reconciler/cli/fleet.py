"""Options and help of `fleet`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import FleetApplyOptions, FleetOptions, FleetValidateOptions
from reconciler.cli.options import (
    FLEET,
    PROBLEMS,
    F,
    add_options,
    allow_option,
    minutes_option,
    output_option,
    with_options,
)

FLEET_EXAMPLE = """\b
Example:
  reconciler fleet plan clients/
  reconciler fleet apply clients/ --wave 1,10%,100%
"""

PLAN = """\b
Example:
  reconciler fleet plan clients/
  reconciler fleet plan clients/ --only plan=gold --exclude acme
  reconciler fleet plan clients/ --output markdown=comment.md
  reconciler fleet plan clients/ --scheduler tcp://127.0.0.1:8786
"""

APPLY = """\b
Example:
  reconciler fleet apply clients/ --wave 1,10%,100%
  reconciler fleet apply clients/ --yes --allow deletes=12 --max-failures 3
  reconciler fleet apply clients/ --yes --continue
"""

DRIFT = """\b
Example:
  reconciler fleet drift clients/
  reconciler fleet drift clients/ --only 'north-*' --json
"""

VALIDATE = """\b
Example:
  reconciler fleet validate clients/
"""

_file = click.argument("path", type=click.Path(path_type=Path), default=".", metavar="[FILE]")

_FLEET = (
    _file,
    click.option("--only", multiple=True, metavar="PATTERN", help="Only accounts of this name or label (plan=gold)."),
    click.option("--exclude", "excludes", multiple=True, metavar="PATTERN", help="Exclude this name or label."),
    click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes of this machine [its cores]."),
    click.option("--scheduler", metavar="URL", help="Dask scheduler that runs the lanes."),
    click.option("--insecure-scheduler", is_flag=True, help="Allow a scheduler without TLS beyond this machine."),
    click.option(
        "--out",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Folder of plans and logs [.reconciler/fleet].",
    ),
    click.option(
        "--continue",
        "continues",
        is_flag=True,
        help="Continue the last run.",
    ),
    click.option(
        "--max-failures", type=click.IntRange(min=1), metavar="N", help="Start no further account after N failures."
    ),
    minutes_option,
    click.option(
        "--dialect",
        type=click.Choice(["vendor", "skill"]),
        help="Dialect of the API [RECONCILER_DIALECT].",
    ),
    click.option("--gateway-url", metavar="URL", help="Gateway [RECONCILER_GATEWAY_URL]."),
    click.option("--control-url", metavar="URL", help="Connections API [RECONCILER_CONTROL_URL]."),
    click.option("--json", "as_json", is_flag=True, help="The same as --output json."),
    output_option(FLEET),
)


def _fleet_options(command: F) -> F:
    return add_options(_FLEET, command)


@click.group(epilog=FLEET_EXAMPLE)
def fleet() -> None:
    """Plan, apply and check many accounts together, as FILE declares them (fleet.yaml)."""


@fleet.command(epilog=PLAN)
@_fleet_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.pass_context
@with_options(FleetOptions)
def plan(ctx: click.Context, options: FleetOptions) -> int:
    """Show what would change in each account. Never writes."""
    from reconciler.cli.handlers import fleet as handlers

    return handlers.plan(ctx, options)


@fleet.command(epilog=APPLY)
@_fleet_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@allow_option
@click.option("--confirm", multiple=True, metavar="NAME", help="Name of a protected environment (repeatable).")
@click.option("--wave", metavar="SIZES", default="", help="Apply in waves, e.g. 1,10%,100%; a failure ends the run.")
@click.pass_context
@with_options(FleetApplyOptions)
def apply(ctx: click.Context, options: FleetApplyOptions) -> int:
    """Plan all accounts, ask once, then apply each plan where the account is still the same."""
    from reconciler.cli.handlers import fleet as handlers

    return handlers.apply(ctx, options)


@fleet.command(epilog=DRIFT)
@_fleet_options
@click.pass_context
@with_options(FleetOptions)
def drift(ctx: click.Context, options: FleetOptions) -> int:
    """Show which accounts changed since their last run. Exit 2 when one did; never writes."""
    from reconciler.cli.handlers import fleet as handlers

    return handlers.drift(ctx, options)


@fleet.command(epilog=VALIDATE)
@_file
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PROBLEMS)
@click.pass_context
@with_options(FleetValidateOptions)
def validate(ctx: click.Context, options: FleetValidateOptions) -> int:
    """Check the fleet and the files of every account, offline. Shows every problem at once."""
    from reconciler.cli.handlers import fleet as handlers

    return handlers.validate(ctx, options)
