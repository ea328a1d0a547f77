"""Redacts values before they are rendered, and messages in a filter of the log."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler.cli.logs import RedactionFilter, configure_logging
from reconciler.cli.program import Program, program_of
from reconciler.kinds import KINDS
from reconciler.model.plan import Plan
from reconciler.model.report import Outcome, PastOutcome, Report
from reconciler.model.resource import DesiredState, LedgerEntry, Resources
from reconciler.model.values import Address, Attrs, Secret
from reconciler.output.verbatim import Call, Verbatim

#: Kinds with fields that may be given as secrets.
_WITH_SECRETS = [kind.name for kind in KINDS.values() if any(f.sensitive or f.from_env for f in kind.fields)]

Listener = Callable[[Outcome, int, int], None]


class Redaction(Verbatim):
    """Replaces people by pseudonyms once it is switched on. Secrets of the run are known in any case.

    Learned personal values are also replaced in free text.
    """

    def __init__(self, *, on: bool = False) -> None:
        self._redactor = Verbatim()
        self._digest: Callable[[str, str], str] | None = None
        self._used = False
        self._secrets: set[str] = set()
        if on:
            self.switch_on()

    def switch_on(self) -> None:
        """Replace personal data from now on."""
        from reconciler.ledger.codec import digest
        from reconciler.output.redact import DOMAIN, Redactor

        if not self.redacts:
            self._digest = self._digest or partial(digest, os.urandom(32))
            self._redactor, self.redacts = Redactor(partial(self._mark, DOMAIN)), True

    def use_digest(self, digest: Callable[[str, str], str]) -> None:
        """Make pseudonyms with this keyed digest, unless one has been made."""
        if not self._used:
            self._digest = digest

    def use_key(self, key: bytes) -> None:
        """Make pseudonyms with this key, unless one has been made."""
        from reconciler.ledger.codec import digest

        self.use_digest(partial(digest, key))

    def _mark(self, domain: str, text: str) -> str:
        assert self._digest is not None
        self._used = True
        return self._digest(domain, text)

    # values to find in free text

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Remember personal values by the address that they belong to."""
        self._redactor.learn(named)

    def learn_state(self, state: DesiredState) -> None:
        """Remember the values of declared resources, and their secrets."""
        resources = Resources.by_kind(state.resources)
        declared = (desired for kind in _WITH_SECRETS for desired in resources.of(kind).values())
        values = (value for desired in declared for value in desired.attrs.values())
        self._secrets |= {value.value for value in values if isinstance(value, Secret)}
        self.learn((desired.address, desired.attrs) for desired in state.resources.values())

    def learn_entries(self, entries: Iterable[LedgerEntry]) -> None:
        """Remember the values of ledger entries."""
        self.learn((entry.address, attrs) for entry in entries for attrs in (entry.applied, entry.answered))

    def learn_plan(self, plan: Plan) -> None:
        """Remember the values of a saved plan."""
        self.learn((change.address, attrs) for change in plan.changes for attrs in (change.attrs, change.before))

    def learn_past(self, past: Iterable[PastOutcome]) -> None:
        """Remember the values of an earlier run."""
        self.learn((each.address, attrs) for each in past for attrs in (each.before, each.after) if attrs)

    def add_secrets(self, *secrets: str | None) -> None:
        """Hide these texts in reports of defects and in the log of requests."""
        self._secrets |= {secret for secret in secrets if secret}

    def secrets(self) -> set[str]:
        """The texts to hide: keys, and secret values of the files."""
        return {*self._secrets, *_own_secrets()}

    # values

    def address(self, address: Address) -> Address:
        """``contact/c:7f3a21b0``."""
        return self._redactor.address(address)

    def plan(self, plan: Plan) -> Plan:
        """The plan with pseudonyms."""
        return self._redactor.plan(plan)

    def request(self, call: Call) -> Call:
        """Method, path and body of a request."""
        return self._redactor.request(call)

    def past(self, outcomes: Iterable[PastOutcome]) -> list[PastOutcome]:
        """Outcomes of an earlier run."""
        return self._redactor.past(outcomes)

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome of a step."""
        return self._redactor.outcome(outcome)

    def report(self, report: Report) -> Report:
        """The report of a run."""
        return self._redactor.report(report)

    def value(self, name: str, value: Any) -> Any:
        """The value of a field of this name."""
        return self._redactor.value(name, value)

    def document(self, value: Any) -> Any:
        """A JSON document, redacted by the names of its fields."""
        return self._redactor.document(value)

    def text(self, text: str) -> str:
        """Free text: e-mail addresses, addresses of people, and learned values are replaced."""
        return self._redactor.text(text)

    def listener(self, listener: Listener | None) -> Listener | None:
        """The same listener, called with redacted outcomes."""
        if listener is None or not self.redacts:
            return listener
        return lambda outcome, done, total: listener(self.outcome(outcome), done, total)

    # defects

    def defect(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
        """An unexpected exception with its traceback, without secrets."""
        report = "".join(traceback.format_exception(kind, error, trace))
        for secret in sorted(self.secrets(), key=len, reverse=True):
            report = report.replace(secret, "(hidden)").replace(repr(secret)[1:-1], "(hidden)")
        return self.text(report) + "This is a bug in reconciler. Please report it with these lines."


def redaction_of(ctx: click.Context) -> Redaction:
    """The redaction of this command line."""
    return redaction_in(program_of(ctx))


def redaction_in(program: Program) -> Redaction:
    """The redaction of these program options; made at its first use."""
    if not isinstance(program.redaction, Redaction):
        program.redaction = Redaction()
    if program.redact:
        program.redaction.switch_on()
    return program.redaction


def start_logging(program: Program) -> None:
    """Start redacted logging to standard error, with the level and format of the program options."""
    redaction = redaction_in(program)
    handler = configure_logging(program.verbose, quiet=program.quiet, as_json=program.log_format == "json")
    handler.addFilter(RedactionFilter(redaction.text, redaction.document))


def _own_secrets(environ: Mapping[str, str] = os.environ) -> set[str]:
    """The keys, and the password in the ledger's URL."""
    names = ("MATON_API_KEY", "RECONCILER_LEDGER_KEY", "RECONCILER_NOTIFY_URL", "RECONCILER_LEDGER")
    values = [environ.get(name, "").strip() for name in names]
    with contextlib.suppress(ValueError):
        values.append(urlsplit(values[-1]).password or "")
    return {value for value in values if len(value) > 3 and value != "none"}
