"""The exception tree: every error that can end a run, with its exit code.

ReconcilerError                 1   base: one clear message, never a traceback
├── ConfigurationError          1   files, flags, settings, environment; carries every Problem found
├── GatewayError                1   an unusable answer of the gateway or of Systeme.io
│   ├── Unreachable             1   no connection was made: nothing can have happened
│   ├── NoAnswer                1   sent, and no usable answer came: it may have happened
│   ├── Unauthorized            1   401: the key is missing, wrong or expired
│   ├── NotConnected            1   400 of the gateway: no such connection, or none active
│   ├── NotFound                1   404
│   ├── Invalid                 1   422 and 400: Systeme.io refuses the body; carries its violations
│   └── Throttled               1   429 that outlasted every retry
├── LedgerError                 1   the ledger cannot be read or written, or belongs to another account
├── Refused                     3   a person or a safety rule has to decide first
│   ├── Stale                   3   a plan made now would differ from the saved one
│   ├── ApprovalRequired        3   the plan needs an --allow that was not given
│   ├── Declined                3   the confirmation was declined
│   └── Locked                  3   another apply holds the ledger
└── Interrupted               130   stopped by a signal
    └── TimeIsUp                4   --max-minutes is over
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Problem(NamedTuple):
    """One error in user input: where (``file:line:column`` or a name), what is wrong, what to do."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.hint}" if self.hint else text

    def position(self) -> tuple[str, int, int]:
        """File, line and column; an empty file and zeros if the problem is not in a file."""
        file, *place = self.where.rsplit(":", 2)
        if len(place) == 2 and all(number.isdecimal() for number in place):
            return file, int(place[0]), int(place[1])
        return "", 0, 0


class ReconcilerError(Exception):
    """Base of all expected errors; ``str()`` is the message for the user."""

    exit_code = 1


class ConfigurationError(ReconcilerError):
    """Invalid user input; ``problems`` holds all errors of all files, sorted by file, line and column."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = (
            (Problem("", problems),) if isinstance(problems, str) else tuple(sorted(problems, key=Problem.position))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Violation(NamedTuple):
    """One entry of the vendor's 422 body (api: ``propertyPath``, ``message``, ``code``)."""

    path: str
    message: str
    code: str = ""


class GatewayError(ReconcilerError):
    """The gateway or Systeme.io gave an answer that ends this request; ``detail`` is shown with ``-v`` only."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None, detail: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.detail = detail


class Unreachable(GatewayError):
    """No connection was made, so nothing can have happened."""


class NoAnswer(GatewayError):
    """The request was sent and no usable answer came back: it may have been carried out."""


class Unauthorized(GatewayError):
    """401: the key is missing, wrong or expired."""


class NotConnected(GatewayError):
    """The gateway knows no active connection for this request."""


class NotFound(GatewayError):
    """404: the path does not exist."""


class Invalid(GatewayError):
    """Systeme.io refused the request (400, 422 and similar)."""

    def __init__(self, message: str, *, status: int | None = None, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message, status=status)
        self.violations = tuple(violations)


class Throttled(GatewayError):
    """429 outlasted every retry."""


class LedgerError(ReconcilerError):
    """The ledger cannot be read or written, or belongs to another account."""


class DamagedValue(Exception):
    """An invalid value in the ledger; reported as a LedgerError that names the file."""


class Refused(ReconcilerError):
    """Nothing was done, because a person or a safety rule has to decide first."""

    exit_code = 3


class Stale(Refused):
    """A plan made now would differ from the saved one."""


class ApprovalRequired(Refused):
    """The plan contains changes that need an ``--allow`` which was not given."""


class Declined(Refused):
    """The confirmation was declined, or there was no terminal to ask on."""


class Locked(Refused):
    """Another apply holds the lock of this ledger."""


class Interrupted(ReconcilerError):
    """A signal stopped the run; the changes made so far are recorded."""

    exit_code = 130


class TimeIsUp(Interrupted):
    """``--max-minutes`` ended the run; the changes made so far are recorded."""

    exit_code = 4
