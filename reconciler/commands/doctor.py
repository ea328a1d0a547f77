"""Checks everything that plan and apply need: project, key, gateway, connection, account, ledger.

A check is skipped if an earlier one that it needs has failed. At most two calls, both GETs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.commands import ledgers
from reconciler.commands.connections import unknown_connection
from reconciler.commands.project import Invocation, read_state
from reconciler.config.settings import Settings
from reconciler.errors import (
    ConfigurationError,
    GatewayError,
    NoAnswer,
    NotConnected,
    NotFound,
    ReconcilerError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from reconciler.gateway.client import Exchange
from reconciler.gateway.connections import ACTIVE, Connection, Connections, oldest_of
from reconciler.gateway.dialect_check import recognise_dialect
from reconciler.gateway.headers import instant, quota
from reconciler.gateway.probe import HeaderRecorder, Probe
from reconciler.gateway.retry import Retries
from reconciler.ledger.database import locate
from reconciler.ledger.store import Description
from reconciler.model.checks import Check, bad, good, passed_over
from reconciler.output import wording
from reconciler.output.wording import count

REST = (
    "API key",
    "connections API",
    "connection",
    "API base URL",
    "account",
    "dialect",
    "quota",
    "clock",
    "ledger",
    "ledger account",
    "lock",
    "project folder",
    "files",
)


def unreadable_settings(error: ConfigurationError) -> Iterator[Check]:
    """The checks of a project with invalid settings."""
    yield bad("settings", _first(error), "fix reconciler.yaml, the flag or the variable")
    yield from (passed_over(name, "the settings are invalid") for name in REST)


def examine(
    path: Path,
    settings: Settings,
    invocation: Invocation,
    *,
    log: Callable[[Exchange], None] | None = None,
    now: Callable[[], float] = time.time,
) -> Iterator[Check]:
    """Yield the result of every check. Writes nothing."""
    yield good(
        "settings", f"{settings.root}" + (f", environment {settings.environment}" if settings.environment else "")
    )
    outside = Examination(settings, log, now)
    yield from outside.checks()
    yield from _ledger(settings, outside.used, now())
    yield _folder(settings.root)
    yield _files(path, settings, invocation)


def _ledger(settings: Settings, account: str | None, now: float) -> Iterator[Check]:
    names = ("ledger", "ledger account", "lock")
    if settings.ledger == "none":
        yield from (passed_over(name, "no ledger is used (--ledger none)") for name in names)
        return
    try:
        ledgers.check(settings, writing=True)
        store = ledgers.peek(settings)
        if store is None:
            yield _yet_to_be(locate(settings.ledger, settings.root).path)
            yield from (passed_over(name, "no ledger yet") for name in names[1:])
            return
        with store:
            about = store.describe()
    except ReconcilerError as error:
        yield bad("ledger", str(error), "check --ledger (RECONCILER_LEDGER) and that the database is reachable")
        yield from (passed_over(name, "the ledger cannot be read") for name in names[1:])
        return
    size = sum(about.counts.values())
    yield good(
        "ledger", f"{about.url}: schema version {about.version}, serial {about.serial}, {count(size, 'resource')}"
    )
    yield _ownership(about, account)
    yield _lock(about, now)


def _yet_to_be(path: Path | None) -> Check:
    """Whether the first apply can create a ledger, and the folders above it, at this path."""
    there = next((each for each in path.parents if each.exists()), None) if path else None
    if there is None or (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return good("ledger", "none yet; the first apply creates it")
    remedy = f"make {there} a folder that you can write to, or use another place with --ledger (RECONCILER_LEDGER)"
    return bad("ledger", f"none yet, and the first apply cannot create {path}", remedy)


def _ownership(about: Description, account: str | None) -> Check:
    if about.account is None:
        return good("ledger account", "not bound to an account yet; the first apply binds it")
    if account is None:
        return passed_over("ledger account", f"belongs to {about.account}; the connection in use is unknown")
    if about.account == account:
        return good("ledger account", f"belongs to {account}")
    remedy = (
        f"use that one with --connection {about.account}, use another ledger, or, if both lead to the same account, "
        "`reconciler ledger rebind`"
    )
    return bad("ledger account", f"belongs to {about.account}, but {account} is in use", remedy)


def _lock(about: Description, now: float) -> Check:
    if about.held is None:
        return good("lock", "free")
    since = datetime.fromtimestamp(about.held.acquired, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if about.held.expires <= now:
        return good("lock", f"free; the lock of {about.held.holder} expired")
    hint = "wait for it, or, if that process is dead, run `reconciler ledger unlock`"
    return passed_over("lock", f"held by {about.held.holder} since {since}; {hint}")


def _folder(root: Path) -> Check:
    if os.access(root, os.W_OK | os.X_OK):
        return good("project folder", f"{root} is writable")
    remedy = "make it writable for you: the ledger and plan files are saved there"
    return bad("project folder", f"{root} is not writable", remedy)


def _files(path: Path, settings: Settings, invocation: Invocation) -> Check:
    try:
        if not path.exists():
            raise ConfigurationError(f"{path} does not exist")
        state = read_state(path, settings, invocation)
    except ConfigurationError as error:
        return bad(
            "files",
            _first(error),
            ("`reconciler validate` shows every problem; `reconciler init` creates a first file"),
        )
    if not state.kinds:
        return passed_over("files", "nothing is declared; `reconciler init` creates a first file")
    return good("files", f"valid, {count(len(state.resources), 'resource')}")


def _first(error: ConfigurationError) -> str:
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return f"{error.problems[0]}{more}"


#: A small list, complete in one answer, whose items show the dialect.
PATH = "/api/contact_fields"
#: Seconds by which the clocks may differ; a lock is valid for 60.
SKEW = 30.0
_CREATE = (
    "use one that `reconciler connections list` shows as ACTIVE with --connection, or create one with "
    "`reconciler connections create`"
)
_NO_KEY = "no usable API key"


@dataclass
class Examination:
    """The checks that need the gateway; ``used`` is the connection in use, once known."""

    settings: Settings
    log: Callable[[Exchange], None] | None = None
    now: Callable[[], float] = time.time
    used: str | None = None
    listed: Sequence[Connection] | None = None
    barred: str = ""
    rate_limit: HeaderRecorder = field(default_factory=HeaderRecorder)

    def checks(self) -> Iterator[Check]:
        """Check key, connections API, connection, base URL, account, dialect, quota and clock."""
        self.used = self.settings.connection
        yield self.key()
        yield self.control()
        yield self.connection()
        yield from self.account()

    def key(self) -> Check:
        """The key is set and is a valid header value."""
        key, where = self.settings.api_key, "get a key at maton.ai/settings and export it as MATON_API_KEY"
        if not key:
            self.barred = _NO_KEY
            return bad("API key", "MATON_API_KEY is not set", where)
        if not key.isascii() or not key.isprintable() or any(sign in key for sign in " \"'"):
            self.barred = _NO_KEY
            return bad("API key", "MATON_API_KEY contains blanks, quotes or other invalid characters", where)
        return good("API key", "MATON_API_KEY is set and well-formed")

    def control(self) -> Check:
        """The connections API can be reached and accepts the key."""
        name, url = "connections API", self.settings.control_url
        if self.barred:
            return passed_over(name, self.barred)
        try:
            with Connections(url, self.settings.api_key or "", **self._options()) as connections:
                self.listed = connections.list()
        except Unauthorized as error:
            self.barred = "the gateway rejected the API key"
            return bad(name, str(error), "create a new key at maton.ai/settings if this one has expired")
        except ReconcilerError as error:
            return bad(name, str(error), f"check the network, the proxy, and the URL {url} (RECONCILER_CONTROL_URL)")
        return good(name, f"{url} accepts the API key")

    def connection(self) -> Check:
        """The configured connection exists and is active; without one, which one the gateway uses."""
        name = "connection"
        if self.listed is None:
            return passed_over(name, self.barred or "the connections API returns no list")
        if self.used is None:
            return self._default(name, self.listed)
        found = next((each for each in self.listed if each.id == self.used), None)
        source = self.settings.sources.get("connection", "")
        if found is None:
            self.barred = "unknown connection"
            what = unknown_connection(self.used, self.listed)
            return bad(name, what, f"correct {source}: {_CREATE}" if source else _CREATE)
        if found.status != ACTIVE:
            self.barred = f"the connection is {found.status}"
            pending = "open its address in a browser and finish it, or "
            return bad(
                name, f"{found.id} is {found.status}", (pending if found.status == "PENDING" else "") + _CREATE
            )
        return good(name, f"{found.id} ({source}) is ACTIVE")

    def _default(self, name: str, listed: Sequence[Connection]) -> Check:
        oldest = oldest_of(listed)
        if oldest is None:
            self.barred = "no connection is active"
            return bad(name, f"none of {count(len(listed), 'connection')} is ACTIVE", _CREATE)
        self.used = oldest.id
        active = sum(1 for each in listed if each.status == ACTIVE)
        more = f", the oldest of {active} ACTIVE connections" if active > 1 else " (ACTIVE)"
        return good(name, f"Not set; using {oldest.id}{more}")

    def account(self) -> Iterator[Check]:
        """The account can be read; this call also serves the checks after it."""
        rest = ("API base URL", "account", "dialect", "quota", "clock")
        if self.barred:
            yield from (passed_over(name, self.barred) for name in rest)
            return
        url, body, failed = self.settings.gateway_url, None, None
        try:
            with Probe(url, self.settings.api_key or "", connection=self.used, **self._options()) as probe:
                body = probe.ask(PATH)
        except ReconcilerError as error:
            failed = error
        if failed is not None and _is_elsewhere(failed):
            yield bad("API base URL", str(failed), f"check RECONCILER_GATEWAY_URL ({url}); `/systeme` is added to it")
            yield from (passed_over(name, "the account does not respond") for name in rest[1:])
            return
        yield good("API base URL", f"API reachable at {url}/systeme")
        yield self._answers(body, failed)
        yield self.dialect(body)
        yield self.quota()
        yield self.clock()

    def _answers(self, body: Any, failed: ReconcilerError | None) -> Check:
        if failed is None:
            return good("account", f"answers with {count(len(body.get('items') or ()), 'contact field')}")
        remedies: dict[type[ReconcilerError], str] = {
            Unauthorized: "create a new connection with `reconciler connections create`, then delete this one",
            NotConnected: _CREATE,
            Throttled: "wait for the quota to refill; the rate limit can be lowered with --rate-limit",
        }
        otherwise = "try again later; if it persists, create a new connection with `reconciler connections create`"
        return bad("account", str(failed), remedies.get(type(failed), otherwise))

    def dialect(self, body: Any) -> Check:
        """The account follows the configured dialect."""
        spoken, said = recognise_dialect(PATH, body), self.settings.dialect
        if spoken is None:
            return passed_over("dialect", f"could not be detected; {said} is set")
        if spoken == said:
            return good("dialect", f"the account uses {said}, as set")
        remedy = f"set `dialect: {spoken}` in reconciler.yaml, or RECONCILER_DIALECT={spoken}"
        return bad("dialect", f"the account uses {spoken}, but {said} is set", remedy)

    def quota(self) -> Check:
        """The rate limit in the headers, if any."""
        said = quota(self.rate_limit.headers or {}, self.now())
        own = (
            f"; the rate limit is {wording.rate(self.settings.rate_limit)}"
            if self.settings.rate_limit
            else "; no rate limit is set"
        )
        if said.limit is None and said.remaining is None:
            return passed_over("quota", f"the response has no X-RateLimit headers{own}")
        left = "an unknown number" if said.remaining is None else f"{said.remaining:,}"
        refill = "" if said.refill is None else f", refilled in {said.refill:.0f} s"
        return good("quota", f"{left} of {said.limit or 'an unknown number'} calls left{refill}{own}")

    def clock(self) -> Check:
        """The clocks of this machine and of the gateway agree."""
        theirs = instant((self.rate_limit.headers or {}).get("Date") or "")
        if theirs is None:
            return passed_over("clock", "the response has no date")
        skew = self.now() - theirs
        if abs(skew) <= SKEW:
            return good("clock", "in sync with the gateway")
        which = "ahead of" if skew > 0 else "behind"
        remedy = "set the clock (NTP): locks and waiting times depend on it"
        return bad("clock", f"this machine is {abs(skew):,.0f} s {which} the gateway", remedy)

    def _options(self) -> dict[str, Any]:
        return {
            "rate_limit": self.rate_limit,
            "log": self.log,
            "timeout": (5.0, 10.0),
            "retries": Retries(tries=2, patience=30.0),
        }


def _is_elsewhere(error: ReconcilerError) -> bool:
    """Whether the URL does not lead to the gateway: no connection, a redirect, no JSON, or a 404."""
    if isinstance(error, Unreachable | NoAnswer | NotFound) or not isinstance(error, GatewayError):
        return True
    return error.status is None or error.status < 400
