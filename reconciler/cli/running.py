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

from reconciler.app.planning import Planned, Request
from reconciler.app.session import Session
from reconciler.app.workspace import Workspace
from reconciler.cli.curtain import Curtain, curtain_of
from reconciler.cli.progress import Manner, following, reading
from reconciler.cli.pulse import Reads, Writes
from reconciler.cli.terminal import say
from reconciler.cli.wirelog import log_for
from reconciler.disk.settings import Settings
from reconciler.engine.calls import request_for, show
from reconciler.engine.graph import Graph
from reconciler.engine.guard import Gate
from reconciler.errors import Interrupted
from reconciler.gateway.caller import Exchange
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.plan import Plan, Step, decided
from reconciler.render.machine import plan_document
from reconciler.render.sentences import Sheet
from reconciler.render.words import count


class Run(Session):
    """A session that talks: of what it reads, of what it decides under ``-v``, of every call under ``-vv``."""

    curtain: Curtain
    verbose: int = 0
    manner: Manner = Manner()
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
        pulse = Reads(lambda: self.calls.reads, lambda: self.pace.closed_for)
        with reading(pulse, self.manner) as reached:
            yield reached and (lambda kind, number, *more: reached(kind, number, *(more or (sizes.get(kind),))))

    @contextmanager
    def following(self, order: Sequence[Step]) -> Iterator[Callable[..., None] | None]:
        """A listener for the outcomes of these steps."""
        pulse = Writes(lambda: self.calls.reads + self.calls.writes, lambda: self.pace.closed_for)
        with following(order, pulse, self.manner) as listener:
            yield self.curtain.listening(listener)


def open_session(ctx: click.Context, settings: Settings) -> Run:
    """The session of this command line."""
    run, given, curtain = Run(settings, log=log_of(ctx)), ctx.find_root().obj, curtain_of(ctx)
    run.curtain, run.verbose = curtain, given["verbose"]
    run.manner = Manner(given["quiet"], given["heartbeat"], curtain.events)
    return run


def log_of(ctx: click.Context) -> Callable[[Exchange], None] | None:
    """Who is told of every attempt of a call."""
    return log_for(ctx.find_root().obj["verbose"], curtain_of(ctx))


def tell_reading(session: Run, planned: Planned) -> None:
    """The plan's event, and under ``-v`` how each collection was read, and at which pace."""
    if session.manner.events is not None:
        session.manner.events.planned(document(planned))
    if not session.verbose:
        return
    plan, size = planned.plan, planned.sizes
    session.note(
        f"{count(plan.reads, 'call')} read the account, at most {session.settings.pace:g} a second; "
        f"dialect {planned.dialect.value}, ledger serial {plan.base.serial}",
        "read", calls=plan.reads, pace=session.settings.pace, dialect=planned.dialect.value, serial=plan.base.serial,
    )  # fmt: skip
    for kind in sorted({change.address.kind for change in plan.changes} | set(plan.foreign)):
        route = plan.routes.get(kind, "read whole")
        session.note(
            f"{kind.replace('_', ' ')}: {route}"
            + (f", {size[kind]:,} in the account" if kind in size else "")
            + (f", {plan.foreign[kind]:,} foreign" if plan.foreign.get(kind) else ""),
            "route", kind=kind, route=route, size=size.get(kind), foreign=plan.foreign.get(kind, 0),
        )  # fmt: skip


def requested(workspace: Workspace, session: Run, given: Mapping[str, Any]) -> Request:
    """What this command line asks to be planned."""
    return Request(
        workspace.state, workspace.policy, Dialect(workspace.settings.dialect), session.account(),
        allow=given.get("allow") or {}, targets=(*(given.get("targets") or ()), *(given.get("target_file") or ())),
        places=given.get("target_file") or {},
        excludes=tuple(given.get("excludes") or ()), refresh=given.get("refresh") or "auto",
        parallel=workspace.settings.parallel, on_found=session.curtain.learn_found,
    )  # fmt: skip


class Shown(Protocol):
    """A plan with what its requests are made from: one that was just made, or a saved one."""

    @property
    def plan(self) -> Plan: ...
    @property
    def graph(self) -> Graph: ...
    @property
    def gates(self) -> tuple[Gate, ...]: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def slugs(self) -> frozenset[str]: ...


def requests(planned: Shown) -> Iterator[tuple[Step, tuple[str, str, Any]]]:
    """Every request of a plan, in the order in which a single worker would send them."""
    changes = {change.address: change for change in decided(planned.plan.changes)}
    for step in planned.graph.order:
        yield step, show(request_for(step, changes[step.address], planned.dialect, planned.slugs))


def sheet_of(planned: Shown, curtain: Curtain, heading: str, pace: float) -> Sheet:
    """What every output of a plan is made from, marks in place of people where they are asked for."""
    return Sheet(curtain.marked("plan", planned.plan), heading, len(planned.graph.order), pace, planned.gates)


def document(planned: Shown) -> dict[str, Any]:
    """The machine's view of a plan."""
    by_address: dict[Any, list[tuple[str, str, Any]]] = {}
    for step, call in requests(planned):
        by_address.setdefault(step.address, []).append(call)
    return plan_document(planned.plan, by_address, planned.gates)


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
