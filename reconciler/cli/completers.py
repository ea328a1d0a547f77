"""What is being typed → what it could become: addresses, environments, runs, kinds; imports only what that needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

#: More than this nobody reads through; another letter makes it fewer.
MOST = 500


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of resources that the files ask for or the ledger records."""
    from reconciler.commands import completion_data

    return _fitting(incomplete, sorted(completion_data.addresses(*_where(ctx))))


def recorded(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of resources that the ledger records."""
    from reconciler.commands import completion_data

    return _fitting(incomplete, sorted(completion_data.addresses(*_where(ctx), declared=False)))


def environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of the project's reconciler.yaml."""
    from reconciler.commands import completion_data

    return _fitting(incomplete, completion_data.environments(*_where(ctx)))


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """That the ledger remembers."""
    from reconciler.commands import completion_data

    found = completion_data.runs(*_where(ctx))
    return [CompletionItem(number, help=what) for number, what in found if number.startswith(incomplete)][:MOST]


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """By their sections in the files."""
    from reconciler.kinds import SECTIONS

    return [CompletionItem(name, help=kind.doc) for name, kind in SECTIONS.items() if name.startswith(incomplete)]


def pulled(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Kinds that an account is written down by."""
    from reconciler.edit.export import pullable

    return _fitting(incomplete, sorted(kind.name for kind in pullable()))


def allowances(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The classes of ``--allow``."""
    from reconciler.model.policy import Allow

    return _fitting(incomplete, [allow.value for allow in Allow])


def topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of ``help``: topics and commands."""
    from reconciler.commands.help import names

    root = ctx.find_root()
    commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return _fitting(incomplete, sorted({*commands, *names()}))


def _fitting(incomplete: str, words: Iterable[str]) -> list[CompletionItem[str]]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)][:MOST]


def _where(ctx: click.Context) -> tuple[Any, Path]:
    """The place and the project that the line names so far."""
    from reconciler.commands.project import Invocation

    root, given = ctx.find_root().params, ctx.params
    path = given.get("project") or given.get("path") or "."
    folder = Path.cwd() / (root.get("directory") or ".")
    flags = {"ledger": given["ledger"]} if given.get("ledger") else {}
    environment = root.get("environment") or given.get("goal") or os.environ.get("RECONCILER_ENVIRONMENT")
    return Invocation(folder.resolve(), dict(os.environ), flags, environment or None), Path(path)
