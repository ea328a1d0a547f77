"""Completion of addresses, environments, runs, kinds and topics; each imports only what it needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click
from click.shell_completion import CompletionItem

from reconciler.model.policy import Allow

#: More than this nobody reads through; another letter makes it fewer.
MOST = 500


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Addresses of resources that the files declare or the ledger records."""
    return _from_project(ctx, "addresses", incomplete)


def recorded(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Addresses of resources that the ledger records."""
    return _from_project(ctx, "recorded", incomplete)


def environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Environments of the project's reconciler.yaml."""
    return _from_project(ctx, "environments", incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Numbers of runs that the ledger records."""
    return _from_project(ctx, "runs", incomplete)


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
    return _fitting(incomplete, [allow.value for allow in Allow])


def topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of ``help``: topics and commands."""
    from reconciler.commands.help import names

    root = ctx.find_root()
    commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return _fitting(incomplete, sorted({*commands, *names()}))


def _fitting(incomplete: str, words: Iterable[str]) -> list[CompletionItem[str]]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)][:MOST]


def _from_project(
    ctx: click.Context, subject: Literal["addresses", "recorded", "environments", "runs"], incomplete: str
) -> list[CompletionItem[str]]:
    """Names from the files and the ledger of the project that the line names so far."""
    from reconciler.commands import completion_data
    from reconciler.commands.project import Invocation

    root, given = ctx.find_root().params, ctx.params
    path = Path(given.get("project") or given.get("path") or ".")
    folder = Path.cwd() / (root.get("directory") or ".")
    flags = {"ledger": given["ledger"]} if given.get("ledger") else {}
    environment = root.get("environment") or given.get("goal") or os.environ.get("RECONCILER_ENVIRONMENT")
    where = Invocation(folder.resolve(), dict(os.environ), flags, environment or None)
    if subject == "runs":
        found = completion_data.runs(where, path)
        return [CompletionItem(number, help=what) for number, what in found if number.startswith(incomplete)][:MOST]
    if subject == "environments":
        return _fitting(incomplete, completion_data.environments(where, path))
    names = completion_data.addresses(where, path, declared=subject == "addresses")
    return _fitting(incomplete, sorted(names))
