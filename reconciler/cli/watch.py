"""``watch``: reconciles in a loop, serves metrics, and stops on signals."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.command_options import WatchOptions
from reconciler.cli.context import STOPPING, leave
from reconciler.cli.logs import log
from reconciler.cli.metrics import Metrics, address_of
from reconciler.cli.options import F, account_options, add_options, path_argument, start_folder, with_options
from reconciler.cli.project_context import place, read_settings
from reconciler.cli.watch_loop import WatchLoop
from reconciler.config import setting_types
from reconciler.errors import ConfigurationError
from reconciler.watch.health import only_one, read_health

EXAMPLE = """\b
Example:
  reconciler watch site/ --interval 10m
  reconciler watch site/ --apply --health watch.json --metrics 127.0.0.1:9309
  reconciler watch --healthy watch.json --within 30m

Exit codes: 0 after SIGTERM, 130 after Ctrl-C; after --once or --max-cycles that of the last cycle: 0 nothing to do or
applied, 1 failed, 2 changes found, 3 refused, 4 partly applied.
"""


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


_FILE = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option(
        "--apply", "applies", is_flag=True, help="Apply changes in each cycle; without it only report them."
    ),
    click.option(
        "--interval",
        type=DurationType(),
        default="5m",
        show_default=True,
        envvar="RECONCILER_WATCH_INTERVAL",
        help="Time between the starts of two cycles [RECONCILER_WATCH_INTERVAL].",
    ),
    click.option(
        "--jitter",
        type=ShareType(),
        default="10%",
        show_default=True,
        envvar="RECONCILER_WATCH_JITTER",
        help="Random variation of the interval [RECONCILER_WATCH_JITTER].",
    ),
    click.option(
        "--max-backoff",
        type=DurationType(),
        default="30m",
        show_default=True,
        envvar="RECONCILER_WATCH_MAX_BACKOFF",
        help="Longest pause after failures. The first is at most 30s; each further one doubles "
        "[RECONCILER_WATCH_MAX_BACKOFF].",
    ),
    click.option("--once", is_flag=True, help="Run one cycle and exit."),
    click.option("--max-cycles", type=click.IntRange(min=1), metavar="N", help="Exit after N cycles."),
    click.option("--confirm", metavar="NAME", help="Confirm the protected environment of this name, with --apply."),
    click.option(
        "--health",
        type=_FILE,
        metavar="FILE",
        envvar="RECONCILER_WATCH_HEALTH",
        help="Write the health as JSON to this file, for probes [RECONCILER_WATCH_HEALTH].",
    ),
    click.option(
        "--metrics",
        metavar="ADDRESS",
        envvar="RECONCILER_WATCH_METRICS",
        help="Serve Prometheus metrics at this address, e.g. 127.0.0.1:9309 [RECONCILER_WATCH_METRICS].",
    ),
    click.option(
        "--metrics-public", is_flag=True, help="Allow --metrics on an address that other machines can reach."
    ),
    click.option(
        "--healthy", type=_FILE, metavar="FILE", help="Check the health file of a running watch, and exit 0 or 1."
    ),
    click.option(
        "--within",
        type=DurationType(),
        default="15m",
        show_default=True,
        envvar="RECONCILER_WATCH_WITHIN",
        help="Maximum age of a successful cycle, for --healthy [RECONCILER_WATCH_WITHIN].",
    ),
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
    if options.healthy:
        return _is_healthy(start_folder(ctx) / options.healthy, options.within)
    if options.once and options.max_cycles:
        raise click.UsageError("--once and --max-cycles cannot be used together")

    where = place(ctx, options)
    if not (where.cwd / options.path).exists():
        raise ConfigurationError(f"{where.cwd / options.path} does not exist; use the folder or file with your YAML")
    settings = read_settings(ctx, options.path, where)
    stop = threading.Event()
    gc.enable()  # a long-running process; off during a cycle
    cycles = WatchLoop(ctx, options.path, where, options, stop)
    cycles.check(settings)
    alone = only_one(settings.ledger, settings.root, settings.environment)
    with alone, _metrics(options) as metrics, _signals(stop) as signals:
        code = cycles.run(1 if options.once else options.max_cycles, metrics)
    if signals:
        log("Stopped.", event="stopped")
        return 0 if signals[0] == signal.SIGTERM else 130
    return code


def _is_healthy(path: Path, within: float) -> int:
    good, text = read_health(path, within, time.time())
    log(("Healthy: " if good else "Not healthy: ") + text)
    return 0 if good else 1


@contextlib.contextmanager
def _metrics(options: WatchOptions) -> Iterator[Metrics | None]:
    """Serve metrics if requested; yields them, or None."""
    if not options.metrics:
        yield None
        return

    host, port = address_of(options.metrics, options.metrics_public)
    metrics = Metrics()
    with metrics.served(host, port) as url:
        log(f"Metrics at {url}", event="metrics", url=url)
        yield metrics


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[list[int]]:
    """Yields the received signals: the first sets ``stop``, also during a sleep, the second ends the process."""
    came: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        if came:
            leave()
        came.append(number)
        threading.Thread(target=stop.set, daemon=True).start()  # the main thread may hold the lock of the event
        with contextlib.suppress(RuntimeError):
            log(STOPPING, logging.WARNING)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
