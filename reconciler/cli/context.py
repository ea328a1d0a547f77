"""What plan, apply and destroy have in common on a terminal: session, request, progress, documents."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click

from reconciler.cli.progress import ProgressStyle, following, reading
from reconciler.cli.progress_state import ReadProgress, WriteProgress
from reconciler.cli.redaction import OutputFilter, output_filter_of
from reconciler.cli.terminal import say
from reconciler.cli.wire_log import log_for
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.project import Project
from reconciler.commands.session import Session
from reconciler.config.settings import Settings
from reconciler.errors import Interrupted
from reconciler.gateway.client import Exchange
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.plan import Plan, Step, decided
from reconciler.output.json_documents import plan_document
from reconciler.output.plan_view import PlanSheet
from reconciler.output.wording import count
from reconciler.planner.approvals import Approval
from reconciler.planner.order import Graph
from reconciler.planner.requests import request_for, show


class CommandContext(Session):
    """A session that talks: of what it reads, of what it decides under ``-v``, of every call under ``-vv``."""

    curtain: OutputFilter
    verbose: int = 0
    manner: ProgressStyle = ProgressStyle()
    _store: Store | None = None

    @property
    def quiet(self) -> bool:
        """Whether only results and errors are wanted."""
        return self.manner.quiet

    def note(self, text: str, event: str, **fields: Any) -> None:
        """What is worth knowing under ``-v``."""
        if self.verbose:
            say(text, "debug", event, **fields)

    @contextmanager
    def ledger_to_read(self) -> Iterator[Store | None]:
        """The same; marks are made with the ledger's own key."""
        with super().ledger_to_read() as store:
            self._store = store
            if store is not None:
                self.curtain.opened(store)
            yield store

    @contextmanager
    def ledger_to_write(self) -> Iterator[Store]:
        """The same; marks are made with the ledger's own key."""
        with super().ledger_to_write() as store:
            self._store = store
            self.curtain.opened(store)
            yield store

    @property
    def name(self) -> str:
        """What this project is called: its environment, or its folder."""
        return self.settings.environment or self.settings.root.name

    def heading(self, planned: Planned) -> str:
        """Environment, account and ledger, as one line."""
        base = planned.plan.base
        ledger = f"ledger serial {base.serial}" if self.settings.ledger != "none" else "no ledger"
        return f"{self.name} · connection {(base.account or 'the default one')[:8]} · {ledger}"

    @contextmanager
    def progress(self) -> Iterator[Callable[..., None] | None]:
        """Counts of what is read, beside those that the ledger remembers."""
        sizes = self._store.sizes() if self._store is not None else {}
        pulse = ReadProgress(lambda: self.calls.reads, lambda: self.rate_limit.closed_for)
        with reading(pulse, self.manner) as reached:
            yield reached and (lambda kind, number, *more: reached(kind, number, *(more or (sizes.get(kind),))))

    @contextmanager
    def following(self, order: Sequence[Step]) -> Iterator[Callable[..., None] | None]:
        """A listener for the outcomes of these steps."""
        pulse = WriteProgress(lambda: self.calls.reads + self.calls.writes, lambda: self.rate_limit.closed_for)
        with following(order, pulse, self.manner) as listener:
            yield self.curtain.listening(listener)


def open_session(ctx: click.Context, settings: Settings) -> CommandContext:
    """The session of this command line."""
    run, given, curtain = CommandContext(settings, log=log_of(ctx)), ctx.find_root().obj, output_filter_of(ctx)
    run.curtain, run.verbose = curtain, given["verbose"]
    run.manner = ProgressStyle(given["quiet"], given["heartbeat"], curtain.events)
    return run


def log_of(ctx: click.Context) -> Callable[[Exchange], None] | None:
    """Who is told of every attempt of a call."""
    return log_for(ctx.find_root().obj["verbose"], output_filter_of(ctx))


