"""``init``, ``validate`` and ``schema``: what needs no account and no network."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import path_argument, place, start_folder
from reconciler.cli.outputs import PROBLEMS, name_of, output_option, outputs_of
from reconciler.cli.terminal import show_json

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
#: Where nobody publishes anything: to be replaced by --at.


@click.command(epilog=INIT)
@path_argument
@click.pass_context
def init(ctx: click.Context, /, path: Path) -> int:
    """Write a commented reconciler.yaml and a first file into the folder PATH. Never overwrites."""
    from reconciler.commands.init import write_first_files

    for written in write_first_files(start_folder(ctx) / path):
        click.echo(f"wrote {written}")
    start = [] if ctx.obj["directory"] == "." else ["-C", ctx.obj["directory"]]
    folder = [] if str(path) == "." else [str(path)]
    plan = shlex.join(["reconciler", *start, "plan", *folder])
    click.echo(f"Next: export MATON_API_KEY=…; {plan}", err=True)
    return 0


@click.command(epilog=VALIDATE)
@path_argument
@click.option("--show", is_flag=True, help="Say also which settings hold, and where each came from.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@output_option(PROBLEMS)
@click.pass_context
def validate(ctx: click.Context, /, path: Path, show: bool, **given: Any) -> int:
    """Check every file below PATH, offline. Shows every problem of every file at once."""
    from reconciler.commands.project import open_workspace
    from reconciler.commands.show_settings import effective
    from reconciler.errors import ConfigurationError
    from reconciler.output.settings import setting_lines

    outputs = outputs_of(ctx, given, PROBLEMS)
    try:
        workspace = open_workspace(path, place(ctx, {}))
    except ConfigurationError as error:
        if outputs.wanted:
            outputs.tell_problems(error, name_of(ctx, path))
        if not outputs.claimed:
            raise
        return 1
    counts: dict[str, int] = {}
    for address in workspace.state.resources:
        counts[address.kind] = counts.get(address.kind, 0) + 1
    settings = effective(workspace.settings) if show else []
    if outputs.wanted:
        shown = {"settings": [row._asdict() for row in settings]} if show else {}
        outputs.tell_valid(name_of(ctx, path), {"resources": counts, **shown})
    if not outputs.claimed:
        for line in setting_lines(settings):
            click.echo(line)
        click.echo(_summary(counts))
    return 0


def _summary(counts: dict[str, int]) -> str:
    from reconciler.output.wording import count

    parts = ", ".join(count(number, kind.replace("_", " ")) for kind, number in sorted(counts.items()))
    return f"Valid: {parts}." if parts else "Valid, and nothing is declared."


@click.command(epilog=SCHEMA)
@click.argument(
    "what",
    type=click.Choice(["files", "settings", "plan", "report", "event", "notification", "catalog"]),
    default="files",
)
@click.option("--at", metavar="URL", help="Catalogue: the https folder that the schemas are published in.")
def schema(what: str, at: str | None) -> int:
    """Print a JSON Schema: of the YAML files, of reconciler.yaml, of ``--json`` and ``--json-events``.

    ``catalog`` is for editors: it says, in the form of SchemaStore, which schema is for which files.
    """
    from reconciler.commands.init import catalog_of, schema_of

    if at is not None and (what != "catalog" or not at.startswith("https://")):
        raise click.UsageError("--at takes an https URL, and goes with catalog")
    document: dict[str, Any] = catalog_of(at) if what == "catalog" else schema_of(what)
    show_json(document)
    return 0
