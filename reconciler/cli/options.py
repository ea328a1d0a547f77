"""Options of commands as classes: each field is declared once, with its flag, its help and its type.

``with_options`` gives a command the options of a class, and passes it an object of that class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, dataclass_transform

import click
from click.shell_completion import CompletionItem

from reconciler.cli import completers
from reconciler.cli.program import program_of
from reconciler.cli.redaction import start_logging
from reconciler.config.files import parse_targets, read_targets
from reconciler.model.policy import UNCOUNTED, Allow
from reconciler.output.formats import DRIFT, FLEET, FORMATS, PLAN, PROBLEMS, names

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T", bound="CommandOptions")


class Decorator(Protocol):
    """A click option or argument, which returns the function that it is given."""

    def __call__(self, command: F, /) -> F: ...


class _Field(NamedTuple):
    """A declared field: the name of the field → its click option or argument."""

    declare: Callable[[str], Decorator]


def option(*flags: str, **settings: Any) -> Any:
    """A field that is an option, with these flags and settings of ``click.option``."""
    return _Field(lambda name: click.option(name, *flags, **settings))


def argument(**settings: Any) -> Any:
    """A field that is an argument, with these settings of ``click.argument``."""
    return _Field(lambda name: click.argument(name, **settings))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, argument))
class CommandOptions:
    """Options of one command. Type checkers treat each subclass as a frozen dataclass.

    Real dataclasses are not used, because generating their code takes longer than reading a small project.
    """

    def __init__(self, **values: object) -> None:
        vars(self).update(values)

    @classmethod
    def declared(cls) -> Iterator[Decorator]:
        """The options and arguments: new ones of the class, then those of its bases."""
        names = [name for each in cls.__mro__ for name, value in vars(each).items() if isinstance(value, _Field)]
        for name in reversed(dict.fromkeys(reversed(names))):  # one that overrides another one keeps its place
            field: _Field = getattr(cls, name)
            yield field.declare(name)


def with_options(make: type[T]) -> Callable[[Callable[[click.Context, T], int]], Callable[..., int]]:
    """Decorator: gives a command the options of a class, and passes them as one object."""

    def decorate(command: Callable[[click.Context, T], int]) -> Callable[..., int]:
        @wraps(command)
        def called(ctx: click.Context, /, **values: object) -> int:
            start_logging(program_of(ctx))
            return command(ctx, make(**values))

        declared = click.pass_context(called)
        for each in reversed(list(make.declared())):
            declared = each(declared)
        return declared

    return decorate


def examples(*lines: str) -> str:
    """The epilog of a command: command lines to try."""
    return "\b\nExample:\n" + "".join(f"  {line}\n" for line in lines)


def start_folder(ctx: click.Context) -> Path:
    """The folder of ``-C``; raises a usage error if it does not exist."""
    directory = program_of(ctx).directory
    folder = Path.cwd() / directory
    if not folder.is_dir():
        raise click.UsageError(f"-C {directory}: no such folder")
    return folder.resolve()


class OutputRequest(NamedTuple):
    """One ``--output``: the format, and the file as it was typed; empty for standard output."""

    form: str
    file: str = ""


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


def _patterns(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, str]:
    """The patterns of ``--target-file``, with the position of each."""
    if value is None or ctx.resilient_parsing:
        return {}
    if value == "-":
        return parse_targets(sys.stdin, "stdin")
    return read_targets(start_folder(ctx) / value, value)


def _output(subject: str) -> Any:
    text = f"Write the result to FILE or standard output as {', '.join(names(subject))}; repeatable."
    return option("--output", multiple=True, type=OutputType(subject), metavar="FORMAT[=FILE]", help=text)


#: Class and number of each ``--allow CLASS[=N]``.
Allowed = tuple[tuple[Allow, int | None], ...]

#: Types of paths.
ANY_PATH, FILE_PATH = click.Path(path_type=Path), click.Path(path_type=Path, dir_okay=False)

# fields that several commands have

PATH = argument(type=ANY_PATH, default=".")
YES = option("--yes", is_flag=True, help="Do not ask for confirmation.")
JSON = option("--json", is_flag=True, help="Print one JSON document.")
DETAILED_EXITCODE = option("--detailed-exitcode", is_flag=True, help="Exit with code 2 if there are changes.")
CALLS = option("--calls", is_flag=True, help="List all API calls, in order.")
ALLOW = option(
    "--allow",
    multiple=True,
    type=AllowType(),
    help="Approve a class of changes in this run: CLASS or CLASS=N; repeatable.",
)
FAIL_ON = option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["drift", "conflict", "delete"]),
    help="Exit with code 2 if the plan contains any; repeatable.",
)
MAX_MINUTES = option("--max-minutes", type=float, metavar="N", help="Stop after N minutes [RECONCILER_MAX_MINUTES].")
PROJECT = option("--project", type=ANY_PATH, default=".", metavar="PATH", help="Project folder [default: .].")


class GatewayOptions(CommandOptions):
    """Options about the API, and settings for which only some commands have an option."""

    dialect: str | None = option(
        "--dialect", type=click.Choice(["vendor", "skill"]), help="Dialect of the API [RECONCILER_DIALECT]."
    )
    gateway_url: str | None = option(
        "--gateway-url", metavar="URL", help="URL of the gateway [RECONCILER_GATEWAY_URL]."
    )
    control_url: str | None = option(
        "--control-url", metavar="URL", help="URL of the connections API [RECONCILER_CONTROL_URL]."
    )
    parallel: int | None = None
    max_calls: int | None = None
    max_minutes: float | None = None


class AccountOptions(GatewayOptions):
    """Account and access to it: the options that are also settings."""

    connection: str | None = option(
        "--connection", metavar="ID", help="Maton connection of the account [RECONCILER_CONNECTION]."
    )
    ledger: str | None = option(
        "--ledger", metavar="URL", help="SQLAlchemy URL of the ledger, or none [RECONCILER_LEDGER]."
    )


class ProjectOptions(AccountOptions):
    """Options of the commands that take the project as ``--project``."""

    project: Path = PROJECT


class SelectionOptions(CommandOptions):
    """Selected part of a plan, and how the account is read. ``target_file`` maps patterns to their positions."""

    targets: tuple[str, ...] = option(
        "--target",
        multiple=True,
        metavar="ADDRESS",
        help="Only this resource and its dependencies; repeatable.",
        shell_complete=completers.addresses,
    )
    target_file: Mapping[str, str] = option(
        "--target-file",
        metavar="FILE",
        callback=_patterns,
        help="File with one target per line (# begins a comment); - reads standard input.",
    )
    refresh: str = option(
        "--refresh",
        type=click.Choice(["auto", "full", "none"]),
        default="auto",
        show_default=True,
        help="How to read the account: auto, full or none (plan only).",
    )
    excludes: tuple[str, ...] = option(
        "--exclude",
        multiple=True,
        metavar="ADDRESS",
        help="Exclude this resource; repeatable.",
        shell_complete=completers.addresses,
    )


class OutputOptions(CommandOptions):
    """Formats and files of a result."""

    as_json: bool = option("--json", is_flag=True, help="Short for --output json.")
    requested: tuple[OutputRequest, ...] = _output(PLAN)
    out: Path | None = None


class DriftOutputOptions(OutputOptions):
    """Formats and files of drift."""

    requested: tuple[OutputRequest, ...] = _output(DRIFT)


class ProblemOutputOptions(OutputOptions):
    """Formats and files of the problems of files."""

    requested: tuple[OutputRequest, ...] = _output(PROBLEMS)


class FleetOutputOptions(OutputOptions):
    """Formats and files of the report of a fleet."""

    requested: tuple[OutputRequest, ...] = _output(FLEET)


class RunOptions(OutputOptions, AccountOptions):
    """Options of every command that writes to the account."""

    yes: bool = YES
    json_events: bool = option(
        "--json-events", is_flag=True, help="Print events as they happen, one JSON object per line."
    )
    allow: Allowed = ALLOW
    confirm: str | None = option(
        "--confirm", metavar="NAME", help="Confirm the protected environment of this name without typing it."
    )
    parallel: int | None = option(
        "--parallel", type=int, metavar="N", help="Number of parallel writes (default 8) [RECONCILER_PARALLEL]."
    )
    fail_fast: bool = option(
        "--fail-fast",
        is_flag=True,
        envvar="RECONCILER_FAIL_FAST",
        help="Start no further steps after the first failure [RECONCILER_FAIL_FAST].",
    )
    max_calls: int | None = option(
        "--max-calls", type=int, metavar="N", help="Stop after N API calls [RECONCILER_MAX_CALLS]."
    )
    max_minutes: float | None = MAX_MINUTES
