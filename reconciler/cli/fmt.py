"""``fmt``: files → the same files in canonical order and style."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import place, start_folder

EXAMPLE = """\b
Example:
  reconciler fmt
  reconciler fmt --check --diff site/ people.yaml
  reconciler fmt - < site.yaml
"""


@click.command(epilog=EXAMPLE)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and list the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.pass_context
def fmt(ctx: click.Context, /, paths: tuple[str, ...], check: bool, diff: bool) -> int:
    """Bring YAML files into canonical order and style; comments and what the files say stay.

    PATH is a file, a folder (.), or - for standard input to standard output.
    """
    if (diff or "-" in paths) and _is_discreet(ctx, paths):
        raise click.UsageError("this prints files as they are, people included: leave --redact away")
    if "-" in paths:
        if len(paths) > 1:
            raise click.UsageError("- stands alone")
        return _stream(ctx, check, diff)
    from reconciler.commands.fmt import format_files, write

    papers = format_files([Path(path) for path in paths or (".",)], start_folder(ctx))
    _notes(ctx, papers)
    changed = [paper for paper in papers if paper.differs]
    if not check and not diff:
        write(changed)
    for paper in changed:
        click.echo(_difference(paper) if diff else paper.name, nl=not diff)
    if not ctx.obj["quiet"]:
        click.echo(_summary(len(changed), len(papers), dry=check or diff), err=True)
    return 1 if check and changed else 0


def _is_discreet(ctx: click.Context, paths: tuple[str, ...]) -> bool:
    """Whether this run, or a project of these paths, names nobody."""
    if ctx.obj["redact"] is not None:
        return bool(ctx.obj["redact"])
    from reconciler.commands.project import read_settings
    from reconciler.errors import ConfigurationError

    where = place(ctx, {})
    try:
        return any(read_settings(where.cwd / path, where).redact for path in paths or (".",))
    except ConfigurationError:  # what is wrong in the settings is for other commands to say
        return False


def _stream(ctx: click.Context, check: bool, diff: bool) -> int:
    from reconciler.commands.fmt import format_stream

    paper = format_stream(sys.stdin.buffer.read())
    _notes(ctx, [paper])
    if diff:
        click.echo(_difference(paper), nl=False)
    elif check:
        if paper.differs:
            click.echo(paper.name)
    else:
        click.echo(paper.after.decode(), nl=False)
    return 1 if check and paper.differs else 0


def _difference(paper: Any) -> str:
    from difflib import unified_diff

    before, after = (text.decode("utf-8", "replace") for text in (paper.before, paper.after))
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{paper.name} (as it is)", paper.name
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _notes(ctx: click.Context, papers: list[Any]) -> None:
    from reconciler.output.wording import printable

    for paper in papers:
        if paper.note and not ctx.obj["quiet"]:
            click.echo(printable(f"{paper.name}: {paper.note}"), err=True)


def _summary(changed: int, whole: int, *, dry: bool) -> str:
    from reconciler.output.wording import count

    rest = f"{count(whole - changed, 'file')} as {'it' if whole - changed == 1 else 'they'} should be."
    return f"{count(changed, 'file')} {'would change' if dry else 'formatted'}, {rest}"