def tell_reading(session: CommandContext, planned: Planned) -> None:
    """The plan's event, and under ``-v`` how each collection was read, and at which rate limit."""
    if session.manner.events is not None:
        session.manner.events.planned(document(planned))
    if not session.verbose:
        return
    plan, size = planned.plan, planned.sizes
    session.note(
        f"{count(plan.reads, 'call')} read the account, at most {session.settings.rate_limit:g} a second; "
        f"dialect {planned.dialect.value}, ledger serial {plan.base.serial}",
        "read",
        calls=plan.reads,
        rate_limit=session.settings.rate_limit,
        dialect=planned.dialect.value,
        serial=plan.base.serial,
    )
    for kind in sorted({change.address.kind for change in plan.changes} | set(plan.unmanaged)):
        route = plan.routes.get(kind, "read whole")
        session.note(
            f"{kind.replace('_', ' ')}: {route}"
            + (f", {size[kind]:,} in the account" if kind in size else "")
            + (f", {plan.unmanaged[kind]:,} unmanaged" if plan.unmanaged.get(kind) else ""),
            "route",
            kind=kind,
            route=route,
            size=size.get(kind),
            unmanaged=plan.unmanaged.get(kind, 0),
        )


def requested(workspace: Project, session: CommandContext, given: Mapping[str, Any]) -> PlanRequest:
    """What this command line asks to be planned."""
    return PlanRequest(
        workspace.state,
        workspace.policy,
        Dialect(workspace.settings.dialect),
        session.account(),
        allow=given.get("allow") or {},
        targets=(*(given.get("targets") or ()), *(given.get("target_file") or ())),
        places=given.get("target_file") or {},
        excludes=tuple(given.get("excludes") or ()),
        refresh=given.get("refresh") or "auto",
        parallel=workspace.settings.parallel,
        on_found=session.curtain.learn_found,
    )


class RenderedPlan(Protocol):
    """A plan with what its requests are made from: one that was just made, or a saved one."""

    @property
    def plan(self) -> Plan: ...
    @property
    def graph(self) -> Graph: ...
    @property
    def approvals(self) -> tuple[Approval, ...]: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def slugs(self) -> frozenset[str]: ...


def requests(planned: RenderedPlan) -> Iterator[tuple[Step, tuple[str, str, Any]]]:
    """Every request of a plan, in the order in which a single worker would send them."""
    changes = {change.address: change for change in decided(planned.plan.changes)}
    for step in planned.graph.order:
        yield step, show(request_for(step, changes[step.address], planned.dialect, planned.slugs))


def sheet_of(planned: RenderedPlan, curtain: OutputFilter, heading: str, rate_limit: float) -> PlanSheet:
    """What every output of a plan is made from, marks in place of people where they are asked for."""
    return PlanSheet(
        curtain.marked("plan", planned.plan), heading, len(planned.graph.order), rate_limit, planned.approvals
    )


def document(planned: RenderedPlan) -> dict[str, Any]:
    """The machine's view of a plan."""
    by_address: dict[Any, list[tuple[str, str, Any]]] = {}
    for step, call in requests(planned):
        by_address.setdefault(step.address, []).append(call)
    return plan_document(planned.plan, by_address, planned.approvals)


def leave() -> None:
    """Ends this process now: waiting for the threads that wait for answers is what nobody wants any more.

    Nothing is lost by it: what was sent has been announced in the ledger, and the next run looks for it.
    """
    with contextlib.suppress(RuntimeError):  # the signal came in the middle of a write to the same stream
        say("Stopped at once. What was in flight may have happened; the next run finds out.")
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(130)


@contextmanager
def stopping(stop: threading.Event, *, reports: bool = False) -> Iterator[None]:
    """SIGINT and SIGTERM stop in order the first time and at once the second time.

    A reading that was stopped ends the command, even where its last answer was in; what ``reports`` says itself
    how far it came.
    """

    def on_signal(number: int, frame: Any) -> None:
        if stop.is_set():
            leave()
        stop.set()
        with contextlib.suppress(RuntimeError):
            say("Stopping: no new calls; what is in flight will end and be recorded. Again to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.is_set() and not reports:
        raise Interrupted("stopped; nothing was changed")
