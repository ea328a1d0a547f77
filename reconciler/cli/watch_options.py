"""Options of ``watch``."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import FILE_PATH, PATH, AccountOptions, option
from reconciler.config import setting_types


class DurationType(click.ParamType[float]):
    """Seconds, written as ``90s``, ``5m`` or ``1h30m``."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else setting_types.duration(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class ShareType(click.ParamType[float]):
    """A share below 1, written as ``10%`` or ``0.1``."""

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


class WatchOptions(AccountOptions):
    """``watch``."""

    path: Path = PATH
    applies: bool = option("--apply", is_flag=True, help="Apply changes in each cycle; without it only report them.")
    interval: float = option(
        "--interval",
        type=DurationType(),
        default="5m",
        show_default=True,
        envvar="RECONCILER_WATCH_INTERVAL",
        help="Time between the starts of two cycles [RECONCILER_WATCH_INTERVAL].",
    )
    jitter: float = option(
        "--jitter",
        type=ShareType(),
        default="10%",
        show_default=True,
        envvar="RECONCILER_WATCH_JITTER",
        help="Random variation of the interval [RECONCILER_WATCH_JITTER].",
    )
    max_backoff: float = option(
        "--max-backoff",
        type=DurationType(),
        default="30m",
        show_default=True,
        envvar="RECONCILER_WATCH_MAX_BACKOFF",
        help="Longest pause after failures. The first is at most 30s; each further one doubles "
        "[RECONCILER_WATCH_MAX_BACKOFF].",
    )
    once: bool = option("--once", is_flag=True, help="Run one cycle and exit.")
    max_cycles: int | None = option(
        "--max-cycles", type=click.IntRange(min=1), metavar="N", help="Exit after N cycles."
    )
    confirm: str | None = option(
        "--confirm", metavar="NAME", help="Confirm the protected environment of this name, with --apply."
    )
    health: Path | None = option(
        "--health",
        type=FILE_PATH,
        metavar="FILE",
        envvar="RECONCILER_WATCH_HEALTH",
        help="Write the health as JSON to this file, for probes [RECONCILER_WATCH_HEALTH].",
    )
    metrics: str | None = option(
        "--metrics",
        metavar="ADDRESS",
        envvar="RECONCILER_WATCH_METRICS",
        help="Serve Prometheus metrics at this address, e.g. 127.0.0.1:9309 [RECONCILER_WATCH_METRICS].",
    )
    metrics_public: bool = option(
        "--metrics-public", is_flag=True, help="Allow --metrics on an address that other machines can reach."
    )
    healthy: Path | None = option(
        "--healthy", type=FILE_PATH, metavar="FILE", help="Check the health file of a running watch, and exit 0 or 1."
    )
    within: float = option(
        "--within",
        type=DurationType(),
        default="15m",
        show_default=True,
        envvar="RECONCILER_WATCH_WITHIN",
        help="Maximum age of a successful cycle, for --healthy [RECONCILER_WATCH_WITHIN].",
    )
