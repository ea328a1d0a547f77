"""Reports of failures: one message on standard error, one event, one exit code."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from types import TracebackType

import click

from reconciler.cli.hints import with_hint
from reconciler.cli.logs import log
from reconciler.cli.program import Program
from reconciler.cli.redaction import redaction_in, start_logging
from reconciler.errors import ConfigurationError, GatewayError, Problem, ReconcilerError
from reconciler.output.wording import count, printable

#: Problems that are printed; ``validate --json`` and the other formats have all of them.
MOST_SHOWN = 50


def end(program: Program, message: str, code: int, event: str) -> int:
    """Report why the command ends early; returns the exit code."""
    start_logging(program)
    log(message, logging.ERROR, event, exit_code=code)
    if program.events is not None:
        plain = message.removeprefix("error: ").replace("\nerror: ", "\n")
        program.events.failed(redaction_in(program).text(plain), code)
    return code


def end_with_error(program: Program, error: ReconcilerError) -> int:
    """Report an error that the command raised, with ``-v`` also the raw answer behind it; returns its exit code."""
    if isinstance(error, ConfigurationError) and len(error.problems) > 1:
        lines = [*map(_line, error.problems[:MOST_SHOWN]), *_totals(error.problems, program.command)]
    else:
        lines = [_line(line) for line in str(error).splitlines()]
    code = end(program, "\n".join(lines) or "error: ", error.exit_code, "error")
    if isinstance(error, GatewayError) and error.detail:
        log(printable(error.detail), logging.DEBUG, "answer")
    return code


def _line(problem: object) -> str:
    return f"error: {printable(str(problem))}"


def _totals(problems: Sequence[Problem], command: str) -> Iterator[str]:
    """The number of problems that are not shown, and of all of them."""
    if len(problems) > MOST_SHOWN:
        yield f"… and {len(problems) - MOST_SHOWN:,} more"
    files = {problem.position()[0] for problem in problems}
    where = "" if "" in files else f" in {count(len(files), 'file')}"
    nothing = " Nothing was planned." if command in ("plan", "apply", "destroy") else ""
    yield f"{len(problems):,} errors{where}.{nothing}"


def end_with_usage(program: Program, error: click.ClickException, words: Sequence[str]) -> int:
    """Report a usage error with the usage of the command; returns 1, because 2 means "changes"."""
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
