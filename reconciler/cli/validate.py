"""``validate``: checks the files of a project, offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli.options import PATH, ProblemOutputOptions, examples, option, with_options
from reconciler.cli.outputs import name_of, outputs_of
from reconciler.cli.project_context import invocation_of, open_project
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_text
from reconciler.commands.show_resources import as_json, as_yaml, effective_resources, map_values
from reconciler.commands.show_settings import effective
from reconciler.errors import ConfigurationError
from reconciler.model.resource import Resources
from reconciler.output.formats import PROBLEMS
from reconciler.output.settings import setting_lines
from reconciler.output.wording import count


class ValidateOptions(ProblemOutputOptions):
    """``validate``."""

    path: Path = PATH
    show: bool = option(
        "--show", is_flag=True, help="Also print the effective settings and resources, each with its source."
    )


@click.command(
    epilog=examples(
        "reconciler validate site/",
        "reconciler -e staging validate --show",
        "reconciler validate site/ --output github --output sarif=problems.sarif",
    )
)
@with_options(ValidateOptions)
def validate(ctx: click.Context, options: ValidateOptions) -> int:
    """Check all files below PATH offline, and report all problems at once.

    ``--show`` prints every resource as YAML with its position, after variables, defaults, CSV files and short forms
    are applied. Secrets appear as their source only.
    """
    outputs = outputs_of(ctx, options, PROBLEMS)
    try:
        workspace = open_project(ctx, options.path, replace(invocation_of(ctx), skip_commands=True))
    except ConfigurationError as error:
        if outputs.wanted:
            outputs.write_problems(error, name_of(ctx, options.path))
        if not outputs.claimed:
            raise
        return 1
    counts = Resources.by_kind(workspace.state.resources).counts()
    settings = effective(workspace.settings) if options.show else []
    resources = effective_resources(workspace.state) if options.show else {}
    if outputs.wanted:
        shown = {"settings": [row._asdict() for row in settings], "effective": as_json(resources)}
        outputs.write_valid(name_of(ctx, options.path), {"resources": counts, **(shown if options.show else {})})
    if not outputs.claimed:
        for line in setting_lines(settings):
            print_text(redaction_of(ctx).text(line))
        if resources:
            print_text("\n" + as_yaml(map_values(resources, redaction_of(ctx).document)))
        print_text(_summary(counts))
    return 0


def _summary(counts: Mapping[str, int]) -> str:
    parts = ", ".join(count(number, kind.replace("_", " ")) for kind, number in sorted(counts.items()))
    return f"Valid: {parts}." if parts else "Valid: no resources declared."
