"""``doctor``: checks key, connection, account, ledger and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.context import log_of
from reconciler.cli.options import JSON, PATH, AccountOptions, examples, with_options
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import columns, print_json, print_lines
from reconciler.commands.doctor import examine, unreadable_settings
from reconciler.errors import ConfigurationError
from reconciler.model.checks import Check, Verdict
from reconciler.output.doctor import check_document, check_lines, verdict_line


class DoctorOptions(AccountOptions):
    """``doctor``."""

    path: Path = PATH
    as_json: bool = JSON


@click.command(epilog=examples("reconciler doctor", "reconciler -e staging doctor site/ --json"))
@with_options(DoctorOptions)
def doctor(ctx: click.Context, options: DoctorOptions) -> int:
    """Check key, connection, account, clock, ledger, folder and files. Reads only; exits 1 when a check fails."""
    checks = []
    for found in _checks(ctx, options):
        text = redaction_of(ctx).text
        check = found._replace(text=text(found.text), remedy=text(found.remedy))
        checks.append(check)
        if not options.as_json:
            print_lines(check_lines(check, columns()))
    if options.as_json:
        print_json(check_document(checks))
    else:
        print_lines([verdict_line(checks)])
    return int(any(check.verdict is Verdict.FAILED for check in checks))


def _checks(ctx: click.Context, options: DoctorOptions) -> Iterator[Check]:
    invocation = invocation_of(ctx, options)
    try:
        settings = read_settings(ctx, options.path, invocation)
    except ConfigurationError as error:
        return unreadable_settings(error)
    return examine(invocation.cwd / options.path, settings, invocation, log=log_of(ctx))
