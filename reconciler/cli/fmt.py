"""``fmt``: formats YAML files."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path

import click

from reconciler.cli.logs import log
from reconciler.cli.options import CommandOptions, argument, examples, option, start_folder, with_options
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_text
from reconciler.commands.fmt import FormattedFile, format_files, format_stream, write
from reconciler.errors import ConfigurationError
from reconciler.output.wording import count, printable


class FmtOptions(CommandOptions):
    """``fmt``."""

    paths: tuple[str, ...] = argument(nargs=-1, metavar="[PATH]...")
    check: bool = option("--check", is_flag=True, help="Write nothing; exit 1 and list the files that would change.")
    diff: bool = option("--diff", is_flag=True, help="Write nothing; print what would change.")


@click.command(
    epilog=examples(
        "reconciler fmt", "reconciler fmt --check --diff site/ people.yaml", "reconciler fmt - < site.yaml"
    )
)
@with_options(FmtOptions)
def fmt(ctx: click.Context, options: FmtOptions) -> int:
    """Format YAML files.

    Sorts sections into canonical order and makes indentation and spacing uniform. Values, comments and quotes stay.

    PATH is a file, a folder (.), or - for standard input to standard output.
    """
    if (options.diff or "-" in options.paths) and _is_discreet(ctx, options.paths):
        raise click.UsageError("this would print files unredacted; run it without --redact")
    if "-" in options.paths:
        if len(options.paths) > 1:
            raise click.UsageError("- cannot be combined with other paths")
        return _stream(ctx, options)

    papers = format_files([Path(path) for path in options.paths or (".",)], start_folder(ctx))
    _notes(ctx, papers)
    changed = [paper for paper in papers if paper.differs]
    if not options.check and not options.diff:
        write(changed)
    for paper in changed:
        print_text(
            _difference(paper) if options.diff else redaction_of(ctx).text(paper.name), newline=not options.diff
        )
    if not program_of(ctx).quiet:
        log(_summary(len(changed), len(papers), dry=options.check or options.diff))
    return 1 if options.check and changed else 0


def _is_discreet(ctx: click.Context, paths: tuple[str, ...]) -> bool:
    """Whether this run, or the project of one of these paths, is redacted."""
    if program_of(ctx).redact is not None:
        return bool(program_of(ctx).redact)

    invocation = invocation_of(ctx)
    try:
        return any(read_settings(ctx, Path(path), invocation).redact for path in paths or (".",))
    except ConfigurationError:  # other commands report invalid settings
        return False


def _stream(ctx: click.Context, options: FmtOptions) -> int:
    paper = format_stream(sys.stdin.buffer.read())
    _notes(ctx, [paper])
    if options.diff:
        print_text(_difference(paper), newline=False)
    elif options.check:
        if paper.differs:
            print_text(paper.name)
    else:
        print_text(paper.after.decode(), newline=False)
    return 1 if options.check and paper.differs else 0


def _difference(paper: FormattedFile) -> str:
    before, after = (text.decode("utf-8", "replace") for text in (paper.before, paper.after))
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{paper.name} (current)", paper.name
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _notes(ctx: click.Context, papers: list[FormattedFile]) -> None:
    for paper in papers:
        if paper.note and not program_of(ctx).quiet:
            log(printable(f"{paper.name}: {paper.note}"))


def _summary(changed: int, whole: int, *, dry: bool) -> str:
    verb = "would change" if dry else "formatted"
    return f"{count(changed, 'file')} {verb}, {count(whole - changed, 'file')} unchanged."
