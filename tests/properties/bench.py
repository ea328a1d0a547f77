"""Runs plans and applies of a described state in this process, as the commands do, without their talk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.apply.executor import Bounds
from reconciler.commands.apply import Options, carry_out
from reconciler.commands.plan import Planned, PlanRequest, make_plan
from reconciler.commands.project import Invocation, Project
from reconciler.commands.session import Session
from reconciler.commands.undo import prepare
from reconciler.emulator import Account, Emulator
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.lock import Lock
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow, Policy, Prune
from reconciler.model.report import Report
from tests.support.workspace import opened

#: Secrets that the worlds use.
ENVIRON = {"S1": "first secret", "S2": "second secret"}

World = dict[str, Any]


class Bench:
    """One account, one folder, one ledger at a time."""

    def __init__(self, server: Emulator, account: Account, folder: Path) -> None:
        self.server, self.account, self.folder = server, account, folder
        self.stack = ExitStack()
        self.store: Store | None = None

    def start(self, seed: Mapping[str, Any], **options: Any) -> None:
        """Everything anew."""
        self.close()
        self.account.replace(seed, options)
        self.store = self.stack.enter_context(Store.none())
        self.stack.enter_context(Lock.acquire(self.store))

    def close(self) -> None:
        self.stack.close()
        self.stack = ExitStack()

    @property
    def ledger(self) -> Store:
        assert self.store is not None
        return self.store

    def session(self) -> Session:
        environ = {
            **ENVIRON,
            "MATON_API_KEY": self.server.key,
            "RECONCILER_GATEWAY_URL": self.server.url,
            "RECONCILER_ENV_ALLOW": "*",
            "RECONCILER_CONNECTION": self.account.connection,
            "RECONCILER_RATE_LIMIT": "0",
            "RECONCILER_WAIT": "0",
        }
        self.place = Invocation(self.folder, environ, {})
        return Session(opened(Path(), self.place).settings)

    def write(self, files: Mapping[str, World]) -> None:
        """The folder holds exactly these files; JSON is YAML."""
        for old in self.folder.glob("*.yaml"):
            old.unlink()
        for name, world in files.items():
            (self.folder / name).write_text(json.dumps(world, ensure_ascii=False), encoding="utf-8")

    def workspace(self) -> Project:
        return opened(Path(), self.place)

    def request(self, prune: Mapping[str, str] | None = None) -> PlanRequest:
        """The state of the folder as a request; erased people may be made again."""
        policy = Policy({kind: Prune(word) for kind, word in (prune or {}).items()})
        return PlanRequest(
            self.workspace().state,
            policy,
            Dialect.VENDOR,
            self.account.connection,
            allow={Allow.RECREATE: None, Allow.MISSING: None},
        )

    def plan(self, prune: Mapping[str, str] | None = None, *, keep: frozenset[str] = frozenset()) -> Planned:
        session = self.session()
        with session.reader() as reader:
            return make_plan(replace(self.request(prune), keep=keep), reader, self.ledger)

    def apply(self, prune: Mapping[str, str] | None = None) -> tuple[Planned, Report]:
        session = self.session()
        request = self.request(prune)
        with session.reader() as reader:
            planned = make_plan(request, reader, self.ledger)
        return planned, carry_out(planned, session, self.ledger, Options(Bounds()))

    def undo(self, run: int) -> Report:
        """Take a run back, as far as that goes."""
        session, allow = self.session(), {Allow.RECREATE: None, Allow.MISSING: None}
        state = self.workspace().state
        with session.reader() as reader:
            undoing = prepare(run, self.ledger, session.settings, self.account.connection, allow, state, reader)
            planned = make_plan(undoing.request, reader, self.ledger)
        return carry_out(planned, session, self.ledger, Options(Bounds()))
