"""Shows personal data as it is: the counterpart of :mod:`reconciler.output.redact`, used without ``--redact``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.model.plan import Plan
from reconciler.model.report import Outcome, PastOutcome, Report
from reconciler.model.values import Address, Attrs
from reconciler.output.layout import Line

#: Method, path and body of a request.
Call = tuple[str, str, Any]


class Verbatim:
    """Returns every value unchanged. The subclass :class:`~reconciler.output.redact.Redactor` replaces people."""

    #: Whether people are replaced by pseudonyms.
    redacts: bool = False

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Redact these people, and the personal values in these attributes, in free text from now on."""

    def address(self, address: Address) -> Address:
        """An address, such as ``contact/c:7f3a21b0``."""
        return address

    def plan(self, plan: Plan) -> Plan:
        """A plan."""
        return plan

    def request(self, call: Call) -> Call:
        """Method, path and body of a request."""
        return call

    def past(self, outcomes: Iterable[PastOutcome]) -> list[PastOutcome]:
        """The outcomes of an earlier run."""
        return list(outcomes)

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome of a step."""
        return outcome

    def report(self, report: Report) -> Report:
        """The report of a run."""
        return report

    def value(self, name: str, value: Any) -> Any:
        """The value of a field of this name."""
        return value

    def document(self, value: Any) -> Any:
        """A value that is or will be JSON; personal fields are found by their names."""
        return value

    def text(self, text: str) -> str:
        """Free text: e-mail addresses, addresses of people, and learned values are replaced."""
        return text

    def lines(self, lines: Iterable[Line]) -> Iterable[Line]:
        """Lines of a view that holds free text."""
        return [[(self.text(text), style) for text, style in line] for line in lines] if self.redacts else lines
