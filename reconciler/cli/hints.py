"""Hints for people who type commands and flags of Terraform, octoDNS, decK, Pulumi or git."""

from __future__ import annotations

from collections.abc import Sequence

import click

from reconciler.model.did_you_mean import near

_ADOPT = "Declare the resource in a file: apply adopts it. To write the whole account as files, use reconciler pull."

#: Command of another tool → what to use here.
COMMANDS = {
    "import": _ADOPT,
    "state": "Use reconciler ledger.",
    "state list": "Use reconciler ledger list.",
    "state show": "Use reconciler ledger show ADDRESS.",
    "state mv": "Use reconciler ledger move OLD NEW, or renamed_from in the file.",
    "state rm": "Use reconciler ledger forget ADDRESS.",
    "state pull": "Use reconciler ledger export.",
    "state push": "Use reconciler ledger import FILE.",
    "ledger mv": "Use reconciler ledger move OLD NEW.",
    "ledger rm": "Use reconciler ledger forget ADDRESS.",
    "force-unlock": "Use reconciler ledger unlock.",
    "unlock": "Use reconciler ledger unlock.",
    "refresh": "Every plan reads the account. For changes made outside of reconciler, use reconciler drift.",
    "output": "Use reconciler explain ADDRESS, or reconciler ledger show ADDRESS for ids.",
    "workspace": "Use environments in reconciler.yaml, and -e NAME.",
    "env": "Use environments in reconciler.yaml, and -e NAME.",
    "taint": "Resources cannot be marked: change the file, or give the resource another url or name.",
    "console": "Use reconciler explain ADDRESS, or reconciler validate --show.",
    "login": "Set MATON_API_KEY. To connect an account, use reconciler connections create.",
    "providers": "There is one gateway. To check it, use reconciler doctor.",
    "test": "Use reconciler validate.",
    "lint": "Use reconciler validate.",
    "check": "Use reconciler validate, or reconciler doctor.",
    "diff": "Use reconciler plan.",
    "preview": "Use reconciler plan.",
    "status": "Use reconciler drift.",
    "sync": "Use reconciler apply.",
    "up": "Use reconciler apply.",
    "deploy": "Use reconciler apply.",
    "down": "Use reconciler destroy.",
    "reset": "Use reconciler destroy.",
    "dump": "Use reconciler pull.",
    "export": "Use reconciler pull for files, or reconciler ledger export.",
    "ping": "Use reconciler doctor.",
    "log": "Use reconciler history.",
    "runs": "Use reconciler history.",
    "rollback": "Use reconciler undo.",
    "revert": "Use reconciler undo.",
    "list": "Use reconciler ledger list.",
    "ls": "Use reconciler ledger list.",
    "new": "Use reconciler init.",
    "version": "Use reconciler --version.",
}

#: Flag of another tool, without dashes → what to use here.
FLAGS = {
    "auto-approve": "Use --yes.",
    "force": "Use --yes, and --allow CLASS for changes that need approval.",
    "y": "Use --yes.",
    "doit": "Use reconciler apply.",
    "dry-run": "Use reconciler plan.",
    "check": "Use reconciler plan --detailed-exitcode.",
    "out": "Use --out FILE.",
    "o": "Use --output FORMAT.",
    "target": "Use --target ADDRESS.",
    "replace": "Not supported: change the file.",
    "destroy": "Use reconciler destroy.",
    "refresh-only": "Use reconciler drift.",
    "refresh": "Use --refresh auto, full or none.",
    "parallelism": "Use --parallel N.",
    "detailed-exitcode": "Use --detailed-exitcode.",
    "non-zero-exit-code": "Use --detailed-exitcode.",
    "json": "Use --json.",
    "lock": "The ledger is always locked while a run writes.",
    "lock-timeout": "A run that finds the ledger locked ends with exit code 3. Try again later.",
    "var": "Set RECONCILER_VAR_NAME, and read it with ${env.RECONCILER_VAR_NAME}; or use vars in reconciler.yaml.",
    "var-file": "Use vars and environments in reconciler.yaml.",
    "state": "Use --ledger URL.",
    "chdir": "Use -C DIR.",
    "config-file": "Pass the folder as PATH, or use -C DIR.",
    "select-tag": "Use --target ADDRESS.",
    "env": "Use -e NAME.",
    "debug": "Use -vv.",
}


def with_hint(error: click.ClickException, words: Sequence[str]) -> click.ClickException:
    """The error about an unknown command or flag with a hint added, or the same error."""
    if isinstance(error, click.NoSuchOption):
        found = _flag(words, error.option_name)
        return click.UsageError(f"No such option {found[0]!r}. {found[1]}", error.ctx) if found else error
    if isinstance(error, click.NoSuchCommand) and error.ctx:
        hint = _command(error.command_name, words, error.ctx)
        return click.UsageError(f"{error.message} {hint}", error.ctx) if hint else error
    return error


def _flag(words: Sequence[str], option: str) -> tuple[str, str] | None:
    """The flag as it was typed, and its hint; click reports a long flag with one dash by its first letter."""
    for word in words:
        typed = word.partition("=")[0]
        if typed == option or (len(option) == 2 and option[1] in typed and not typed.startswith("--")):
            hint = FLAGS.get(typed.lstrip("-"))
            if hint:
                return typed, hint
    return None


def _command(name: str, words: Sequence[str], ctx: click.Context) -> str:
    """The hint for an unknown command, by the word after it or the group before it; else a similar command."""
    after = words[words.index(name) + 1] if name in words[:-1] else ""
    alone = [name] if ctx.parent is None else []
    for known in (f"{name} {after}", f"{ctx.info_name} {name}", *alone):
        if known in COMMANDS:
            return COMMANDS[known]
    root = ctx.command.list_commands(ctx) if isinstance(ctx.command, click.Group) and alone else ()
    similar = near(name, root, most=1)
    return f"Did you mean {similar}?" if similar else ""
