"""Options and help of `watch`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.command_options import WatchOptions
from reconciler.cli.options import F, account_options, add_options, path_argument, with_options

EXAMPLE = """\b
Example:
  reconciler watch site/ --interval 10m
  reconciler watch site/ --apply --health watch.json --metrics 127.0.0.1:9309
  reconciler watch --healthy watch.json --within 30m

Exit: 0 ended by SIGTERM, 130 by Ctrl-C; after --once or --max-cycles the result of the last cycle: 0 nothing to do or
applied, 1 failed, 2 changes found, 3 refused, 4 partly applied.
"""


class DurationType(click.ParamType[float]):
    """``90s``, ``5m``, ``1h30m`` → seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from reconciler.config import setting_types

        try:
            return value if isinstance(value, float) else setting_types.duration(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class ShareType(click.ParamType[float]):
    """``10%`` or ``0.1``, below 1."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share < 1:
            self.fail(f"{value!r}: use a share from 0% to 99%, such as 10%", param, ctx)
        return share


_FILE = click.Path(path_type=Path, dir_okay=False)


_OPTIONS = (
    click.option("--apply", "applies", is_flag=True, help="Apply in each cycle; without it only report."),
    click.option(
        "--interval", type=DurationType(), default="5m", show_default=True, help="Time from one cycle to the next."
    ),
    click.option("--jitter", type=ShareType(), default="10%", show_default=True, help="Variation of the interval."),
    click.option(
        "--max-backoff",
        type=DurationType(),
        default="30m",
        show_default=True,
        help="Longest pause after failures; the first is at most 30s, and each one doubles.",
    ),
    click.option("--once", is_flag=True, help="Run one cycle."),
    click.option("--max-cycles", type=click.IntRange(min=1), metavar="N", help="Stop after N cycles."),
    click.option("--confirm", metavar="NAME", help="Name of a protected environment, for --apply."),
    click.option("--health", type=_FILE, metavar="FILE", help="Write the state as JSON to this file, for probes."),
    click.option("--metrics", metavar="ADDRESS", help="Serve metrics for Prometheus here, e.g. 127.0.0.1:9309."),
    click.option("--metrics-public", is_flag=True, help="Allow an address that other machines can reach."),
    click.option("--healthy", type=_FILE, metavar="FILE", help="Only check that the watch of this file runs."),
    click.option("--within", type=DurationType(), default="15m", show_default=True, help="Maximum age of that file."),
)


def _watch_options(command: F) -> F:
    return add_options(_OPTIONS, command)


@click.command(epilog=EXAMPLE)
@path_argument
@_watch_options
@account_options
@click.pass_context
@with_options(WatchOptions)
def watch(ctx: click.Context, options: WatchOptions) -> int:
    """Reconcile in a loop: each cycle reads the files, the ledger and the account, then reports or applies.

    Changes that need approval are reported and not applied: approve them with `apply --allow`.
    """
    from reconciler.cli.handlers import watch as handlers

    return handlers.watch(ctx, options)
