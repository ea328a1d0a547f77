"""Completion of the values of options and arguments; its data is imported when a shell asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from reconciler.cli.program import program_of

#: Longer lists are cut: one more letter shortens them.
MAX_ITEMS = 500

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _completer(subject: str) -> Completer:
    """Completer of one subject of :data:`reconciler.commands.completion_data.SUBJECTS`."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        from reconciler.commands import completion_data

        program, root, given = program_of(ctx), ctx.find_root(), ctx.params
        environment = program.environment or root.params.get("environment") or given.get("goal")
        invocation = completion_data.make_invocation(
            root.params.get("directory") or program.directory, environment, os.environ, given.get("ledger")
        )
        path = str(given.get("project") or given.get("path") or ".")
        found = completion_data.SUBJECTS[subject](invocation, path)
        fitting = (CompletionItem(word, help=text or None) for word, text in found if word.startswith(incomplete))
        return [item for item, _ in zip(fitting, range(MAX_ITEMS), strict=False)]

    return complete


addresses = _completer("addresses")
recorded = _completer("recorded")
environments = _completer("environments")
runs = _completer("runs")
kinds = _completer("kinds")
pulled = _completer("pulled")
_pages = _completer("topics")


def runs_and_addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Numbers of runs, and addresses of managed resources."""
    return [*runs(ctx, param, incomplete), *recorded(ctx, param, incomplete)]


def topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Completes commands and topics of the documentation."""
    root = ctx.find_root()
    names = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    commands = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return sorted([*commands, *_pages(ctx, param, incomplete)], key=lambda item: item.value)
