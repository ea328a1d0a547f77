"""Options and help of `init`, `validate` and `schema`."""

from __future__ import annotations

import click

from reconciler.cli.command_options import InitOptions, SchemaOptions, ValidateOptions
from reconciler.cli.options import PROBLEMS, output_option, path_argument, with_options

INIT = """\b
Example:
  reconciler init site/
"""


VALIDATE = """\b
Example:
  reconciler validate site/
  reconciler -e staging validate --show
  reconciler validate site/ --output github --output sarif=problems.sarif
"""


SCHEMA = """\b
Example:
  reconciler schema > schema/reconciler.schema.json
  reconciler schema settings
  reconciler schema catalog --at https://example.com/schema
"""


@click.command(epilog=INIT)
@path_argument
@click.pass_context
@with_options(InitOptions)
def init(ctx: click.Context, options: InitOptions) -> int:
    """Write a commented reconciler.yaml and a first file into the folder PATH. Never overwrites."""
    from reconciler.cli.handlers import project as handlers

    return handlers.init(ctx, options)


@click.command(epilog=VALIDATE)
@path_argument
@click.option("--show", is_flag=True, help="Also print the effective settings and their sources.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PROBLEMS)
@click.pass_context
@with_options(ValidateOptions)
def validate(ctx: click.Context, options: ValidateOptions) -> int:
    """Check every file below PATH, offline. Shows every problem of every file at once."""
    from reconciler.cli.handlers import validate as handlers

    return handlers.validate(ctx, options)


@click.command(epilog=SCHEMA)
@click.argument(
    "what",
    type=click.Choice(["files", "settings", "fleet", "plan", "report", "event", "notification", "catalog"]),
    default="files",
)
@click.option("--at", metavar="URL", help="Catalogue: the https folder that the schemas are published in.")
@click.pass_context
@with_options(SchemaOptions)
def schema(ctx: click.Context, options: SchemaOptions) -> int:
    """Print a JSON Schema: of the YAML files, of reconciler.yaml, of ``--json`` and ``--json-events``.

    ``catalog`` is for editors: it says, in the form of SchemaStore, which schema is for which files.
    """
    from reconciler.cli.handlers import project as handlers

    return handlers.schema(ctx, options)
