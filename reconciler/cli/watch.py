"""``watch``: look again and again, or apply again and again; a command that stays, until a signal ends it."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, path_argument, place, start_folder
from reconciler.cli.terminal import say
from reconciler.errors import ConfigurationError

EXAMPLE = """\b
Example:
  reconciler watch site/ --interval 10m
  reconciler watch site/ --apply --health watch.json --metrics 127.0.0.1:9309
  reconciler watch --healthy watch.json --within 30m

Exit: 0 ended by SIGTERM, 130 by Ctrl-C; after --once or --max-rounds what the last round says: 0 nothing to do or
applied, 1 failed, 2 changes found, 3 refused, 4 applied in part.
"""


class DurationType(click.ParamType[float]):
    """``90s``, ``5m``, ``1h30m`` → seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from reconciler.config import setting_types

        try:
            return value if isinstance(value, float) else setting_types.duration(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class ShareType(click.ParamType[float]):
    """``10%`` or ``0.1``, below 1."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share < 1:
            self.fail(f"{value!r}: write a share from 0% to 99%, such as 10%", param, ctx)
        return share


_FILE = click.Path(path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--apply", "applies", is_flag=True, help="Apply in each round; without it only report."),
    click.option(
        "--interval", type=DurationType(), default="5m", show_default=True, help="From one round to the next."
    ),
    click.option("--jitter", type=ShareType(), default="10%", show_default=True, help="Share by which that varies."),
    click.option(
        "--max-backoff",
        type=DurationType(),
        default="30m",
        show_default=True,
        help="Longest pause after failures; it begins with 30s at most, and doubles.",
    ),
    click.option("--once", is_flag=True, help="One round."),
    click.option("--max-rounds", type=click.IntRange(min=1), metavar="N", help="So many rounds."),
    click.option("--confirm", metavar="NAME", help="Name of a protected environment, for --apply."),
    click.option("--health", type=_FILE, metavar="FILE", help="JSON that says how things stand, for probes."),
    click.option("--metrics", metavar="ADDRESS", help="Numbers for Prometheus, e.g. on 127.0.0.1:9309."),
    click.option("--metrics-public", is_flag=True, help="Let that address be one that others can reach."),
    click.option("--healthy", type=_FILE, metavar="FILE", help="Only say whether the watch of that file goes on."),
    click.option("--within", type=DurationType(), default="15m", show_default=True, help="How old the file may be."),
)


def _watch_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(epilog=EXAMPLE)
@path_argument
@_watch_options
@account_options
@click.pass_context
def watch(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Reconcile again and again: each round reads the files, the ledger and the account anew, and reports or applies.

    A closed approval is told of and stays closed: --allow is for `apply`, by a person who has seen the plan.
    """
    if given["healthy"]:
        return _is_healthy(start_folder(ctx) / given["healthy"], given["within"])
    if given["once"] and given["max_rounds"]:
        raise click.UsageError("--once and --max-rounds cannot be used together")
    from reconciler.cli.watch_loop import WatchLoop
    from reconciler.commands.project import read_settings
    from reconciler.watch.health import only_one

    where = place(ctx, given)
    if not (where.cwd / path).exists():
        raise ConfigurationError(f"{where.cwd / path} does not exist; name the folder or file that holds your YAML")
    settings = read_settings(where.cwd / path, where)
    stop = threading.Event()
    gc.enable()  # it stays; a round rests it
    rounds = WatchLoop(ctx, path, where, given, stop)
    rounds.check(settings)
    alone = only_one(settings.ledger, settings.root, settings.environment)
    with alone, _metrics(given) as metrics, _heard(stop) as signals:
        code = rounds.run(1 if given["once"] else given["max_rounds"], metrics)
    if signals:
        say("Stopped.", event="stopped")
        return 0 if signals[0] == signal.SIGTERM else 130
    return code


def _is_healthy(path: Path, within: float) -> int:
    from reconciler.watch.health import read_health

    good, text = read_health(path, within, time.time())
    say(("Healthy: " if good else "Not healthy: ") + text)
    return 0 if good else 1


@contextlib.contextmanager
def _metrics(given: dict[str, Any]) -> Iterator[Any]:
    """What counts, answering at its address; None where nobody asked for it."""
    if not given["metrics"]:
        yield None
        return
    from reconciler.cli.metrics import Metrics, address_of

    host, port = address_of(given["metrics"], given["metrics_public"])
    metrics = Metrics()
    with metrics.served(host, port) as url:
        say(f"Metrics at {url}", event="metrics", url=url)
        yield metrics


@contextlib.contextmanager
def _heard(stop: threading.Event) -> Iterator[list[int]]:
    """The signals that came: the first stops in order, in the middle of a sleep at once; the second ends all."""
    from reconciler.cli.context import leave

    came: list[int] = []

    def on_signal(number: int, frame: Any) -> None:
        if came:
            leave()
        came.append(number)
        threading.Thread(target=stop.set, daemon=True).start()  # the main thread may hold the event's own lock
        with contextlib.suppress(RuntimeError):
            say("Stopping: no new calls; what is in flight will end and be recorded. Again to stop at once.")

    before: dict[int, Callable[..., Any] | int | None] = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
