"""Handlers of `init` and `schema`, which need no account."""

from __future__ import annotations

import shlex
from typing import Any

import click

from reconciler.cli.command_options import InitOptions, SchemaOptions
from reconciler.cli.logs import log
from reconciler.cli.options import start_folder
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_text
from reconciler.commands.init import catalog_of, schema_of, write_first_files


def init(ctx: click.Context, options: InitOptions) -> int:
    """Write a commented reconciler.yaml and a first file into the folder PATH. Never overwrites."""
    for written in write_first_files(start_folder(ctx) / options.path):
        print_text(redaction_of(ctx).text(f"wrote {written}"))
    start = [] if program_of(ctx).directory == "." else ["-C", program_of(ctx).directory]
    folder = [] if str(options.path) == "." else [str(options.path)]
    plan = shlex.join(["reconciler", *start, "plan", *folder])
    log(f"Next: export MATON_API_KEY=…; {plan}")
    return 0


def schema(ctx: click.Context, options: SchemaOptions) -> int:
    """Print a JSON Schema: of the YAML files, of reconciler.yaml, of ``--json`` and ``--json-events``."""
    if options.at is not None and (options.what != "catalog" or not options.at.startswith("https://")):
        raise click.UsageError("--at takes an https URL, and goes with catalog")
    document: dict[str, Any] = catalog_of(options.at) if options.what == "catalog" else schema_of(options.what)
    print_json(document)
    return 0
