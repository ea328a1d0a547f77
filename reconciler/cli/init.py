"""``init``: creates a commented reconciler.yaml and a first file."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from reconciler.cli.logs import log
from reconciler.cli.options import PATH, CommandOptions, examples, start_folder, with_options
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_text
from reconciler.commands.init import write_first_files


class InitOptions(CommandOptions):
    """``init``."""

    path: Path = PATH


@click.command(epilog=examples("reconciler init site/"))
@with_options(InitOptions)
def init(ctx: click.Context, options: InitOptions) -> int:
    """Create a commented reconciler.yaml and a first file in the folder PATH. Never overwrites files."""
    for written in write_first_files(start_folder(ctx) / options.path):
        print_text(redaction_of(ctx).text(f"wrote {written}"))
    start = [] if program_of(ctx).directory == "." else ["-C", program_of(ctx).directory]
    folder = [] if str(options.path) == "." else [str(options.path)]
    plan = shlex.join(["reconciler", *start, "plan", *folder])
    log(f"Next: export MATON_API_KEY=…; {plan}")
    return 0
