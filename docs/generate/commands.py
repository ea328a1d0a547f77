"""The commands of the command line → docs/reference/commands.md: usage, options and examples of each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from docs.generate.markdown import code, fence, table
from reconciler.cli.main import COMMANDS, cli
from reconciler.cli.options import AccountOptions, with_options

INTRO = """\
# Commands

Results are written to standard output, diagnostics to standard error. Exit codes are explained in
[exit codes](exit-codes.md). PATH is a folder or one file, by default the current folder. ADDRESS is explained in
[addresses](addresses.md), CLASS of `--allow` in [safety](safety.md#approvals). `--help` shows the same text.

On a terminal, long output of `plan`, `show`, `drift`, `history`, `explain` and `help` goes through a pager:
`RECONCILER_PAGER`, else `PAGER`, else `less`. `cat` or an empty value means none, and CI never has one.

"""


@with_options(AccountOptions)
def _account(ctx: click.Context, options: AccountOptions) -> int:
    return 0


#: Options that are listed once, because many commands have them.
SHARED = tuple(option.name for option in getattr(_account, "__click_params__"))  # noqa: B009


def page() -> str:
    """The whole page: an index, the options of all, then each command with its subcommands."""
    found = list(walk())
    index = table(
        ["command", "meaning"],
        ([f"[{path}](#{path.replace(' ', '-')})", short(path, command)] for path, command in found),
    )
    everywhere = "## Global options\n\n" + options(cli.params)
    shared = "## Account options\n\nCommands that accept them link here.\n\n" + options(
        _account.__click_params__[::-1]  # type: ignore[attr-defined]
    )
    return "\n".join([INTRO + index, everywhere, shared, *(_section(path, command) for path, command in found)])


def walk() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, subcommands after their group, hidden ones left out."""
    root = click.Context(cli, info_name="reconciler")
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command
        yield name, command
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=root)
            found = ((each, command.get_command(inner, each)) for each in command.list_commands(inner))
            yield from ((f"{name} {each}", sub) for each, sub in found if sub and not sub.hidden)


def short(path: str, command: click.Command) -> str:
    """One line, as the tool's own list has it; of a subcommand the first sentence of its help."""
    if path in COMMANDS:
        return COMMANDS[path][-1]
    return re.split(r"(?<=[.;:]) ", " ".join(text(command).split()), maxsplit=1)[0].rstrip(".;:") + "."


def text(command: click.Command) -> str:
    """Its help as Markdown: code marks of one backtick."""
    return inspect.cleandoc(command.help or "").replace("``", "`").replace("\b\n", "")


def examples(command: click.Command) -> list[str]:
    """The command lines of its epilog, continued lines joined."""
    block = re.search(r"Example:\n((?:  .*\n?)+)", inspect.cleandoc(command.epilog or ""))
    lines = block.group(1).replace("\\\n", " ") if block else ""
    return [" ".join(line.split()) for line in lines.splitlines()]


def remarks(command: click.Command) -> str:
    """The epilog without the examples."""
    return re.sub(r"\x08?\n?Example:\n(?:  .*\n?)+", "", inspect.cleandoc(command.epilog or "")).strip("\b\n ")


def _section(path: str, command: click.Command) -> str:
    own = [each for each in command.params if each.name not in SHARED]
    shares = "Also accepts the [account options](#account-options).\n"
    return "\n".join(
        filter(
            None,
            [
                f"{'##' if ' ' not in path else '###'} {path}\n",
                fence("text", usage(path, command)),
                text(command) + "\n",
                options(own),
                shares if len(own) < len(command.params) else "",
                fence("text", "\n".join(examples(command))) if examples(command) else "",
                remarks(command) and remarks(command) + "\n",
            ],
        )
    )


def usage(path: str, command: click.Command) -> str:
    """``reconciler plan [OPTIONS] [PATH]``."""
    context = click.Context(command, info_name=f"reconciler {path}")
    return f"reconciler {path} {' '.join(command.collect_usage_pieces(context))}"


def options(params: list[click.Parameter]) -> str:
    """The table of the options; arguments stand in the usage."""
    return table(
        ["option", "meaning", "default"],
        (
            [_flags(each), _help(each), _default(each)]
            for each in params
            if isinstance(each, click.Option) and not each.hidden
        ),
    )


def _flags(option: click.Option) -> str:
    context = click.Context(click.Command("x"))
    words = ", ".join(option.opts) + (f" / {', '.join(option.secondary_opts)}" if option.secondary_opts else "")
    takes = not option.is_flag and not option.count
    return code(f"{words} {option.make_metavar(context)}" if takes else words)


def _help(option: click.Option) -> str:
    found = re.sub(r"\[(RECONCILER_\w+)\]", r"(`\1`)", option.help or "")
    found += f" (`{option.envvar}`)" if option.envvar and str(option.envvar) not in found else ""
    found += " Required." if option.required else ""
    return found + (" Repeatable." if option.multiple and "epeatable" not in found else "")


def _default(option: click.Option) -> str:
    shown = option.show_default and option.default is not None
    return code(option.default) if shown else ""
