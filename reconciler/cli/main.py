"""Runs one command line: arguments → exit code. Commands are imported when they are called.

0 done, or nothing to do · 1 failure, usage errors included · 2 changes found (--detailed-exitcode)
3 refused · 4 partially applied · 130 interrupted
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

#: Command → (module below reconciler.cli, summary). The list of commands needs no other import.
COMMANDS = {
    "init": ("init", "Create a commented reconciler.yaml and a first file."),
    "validate": ("validate", "Check all files offline and report all problems."),
    "fmt": ("fmt", "Format YAML files."),
    "plan": ("plan", "Show the changes that apply would make."),
    "apply": ("apply", "Change the account to match the files."),
    "destroy": ("apply", "Delete the resources that this project created."),
    "drift": ("drift", "Show changes made outside of reconciler."),
    "watch": ("watch", "Reconcile in a loop: report or apply at an interval."),
    "fleet": ("fleet", "Plan and apply many accounts together."),
    "pull": ("pull", "Write the account as YAML files, or accept drift into them."),
    "show": ("show", "Show a saved plan."),
    "explain": ("explain", "Explain how one resource is resolved."),
    "history": ("history", "List runs and their changes."),
    "undo": ("undo", "Revert a run."),
    "clone": ("clone", "Copy one account to another one, with anonymized contacts."),
    "graph": ("graph", "Show the dependency graph."),
    "ledger": ("ledger", "Inspect and maintain the ledger."),
    "connections": ("connections", "List, create and delete connections to accounts."),
    "doctor": ("doctor", "Check key, connection, account, ledger and files."),
    "schema": ("schema", "Print the JSON Schema of files and outputs."),
    "completion": ("completion", "Print the completion script of a shell."),
    "help": ("help", "Show help for a command, a kind or a topic."),
    "mcp": ("mcp", "Serve the project to an AI assistant."),
    "emulator": ("emulator", "Run a local emulator of the gateway and Systeme.io."),
}

EXAMPLE = """\b
Example:
  reconciler init
  reconciler plan
  reconciler apply
"""


class Commands(click.Group):
    """A group of commands whose modules are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"reconciler.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        _accept_global_options(self, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        flags = click.Command.shell_complete(self, ctx, incomplete)
        named = ((name, text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete))
        return [*(CompletionItem(name, help=text) for name, text in named), *flags]


def _accept_global_options(program: click.Group, command: click.Command) -> None:
    """Accept the global options after a command and its subcommands as well, hidden in their help."""
    taken = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    for option in program.params:
        if option.expose_value and taken.isdisjoint(option.opts):
            again = copy.copy(option)
            again.envvar, again.expose_value, again.is_eager, again.callback = None, False, True, _apply_global_option
            vars(again)["hidden"] = True
            command.params.append(again)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _accept_global_options(program, inner)


def _apply_global_option(ctx: click.Context, param: click.Parameter, value: object) -> object:
    """Apply a global option that is given after the command."""
    name, program = str(param.name), ctx.find_root().obj
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and isinstance(program, Program):
        if name == "verbose" and isinstance(value, int):
            program.verbose += value
        else:
            setattr(program, name, value)
    return value


@click.group(cls=Commands, epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="reconciler")
@click.option("-C", "directory", metavar="DIR", default=".", help="Change to this folder first.")
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
    help="Log how the account is read; -vv: every request; -vvv: also the bodies [RECONCILER_VERBOSE].",
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
    help="Format of the log on standard error; json: one object per line [RECONCILER_LOG_FORMAT].",
)
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    envvar="RECONCILER_HEARTBEAT",
    default=10.0,
    show_default=True,
    help="Interval of progress lines when not on a terminal; 0: no such lines [RECONCILER_HEARTBEAT].",
)
@click.option(
    "--rate-limit",
    metavar="RATE",
    help="API calls: 10/second, 30/minute, 0 (none), or a Systeme.io plan such as free [RECONCILER_RATE_LIMIT].",
)
@click.option(
    "--redact/--no-redact",
    default=None,
    envvar="RECONCILER_REDACT",
    help="Replace personal data with pseudonyms [RECONCILER_REDACT].",
)
@click.option(
    "--no-pager", is_flag=True, help="Do not use a pager for long output; RECONCILER_PAGER sets another one."
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
    no_pager: bool,
) -> None:
    """Keep a Systeme.io account in the state that YAML files declare."""
    program = ctx.obj
    assert isinstance(program, Program)
    program.directory, program.environment, program.redact = directory, environment, redact
    program.verbose, program.quiet, program.log_format = verbose, quiet, log_format
    program.heartbeat, program.rate_limit, program.no_pager = heartbeat, rate_limit, no_pager
    program.command = ctx.invoked_subcommand or ""


def main(args: list[str] | None = None) -> None:
    """Entry point: runs one command and exits with its code.

    The cyclic garbage collector is off: a run builds values without cycles, and collecting took a third of its time.
    Long-running commands switch it on.
    """
    gc.disable()
    configure_streams()
    program = Program()
    sys.excepthook = partial(_defect, program)
    code = run(args, program)
    signal.signal(signal.SIGINT, _leave)
    gc.freeze()  # else the interpreter would look for cycles among all modules and values at its end
    sys.exit(code)


def _leave(number: int, frame: object) -> NoReturn:
    """Ends the process at a Ctrl-C while it waits for its last threads; the command itself is done."""
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
    words, environ = sys.argv[1:] if args is None else args, os.environ  # for errors before a command is known
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
    """Columns of help texts. click would import shutil to find them, which takes longer than the rest of the help."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 80
    return max(min(columns, 80) - 2, 50)


def _ended(program: Program, error: BaseException, words: list[str]) -> int:
    """Report the error and return its exit code; the modules for that are imported only now."""
    from reconciler.cli import failures

    if isinstance(error, click.ClickException):
        return failures.end_with_usage(program, error, words)
    if isinstance(error, ReconcilerError):
        return failures.end_with_error(program, error)
    return failures.end(program, "Interrupted.", 130, "interrupted")


def _defect(program: Program, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from reconciler.cli import failures

    failures.report_defect(program, kind, error, trace)
