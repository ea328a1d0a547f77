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

from reconciler.cli.context import STOPPING, leave
from reconciler.cli.logs import log
from reconciler.cli.metrics import Metrics, address_of
from reconciler.cli.options import examples, start_folder, with_options
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.watch_loop import WatchLoop
from reconciler.cli.watch_options import WatchOptions
from reconciler.errors import ConfigurationError
from reconciler.watch.health import only_one, read_health

REMARK = """
Exit codes: 0 after SIGTERM, 130 after Ctrl-C; after --once or --max-cycles that of the last cycle: 0 nothing to do or
applied, 1 failed, 2 changes found, 3 refused, 4 partially applied.
"""


@click.command(
    epilog=examples(
        "reconciler watch site/ --interval 10m",
        "reconciler watch site/ --apply --health watch.json --metrics 127.0.0.1:9309",
        "reconciler watch --healthy watch.json --within 30m",
    )
    + REMARK
)
@with_options(WatchOptions)
def watch(ctx: click.Context, options: WatchOptions) -> int:
    """Reconcile in a loop: each cycle reads the files, the ledger and the account, then reports or applies.

    Changes that need approval are reported and not applied: approve them with `apply --allow`.
    """
    if options.healthy:
        return _is_healthy(start_folder(ctx) / options.healthy, options.within)
    if options.once and options.max_cycles:
        raise click.UsageError("--once and --max-cycles cannot be used together")

    invocation = invocation_of(ctx, options)
    if not (invocation.cwd / options.path).exists():
        raise ConfigurationError(
            f"{invocation.cwd / options.path} does not exist; use the folder or file with your YAML"
        )
    settings = read_settings(ctx, options.path, invocation)
    stop = threading.Event()
    gc.enable()  # a long-running process; off during a cycle
    cycles = WatchLoop(ctx, options.path, invocation, options, stop)
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
