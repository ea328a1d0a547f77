"""A process without threads that forks one child for each job it is given, so that a child may be killed anywhere.

A job is one line of JSON, ``{"folder", "environ", "args", "point", "full"}``; the answer one line, ``{"code",
"events", "out", "err"}``, in which ``code`` is negative for the number of the signal that ended the child. The child
counts what happens on its way, before and after every request and before and after every commit of the ledger, and
kills itself (SIGKILL) at event number ``point``. From commit number ``full`` on, its disk is full.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import RootTransaction
from sqlalchemy.exc import OperationalError

from reconciler.cli import run as _commands
from reconciler.cli.main import run
from reconciler.commands import apply, plan, plan_file, project
from reconciler.gateway.transport import Transport
from reconciler.output import json_documents, text

#: Imported before the first fork, so that no child has to.
LOADED = (apply, plan, plan_file, project, _commands, json_documents, text)


class Clockwork:
    """Counts events of all threads, and dies at one of them."""

    def __init__(self, point: int | None, full: int | None) -> None:
        self.point, self.full, self.events, self.commits = point, full, 0, 0
        self.lock = threading.Lock()

    def tick(self) -> None:
        with self.lock:
            self.events += 1
            if self.events == self.point:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        """The same call with an event before and one after it."""

        def wrapped(*args: Any, **options: Any) -> Any:
            if not counts(*args):
                return call(*args, **options)
            self.tick()
            try:
                return call(*args, **options)
            finally:
                self.tick()

        return wrapped

    def commit(self, commit: Callable[[RootTransaction], None]) -> Callable[[RootTransaction], None]:
        """The same commit while there is room on the disk."""

        def wrapped(transaction: RootTransaction) -> None:
            with self.lock:
                self.commits += _writes(transaction)
                if _writes(transaction) and self.full and self.commits >= self.full:
                    cause = sqlite3.OperationalError("database or disk is full")
                    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise OperationalError("COMMIT", {}, cause)
            commit(transaction)

        return wrapped


def _writes(transaction: RootTransaction) -> bool:
    return not transaction.connection.get_execution_options().get("reading")


def carry_out(job: dict[str, Any], answer: io.TextIOBase) -> None:
    """In the child: one command line, with its events counted."""
    clockwork = Clockwork(job["point"], job["full"])
    RootTransaction.commit = clockwork.commit(RootTransaction.commit)  # type: ignore[method-assign]
    Transport.exchange = clockwork.around(Transport.exchange, lambda *_: True)  # type: ignore[method-assign]
    RootTransaction.commit = clockwork.around(RootTransaction.commit, _writes)  # type: ignore[method-assign]
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["folder"])
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(job["args"])
    said = {"code": code, "events": clockwork.events, "out": out.getvalue(), "err": err.getvalue()}
    answer.write(json.dumps(said))
    answer.flush()


def serve() -> None:
    """One job after the other until there are no more."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with os.fdopen(writing, "w") as answer:
                carry_out(json.loads(line), answer)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(
            said if code == 0 and said else json.dumps({"code": code, "events": None, "out": "", "err": ""}),
            flush=True,
        )


if __name__ == "__main__":
    serve()
