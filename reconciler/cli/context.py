"""Session, project, plan request and plan of a command line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click

from reconciler.cli.logs import BODIES, LOGGER, REQUESTS, log
from reconciler.cli.options import SelectionOptions
from reconciler.cli.program import program_of
from reconciler.cli.progress import Events, ReadProgress, WriteProgress
from reconciler.cli.progress_listeners import ProgressStyle, following, reading
from reconciler.cli.redaction import Redaction, redaction_of
from reconciler.commands import plan
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.project import Project
from reconciler.commands.session import Session
from reconciler.commands.sheets import requests_by_address
from reconciler.config.settings import Settings
from reconciler.errors import Interrupted
from reconciler.gateway.client import Exchange, Reader
from reconciler.ledger.store import Store
from reconciler.model.plan import Step, count_changes
from reconciler.model.policy import Allow
from reconciler.model.resource import EMPTY
from reconciler.output import wording
from reconciler.output.json_documents import plan_document
from reconciler.output.wire_log import body_text
from reconciler.output.wording import connection_name, count
from reconciler.planner.matched_state import MatchedState
from reconciler.refresh.reader import Progress


class CommandContext(Session):
    """A session that reports progress; with ``-v`` also its decisions, with ``-vv`` every request."""

    redaction: Redaction
    style: ProgressStyle = ProgressStyle()
    _store: Store | None = None

    @property
    def quiet(self) -> bool:
        """Whether only results and errors are printed."""
        return self.style.quiet

    def note(self, text: str, event: str, **fields: object) -> None:
        """Log a message for ``-v``."""
        log(text, logging.DEBUG, event, **fields)

    @contextmanager
    def ledger_to_read(self) -> Iterator[Store | None]:
        """Open the ledger; from then on pseudonyms are made with its key."""
        with super().ledger_to_read() as store:
            self._store = store
            if store is not None:
                self._use(store)
            yield store

    @contextmanager
    def ledger_to_write(self) -> Iterator[Store]:
        """Open the ledger; from then on pseudonyms are made with its key."""
        with super().ledger_to_write() as store:
            self._store = store
            self._use(store)
            yield store

    def _use(self, store: Store) -> None:
        self.redaction.use_digest(store.digest)
        if self.redaction.redacts:  # reading all entries takes time
            self.redaction.learn_entries(store.entries())

    @property
    def name(self) -> str:
        """Name of the project: its environment, or its folder."""
        return self.settings.environment or self.settings.root.name

    def heading(self, planned: Planned) -> str:
        """Project, environment and connection, as one line."""
        return heading(self.settings, planned.plan.base.account, planned.plan.base.connections)

    @contextmanager
    def progress(self) -> Iterator[Callable[..., None] | None]:
        """A listener for counts of read items; totals of the last run come from the ledger."""
        sizes = self._store.sizes() if self._store is not None else {}
        progress = ReadProgress(lambda: self.calls.reads, lambda: self.rate_limit.paused_for)
        with reading(progress, self.style) as reached:
            yield reached and (lambda kind, number, *more: reached(kind, number, *(more or (sizes.get(kind),))))

    @contextmanager
    def following(self, order: Sequence[Step]) -> Iterator[Callable[..., None] | None]:
        """A listener for the outcomes of these steps."""
        progress = WriteProgress(lambda: self.calls.reads + self.calls.writes, lambda: self.rate_limit.paused_for)
        with following(order, progress, self.style) as listener:
            yield self.redaction.listener(listener)


def open_session(ctx: click.Context, settings: Settings) -> CommandContext:
    """The session of this command line."""
    session, program = CommandContext(settings, log=log_of(ctx)), program_of(ctx)
    session.redaction = redaction_of(ctx)
    events = program.events if isinstance(program.events, Events) else None
    session.style = ProgressStyle(program.quiet, program.heartbeat, events)
    return session


def log_of(ctx: click.Context) -> Callable[[Exchange], None] | None:
    """Logs each attempt of a request with ``-vv``, with bodies with ``-vvv``; None below."""
    if not LOGGER.isEnabledFor(REQUESTS):
        return None
    redaction, bodies = redaction_of(ctx), LOGGER.isEnabledFor(BODIES)
    return lambda exchange: _log_request(exchange, redaction, bodies)


def _log_request(exchange: Exchange, redaction: Redaction, bodies: bool) -> None:
    took = f"{exchange.status or 'no answer'} in {exchange.seconds * 1000:.0f} ms"
    again = f", attempt {exchange.attempt}" if exchange.attempt > 1 else ""
    quota = "".join(f", {name}: {value}" for name, value in exchange.quota)
    fields: dict[str, object] = {
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "ms": round(exchange.seconds * 1000, 1),
        "attempt": exchange.attempt,
        "headers": dict(exchange.quota),
    }
    shown = {"sent": exchange.sent, "answered": exchange.answered} if bodies else {}
    texts = {name: _body(content, exchange.hidden, redaction) for name, content in shown.items() if content}
    lines = [f"{exchange.method} {exchange.path} → {took}{again}{quota}"]
    lines += [f"    {name} {text}" for name, text in texts.items()]
    log(
        "\n".join(lines),
        BODIES if bodies else REQUESTS,
        "call",
        **fields,
        **{name: _parsed(text) for name, text in texts.items()},
    )


def _body(content: bytes, hidden: tuple[str, ...], redaction: Redaction) -> str:
    return body_text(content, (*hidden, *redaction.secrets()), redaction.document if redaction.redacts else None)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:  # truncated, or not JSON
        return text


def log_reading(session: CommandContext, planned: Planned) -> None:
    """Write the event of the plan; with ``-v`` log how each collection was read, and the rate limit."""
    if session.style.events is not None:
        document = plan_document(planned.plan, requests_by_address(planned), planned.approvals)
        session.style.events.planned(document)
    if not LOGGER.isEnabledFor(logging.DEBUG):
        return
    made, size = planned.plan, planned.sizes
    session.note(
        f"{count(made.reads, 'call')} read the account, at most {wording.rate(session.settings.rate_limit)}; "
        f"dialect {planned.dialect.value}, ledger serial {made.base.serial}",
        "read",
        calls=made.reads,
        rate_limit=session.settings.rate_limit,
        dialect=planned.dialect.value,
        serial=made.base.serial,
    )
    for kind in sorted({kind for kind, _ in count_changes(made.changes)} | set(made.unmanaged)):
        route = made.routes.get(kind, "read whole")
        session.note(
            f"{kind.replace('_', ' ')}: {route}"
            + (f", {size[kind]:,} in the account" if kind in size else "")
            + (f", {made.unmanaged[kind]:,} unmanaged" if made.unmanaged.get(kind) else ""),
            "route",
            kind=kind,
            route=route,
            size=size.get(kind),
            unmanaged=made.unmanaged.get(kind, 0),
        )


def requested(
    workspace: Project,
    session: CommandContext,
    selection: SelectionOptions | None = None,
    allow: Mapping[Allow, int | None] = EMPTY,
) -> PlanRequest:
    """The plan request of this command line."""
    request = session.request(workspace, allow)
    if selection is None:
        return request
    return replace(
        request,
        targets=(*selection.targets, *selection.target_file),
        places=selection.target_file,
        excludes=selection.excludes,
        refresh=selection.refresh,
    )


def make_plan(
    session: CommandContext, request: PlanRequest, reader: Reader, store: Store | None, progress: Progress | None
) -> Planned:
    """The plan of a request; from then on personal values of the account are redacted in messages."""
    planned = plan.make_plan(request, reader, store, progress=progress)
    learn_account(session.redaction, planned.found)
    return planned


def learn_account(redaction: Redaction, found: MatchedState) -> None:
    """Remember the personal values that were read, so that they are redacted in messages."""
    redaction.learn_entries(found.entries.values())
    redaction.learn((live.address, live.attrs) for live in found.live.values())


def heading(settings: Settings, account: str | None, connections: int = 0) -> str:
    """``quickstart, environment staging, connection default``, and whether it is one of several."""
    environment = f", environment {settings.environment}" if settings.environment else ""
    ledger = ", no ledger" if settings.ledger == "none" else ""
    chosen = f" (oldest of {connections} active)" if connections > 1 else ""
    return f"{settings.root.name}{environment}, connection {connection_name(account)}{chosen}{ledger}"


def leave() -> None:
    """End the process without waiting for threads that wait for responses.

    Nothing is lost: intents of what was sent are in the ledger, and the next run checks them.
    """
    with contextlib.suppress(RuntimeError):  # the signal interrupted a write to the same stream
        log(
            "Stopped. Requests in flight may have taken effect; the next run checks them.",
            logging.WARNING,
        )
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(130)


#: Message of the first signal.
STOPPING = "Stopping: requests in flight finish and are recorded. Press Ctrl-C again to stop immediately."


@contextmanager
def stopping(stop: threading.Event, *, reports: bool = False) -> Iterator[None]:
    """The first SIGINT or SIGTERM sets ``stop``, the second ends the process.

    After a stop raises Interrupted, unless the block ``reports`` itself how far it came.
    """

    def on_signal(number: int, frame: object) -> None:
        if stop.is_set():
            leave()
        stop.set()
        with contextlib.suppress(RuntimeError):
            log(STOPPING, logging.WARNING)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.is_set() and not reports:
        raise Interrupted("stopped; no changes were made")
