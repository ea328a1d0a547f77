"""One project in this process, step by step: its session, a plan, a run under a lease of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.apply.executor import Bounds
from reconciler.commands.apply import Options, carry_out
from reconciler.commands.plan import Planned, PlanRequest, make_plan
from reconciler.commands.project import Invocation
from reconciler.commands.session import Session
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from tests.support.project import Project
from tests.support.workspace import opened

URL = "sqlite:///.reconciler/ledger.db"


class Desk:
    """What the commands do, with every part in hand."""

    def __init__(self, project: Project, **settings: str) -> None:
        self.project = project
        place = Invocation(project.folder, {**project.env, **settings}, {})
        self.workspace = opened(Path(), place)
        self.session = Session(self.workspace.settings)

    def store(self, **options: Any) -> Store:
        """The project's ledger, open; a clock may be given."""
        return Store.open(URL, root=self.project.folder, **options)

    def plan(self, store: Store) -> Planned:
        """What the files ask for, now."""
        allow = {Allow.RECREATE: None, Allow.MISSING: None}
        account = self.project.account.connection
        request = PlanRequest(self.workspace.state, self.workspace.policy, Dialect.VENDOR, account, allow=allow)
        with self.session.reader() as reader:
            return make_plan(request, reader, store)

    def carry_out(self, planned: Planned, store: Store, **options: Any) -> Report:
        """The plan, by one worker unless said otherwise."""
        return carry_out(planned, self.session, store, Options(Bounds(), **{"parallel": 1, **options}))
