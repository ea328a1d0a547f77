"""Options and help of `pull`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.command_options import PullOptions
from reconciler.cli.options import F, account_options, add_options, with_options

EXAMPLE = """\b
Example:
  reconciler pull site/
  reconciler pull site/ --kind tag --kind contact --tag VIP --csv
  reconciler pull site/ --own
  reconciler pull site/ --accept 'contact/*'
  reconciler pull site/ --all --yes --json
"""


_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def _moment(ctx: click.Context, param: click.Parameter, value: datetime | None) -> str | None:
    """A moment as the account takes it; where no zone is named it is UTC."""
    if value is None:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


_FRESH = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND",
        help="Only this kind; repeatable.",
        shell_complete=completers.pulled,
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="NAME",
        help="Only contacts with this tag (repeatable).",
    ),
    click.option("--course", "courses", multiple=True, metavar="NAME", help="Only people in this course."),
    click.option(
        "--registered-after",
        "after",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only people registered after it.",
    ),
    click.option(
        "--registered-before",
        "before",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only people registered before it.",
    ),
    click.option("--csv", "csv_sources", is_flag=True, help="People as CSV files."),
    click.option("--own", is_flag=True, help="Record everything as created, not adopted."),
)


_PATCH = (
    click.option(
        "--accept",
        "accepted",
        multiple=True,
        metavar="ADDRESS",
        help="Accept this change into the files (globs).",
        shell_complete=completers.recorded,
    ),
    click.option("--all", "everything", is_flag=True, help="Accept all drift."),
    click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
)


_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _options(command: F) -> F:
    return add_options((*_FRESH, *_PATCH, _JSON), command)


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@_options
@account_options
@click.pass_context
@with_options(PullOptions)
def pull(ctx: click.Context, options: PullOptions) -> int:
    """Write the content of the account as YAML into DIR.

    If DIR has YAML files, show the drift; with --accept or --all, change these values in the files and no other byte.
    Never writes to the account.
    """
    from reconciler.cli.handlers import pull as handlers

    return handlers.pull(ctx, options)
