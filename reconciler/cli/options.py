"""Click options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Protocol, TypeVar

import click
from click.shell_completion import CompletionItem

from reconciler.cli import completers
from reconciler.cli.command_options import OutputRequest
from reconciler.cli.program import program_of
from reconciler.cli.redaction import start_logging
from reconciler.config.files import parse_targets, read_targets
from reconciler.model.policy import UNCOUNTED, Allow
from reconciler.output.formats import FORMATS, PLAN, names

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


class Decorator(Protocol):
    """A click option or argument, which returns the function that it is given."""

    def __call__(self, command: F, /) -> F: ...


def with_options(make: type[T]) -> Callable[[Callable[[click.Context, T], int]], Callable[..., int]]:
    """Decorator: passes all options of a command as one object, with a field for each."""

    def decorate(command: Callable[[click.Context, T], int]) -> Callable[..., int]:
        @wraps(command)
        def called(ctx: click.Context, /, **values: object) -> int:
            start_logging(program_of(ctx))
            return command(ctx, make(**values))

        return called

    return decorate


def start_folder(ctx: click.Context) -> Path:
    """The folder of ``-C``; raises a usage error if it does not exist."""
    directory = program_of(ctx).directory
    folder = Path.cwd() / directory
    if not folder.is_dir():
        raise click.UsageError(f"-C {directory}: no such folder")
    return folder.resolve()


_ACCOUNT = (
    click.option("--connection", metavar="ID", help="Maton connection of the account [RECONCILER_CONNECTION]."),
    click.option("--ledger", metavar="URL", help="SQLAlchemy URL of the ledger, or none [RECONCILER_LEDGER]."),
    click.option(
        "--dialect",
        type=click.Choice(["vendor", "skill"]),
        help="Dialect of the API [RECONCILER_DIALECT].",
    ),
    click.option("--gateway-url", metavar="URL", help="URL of the gateway [RECONCILER_GATEWAY_URL]."),
    click.option("--control-url", metavar="URL", help="URL of the connections API [RECONCILER_CONTROL_URL]."),
)


def _patterns(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """The patterns of ``--target-file``, with the position of each."""
    if value is None or ctx.resilient_parsing:
        return {}
    if value == "-":
        return parse_targets(sys.stdin, "stdin")
    return read_targets(start_folder(ctx) / value, value)


_SELECTION = (
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="ADDRESS",
        help="Only this resource and its dependencies; repeatable.",
        shell_complete=completers.addresses,
    ),
    click.option(
        "--target-file",
        metavar="FILE",
        callback=_patterns,
        help="File with one target per line (# begins a comment); - reads standard input.",
    ),
    click.option(
        "--refresh",
        type=click.Choice(["auto", "full", "none"]),
        default="auto",
        show_default=True,
        help="How to read the account: auto, full or none (plan only).",
    ),
    click.option(
        "--exclude",
        "excludes",
        multiple=True,
        metavar="ADDRESS",
        help="Exclude this resource; repeatable.",
        shell_complete=completers.addresses,
    ),
)


class OutputType(click.ParamType[OutputRequest]):
    """``FORMAT`` or ``FORMAT=FILE``."""

    name = "format[=file]"

    def __init__(self, subject: str) -> None:
        self.subject = subject

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> OutputRequest:
        form, equals, file = str(value).partition("=")
        known = names(self.subject)
        if form not in known:
            what = f"{form} supports plans only" if form in FORMATS else f"unknown format {form!r}"
            self.fail(f"{what}; use one of {', '.join(known)}", param, ctx)
        if equals and not file.strip():
            self.fail(f"{value}: add a file after the =, or omit the = for standard output", param, ctx)
        return OutputRequest(form, "" if file == "-" else file)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """The formats with their descriptions."""
        fitting = (name for name in names(self.subject) if name.startswith(incomplete))
        return [CompletionItem(name, help=FORMATS[name].about) for name in fitting]


def output_option(subject: str) -> Callable[[F], F]:
    """The option ``--output`` for this subject."""
    return click.option(
        "--output",
        "wishes",
        multiple=True,
        type=OutputType(subject),
        metavar="FORMAT[=FILE]",
        help=f"Write the result to FILE or standard output as {', '.join(names(subject))}; repeatable.",
    )


class AllowType(click.ParamType[tuple[Allow, int | None]]):
    """``CLASS`` or ``CLASS=N`` of ``--allow``."""

    name = "class[=n]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Allow, int | None]:
        word, equals, number = str(value).partition("=")
        try:
            allow = Allow(word)
            count = int(number) if equals else None
        except ValueError:
            self.fail(f"{value!r}: use one of {', '.join(each.value for each in Allow)}, or CLASS=N", param, ctx)
        if equals and allow in UNCOUNTED:
            self.fail(f"{value!r}: {word} takes no number", param, ctx)
        return allow, count

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """The classes."""
        return [CompletionItem(each.value) for each in Allow if each.value.startswith(incomplete)]


allow_option = click.option(
    "--allow",
    multiple=True,
    type=AllowType(),
    help="Approve a class of changes in this run: CLASS or CLASS=N; repeatable.",
)
fail_on_option = click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["drift", "conflict", "delete"]),
    help="Exit with code 2 if the plan contains any; repeatable.",
)
minutes_option = click.option(
    "--max-minutes", type=float, metavar="N", help="Stop after N minutes [RECONCILER_MAX_MINUTES]."
)
project_option = click.option(
    "--project", type=click.Path(path_type=Path), default=".", metavar="PATH", help="Project folder [default: .]."
)
_RUN = (
    click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
    click.option("--json", "as_json", is_flag=True, help="Short for --output json."),
    output_option(PLAN),
    click.option("--json-events", is_flag=True, help="Print events as they happen, one JSON object per line."),
    allow_option,
    click.option(
        "--confirm", metavar="NAME", help="Confirm the protected environment of this name without typing it."
    ),
    click.option(
        "--parallel", type=int, metavar="N", help="Number of parallel writes (default 8) [RECONCILER_PARALLEL]."
    ),
    click.option(
        "--fail-fast",
        is_flag=True,
        envvar="RECONCILER_FAIL_FAST",
        help="Start no further steps after the first failure [RECONCILER_FAIL_FAST].",
    ),
    click.option("--max-calls", type=int, metavar="N", help="Stop after N API requests [RECONCILER_MAX_CALLS]."),
    minutes_option,
)


def account_options(command: F) -> F:
    """Options that select the account and the way to reach it."""
    return add_options(_ACCOUNT, command)


def selection_options(command: F) -> F:
    """Options that select a part of a plan."""
    return add_options(_SELECTION, command)


def run_options(command: F) -> F:
    """Options of a command that writes to the account."""
    return add_options(_RUN, command)


def path_argument(command: F) -> F:
    """The folder or file with the YAML."""
    return click.argument("path", type=click.Path(path_type=Path), default=".")(command)


def add_options(options: Sequence[Decorator], command: F) -> F:
    """The command with these options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command
