"""The project that the server was started for, opened again for each call."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from secrets import token_bytes

from reconciler.commands import ledgers, project
from reconciler.commands.plan import PlanRequest
from reconciler.commands.project import Invocation, Project, require_resources
from reconciler.commands.session import Session
from reconciler.config.settings import Settings
from reconciler.errors import Problem
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.ledger.codec import Key
from reconciler.ledger.store import Store
from reconciler.mcp.calls import Call
from reconciler.mcp.listings import Misuse
from reconciler.model.policy import Allow
from reconciler.model.resource import LedgerEntry
from reconciler.output.redact import DOMAIN, Redactor
from reconciler.planner.matched_state import MatchedState

_WILD = re.compile(r"[*?\[]")
_PSEUDONYM = re.compile(r"(?<![^/])[cv]:[0-9a-f]{8}(?![^/])")


@dataclass(frozen=True)
class Opened:
    """A project with its session and ledger; ``store`` is None with ``--ledger none``."""

    project: Project
    session: Session
    store: Store | None
    allow: Mapping[Allow, int | None]

    def request(self, targets: tuple[str, ...] = (), excludes: tuple[str, ...] = ()) -> PlanRequest:
        """The plan request for the files, with the approvals that were given when the server started."""
        request = self.session.request(self.project, self.allow)
        return replace(request, targets=targets, excludes=excludes)


@dataclass
class Workspace:
    """``path`` are the project's files. ``redact`` False shows people, ``allow`` are approvals of a person: both are
    decided when the server starts."""

    path: Path
    invocation: Invocation
    redact: bool = True
    allow: Mapping[Allow, int | None] = field(default_factory=dict)
    #: Addresses of live resources by what was shown in their place.
    seen: dict[str, str] = field(default_factory=dict)
    _rate_limits: dict[float, RateLimiter] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _key: Key = field(default_factory=lambda: Key(token_bytes(32)), repr=False)

    @property
    def key(self) -> Key:
        """The key of this process: digests secrets of kept plans, and makes pseudonyms where there is no ledger."""
        return self._key

    def settings(self, call: Call) -> Settings:
        """The settings; from now on messages of the call have pseudonyms of the project's own key."""
        if self.redact:
            call.redactor = self._redactor()
        found = project.read_settings(self.path, self._invocation())
        if self.redact:
            call.redactor = Redactor(partial(self._digest_of(found), DOMAIN))
        return found

    def project(self, call: Call, on_warning: Callable[[Problem], None] = lambda problem: None) -> Project:
        """Settings and files; raises ConfigurationError with every problem of every file."""
        project.require_path(self.path)
        settings = self.settings(call)
        state = project.read_state(self.path, settings, self._invocation(on_warning))
        call.learn((each.address, each.attrs) for each in state.resources.values())
        return Project(self.path, settings, state)

    @contextmanager
    def opened(self, call: Call, *, declares: bool = False) -> Iterator[Opened]:
        """Project, session and ledger for reading; ``declares``: files that declare nothing are an error."""
        found = self.project(call)
        if declares:
            require_resources(found)
        session = self.session(call, found.settings)
        with session.ledger_to_read() as store:
            learn_entries(call, store.entries() if store else ())
            yield Opened(found, session, store, self.allow)

    def session(self, call: Call, settings: Settings) -> Session:
        """A session that stops with the call; all calls of the server share one rate limit."""
        session = Session(settings, stop=call.stop)
        with self._lock:
            session.rate_limit = self._rate_limits.setdefault(settings.rate_limit, session.rate_limit)
        return session

    @contextmanager
    def ledger(self, call: Call) -> Iterator[Store]:
        """The ledger alone; raises Misuse where there is none yet."""
        settings = self.settings(call)
        store = None if settings.ledger == "none" else ledgers.peek(settings)
        if store is None:
            raise Misuse("There is no ledger yet. The first apply creates it.")
        with store:
            learn_entries(call, store.entries())
            yield store

    def addresses(self, call: Call, opened: Opened, patterns: Iterable[str]) -> tuple[str, ...]:
        """Addresses for patterns that were written by an assistant, who may know people by their pseudonyms only.

        With pseudonyms, a wildcard is matched against what is shown, so that nobody can be guessed letter by letter.
        """
        return tuple(found for pattern in patterns for found in self._named(call, opened, pattern))

    def _named(self, call: Call, opened: Opened, pattern: str) -> list[str]:
        if not call.redactor.redacts or not (_WILD.search(pattern) or _PSEUDONYM.search(pattern)):
            return [pattern]
        if pattern in self.seen:
            return [self.seen[pattern]]
        entries = opened.store.entries() if opened.store else ()
        known = {*opened.project.state.resources, *(entry.address for entry in entries)}
        shown = (call.redactor, self._redactor())  # the second: as it was before the first apply
        found = sorted(str(a) for a in known if any(fnmatchcase(str(each.address(a)), pattern) for each in shown))
        if not found:
            raise Misuse("An address or pattern matches no declared or managed resource.")
        return found

    def _invocation(self, on_warning: Callable[[Problem], None] = lambda problem: None) -> Invocation:
        flags = {**self.invocation.flags, "redact": self.redact}
        return replace(self.invocation, flags=flags, on_warning=on_warning)

    def _redactor(self) -> Redactor:
        return Redactor(partial(self._key.digest, DOMAIN))

    def _digest_of(self, settings: Settings) -> Callable[[str, str], str]:
        """The key of pseudonyms: RECONCILER_LEDGER_KEY, or the ledger's key; without both, a key of this process."""
        if settings.digest_key:
            return Key(settings.digest_key.encode()).digest
        store = None if settings.ledger == "none" else ledgers.peek(settings)
        if store is None:
            return self._key.digest
        with store:
            return store.key.digest


def learn_entries(call: Call, entries: Iterable[LedgerEntry]) -> None:
    """Redact personal values of the ledger in messages of the call."""
    call.learn((entry.address, attrs) for entry in entries for attrs in (entry.applied, entry.answered))


def learn_account(call: Call, found: MatchedState) -> None:
    """Redact personal values of the account in messages of the call."""
    learn_entries(call, found.entries.values())
    call.learn((live.address, live.attrs) for live in found.live.values())
