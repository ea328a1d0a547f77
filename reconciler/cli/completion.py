"""Answers to completion requests of shells; ``completion`` prints the script that sends these requests."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Mapping

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from reconciler.cli.program import Program

VARIABLE = "_RECONCILER_COMPLETE"

EXAMPLE = """\b
Example:
  source <(reconciler completion bash)
  reconciler completion zsh > "${fpath[1]}/_reconciler"
  reconciler completion fish > ~/.config/fish/completions/reconciler.fish
"""

_BASH = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Reads the line as it was typed: bash splits words at ``@``, ``=`` and ``:``, which occur in addresses."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the word at the cursor."""
        line = os.environ.get("COMP_LINE", "")
        words, last = split_arg_string(line), _last(line)
        return (words[1:-1], words[-1]) if last and len(words) > 1 else (words[1:], "")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """The part of the completion after the last break, because bash replaces only that part."""
        last = _last(os.environ.get("COMP_LINE", ""))
        if item.type != "plain" or last[:1] in ("'", '"'):  # bash does not split quoted text
            return super().format_completion(item)
        value = item.value
        if "=" in last and last.startswith("-"):
            last, value = last.partition("=")[2], item.value
        breaks = [sign for sign in os.environ.get("COMP_WORDBREAKS", "") if sign in "@=:"]
        # bash keeps an @ as the first character of a word
        typed = max((last.rfind(sign) + (sign != "@") for sign in breaks), default=0)
        typed = max(typed, 0)
        return f"{item.type},{_quoted(value[typed:])}"


class Fish(FishComplete):
    """The script of click, but for values that contain commas."""

    source_template = FishComplete.source_template.replace('string split ","', 'string split -m 1 ","')


SHELLS: Mapping[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}


def _last(line: str) -> str:
    """The last word of the line as it was typed, with quotes and escapes; empty after a blank."""
    word, quote, skip = "", "", False
    for sign in line:
        if skip:
            skip = False
        elif sign == "\\" and quote != "'":
            skip = True
        elif sign == quote:
            quote = ""
        elif not quote and sign in "'\"":
            quote = sign
        elif not quote and sign.isspace():
            word = ""
            continue
        word += sign
    return word


def _quoted(value: str) -> str:
    """The value with shell characters escaped."""
    return value if shlex.quote(value) == value else re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)


def answer(cli: click.Command, instruction: str, program: Program) -> int:
    """Answer a completion request; after any error the answer is empty."""
    shell, _, what = instruction.partition("_")
    if shell not in SHELLS or what not in ("complete", "source"):
        return 1
    asked = SHELLS[shell](cli, {"obj": program}, "reconciler", VARIABLE)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            text = asked.complete() if what == "complete" else asked.source()
    except Exception:  # a half-typed line may contain anything
        return 0
    click.echo(text, file=sys.stdout)
    return 0


@click.command(epilog=EXAMPLE)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> int:
    """Print the completion script for SHELL: commands, flags, addresses, environments and runs.

    Completion reads the files and the ledger of the project, and never uses the network.
    """
    asked = SHELLS[shell](ctx.find_root().command, {}, "reconciler", VARIABLE)
    click.echo(asked.source_template % asked.source_vars(), file=sys.stdout)
    return 0
