"""Flags that several commands share, and what they come to: a place, settings, a session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import completers
from reconciler.cli.redaction import output_filter_of
from reconciler.cli.terminal import say
from reconciler.model.policy import Allow

F = TypeVar("F", bound=Callable[..., Any])

_ACCOUNT = (
    click.option("--connection", metavar="ID", help="Maton connection of the account [RECONCILER_CONNECTION]."),
    click.option("--ledger", metavar="URL", help="SQLAlchemy URL of the ledger, or none [RECONCILER_LEDGER]."),
    click.option("--dialect", type=click.Choice(["vendor", "skill"]), help="Wire dialect [RECONCILER_DIALECT]."),
    click.option("--gateway-url", metavar="URL", help="Gateway [RECONCILER_GATEWAY_URL]."),
    click.option("--control-url", metavar="URL", help="Connections API [RECONCILER_CONTROL_URL]."),
)


def _patterns(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """The patterns of ``--target-file``, with where each stands."""
    if value is None or ctx.resilient_parsing:
        return {}
    from reconciler.config.files import parse_targets, read_targets

    if value == "-":
        return parse_targets(sys.stdin, "stdin")
    return read_targets(start_folder(ctx) / value, value)


_SELECTION: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="ADDRESS",
        help="Only this, and what it needs.",
        shell_complete=completers.addresses,
    ),
    click.option(
        "--target-file",
        metavar="FILE",
        callback=_patterns,
        help="The same, one a line; # begins a comment, - is stdin.",
    ),
    click.option(
        "--refresh",
        type=click.Choice(["auto", "full", "none"]),
        default="auto",
        show_default=True,
        help="Read by the cheapest way, everything, or (plan only) nothing.",
    ),
    click.option(
        "--exclude",
        "excludes",
        multiple=True,
        metavar="ADDRESS",
        help="All but this.",
        shell_complete=completers.addresses,
    ),
)


class AllowType(click.ParamType[tuple[Allow, int | None]]):
    """``CLASS`` or ``CLASS=N`` of ``--allow``."""

    name = "class[=n]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Allow, int | None]:
        from reconciler.planner.approvals import UNCOUNTED

        word, equals, number = str(value).partition("=")
        try:
            allow = Allow(word)
            count = int(number) if equals else None
        except ValueError:
            self.fail(f"{value!r}: write one of {', '.join(each.value for each in Allow)}, or CLASS=N", param, ctx)
        if equals and allow in UNCOUNTED:
            self.fail(f"{value!r}: {word} takes no number", param, ctx)
        return allow, count


allow_option = click.option(
    "--allow",
    multiple=True,
    type=AllowType(),
    help="Let a class of changes pass, for this run.",
    shell_complete=completers.allowances,
)
fail_on_option = click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["drift", "conflict", "delete"]),
    help="Exit 2 when there is one.",
)
minutes_option = click.option("--max-minutes", type=float, metavar="N", help="Stop cleanly after this long.")
project_option = click.option(
    "--project", type=click.Path(path_type=Path), default=".", metavar="PATH", help="The project (.)."
)


def account_options(command: F) -> F:
    """Flags that say which account, and how it is spoken to."""
    return _with(_ACCOUNT, command)


def selection_options(command: F) -> F:
    """Flags that cut a plan."""
    return _with(_SELECTION, command)


def path_argument(command: F) -> F:
    """The folder or file that holds the YAML."""
    return click.argument("path", type=click.Path(path_type=Path), default=".")(command)


def _with(options: tuple[Callable[[F], F], ...], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def start_folder(ctx: click.Context) -> Path:
    """The folder that ``-C`` names; raises a usage error when it is none."""
    folder = Path.cwd() / str(ctx.obj["directory"])
    if not folder.is_dir():
        raise click.UsageError(f"-C {ctx.obj['directory']}: no such folder")
    return folder.resolve()


def place(ctx: click.Context, given: Mapping[str, Any]) -> Any:
    """Where the command runs, with the flags that are settings."""
    from reconciler.commands.project import Invocation
    from reconciler.config.settings import NAMES, unknown_variables

    flags = {name: given[name] for name in NAMES if given.get(name) is not None}
    for name in ("rate_limit", "redact"):
        if ctx.obj[name] is not None:
            flags[name] = ctx.obj[name]
    curtain = output_filter_of(ctx)

    def settled(settings: Any) -> None:
        ctx.obj["settings"] = settings
        curtain.settle(settings)
        if not ctx.obj.setdefault("warned", False):  # a command that stays reads its settings again and again
            ctx.obj["warned"] = True
            for sentence in unknown_variables(os.environ):
                warned(sentence)

    def warned(problem: Any) -> None:
        say(f"warning: {problem}", "warning", "configuration")

    return Invocation(
        start_folder(ctx), dict(os.environ), flags, ctx.obj["environment"], settled, curtain.learn_state, warned
    )
