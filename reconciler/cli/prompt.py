"""Asks questions on a terminal, and for the confirmation of a plan."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator

import click

from reconciler.cli.context import CommandContext
from reconciler.cli.options import RunOptions
from reconciler.cli.terminal import can_ask, columns
from reconciler.commands.plan import Planned
from reconciler.errors import Declined
from reconciler.output.confirmation import question
from reconciler.output.layout import wrapped
from reconciler.output.wording import connection_name, printable


def confirm(question: str, word: str = "yes") -> bool:
    """Whether exactly this word is typed. There is no default; a closed input counts as no."""
    return answer(f'{question} Type "{word}" to continue: ') == word


def answer(question: str) -> str | None:
    """The line typed after the question; None at the end of the input and after an error.

    Text typed before the question is dropped. Raises KeyboardInterrupt on Ctrl-C from the question on.
    """
    fd = sys.stdin.fileno()
    with _wakeup_descriptor() as woken:
        _drop_typed(fd)
        click.echo(_wrapped(question), nl=False, file=sys.stderr)
        try:
            ready, _, _ = select.select([fd, woken], [], [])
            line = os.read(fd, 4096) if fd in ready else b""
        except OSError:
            line = b""
    if not line.endswith(b"\n"):
        click.echo("", file=sys.stderr)
        return None
    return line.decode(errors="replace").rstrip("\r\n")


def _wrapped(question: str) -> str:
    """The question wrapped to the width of the terminal, with room for the answer."""
    width = columns(err=True)
    room = max(width - 8, 10) if width else 0
    lines = [part for line in question.rstrip().split("\n") for part in wrapped([(printable(line), "")], room, 0)]
    return "\n".join("".join(text for text, _ in line) for line in lines) + " "


def _drop_typed(fd: int) -> None:
    """Drop input that was typed before the question."""
    try:
        import termios
    except ImportError:  # not on Windows
        return
    with contextlib.suppress(termios.error):
        termios.tcflush(fd, termios.TCIFLUSH)


@contextlib.contextmanager
def _wakeup_descriptor() -> Iterator[int]:
    """A descriptor that becomes readable at a signal, even at one just before the wait."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    before = signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    try:
        yield reads
    finally:
        signal.set_wakeup_fd(before)
        os.close(reads)
        os.close(writes)


def require_yes(question: str, *, yes: bool, declined: str) -> None:
    """Ask for a yes unless the flag is given; raises Declined without it."""
    if yes:
        return
    if not can_ask():
        raise Declined("Cannot ask for confirmation without a terminal. Use --yes.")
    if not confirm(question):
        raise Declined(f"Cancelled: {declined}.")


def confirm_plan(session: CommandContext, planned: Planned, options: RunOptions, command: str) -> None:
    """Ask for a yes, or for the name of a protected environment, unless a flag gives it. Raises Declined."""
    name = session.settings.environment if session.settings.protect else None
    if name:
        asks = not options.confirm and can_ask()
        question = f'{_asked(session, planned)} Type "{name}" to continue: '
        typed = answer(question) if asks else options.confirm
        if typed != name:
            raise Declined(f"Environment {name} is protected: confirm with --confirm {name}. No changes were made.")
        return
    if options.yes:
        return
    if not can_ask():
        saved = ", or apply a saved plan: --plan FILE --yes" if command == "apply" else ""
        raise Declined(f"Cannot ask for confirmation without a terminal. Use --yes{saved}.")
    if not confirm(_asked(session, planned)):
        raise Declined(f"{command.capitalize()} cancelled. No changes were made.")


def _asked(session: CommandContext, planned: Planned) -> str:
    plan = session.redaction.plan(planned.plan)
    return question(plan, connection_name(plan.base.account), session.redaction.text(session.name))
