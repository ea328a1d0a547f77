"""Options that are given before a command, and the output filter of the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import click

from reconciler.cli.redaction import OutputFilter


@dataclass
class Program:
    """Options of `reconciler` itself. ``settings`` are those of the project, once they are read."""

    directory: str = "."
    environment: str | None = None
    verbose: int = 0
    quiet: bool = False
    log_format: str = "text"
    heartbeat: float = 10.0
    rate_limit: float | None = None
    redact: bool | None = None
    output_filter: OutputFilter = field(default_factory=OutputFilter)
    settings: object = None
    warned: bool = False


def program_of(ctx: click.Context) -> Program:
    """The program options of this command line."""
    found = ctx.find_root().obj
    assert isinstance(found, Program)
    return found


def output_filter_of(ctx: click.Context) -> OutputFilter:
    """The output filter of this command line."""
    return program_of(ctx).output_filter


def start_folder(ctx: click.Context) -> Path:
    """The folder that ``-C`` names; raises a usage error when there is no such folder."""
    directory = program_of(ctx).directory
    folder = Path.cwd() / directory
    if not folder.is_dir():
        raise click.UsageError(f"-C {directory}: no such folder")
    return folder.resolve()
