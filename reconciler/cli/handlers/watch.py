"""Handler of `watch`: checks its options, serves metrics, and stops on signals."""

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
from reconciler.cli.handlers.context import STOPPING, leave
from reconciler.cli.handlers.metrics import Metrics, address_of
from reconciler.cli.handlers.project_context import place, read_settings
from reconciler.cli.handlers.watch_loop import WatchLoop
from reconciler.cli.logs import log
from reconciler.cli.options import start_folder
from reconciler.errors import ConfigurationError
from reconciler.watch.health import only_one, read_health


def watch(ctx: click.Context, options: WatchOptions) -> int:
    """Report or apply in cycles, until a signal ends them or the requested number is reached."""
    if options.healthy:
        return _is_healthy(start_folder(ctx) / options.healthy, options.within)
    if options.once and options.max_cycles:
        raise click.UsageError("--once and --max-cycles cannot be used together")

    where = place(ctx, options)
    if not (where.cwd / options.path).exists():
        raise ConfigurationError(
            f"{where.cwd / options.path} does not exist; name the folder or file that holds your YAML"
        )
    settings = read_settings(ctx, options.path, where)
    stop = threading.Event()
    gc.enable()  # it stays; a cycle rests it
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
    """What counts, answering at its address; None where nobody asked for it."""
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
    """The signals that came: the first stops in order, in the middle of a sleep at once; the second ends all."""
    came: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        if came:
            leave()
        came.append(number)
        threading.Thread(target=stop.set, daemon=True).start()  # the main thread may hold the event's own lock
        with contextlib.suppress(RuntimeError):
            log(STOPPING, logging.WARNING)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
