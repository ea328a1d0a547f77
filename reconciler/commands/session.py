"""The session of a run: account, ledger and API clients, opened as they are needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.commands import ledgers
from reconciler.commands.connections import unknown_connection
from reconciler.commands.plan import PlanRequest
from reconciler.commands.project import Project
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, NotConnected, ReconcilerError
from reconciler.gateway.client import CallCount, Exchange, Reader, Writer
from reconciler.gateway.connections import ACTIVE, Connections, ConnectionsWriter, oldest_of
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import Key
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow
from reconciler.model.resource import EMPTY

Log = Callable[[Exchange], None]

NO_CONNECTION = (
    "This key has no active Systeme.io connection. Create one with `reconciler connections create`, or choose one "
    "with --connection."
)


@dataclass
class Session:
    """The session of one run. Its clients share one rate limiter, one call count and one stop signal."""

    settings: Settings
    log: Log | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    calls: CallCount = field(default_factory=CallCount)

    def __post_init__(self) -> None:
        self.rate_limit = RateLimiter(self.settings.rate_limit)
        self._account: str | None = self.settings.connection
        #: Active connections that :meth:`account` chose from; 0 if the connection is configured.
        self.candidates = 0
        minutes = self.settings.max_minutes
        #: Point in time (time.monotonic) after which nothing is read or started.
        self.deadline = None if minutes is None else time.monotonic() + minutes * 60

    @property
    def api_key(self) -> str:
        """The API key; raises ConfigurationError if it is not set."""
        if not self.settings.api_key:
            raise ConfigurationError("MATON_API_KEY is not set; get a key at maton.ai/settings and export it")
        return self.settings.api_key

    def account(self) -> str | None:
        """The connection in use: the configured one, or the gateway's default, which is read once."""
        if self._account is None and self.settings.ledger != "none":
            with Connections(self.settings.control_url, self.api_key, **self._shared()) as connections:
                active = connections.list(status=ACTIVE)
            oldest = oldest_of(active)
            if oldest is None:
                raise NotConnected(NO_CONNECTION)
            self._account, self.candidates = oldest.id, len(active)
        return self._account

    def request(self, project: Project, allow: Mapping[Allow, int | None] = EMPTY) -> PlanRequest:
        """The request for a plan of all files of the project."""
        return PlanRequest(
            project.state,
            project.policy,
            Dialect(project.settings.dialect),
            self.account(),
            allow=allow,
            parallel=project.settings.parallel,
            connections=self.candidates,
        )

    def _shared(self) -> dict[str, Any]:
        return {
            "rate_limit": self.rate_limit,
            "stop": self.stop,
            "log": self.log,
            "calls": self.calls,
            "deadline": self.deadline,
        }

    def _account_options(self) -> dict[str, Any]:
        return {"dialect": self.settings.dialect, "connection": self.account(), **self._shared()}

    @contextmanager
    def connections(self) -> Iterator[Connections]:
        """The connections API of the key; its transport can only GET."""
        with Connections(self.settings.control_url, self.api_key, **self._shared()) as connections:
            yield connections

    @contextmanager
    def connections_writer(self) -> Iterator[ConnectionsWriter]:
        """The connections API of the key, with a transport that also writes."""
        with ConnectionsWriter(self.settings.control_url, self.api_key, **self._shared()) as connections:
            yield connections

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A client whose transport can only GET."""
        with Reader(self.settings.gateway_url, self.api_key, **self._account_options()) as reader:
            try:
                yield reader
            except NotConnected as error:
                raise self._explained(error) from None

    def _explained(self, error: NotConnected) -> NotConnected:
        """The same error with the state of the configured connection, or the ids of those that exist."""
        wanted = self.settings.connection
        if wanted is None:
            return error
        try:
            with self.connections() as connections:
                listed = connections.list()
        except ReconcilerError:
            return error
        found = next((each for each in listed if each.id == wanted), None)
        if found is None:
            text = f"{unknown_connection(wanted, listed)} Check {self.settings.sources['connection']}."
            return NotConnected(text, detail=str(error))
        text = f'Connection "{wanted}" is {found.status}. Choose an ACTIVE one: `reconciler connections list`.'
        return error if found.status == ACTIVE else NotConnected(text, detail=str(error))

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """A client that also writes; opened only by ``apply``, after all approvals."""
        with Writer(self.settings.gateway_url, self.api_key, **self._account_options()) as writer:
            yield writer

    @contextmanager
    def ledger_to_read(self) -> Iterator[Store | None]:
        """The ledger, read-only, or an empty one if there is none yet; None for ``--ledger none``."""
        if self.settings.ledger == "none":
            yield None
            return
        with ledgers.peek(self.settings) or self._no_ledger() as opened:
            opened.check(self.account())
            yield opened

    def _no_ledger(self) -> Store:
        """An empty ledger in place of one that does not exist yet; it knows the other ledgers of the account."""
        ledgers.check_left_behind(self.settings, self.account())
        store = Store.none(key=self.settings.digest_key)
        store.beside = Store.other_ledgers_at(self.settings.ledger, self.settings.root, self.account())
        return store

    def has_ledger(self) -> bool:
        """Whether the ledger will still exist when a saved plan is applied."""
        return ledgers.exists(self.settings)

    def has_key(self) -> bool:
        """Whether saved plans can be signed: with RECONCILER_LEDGER_KEY, or the key of an existing ledger."""
        return self.settings.digest_key is not None or self.has_ledger()

    def key(self, store: Store | None) -> Key:
        """The key of saved plans; requires :meth:`has_key`."""
        if self.settings.digest_key is not None:
            return Key(self.settings.digest_key.encode())
        assert store is not None
        return store.key

    @contextmanager
    def ledger_to_write(self) -> Iterator[Store]:
        """The ledger, locked by this run and bound to its account."""
        if self.settings.ledger == "none":
            with Store.none(key=self.settings.digest_key) as store, Lock.acquire(store):
                yield store
            return
        ledgers.check(self.settings, writing=True)
        ledgers.check_left_behind(self.settings, self.account())
        with ledgers.open_to_write(self.settings) as store:
            store.check(self.account())
            with Lock.acquire(store):
                store.claim(self.account())
                yield store
