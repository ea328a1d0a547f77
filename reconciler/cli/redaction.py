"""What stands between the commands and the two streams: all that is written passes it, and is marked or reshaped.

Commands do not have to know. What they write is looked through on its way out: JSON by the names of its fields,
text by what looks like an e-mail address and by the personal values that this run has met. Who renders a plan or a
report has it marked value by value before (:meth:`Curtain.plan`), so that columns still stand in line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TextIO, TypeVar, cast

import click

from reconciler.cli.streams import JsonLogStream, PlainStream, WrappedStream, speaks_unicode

T = TypeVar("T")


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
    """Open until somebody asks for redaction; the marks of one run are made with one key."""

    def __init__(self) -> None:
        self.redactor: Any = None
        self._digest: Callable[[str, str], str] | None = None
        self._used = False
        self._secrets: set[str] = set()
        self._streams = (sys.stdout, sys.stderr)
        self.talk: JsonLogStream | None = None
        #: The stream of events on standard output, once somebody asked for one.
        self.events: Any = None

    # drawing it

    def hang(self) -> None:
        """From now on nothing is refused by a stream for the signs in it."""
        self._streams = (sys.stdout, sys.stderr)
        for name, stream in zip(("stdout", "stderr"), self._streams, strict=True):
            if not speaks_unicode(stream):
                setattr(sys, name, PlainStream(stream))

    def speak_json(self) -> None:
        """From now on everything on standard error is one JSON object a line."""
        if self.talk is None:
            self.talk = JsonLogStream(sys.stderr)
            sys.stderr = cast(TextIO, self.talk)

    def draw(self) -> None:
        """From now on nobody is named."""
        if self.redactor is not None:
            return
        from reconciler.output.redact import Redactor

        self.redactor = Redactor(self._mark)
        sys.stdout = cast(TextIO, FilteredStream(sys.stdout, self.text))
        if self.talk is not None:  # whole objects are marked by the names of their fields
            self.talk.stream = cast(TextIO, FilteredStream(self.talk.stream, self.text))
        else:
            sys.stderr = cast(TextIO, FilteredStream(sys.stderr, self.text))

    def lift(self) -> None:
        """Give the streams back."""
        if self.talk is not None:
            self.talk.close()
        sys.stdout, sys.stderr = self._streams

    def settle(self, settings: Any) -> None:
        """The settings of this command line are known."""
        if settings.digest_key:
            from reconciler.ledger.codec import digest

            key = settings.digest_key.encode()
            self.keyed(lambda name, value: digest(key, name, value))
        self._secrets |= {settings.api_key, settings.digest_key, settings.notify.url} - {None}
        if settings.redact:
            self.draw()

    def keyed(self, digest: Callable[[str, str], str]) -> None:
        """Make marks with this key; too late once there is a mark."""
        if not self._used:
            self._digest = digest

    def _mark(self, text: str) -> str:
        if self._digest is None:
            import hmac
            import secrets

            key = secrets.token_bytes(32)
            self._digest = lambda name, value: hmac.new(key, f"{name}\0{value}".encode(), "sha256").hexdigest()
        from reconciler.output.redact import DOMAIN

        self._used = True
        return self._digest(DOMAIN, text)

    # what is known

    def learn_state(self, state: Any) -> None:
        """The files are read: whose values may turn up in messages."""
        from reconciler.model.values import Secret
        from reconciler.planner.ties import singles

        values = (value for desired in singles(state.resources).values() for value in desired.attrs.values())
        self._secrets |= {value.value for value in values if isinstance(value, Secret)}
        self._learn((desired.address, desired.attrs) for desired in state.resources.values())

    def opened(self, store: Any) -> None:
        """The ledger is open: marks are made with its key, and the people it knows may turn up in messages."""
        self.keyed(store.digest)
        if self.redactor is not None:
            self.learn_entries(store.entries())

    def learn_found(self, found: Any) -> None:
        """The account is read."""
        self.learn_entries(found.entries.values())
        self._learn((live.address, live.attrs) for live in found.live.values())

    def learn_entries(self, entries: Iterable[Any]) -> None:
        """Rows of a ledger."""
        self._learn((entry.address, attrs) for entry in entries for attrs in (entry.applied, entry.answered))

    def learn_plan(self, plan: Any) -> None:
        """A saved plan is read."""
        self._learn((change.address, attrs) for change in plan.changes for attrs in (change.attrs, change.before))

    def learn_past(self, past: Iterable[Any]) -> None:
        """Outcomes of an earlier run."""
        self._learn((each.address, attrs) for each in past for attrs in (each.before, each.after) if attrs)

    def _learn(self, named: Iterable[tuple[Any, Any]]) -> None:
        if self.redactor is not None:
            self.redactor.learn(named)

    def secrets(self) -> set[str]:
        """The texts that nobody may read: keys, and what the files' secrets hold."""
        return {*self._secrets, *_own_secrets()}

    # values and texts

    def marked(self, way: str, value: T) -> T:
        """``value`` through a method of the redactor, or as it is."""
        return value if self.redactor is None else cast(T, getattr(self.redactor, way)(value))

    def listening(self, listener: Callable[..., None] | None) -> Callable[..., None] | None:
        """A listener that hears of marked outcomes."""
        if listener is None or self.redactor is None:
            return listener
        return lambda outcome, *numbers: listener(self.redactor.outcome(outcome), *numbers)

    def text(self, text: str) -> str:
        """What a stream gets; a whole JSON document stays one."""
        if self.redactor is None:
            return text
        if text.lstrip()[:1] in ("{", "["):
            import json

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
        """Tell an exception that nobody foresaw: where it came from, and none of our secrets."""
        import traceback

        told = "".join(traceback.format_exception(kind, error, trace))
        for secret in sorted(self.secrets(), key=len, reverse=True):
            told = told.replace(secret, "(hidden)").replace(repr(secret)[1:-1], "(hidden)")
        told = self.text(told) + "This is a defect of reconciler; please report it with these lines."
        if self.talk is not None:
            self.talk.tell(told, "error", "defect")
        else:
            click.echo(told, err=True)


def _own_secrets() -> set[str]:
    """Our keys, and the password in the ledger's URL."""
    from urllib.parse import urlsplit

    names = ("MATON_API_KEY", "RECONCILER_LEDGER_KEY", "RECONCILER_NOTIFY_URL", "RECONCILER_LEDGER")
    values = [os.environ.get(name, "").strip() for name in names]
    with contextlib.suppress(ValueError):
        values.append(urlsplit(values[-1]).password or "")
    return {value for value in values if len(value) > 3 and value != "none"}


def output_filter_of(ctx: click.Context) -> OutputFilter:
    """The curtain of this command line."""
    found: OutputFilter = ctx.obj["curtain"]
    return found
