"""Filter in front of standard output and standard error: redacts personal data, and writes JSON lines on request.

Results are redacted value by value before they are rendered (:meth:`OutputFilter.marked`), so that columns stay
aligned; everything else is searched for e-mail addresses and known personal values as it is written.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import sys
import traceback
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Protocol, TextIO, TypeVar, cast
from urllib.parse import urlsplit

import click

from reconciler.cli.streams import JsonLogStream, PlainStream, WrappedStream, speaks_unicode
from reconciler.model.plan import Plan
from reconciler.model.report import BeforeImage, Outcome
from reconciler.model.resource import DesiredState, LedgerEntry
from reconciler.model.values import Address, Attrs

T = TypeVar("T")


Listener = Callable[[Outcome, int, int], None]


class Redaction(Protocol):
    """The methods of the redactor that are called by name; it is imported when redaction is switched on."""

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Remember the personal values among these."""

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome, redacted."""

    def document(self, value: Any) -> Any:
        """The JSON document, redacted by the names of its fields."""

    def text(self, text: str) -> str:
        """The text, redacted where it holds an e-mail address or a remembered value."""


class EventStream(Protocol):
    """The stream of events of a run."""

    def failed(self, message: str, code: int) -> None:
        """Write the last event of a command that ends with an error."""


class FilteredStream(WrappedStream):
    """A text stream that marks people in what is written to it."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        super().__init__(stream)
        self._redact = redact

    def write(self, text: str) -> int:
        """Write the text, redacted."""
        super().write(self._redact(text))
        return len(text)


class OutputFilter:
    """Passes everything on until redaction is switched on; the pseudonyms of one run are made with one key."""

    def __init__(self) -> None:
        self.redactor: Redaction | None = None
        self._digest: Callable[[str, str], str] | None = None
        self._used = False
        self._secrets: set[str] = set()
        self._streams = (sys.stdout, sys.stderr)
        self.log_stream: JsonLogStream | None = None
        #: The stream of events on standard output, once somebody asked for one.
        self.events: EventStream | None = None

    # switching it on

    def install(self) -> None:
        """Replace streams that cannot show all characters by streams that spell them out."""
        self._streams = (sys.stdout, sys.stderr)
        for name, stream in zip(("stdout", "stderr"), self._streams, strict=True):
            if not speaks_unicode(stream):
                setattr(sys, name, PlainStream(stream))

    def write_json_lines(self) -> None:
        """Write every line on standard error as one JSON object."""
        if self.log_stream is None:
            self.log_stream = JsonLogStream(sys.stderr)
            sys.stderr = cast(TextIO, self.log_stream)

    def redact(self) -> None:
        """Replace personal data with pseudonyms from now on."""
        if self.redactor is not None:
            return
        from reconciler.output.redact import Redactor

        self.redactor = Redactor(self._mark)
        sys.stdout = cast(TextIO, FilteredStream(sys.stdout, self.text))
        if self.log_stream is not None:  # whole objects are marked by the names of their fields
            self.log_stream.stream = cast(TextIO, FilteredStream(self.log_stream.stream, self.text))
        else:
            sys.stderr = cast(TextIO, FilteredStream(sys.stderr, self.text))

    def restore(self) -> None:
        """Put the original streams back."""
        if self.log_stream is not None:
            self.log_stream.close()
        sys.stdout, sys.stderr = self._streams

    def add_secrets(self, *secrets: str | None) -> None:
        """Hide these texts in reports of defects and in the log of requests."""
        self._secrets |= {secret for secret in secrets if secret}

    def use_digest(self, digest: Callable[[str, str], str]) -> None:
        """Make pseudonyms with this keyed digest, unless some were made already."""
        if not self._used:
            self._digest = digest

    def _mark(self, text: str) -> str:
        if self._digest is None:
            key = secrets.token_bytes(32)
            self._digest = lambda name, value: hmac.new(key, f"{name}\0{value}".encode(), "sha256").hexdigest()
        from reconciler.output.redact import DOMAIN

        self._used = True
        return self._digest(DOMAIN, text)

    # personal values of this run

    def learn_state(self, state: DesiredState) -> None:
        """Remember the values of declared resources, which messages may contain."""
        from reconciler.model.values import Secret
        from reconciler.planner.ties import singles

        values = (value for desired in singles(state.resources).values() for value in desired.attrs.values())
        self._secrets |= {value.value for value in values if isinstance(value, Secret)}
        self.learn((desired.address, desired.attrs) for desired in state.resources.values())

    def learn_entries(self, entries: Iterable[LedgerEntry]) -> None:
        """Remember the values of ledger entries."""
        self.learn((entry.address, attrs) for entry in entries for attrs in (entry.applied, entry.answered))

    def learn_plan(self, plan: Plan) -> None:
        """Remember the values of a saved plan."""
        self.learn((change.address, attrs) for change in plan.changes for attrs in (change.attrs, change.before))

    def learn_past(self, past: Iterable[BeforeImage]) -> None:
        """Remember the values of an earlier run."""
        self.learn((each.address, attrs) for each in past for attrs in (each.before, each.after) if attrs)

    def learn(self, named: Iterable[tuple[Address, Attrs]]) -> None:
        """Remember personal values by the address that they belong to."""
        if self.redactor is not None:
            self.redactor.learn(named)

    def secrets(self) -> set[str]:
        """The texts to hide: keys, and secret values of the files."""
        return {*self._secrets, *_own_secrets()}

    # values and texts

    def marked(self, way: str, value: T) -> T:
        """``value`` through a method of the redactor, or as it is."""
        return value if self.redactor is None else cast(T, getattr(self.redactor, way)(value))

    def redacting(self, listener: Listener | None) -> Listener | None:
        """The same listener, called with redacted outcomes."""
        redactor = self.redactor
        if listener is None or redactor is None:
            return listener
        return lambda outcome, done, total: listener(redactor.outcome(outcome), done, total)

    def text(self, text: str) -> str:
        """The text, redacted; a JSON document stays valid."""
        if self.redactor is None:
            return text
        if text.lstrip()[:1] in ("{", "["):
            from reconciler.cli.terminal import json_text

            try:
                document = self.redactor.document(json.loads(text))
            except ValueError:
                return str(self.redactor.text(text))
            end = text[len(text.rstrip()) :]
            return json_text(document, 2 if "\n" in text.strip() else None) + end
        return str(self.redactor.text(text))

    # defects

    def defect(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Report an unexpected exception with its traceback, without secrets."""
        report = "".join(traceback.format_exception(kind, error, trace))
        for secret in sorted(self.secrets(), key=len, reverse=True):
            report = report.replace(secret, "(hidden)").replace(repr(secret)[1:-1], "(hidden)")
        report = self.text(report) + "This is a defect of reconciler; please report it with these lines."
        if self.log_stream is not None:
            self.log_stream.log(report, "error", "defect")
        else:
            click.echo(report, err=True)


def _own_secrets() -> set[str]:
    """Our keys, and the password in the ledger's URL."""
    names = ("MATON_API_KEY", "RECONCILER_LEDGER_KEY", "RECONCILER_NOTIFY_URL", "RECONCILER_LEDGER")
    values = [os.environ.get(name, "").strip() for name in names]
    with contextlib.suppress(ValueError):
        values.append(urlsplit(values[-1]).password or "")
    return {value for value in values if len(value) > 3 and value != "none"}
