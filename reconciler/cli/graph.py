"""``graph``: writes the dependency graph of the files or of a plan as Mermaid, DOT or SVG."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click

from reconciler.cli.context import make_plan, open_session, requested, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import (
    FILE_PATH,
    PATH,
    AccountOptions,
    SelectionOptions,
    examples,
    option,
    start_folder,
    with_options,
)
from reconciler.cli.outputs import write_text
from reconciler.cli.project_context import invocation_of, open_project
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_text
from reconciler.commands.project import Project, require_resources
from reconciler.errors import ConfigurationError
from reconciler.model.values import Address
from reconciler.output.graph import FORMATS, Diagram, label_of, of_files, of_plan, too_big_for_mermaid
from reconciler.output.wording import count

#: Seconds that graphviz may take.
PATIENCE = 120

#: Environment variables that are passed to graphviz: no keys, no secrets.
_PASSED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "GVBINDIR")


class GraphOptions(SelectionOptions, AccountOptions):
    """``graph``."""

    path: Path = PATH
    subject: str = option(
        "--of",
        type=click.Choice(["files", "plan"]),
        default="files",
        show_default=True,
        help="Graph of the declared resources (offline) or of the steps of the plan.",
    )
    form: str = option(
        "--format",
        type=click.Choice(["mermaid", "dot", "svg"]),
        default="mermaid",
        show_default=True,
        help="Output format; svg needs graphviz.",
    )
    out: Path | None = option("--out", type=FILE_PATH, metavar="FILE", help="Write to this file.")
    full: bool = option("--full", is_flag=True, help="Include every contact and relation.")


@click.command(
    epilog=examples(
        "reconciler graph site/",
        "reconciler graph site/ --of plan --format dot",
        "reconciler graph site/ --format svg --out site.svg",
    )
)
@with_options(GraphOptions)
def graph(ctx: click.Context, options: GraphOptions) -> int:
    """Show the dependency graph of the resources declared below PATH, or of the plan for them."""
    chosen = options.targets or options.excludes or options.target_file or options.refresh != "auto"
    if options.subject != "plan" and chosen:
        raise click.UsageError("--target, --exclude and --refresh need --of plan")
    workspace = open_project(ctx, options.path, invocation_of(ctx, options))
    require_resources(workspace)
    form = options.form
    program = _graphviz() if form == "svg" else ""
    if options.subject == "files":
        diagram = of_files(workspace.state, _shown(ctx), full=options.full)
    else:
        diagram = _of_plan(ctx, workspace, options)
    text = FORMATS[form if form in FORMATS else "dot"](diagram)
    if form == "mermaid" and too_big_for_mermaid(text, diagram):
        size = f"{len(text):,} characters, {len(diagram.edges):,} edges"
        log(
            f"warning: too big for Mermaid on GitHub and GitLab ({size}); use --format dot or svg",
            logging.WARNING,
        )
    if program:
        text = _drawn(program, text)
    if options.out is None:
        print_text(text, newline=False)
        return 0
    write_text(start_folder(ctx) / options.out, text, redacted=redaction_of(ctx).redacts)
    log(f"Wrote {options.out}: {count(len(diagram.nodes), 'node')}, {count(len(diagram.edges), 'edge')}.")
    return 0


def _of_plan(ctx: click.Context, workspace: Project, options: GraphOptions) -> Diagram:
    session = open_session(ctx, workspace.settings)
    with session.ledger_to_read() as store, session.reader() as reader:
        request = requested(workspace, session, options)
        with stopping(session.stop), session.progress() as progress:
            planned = make_plan(session, request, reader, store, progress)
    return of_plan(planned.graph, planned.plan.changes, _shown(ctx), full=options.full)


def _shown(ctx: click.Context) -> Callable[[Address], str]:
    """Labels of nodes, redacted if requested."""
    redaction = redaction_of(ctx)
    return lambda address: redaction.text(label_of(redaction.address(address)))


def _graphviz() -> str:
    found = shutil.which("dot")
    if found is None:
        raise ConfigurationError(
            "--format svg needs graphviz, and there is no program `dot` on the PATH. Install graphviz "
            "(apt-get install graphviz, brew install graphviz), or use --format mermaid or dot"
        )
    return found


def _drawn(program: str, text: str) -> str:
    """The SVG; the DOT text is passed through a pipe, so that no part of it can become an argument."""
    environ = {name: os.environ[name] for name in _PASSED if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - graphviz, with fixed arguments
            [program, "-Tsvg"], input=text.encode(), capture_output=True, timeout=PATIENCE, check=False, env=environ
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"graphviz did not finish within {PATIENCE} s; omit --full, or use --format dot"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{program} cannot be started: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigurationError(f"graphviz failed ({done.returncode}): {said[-1] if said else 'no message'}")
    return done.stdout.decode("utf-8", errors="replace")
