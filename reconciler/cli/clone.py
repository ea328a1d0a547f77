"""Options and help of `clone`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.apply import run_options
from reconciler.cli.command_options import CloneCommandOptions
from reconciler.cli.options import F, account_options, add_options, path_argument, with_options

EXAMPLE = """\b
Example:
  reconciler clone --from production --to staging
  reconciler clone --from production --to staging --apply
  reconciler clone --from production --to staging --out clone.json
  reconciler clone --from production --to staging --kind all \\
      --domain staging.example.com --allow-contact '*@example.org' \\
      --webhook-url https://hooks.example.com/ --webhook-secret-env HOOK

Each side has the connection and the ledger that reconciler.yaml gives its environment; --connection and --ledger are
those of --to. What a clone makes is recorded there as made by us: declare it in files of that environment before you
apply files to it, or what no file names is removed, where pruning says so.
"""


_CLONE = (
    click.option(
        "--from",
        "source",
        required=True,
        metavar="ENV",
        help="Environment that is read, and only read.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--to",
        "goal",
        required=True,
        metavar="ENV",
        help="Environment that gets what the other one has.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--kind",
        "sections",
        multiple=True,
        metavar="SECTION",
        shell_complete=completers.kinds,
        help="What to clone: tags, contact_fields (these two by default), contacts …, or all.",
    ),
    click.option(
        "--allow-contact",
        "allowed",
        multiple=True,
        metavar="ADDRESS|FILE",
        help="Let this person through, or all that a glob like '*@example.com' or a file names.",
    ),
    click.option("--domain", metavar="DOMAIN", help="Where made-up addresses of all other people are."),
    click.option("--skip-missing", is_flag=True, help="Leave out what needs a course or such that --to has not."),
    click.option("--webhook-url", metavar="URL", help="Redirect all webhooks there; without it they are left out."),
    click.option("--webhook-secret-env", metavar="NAME", help="Variable with the secret of redirected webhooks."),
    click.option("--apply", "applies", is_flag=True, help="Make the changes that the plan shows."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Save the plan, for `-e ENV apply --plan FILE`.",
    ),
)


def _clone_options(command: F) -> F:
    return add_options(_CLONE, command)


@click.command(epilog=EXAMPLE)
@path_argument
@_clone_options
@run_options
@account_options
@click.pass_context
@with_options(CloneCommandOptions)
def clone(ctx: click.Context, options: CloneCommandOptions) -> int:
    """Plan, and with --apply make, what one environment of PATH's reconciler.yaml has on another one.

    By natural key and without ids. The first is only read, nothing on the second is deleted. People of the first
    become made-up ones unless they are let through by name.
    """
    from reconciler.cli.handlers import clone as handlers

    return handlers.clone(ctx, options)
