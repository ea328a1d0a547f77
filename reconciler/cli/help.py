"""``help``: prints the help of commands and pages of the documentation."""

from __future__ import annotations

import shutil
import sys

import click
from rich.console import Console
from rich.markdown import Markdown

from reconciler.cli import completers
from reconciler.cli.main import COMMANDS
from reconciler.cli.pager import page_text
from reconciler.cli.program import program_of
from reconciler.cli.terminal import coloured
from reconciler.commands.help import find, names, topics
from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.model.did_you_mean import near

EXAMPLE = """\b
Example:
  reconciler help
  reconciler help approvals
  reconciler help contact
  reconciler help ledger move
"""

MAX_WIDTH = 120


@click.command("help", epilog=EXAMPLE)
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC...]", shell_complete=completers.topics)
@click.pass_context
def help(ctx: click.Context, /, words: tuple[str, ...]) -> int:  # noqa: A001 - the name of the command
    """Show help for a command, a kind or a topic; without arguments, list commands and topics."""
    text = _command(ctx, words) if words else _rendered(_list())
    if text is None and (page := find(" ".join(words))) is not None:
        text = _rendered(page)
    if text is None:
        raise ConfigurationError(f"no command or topic {' '.join(words)}{_near(words)}")
    page_text(program_of(ctx), text)
    return 0


def _list() -> str:
    commands = [f"- `{name}`: {text}" for name, (_, text) in COMMANDS.items()]
    kinds = ", ".join(f"`{name}`" for name in KINDS)
    pages = [f"- `{each.page}`: {each.title}" for each in topics()]
    closing = "`reconciler help NAME` shows one of them, or a section of these pages, such as `approvals`.\n"
    lines = ["# Commands", "", *commands, "", "# Kinds", "", kinds, "", "# Topics", "", *pages, "", closing]
    return "\n".join(lines)


def _command(ctx: click.Context, words: tuple[str, ...]) -> str | None:
    """``COMMAND --help``, also of subcommands; None if the words name no command."""
    root = ctx.find_root()
    command: click.Command = root.command
    inner = click.Context(command, info_name="reconciler", **command.context_settings)
    for word in words:
        found = command.get_command(inner, word) if isinstance(command, click.Group) else None
        if found is None:
            return None
        command = found
        inner = click.Context(command, info_name=word, parent=inner, **command.context_settings)
    return command.get_help(inner) + "\n"


def _near(words: tuple[str, ...]) -> str:
    hint = near("-".join(words).lower(), [*COMMANDS, *names()], most=1)
    return f"; did you mean {hint}?" if hint else "; `reconciler help` lists them"


def _rendered(markdown: str) -> str:
    """The page formatted for a terminal with colour, else the Markdown itself."""
    if not coloured(sys.stdout):
        return markdown
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    console = Console(width=width, force_terminal=True)
    with console.capture() as captured:
        console.print(Markdown(markdown, hyperlinks=False))
    return captured.get()
