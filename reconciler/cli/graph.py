"""``graph``: what needs what, of the files or of a plan, as Mermaid, DOT or SVG."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, path_argument, place, selection_options, start_folder
from reconciler.cli.redaction import output_filter_of
from reconciler.errors import ConfigurationError

EXAMPLE = """\b
Example:
  reconciler graph site/
  reconciler graph site/ --of plan --format dot
  reconciler graph site/ --format svg --out site.svg
"""
#: Seconds that drawing may take.
PATIENCE = 120
#: What graphviz is given of the environment; keys and secrets of the account are not for it.
_PASSED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "GVBINDIR")


@click.command(epilog=EXAMPLE)
@path_argument
@click.option(
    "--of",
    "subject",
    type=click.Choice(["files", "plan"]),
    default="files",
    show_default=True,
    help="What the files declare (offline), or the steps of a plan and their order.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    show_default=True,
    help="SVG is drawn by graphviz.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
@click.option("--full", is_flag=True, help="Every contact and relation, however many there are.")
@selection_options
@account_options
@click.pass_context
def graph(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Draw what needs what, of what the files below PATH declare or of the plan that follows from them."""
    from reconciler.cli.terminal import say
    from reconciler.commands.project import open_workspace, require_resources
    from reconciler.output.graph import FORMATS, too_big_for_mermaid

    chosen = given["targets"] or given["excludes"] or given["target_file"] or given["refresh"] != "auto"
    if given["subject"] != "plan" and chosen:
        raise click.UsageError("--target, --exclude and --refresh cut a plan; they need --of plan")
    workspace = open_workspace(path, place(ctx, given))
    require_resources(workspace)
    form = given["form"]
    program = _graphviz() if form == "svg" else ""
    diagram = (_of_files if given["subject"] == "files" else _of_plan)(ctx, workspace, given)
    text = FORMATS[form if form in FORMATS else "dot"](diagram)
    if form == "mermaid" and too_big_for_mermaid(text, diagram):
        size = f"{len(text):,} characters, {len(diagram.edges):,} arrows"
        say(f"warning: too big for Mermaid as GitHub and GitLab draw it ({size}): use --format dot or svg", "warning")
    if program:
        text = _drawn(program, text)
    if given["out"] is None:
        click.echo(text, nl=False)
        return 0
    _write(start_folder(ctx) / given["out"], text, redacted=output_filter_of(ctx).redactor is not None)
    say(f"Wrote {given['out']}: {len(diagram.nodes):,} boxes, {len(diagram.edges):,} arrows.")
    return 0


def _of_files(ctx: click.Context, workspace: Any, given: dict[str, Any]) -> Any:
    from reconciler.output.graph import of_files

    return of_files(workspace.state, _shown(ctx), full=given["full"])


def _of_plan(ctx: click.Context, workspace: Any, given: dict[str, Any]) -> Any:
    from reconciler.cli.context import open_session, requested, stopping
    from reconciler.commands.plan import make_plan
    from reconciler.output.graph import of_plan

    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store, session.reader() as reader:
        request = requested(workspace, session, given)
        with stopping(session.stop), session.progress() as progress:
            planned = make_plan(request, reader, store, progress=progress)
    return of_plan(planned.graph, planned.plan.changes, _shown(ctx), full=given["full"])


def _shown(ctx: click.Context) -> Any:
    """Addresses as they may be shown: what is written to a file does not pass the curtain of the streams."""
    from reconciler.output.graph import label_of

    curtain = output_filter_of(ctx)
    return lambda address: curtain.text(label_of(curtain.marked("address", address)))


def _graphviz() -> str:
    found = shutil.which("dot")
    if found is None:
        raise ConfigurationError(
            "--format svg is drawn by graphviz, and there is no program `dot` on the PATH: install it "
            "(apt-get install graphviz, brew install graphviz), or take --format mermaid or dot"
        )
    return found


def _drawn(program: str, text: str) -> str:
    """The picture; the text goes in by a pipe, so that nothing in it is taken for an argument."""
    environ = {name: os.environ[name] for name in _PASSED if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - graphviz, with fixed arguments
            [program, "-Tsvg"], input=text.encode(), capture_output=True, timeout=PATIENCE, check=False, env=environ
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"graphviz was not done after {PATIENCE} s; draw less of it (without --full), or take --format dot"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{program} cannot be started: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigurationError(f"graphviz ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return done.stdout.decode("utf-8", errors="replace")


def _write(path: Path, text: str, *, redacted: bool) -> None:
    from reconciler.config import storage

    try:
        storage.write(path, text.encode(), storage.PUBLIC if redacted else storage.PRIVATE)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
