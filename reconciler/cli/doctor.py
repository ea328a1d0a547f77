"""``doctor``: everything that has to be right before a plan or an apply can succeed, each with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import account_options, path_argument, place

EXAMPLE = """\b
Example:
  reconciler doctor
  reconciler -e staging doctor site/ --json
"""


@click.command(epilog=EXAMPLE)
@path_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@account_options
@click.pass_context
def doctor(ctx: click.Context, /, path: Path, as_json: bool, **given: Any) -> int:
    """Check key, connection, account, clock, ledger, folder and files. Reads only; exits 1 when a check fails."""
    from reconciler.cli.context import log_of
    from reconciler.cli.terminal import show, show_json
    from reconciler.commands.doctor import examine
    from reconciler.model.checks import Verdict
    from reconciler.output.doctor import check_document, check_lines, verdict_line

    checks = []
    for check in examine(path, place(ctx, given), log=log_of(ctx)):
        checks.append(check)
        if not as_json:
            show(check_lines(check))
    if as_json:
        show_json(check_document(checks))
    else:
        show([verdict_line(checks)])
    return int(any(check.verdict is Verdict.FAILED for check in checks))
