"""Command-line arguments → a command and an exit code; commands are imported when they are called.

0 done or nothing to do · 1 any failure, usage included · 2 changes found (--detailed-exitcode)
3 refused · 4 applied in part · 130 interrupted
"""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import signal
import sys
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import NoReturn

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from reconciler import __version__
from reconciler.cli import completers
from reconciler.cli.program import Program
from reconciler.cli.streams import configure_streams
from reconciler.errors import ReconcilerError

#: Command → (module below reconciler.cli, what it does in one line). Help needs nothing else.
COMMANDS = {
    "init": ("init", "Write a commented reconciler.yaml and a first file."),
    "validate": ("validate", "Check every file offline; shows every problem at once."),
    "fmt": ("fmt", "Bring YAML files into canonical order and style."),
    "plan": ("plan", "Show what would change. Never writes."),
    "apply": ("apply", "Apply the plan."),
    "destroy": ("apply", "Remove what this project made."),
    "drift": ("drift", "Show what the account changed behind our back."),
    "watch": ("watch", "Report or apply again and again."),
    "fleet": ("fleet", "Plan and apply many accounts together."),
    "pull": ("pull", "Write the account down as files, or its drift into them."),
    "show": ("show", "Show a saved plan."),
    "explain": ("explain", "Say everything about one resource."),
    "history": ("history", "List the runs, and what they did."),
    "undo": ("undo", "Revert a run."),
    "clone": ("clone", "Make one account hold what another one has, without its people."),
    "graph": ("graph", "Draw what needs what, of the files or of a plan."),
    "ledger": ("ledger", "Look at what the ledger records, and tend it."),
    "connections": ("connections", "See, make and delete connections to accounts."),
    "doctor": ("doctor", "Check key, connection, account, ledger and files."),
    "schema": ("schema", "Print the JSON Schema of the files."),
    "completion": ("completion", "Print what lets a shell complete commands."),
    "help": ("help", "Explain a command, a kind or a topic."),
    "mcp": ("mcp", "Serve the project to an AI assistant."),
    "emulator": ("emulator", "Run an emulator of the gateway on this machine."),
}

EXAMPLE = """\b
Example:
  reconciler init
  reconciler plan
  reconciler apply
"""


class Commands(click.Group):
    """A group whose commands live in modules that are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"reconciler.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        _take_options_of(self, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        flags = click.Command.shell_complete(self, ctx, incomplete)
        named = ((name, text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete))
        return [*(CompletionItem(name, help=text) for name, text in named), *flags]


def _take_options_of(program: click.Group, command: click.Command) -> None:
    """Let the options of the program stand after a command and its subcommands too, without a place in their help."""
    taken = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    for option in program.params:
        if option.expose_value and taken.isdisjoint(option.opts):
            again = copy.copy(option)
            again.envvar, again.expose_value, again.is_eager, again.callback = None, False, True, _given_again
            vars(again)["hidden"] = True
            command.params.append(again)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _take_options_of(program, inner)


def _given_again(ctx: click.Context, param: click.Parameter, value: object) -> object:
    """An option of the program that stands after the command: it counts as if it stood before."""
    name, program = str(param.name), ctx.find_root().obj
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and isinstance(program, Program):
        if name == "verbose" and isinstance(value, int):
            program.verbose += value
        else:
            setattr(program, name, value)
    return value


@click.group(cls=Commands, epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="reconciler")
@click.option("-C", "directory", metavar="DIR", default=".", help="Start in this folder.")
@click.option(
    "-e",
    "--environment",
    metavar="NAME",
    envvar="RECONCILER_ENVIRONMENT",
    help="Environment of reconciler.yaml to use [RECONCILER_ENVIRONMENT].",
    shell_complete=completers.environments,
)
@click.option(
    "-v",
    "--verbose",
    count=True,
    envvar="RECONCILER_VERBOSE",
    help="Log how the account is read; -vv: every request; -vvv: bodies, too [RECONCILER_VERBOSE].",
)
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    envvar="RECONCILER_QUIET",
    help="Print only results, warnings and errors [RECONCILER_QUIET].",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    envvar="RECONCILER_LOG_FORMAT",
    default="text",
    show_default=True,
    help="Log on standard error as text or as one JSON object per line [RECONCILER_LOG_FORMAT].",
)
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    envvar="RECONCILER_HEARTBEAT",
    default=10.0,
    show_default=True,
    help="Interval of progress lines when not on a terminal; 0: none [RECONCILER_HEARTBEAT].",
)
@click.option(
    "--rate-limit",
    metavar="RATE",
    help="10/second, 30/minute, 0 (no limit), or a Systeme.io plan such as free [RECONCILER_RATE_LIMIT].",
)
@click.option(
    "--redact/--no-redact",
    default=None,
    envvar="RECONCILER_REDACT",
    help="Replace personal data with pseudonyms [RECONCILER_REDACT].",
)
@click.pass_context
def cli(
    ctx: click.Context,
    /,
    directory: str,
    environment: str | None,
    verbose: int,
    quiet: bool,
    log_format: str,
    heartbeat: float,
    rate_limit: str | None,
    redact: bool | None,
) -> None:
    """Keep a Systeme.io account in the state that YAML files declare."""
    program = ctx.obj
    assert isinstance(program, Program)
    program.directory, program.environment, program.redact = directory, environment, redact
    program.verbose, program.quiet, program.log_format = verbose, quiet, log_format
    program.heartbeat, program.rate_limit = heartbeat, rate_limit
    program.command = ctx.invoked_subcommand or ""


def main(args: list[str] | None = None) -> None:
    """Entry point: runs one command and exits with its code.

    The cyclic collector rests: a run builds values without cycles and ends, and walking them again and again took a
    third of its time. A command that stays switches it on.
    """
    gc.disable()
    configure_streams()
    program = Program()
    sys.excepthook = partial(_defect, program)
    code = run(args, program)
    signal.signal(signal.SIGINT, _leave)
    sys.exit(code)


def _leave(number: int, frame: object) -> NoReturn:
    """Ctrl-C while the process waits for its last threads: nothing is left to do in order."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(130)


def run(args: list[str] | None = None, program: Program | None = None) -> int:
    """The exit code of one command line."""
    program = program or Program()
    if instruction := os.environ.get("_RECONCILER_COMPLETE"):
        from reconciler.cli.completion import answer

        return answer(cli, instruction, program)
    words, environ = sys.argv[1:] if args is None else args, os.environ  # for errors in what comes before a command
    program.redact = "--redact" in words or environ.get("RECONCILER_REDACT", "").lower() in ("1", "true", "yes", "on")
    program.log_format = environ.get("RECONCILER_LOG_FORMAT", "text")
    try:
        result = cli.main(words, "reconciler", standalone_mode=False, obj=program, terminal_width=_help_width())
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except (click.ClickException, click.Abort, KeyboardInterrupt, ReconcilerError) as error:
        return _ended(program, error, words)
    return result if isinstance(result, int) else 0


def _help_width() -> int:
    """Columns of help texts; click finds them with a module whose import takes longer than all the rest."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 80
    return max(min(columns, 80) - 2, 50)


def _ended(program: Program, error: BaseException, words: list[str]) -> int:
    """The exit code, after the error was reported; what that takes is imported now."""
    from reconciler.cli import failures

    if isinstance(error, click.ClickException):
        return failures.end_with_usage(program, error, words)
    if isinstance(error, ReconcilerError):
        return failures.end_with_error(program, error)
    return failures.end(program, "Interrupted.", 130, "interrupted")


def _defect(program: Program, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from reconciler.cli import failures

    failures.report_defect(program, kind, error, trace)
