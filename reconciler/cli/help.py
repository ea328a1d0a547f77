"""``help``: a topic as a page, a command as its own ``--help``, and without either a list of both."""

from __future__ import annotations

import os
import shutil
import sys

import click

from reconciler.cli import completers
from reconciler.errors import ConfigurationError

EXAMPLE = """\b
Example:
  reconciler help
  reconciler help approvals
  reconciler help ledger move
"""

#: No wider than is read with ease.
WIDEST = 80


@click.command("help", epilog=EXAMPLE)
@click.argument("words", nargs=-1, metavar="[TOPIC|COMMAND...]", shell_complete=completers.topics)
@click.pass_context
def help(ctx: click.Context, /, words: tuple[str, ...]) -> int:  # noqa: A001 - it is called so
    """Explain a topic, or a command; alone it lists both. A topic that is a command too: `COMMAND --help`."""
    topic = _topic(words[0]) if len(words) == 1 else None
    _shown(_listed() if not words else topic if topic is not None else _command(ctx, words))
    return 0


def _listed() -> str:
    from reconciler.cli.main import COMMANDS
    from reconciler.output.help_topics import CodeExample, Definitions, Topic, page, topics

    return page(
        Topic(
            "help",
            "what can be read",
            (
                "Topics:",
                Definitions(tuple((each.name, each.title) for each in topics())),
                "Commands:",
                Definitions(tuple((name, text) for name, (_, text) in COMMANDS.items())),
                CodeExample("reconciler help TOPIC\nreconciler help COMMAND"),
            ),
        ),
        _width(),
    )


def _topic(name: str) -> str | None:
    """The page; None where there is no such topic, or where it needs no page of its own: a command says it all."""
    from reconciler.output.help_topics import page, topics

    name = name.replace("_", "-").lower()
    if name not in {each.name for each in topics()}:
        return None
    from reconciler.commands.help import manual

    return next(page(each, _width()) for each in manual(_flags(), _told()) if each.name == name)


def _flags() -> set[str]:
    """The settings that some command has a flag for."""
    from reconciler.config.settings import NAMES

    return _told().keys() & set(NAMES)


def _told() -> dict[str, str]:
    """What the flags say of settings that no schema describes."""
    from reconciler.cli.apply import apply
    from reconciler.cli.main import cli

    params = [*cli.params, *apply.params]
    return {each.name or "": (each.help or "").split(" [")[0] for each in params if isinstance(each, click.Option)}


def _command(ctx: click.Context, words: tuple[str, ...]) -> str:
    """``COMMAND --help``, of subcommands too."""
    root = ctx.find_root()
    command: click.Command = root.command
    inner = click.Context(command, info_name="reconciler", **command.context_settings)
    for index, word in enumerate(words):
        found = command.get_command(inner, word) if isinstance(command, click.Group) else None
        if found is None:
            raise ConfigurationError(f"there is no topic and no command {' '.join(words[: index + 1])}{_near(word)}")
        command = found
        inner = click.Context(command, info_name=word, parent=inner, **command.context_settings)
    return command.get_help(inner) + "\n"


def _near(word: str) -> str:
    from reconciler.cli.main import COMMANDS
    from reconciler.model.did_you_mean import near
    from reconciler.output.help_topics import topics

    hint = near(word, [*(each.name for each in topics()), *COMMANDS], most=1)
    return f"; did you mean {hint}?" if hint else "; `reconciler help` lists them"


def _width() -> int:
    return max(20, min(WIDEST, shutil.get_terminal_size().columns) - 2)


def _shown(text: str) -> None:
    """Paged on a terminal where it does not fit; PAGER says by what, and PAGER=cat or none by nothing."""
    tall = text.count("\n") >= shutil.get_terminal_size().lines
    if sys.stdout.isatty() and sys.stdin.isatty() and tall and os.environ.get("TERM") != "dumb":
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False)
