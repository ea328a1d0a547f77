"""The end of a command line that fails: one message on standard error, one event, one exit code."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from types import TracebackType

import click

from reconciler.cli.hints import with_hint
from reconciler.cli.logs import log
from reconciler.cli.program import Program
from reconciler.cli.redaction import redaction_in, start_logging
from reconciler.errors import GatewayError, ReconcilerError
from reconciler.output.wording import printable


def end(program: Program, message: str, code: int, event: str) -> int:
    """Report why the command line ends early; the exit code."""
    start_logging(program)
    log(message, logging.ERROR, event, exit_code=code)
    if program.events is not None:
        plain = message.removeprefix("error: ").replace("\nerror: ", "\n")
        program.events.failed(redaction_in(program).text(plain), code)
    return code


def end_with_error(program: Program, error: ReconcilerError) -> int:
    """Report an error that the command raised, with ``-v`` also the raw answer behind it; its exit code."""
    lines = [f"error: {printable(line)}" for line in str(error).splitlines()]
    code = end(program, "\n".join(lines) or "error: ", error.exit_code, "error")
    if isinstance(error, GatewayError) and error.detail:
        log(printable(error.detail), logging.DEBUG, "answer")
    return code


def end_with_usage(program: Program, error: click.ClickException, words: Sequence[str]) -> int:
    """Report a wrong command line, for people with the usage of the command; 1, as 2 means "changes"."""
    error = with_hint(error, words)
    text = error.format_message()
    if program.log_format != "json":
        shown = io.StringIO()
        error.show(file=shown)
        text = shown.getvalue().rstrip("\n")
    return end(program, text, 1, "usage")


def report_defect(
    program: Program, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Report an unexpected exception with its traceback, without secrets."""
    start_logging(program)
    log(redaction_in(program).defect(kind, error, trace), logging.ERROR, "defect")
