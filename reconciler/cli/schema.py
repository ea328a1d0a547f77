"""``schema``: prints the JSON Schema of files and of outputs."""

from __future__ import annotations

import click

from reconciler.cli.options import CommandOptions, argument, examples, option, with_options
from reconciler.cli.terminal import print_json
from reconciler.commands.init import SCHEMA_HOST, schema_of
from reconciler.output.catalog import catalog


class SchemaOptions(CommandOptions):
    """``schema``."""

    what: str = argument(
        type=click.Choice(
            ["files", "settings", "fleet", "plan", "report", "fleet-report", "event", "notification", "catalog"]
        ),
        default="files",
    )
    at: str | None = option(
        "--at", metavar="URL", help="For catalog: the https URL of the folder in which the schemas are published."
    )


@click.command(
    epilog=examples(
        "reconciler schema > schema/reconciler.schema.json",
        "reconciler schema settings",
        "reconciler schema catalog --at https://example.com/schema",
    )
)
@with_options(SchemaOptions)
def schema(ctx: click.Context, options: SchemaOptions) -> int:
    """Print the JSON Schema of YAML files, reconciler.yaml, fleet.yaml, ``--json`` or ``--json-events``.

    ``catalog`` prints a catalogue for editors in the format of SchemaStore.
    """
    if options.at is not None and (options.what != "catalog" or not options.at.startswith("https://")):
        raise click.UsageError("--at needs an https URL, and is for catalog only")
    print_json(catalog(options.at or SCHEMA_HOST) if options.what == "catalog" else schema_of(options.what))
    return 0
