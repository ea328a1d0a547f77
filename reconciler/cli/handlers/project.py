"""Handlers of `init`, `validate` and `schema`, which need no account."""

from __future__ import annotations

import shlex
from typing import Any

import click

from reconciler.cli.command_options import InitOptions, SchemaOptions, ValidateOptions
from reconciler.cli.handlers.context import open_project, place
from reconciler.cli.handlers.outputs import PROBLEMS, name_of, outputs_of
from reconciler.cli.logs import log
from reconciler.cli.program import program_of, start_folder
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_text
from reconciler.commands.init import catalog_of, schema_of, write_first_files
from reconciler.commands.show_settings import effective
from reconciler.errors import ConfigurationError
from reconciler.output.settings import setting_lines
from reconciler.output.wording import count


def init(ctx: click.Context, options: InitOptions) -> int:
    """Write a commented reconciler.yaml and a first file into the folder PATH. Never overwrites."""
    for written in write_first_files(start_folder(ctx) / options.path):
        print_text(redaction_of(ctx).text(f"wrote {written}"))
    start = [] if program_of(ctx).directory == "." else ["-C", program_of(ctx).directory]
    folder = [] if str(options.path) == "." else [str(options.path)]
    plan = shlex.join(["reconciler", *start, "plan", *folder])
    log(f"Next: export MATON_API_KEY=…; {plan}")
    return 0


def validate(ctx: click.Context, options: ValidateOptions) -> int:
    """Check every file below PATH, offline. Shows every problem of every file at once."""
    outputs = outputs_of(ctx, options, PROBLEMS)
    try:
        workspace = open_project(ctx, options.path, place(ctx))
    except ConfigurationError as error:
        if outputs.wanted:
            outputs.write_problems(error, name_of(ctx, options.path))
        if not outputs.claimed:
            raise
        return 1
    counts: dict[str, int] = {}
    for address in workspace.state.resources:
        counts[address.kind] = counts.get(address.kind, 0) + 1
    settings = effective(workspace.settings) if options.show else []
    if outputs.wanted:
        shown = {"settings": [row._asdict() for row in settings]} if options.show else {}
        outputs.write_valid(name_of(ctx, options.path), {"resources": counts, **shown})
    if not outputs.claimed:
        for line in setting_lines(settings):
            print_text(redaction_of(ctx).text(line))
        print_text(_summary(counts))
    return 0


def _summary(counts: dict[str, int]) -> str:
    parts = ", ".join(count(number, kind.replace("_", " ")) for kind, number in sorted(counts.items()))
    return f"Valid: {parts}." if parts else "Valid, and nothing is declared."


def schema(ctx: click.Context, options: SchemaOptions) -> int:
    """Print a JSON Schema: of the YAML files, of reconciler.yaml, of ``--json`` and ``--json-events``."""
    if options.at is not None and (options.what != "catalog" or not options.at.startswith("https://")):
        raise click.UsageError("--at takes an https URL, and goes with catalog")
    document: dict[str, Any] = catalog_of(options.at) if options.what == "catalog" else schema_of(options.what)
    print_json(document)
    return 0
