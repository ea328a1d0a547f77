"""The exception tree: everything that can end a run, each with the exit code that it means.

ReconcilerError                 1   base: one clear message, never a traceback
├── ConfigurationError          1   files, flags, settings, environment; carries every Problem found
├── GatewayError                1   an answer of the gateway or the vendor that cannot be worked with
│   ├── Unreachable             1   no connection was made: nothing can have happened
│   ├── NoAnswer                1   sent, and no usable answer came: it may have happened
│   ├── Unauthorized            1   401: the key is missing, wrong or expired
│   ├── NotConnected            1   400 of the gateway: no such connection, or none active
│   ├── NotFound                1   404
│   ├── Invalid                 1   422 and 400: the vendor refuses the body; carries its violations
│   └── Throttled               1   429 that outlasted every retry
├── LedgerError                 1   the ledger cannot be read or written, or is of another account
├── Refused                     3   a person or a safety rule has to decide first
│   ├── Stale                   3   the saved plan would be another one now
│   ├── ApprovalRequired                   3   the plan needs an --allow that was not given
│   ├── Declined                3   somebody answered no
│   └── Locked                  3   another apply holds the ledger
└── Interrupted               130   stopped by a signal
    └── TimeIsUp                4   --max-minutes is over
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Problem(NamedTuple):
    """One finding about what a user wrote: where (``file:line:column`` or a name), what, and what to do."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.hint}" if self.hint else text


class ReconcilerError(Exception):
    """Base of everything that a user can cause; ``str()`` is the message that is shown."""

    exit_code = 1


class ConfigurationError(ReconcilerError):
    """What the user wrote cannot be used; ``problems`` holds all findings of all files at once."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = (
            (Problem("", problems),) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Violation(NamedTuple):
    """One entry of the vendor's 422 body (api: ``propertyPath``, ``message``, ``code``)."""

    path: str
    message: str
    code: str = ""


class GatewayError(ReconcilerError):
    """The gateway or the vendor answered something that ends this request for good."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Unreachable(GatewayError):
    """No connection was made, so nothing can have happened on the other side."""


class NoAnswer(GatewayError):
    """The request left, and no usable answer came back: it may or may not have been carried out."""


class Unauthorized(GatewayError):
    """401: the key is missing, wrong or expired."""


class NotConnected(GatewayError):
    """The gateway knows no active connection for this request."""


class NotFound(GatewayError):
    """404: the path names something that is not there."""


class Invalid(GatewayError):
    """The vendor refused the request (400, 422 and kin)."""

    def __init__(self, message: str, *, status: int | None = None, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message, status=status)
        self.violations = tuple(violations)


class Throttled(GatewayError):
    """429 outlasted every retry."""


class LedgerError(ReconcilerError):
    """The ledger cannot be read or written, or belongs to another account."""


class DamagedValue(Exception):
    """A value of the ledger that no reconciler wrote; the ledger turns it into a LedgerError that names the file."""


class Refused(ReconcilerError):
    """Nothing was done: a person or a safety rule has to decide first."""

    exit_code = 3


class Stale(Refused):
    """The saved plan is not what would be planned now."""


class ApprovalRequired(Refused):
    """The plan holds changes of a class that was not allowed for this run."""


class Declined(Refused):
    """The question was answered with no, or there was nobody to ask."""


class Locked(Refused):
    """Another apply holds the lease of this ledger."""


class Interrupted(ReconcilerError):
    """A signal stopped the run; what was done is recorded."""

    exit_code = 130


class TimeIsUp(Interrupted):
    """``--max-minutes`` ended the run; what was done is recorded."""

    exit_code = 4
