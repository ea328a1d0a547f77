"""``secrets``: find secrets that are written into files, before they are committed."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.options import start_folder
from reconciler.cli.terminal import say, show_json

EXAMPLE = """\b
Example:
  reconciler secrets
  reconciler secrets site/people.yaml site/students.csv
"""


@click.command(epilog=EXAMPLE)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def secrets(ctx: click.Context, /, paths: tuple[Path, ...], as_json: bool) -> int:
    """Find what looks like a secret in the files below PATH, comments and CSV sources included, and never show it.

    Files and folders, by default this one. A line that says ``# reconciler: not-a-secret`` is left alone.
    """
    from reconciler.commands.find_secrets import look
    from reconciler.errors import ConfigurationError
    from reconciler.output.wording import count

    cwd = start_folder(ctx)
    looked = look([cwd / path for path in paths or (Path(),)], cwd)
    if as_json:
        problems = [problem._asdict() for problem in looked.problems]
        show_json({"clean": not problems, "files": looked.files, "problems": problems})
        return 1 if problems else 0
    if looked.problems:
        raise ConfigurationError(looked.problems)
    say(f"{count(looked.files, 'file')} looked through: nothing looks like a secret.")
    return 0
