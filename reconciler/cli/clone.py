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
        help="Source environment; only read.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--to",
        "goal",
        required=True,
        metavar="ENV",
        help="Target environment.",
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
        help="Copy this contact as it is, or all in a file or a glob such as '*@example.com'.",
    ),
    click.option("--domain", metavar="DOMAIN", help="Domain of the anonymized addresses."),
    click.option("--skip-missing", is_flag=True, help="Omit resources whose course or the like the target lacks."),
    click.option("--webhook-url", metavar="URL", help="Send all webhooks to this URL; without it they are omitted."),
    click.option("--webhook-secret-env", metavar="NAME", help="Variable with the secret of redirected webhooks."),
    click.option("--apply", "applies", is_flag=True, help="Apply the plan."),
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
    """Copy the account of one environment in PATH's reconciler.yaml to another one; without --apply only plan it.

    Resources are matched by natural key. The source is only read, and nothing in the target is deleted. Contacts are
    anonymized unless --allow-contact names them.
    """
    from reconciler.cli.handlers import clone as handlers

    return handlers.clone(ctx, options)
