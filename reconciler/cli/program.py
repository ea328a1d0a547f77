"""Global options, and state that the parts of a command line share."""

from __future__ import annotations

from typing import Protocol

import click


class EventStream(Protocol):
    """The stream of events of a run."""

    def failed(self, message: str, code: int) -> None:
        """Write the last event of a command that ends with an error."""


class Program:
    """Options of `reconciler` itself.

    ``settings`` are those of the project and ``redaction`` replaces personal data, once a command has set them;
    ``events`` is the stream of events on standard output, if requested; ``command`` is the name of the command.
    No dataclass, because that takes longer to define than most of the help to print.
    """

    directory: str = "."
    environment: str | None = None
    verbose: int = 0
    quiet: bool = False
    log_format: str = "text"
    heartbeat: float = 10.0
    rate_limit: str | None = None
    redact: bool | None = None
    no_pager: bool = False
    settings: object = None
    redaction: object = None
    events: EventStream | None = None
    command: str = ""
    warned: bool = False


def program_of(ctx: click.Context) -> Program:
    """The program options of this command line."""
    found = ctx.find_root().obj
    assert isinstance(found, Program)
    return found
