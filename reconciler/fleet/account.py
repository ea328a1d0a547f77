"""Runs one command for one account: its settings and files, plan, apply or drift, and the result."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.apply.executor import Bounds
from reconciler.commands import plan, plan_document, project, saved_plan
from reconciler.commands.apply import Options, carry_out, exit_code, needs_ledger, record_without_steps
from reconciler.commands.drift import Drifted, find_drift
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.plan_file import check_account, plan_digest
from reconciler.commands.project import Invocation, Project
from reconciler.commands.session import Session
from reconciler.commands.sheets import requests_by_address, sheet_of
from reconciler.config import files, setting_types
from reconciler.config.fleet_schema import DEFAULT_KEY
from reconciler.config.settings import Settings
from reconciler.errors import (
    ApprovalRequired,
    ConfigurationError,
    Declined,
    Interrupted,
    ReconcilerError,
    Refused,
    Stale,
)
from reconciler.fleet.declaration import FleetAccount
from reconciler.gateway.client import Exchange
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.ledger.store import Store
from reconciler.model.fleet import AccountResult, AccountState, NeededApproval
from reconciler.model.plan import Change, count_changes
from reconciler.model.policy import Allow
from reconciler.model.report import Report
from reconciler.model.serialization import change_to_json, weighed
from reconciler.output import json_documents, wording
from reconciler.output.drift import DriftReport, drift_document, redacted_drift
from reconciler.output.plain_text import drift_text, plan_text
from reconciler.output.plan_sheet import need
from reconciler.output.redact import DOMAIN, Redactor
from reconciler.output.verbatim import Verbatim
from reconciler.output.wording import connection_name, printable
from reconciler.planner.approvals import affected_count, closed
from reconciler.planner.order import sends

#: Variables that would give every account the same connection.
_ONE_FOR_ALL = "RECONCILER_CONNECTION"
#: The file of a saved plan, in the folder of its account.
PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class AccountJob:
    """One account to run, as it is sent to a worker: no secret, and nothing that the files declare.

    ``flags`` are settings of the command line. ``allow`` holds the approvals of this account, ``approved`` the
    changes that may be made (see :func:`change_digests`; None: all), ``confirm`` the protected environments that were
    named. ``saves``: write a plan file; ``saved`` is the content of the plan file to apply.
    """

    account: FleetAccount
    folder: Path
    common: tuple[str, ...] = ()
    command: str = "plan"
    flags: Mapping[str, Any] = field(default_factory=dict)
    environment: str | None = None
    allow: Mapping[str, int | None] = field(default_factory=dict)
    approved: bytes | None = None
    saves: bool = False
    saved: str | None = None
    confirm: tuple[str, ...] = ()
    wave: int = 0


class AccountOutput(NamedTuple):
    """The result of one account, the texts of its files by name, and the digests of the changes in its plan."""

    result: AccountResult
    files: Mapping[str, str]
    changes: bytes = b""


#: Bytes of one digest; two different changes of one account do not have the same by chance.
DIGEST_SIZE = 8


def change_digests(changes: Iterable[Change]) -> bytes:
    """A short hash of the effect of each change, concatenated."""
    texts = (json.dumps(weighed(change_to_json(change)), sort_keys=True) for change in changes)
    return b"".join(hashlib.sha256(text.encode()).digest()[:DIGEST_SIZE] for text in texts)


def _split(whole: bytes) -> frozenset[bytes]:
    return frozenset(whole[index : index + DIGEST_SIZE] for index in range(0, len(whole), DIGEST_SIZE))


def settings_of(job: AccountJob, environ: Mapping[str, str]) -> Settings:
    """The settings of an account. Raises ConfigurationError with every problem of its reconciler.yaml.

    The ledger is that of its own project where it has one; else each account has one of its own, by name.
    """
    account, server = job.account, environ.get("RECONCILER_LEDGER", "")
    own = {name: value for name, value in environ.items() if name != _ONE_FOR_ALL}
    own |= {DEFAULT_KEY: environ.get(account.key, "")}
    flags = {**job.flags, **({"connection": account.connection} if account.connection else {})}
    if account.ledger == "none":
        flags["ledger"] = "none"
    elif setting_types.is_server(server):
        flags["ledger"] = setting_types.with_schema(server, account.ledger or account.name)
    path = path_of(job)
    place = Invocation(job.folder, own, flags, account.environment or job.environment)
    found = project.read_settings(path, place)
    roots = (*found.files_roots, job.folder)
    return _with_ledger(account, path, replace(found, vars={**found.vars, **account.vars}, files_roots=roots))


def path_of(job: AccountJob) -> Path:
    """The folder or file of the account."""
    return job.folder / (job.account.path or ".")


def _with_ledger(account: FleetAccount, path: Path, found: Settings) -> Settings:
    """An SQLite ledger of the account's own, unless its project is its own."""
    source = found.sources["ledger"]
    folder = path if path.is_dir() else path.parent
    is_own = account.path is not None and found.root == folder.absolute()
    if found.ledger == "none" or source in ("--ledger", "RECONCILER_LEDGER"):
        return found
    if account.ledger is None and (is_own or source != "default"):
        return found
    file = found.root / ".reconciler" / f"{account.ledger or account.name}.db"
    place = account.where if account.ledger else "default"
    return replace(found, ledger=f"sqlite:///{file}", sources={**found.sources, "ledger": place})


def open_account(job: AccountJob, environ: Mapping[str, str], warn: Callable[[object], None]) -> Project:
    """Settings and declared state of an account: the common files, and its own. Raises ConfigurationError."""
    settings, account = settings_of(job, environ), job.account
    common = [file for name in job.common for file in files.discover(job.folder / name, project=job.folder)]
    place = Invocation(job.folder, environ, {}, settings.environment, warn)
    path = path_of(job)
    if account.path is None:
        if not common:
            raise ConfigurationError(f"{account.where}: {account.name} declares nothing; set `path:` or `common:`")
        *common, path = common
        settings = replace(settings, files=None)
    workspace = Project(path, settings, project.read_state(path, settings, place, common))
    project.require_resources(workspace)
    return workspace


def run_account(job: AccountJob, limiter: RateLimiter, stop: threading.Event) -> AccountOutput:
    """Run the command of the job. Every error becomes a result."""
    run = _AccountRun(job, limiter, stop)
    began = time.monotonic()
    try:
        result = run.run()
    except ReconcilerError as error:
        result = run.ended(_state_of(error), error.exit_code, error=run.one_line(str(error)))
    except Exception as error:  # a defect in one account must not end the others
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"defect of reconciler: {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        result = run.ended(AccountState.FAILED, 1, error=text)
    result = replace(result, seconds=round(time.monotonic() - began, 3))
    return AccountOutput(result, run.texts(), run.changes)


def _state_of(error: ReconcilerError) -> AccountState:
    if isinstance(error, Interrupted):
        return AccountState.STOPPED
    return AccountState.REFUSED if isinstance(error, Refused) else AccountState.FAILED


class _AccountRun:
    """The run of one account: the files for its folder, and its result so far."""

    def __init__(self, job: AccountJob, limiter: RateLimiter, stop: threading.Event) -> None:
        self._job, self._limiter, self._stop = job, limiter, stop
        self._files: dict[str, str] = {}
        self._log: list[str] = []
        self._redactor = Verbatim()
        self._session: Session | None = None
        self._known: dict[str, Any] = {}
        self.changes = b""

    def run(self) -> AccountResult:
        """The result; raises the errors of the plain command."""
        workspace = open_account(self._job, os.environ, lambda problem: self._log.append(f"warning: {problem}"))
        session = self._session = Session(workspace.settings, self._called, self._stop)
        session.rate_limit = self._limiter
        allow = {Allow(name): count for name, count in self._job.allow.items()}
        request = session.request(workspace, allow)
        if self._job.command == "apply":
            return self._apply(session, request)
        if self._job.saves:
            saved_plan.check_key(session, redacts=session.settings.redact)
        with session.ledger_to_read() as store, session.reader() as reader:
            self._redact(session.settings, store, request)
            if self._job.command == "drift":
                if store is None:
                    raise ConfigurationError("without a ledger no drift can be found")
                return self._drift(find_drift(request, reader, store), session)
            planned = plan.make_plan(request, reader, store)
            self._note(planned, session)
            if self._job.saves:
                document, key = saved_plan.saved(planned, request, session, store, redacts=session.settings.redact)
                self._files[PLAN_FILE] = plan_document.text_of(document, key.sign if key else None)
            writes_ledger = store is not None and needs_ledger(planned, store, time.time())
        return self.ended(
            AccountState.CHANGES if planned.plan.effective else AccountState.UNCHANGED, writes_ledger=writes_ledger
        )

    def ended(self, state: AccountState, code: int = 0, **more: Any) -> AccountResult:
        """The result so far."""
        calls = self._session.calls if self._session else None
        reads, writes = (calls.reads, calls.writes) if calls else (0, 0)
        account = self._job.account
        known = {**self._known, **more}
        return AccountResult(
            account.name, state, code, reads=reads, writes=writes, key=account.key, wave=self._job.wave, **known
        )

    def one_line(self, text: str) -> str:
        """A message as one line without control characters, redacted if requested; the log has all of it."""
        text = re.sub(rf"\b{DEFAULT_KEY}\b", self._job.account.key, text)  # the variable of this account's key
        lines = [printable(self._redactor.text(line)) for line in text.splitlines()]
        self._log += [f"error: {line}" for line in lines]
        if len(lines) > 1 and lines[0].endswith(":"):
            lines[:2] = [f"{lines[0]} {lines[1].strip()}"]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return (lines[0] if lines else "") + more

    def texts(self) -> Mapping[str, str]:
        """The files of the account by name."""
        return {**self._files, "log.txt": "".join(f"{line}\n" for line in self._log)}

    def _called(self, exchange: Exchange) -> None:
        took = f"{exchange.status or 'no answer'} in {exchange.seconds * 1000:.0f} ms"
        line = f"{exchange.method} {exchange.path} → {took}"
        self._log.append(self._redactor.text(line))

    def _redact(self, settings: Settings, store: Store | None, request: PlanRequest) -> None:
        if not settings.redact:
            return
        digest = (store or Store.none(key=settings.digest_key)).digest
        self._redactor = Redactor(lambda text: digest(DOMAIN, text))
        self._redactor.learn((each.address, each.attrs) for each in request.state.resources.values())

    # plan

    def _note(self, planned: Planned, session: Session, report: Report | None = None) -> None:
        """Keep the numbers of a plan for the result, and its texts for the folder."""
        made, settings = planned.plan, session.settings
        self._redactor.learn((live.address, live.attrs) for live in planned.found.live.values())
        counts: Counter[str] = Counter()
        for (_, action), number in count_changes(made.effective).items():
            counts[action.value] += number
        if made.blocked:
            counts["blocked"] = len(made.blocked)
        needs = {
            each.allow.value: NeededApproval(each.allow.value, each.count, each.reason) for each in planned.approvals
        }
        self._known = {
            "counts": dict(counts),
            "people": affected_count(made),
            "needs": tuple(each._replace(reason=self._redactor.text(each.reason)) for each in needs.values()),
            "protected": (settings.environment or "") if settings.protect else "",
        }
        self.changes = change_digests(made.effective)
        heading = f"{self._job.account.name}, connection {connection_name(made.base.account)}"
        sheet = sheet_of(planned, self._redactor, settings, heading, planned.approvals)
        shown = self._redactor.report(report) if report else None
        self._files["plan.txt"] = plan_text(replace(sheet, report=shown))
        document = json_documents.plan_document(made, requests_by_address(planned), planned.approvals)
        if report is not None:
            document = json_documents.report_document(document, report)
        self._files["plan.report.json"] = wording.json_text(self._redactor.document(document)) + "\n"

    # apply

    def _apply(self, session: Session, request: PlanRequest) -> AccountResult:
        session.api_key  # noqa: B018 - before a ledger is made
        document = self._saved_document(session)
        has_key = session.has_key()
        with session.ledger_to_write() as store:
            ledgered = session.settings.ledger != "none"
            self._redact(session.settings, store, request)
            reviewed = None
            if document is not None:
                reviewed = saved_plan.accepted(document, PLAN_FILE, session, store, has_key=has_key)
            with session.reader() as reader:
                planned = plan.make_plan(request, reader, store if ledgered else None)
            self._note(planned, session)
            whole = saved_plan.check_reviewed(reviewed, planned, request, store) if reviewed else {}
            self._check(planned, session.settings, whole)
            if not planned.plan.effective:
                record_without_steps(planned, session, store)
                return self.ended(AccountState.UNCHANGED)
            bounds = Bounds(self._stop, session.settings.max_calls, session.deadline)
            digest = plan_digest(reviewed.document) if reviewed else ""
            options = Options(bounds, session.settings.parallel, digest=digest, command="fleet apply")
            report = carry_out(planned, session, store, options)
        self._note(planned, session, report)
        code = exit_code(report)
        states = {0: AccountState.APPLIED, 4: AccountState.PARTIAL, 130: AccountState.STOPPED}
        bad = next((outcome.message for outcome in report.outcomes if outcome.status.value == "failed"), "")
        why = self.one_line(report.stopped or bad) if code else ""
        return self.ended(states.get(code, AccountState.FAILED), code, error=why)

    def _saved_document(self, session: Session) -> dict[str, Any] | None:
        """The saved plan to apply, before its signature is checked. Raises Refused for that of another account."""
        if self._job.saved is None:
            return None
        document = plan_document.parse(self._job.saved, PLAN_FILE)
        check_account(document, session.account())
        return document

    def _check(self, planned: Planned, settings: Settings, whole: Mapping[Allow, int]) -> None:
        """Refuse what was not approved: another change, a missing approval, a protected environment.

        Fewer changes than approved are the rest of a run that was broken off, with what it had begun to create;
        ``whole`` has the counts of a saved plan of which these are the rest.
        """
        intents = planned.ledger.intents
        made = change_digests(each for each in planned.plan.effective if sends(each) or each.address not in intents)
        if self._job.approved is not None and not _split(made) <= _split(self._job.approved):
            raise Stale("the account changed since it was planned; run this again to approve the new plan")
        allow = {Allow(name): count for name, count in self._job.allow.items()}
        if self._job.approved is not None:
            whole = {name: count for name, count in allow.items() if count is not None}
        shut = closed(planned.approvals, allow, whole)
        if shut:
            raise ApprovalRequired("\n".join(need(approval) for approval in shut))
        if settings.protect and settings.environment not in self._job.confirm:
            raise Declined(f"{settings.environment} is protected; confirm with --confirm {settings.environment}")

    # drift

    def _drift(self, found: Drifted, session: Session) -> AccountResult:
        if found.found is not None:
            self._redactor.learn((live.address, live.attrs) for live in found.found.live.values())
        items = redacted_drift(found.items, self._redactor)
        heading = f"{self._job.account.name}, connection {connection_name(session.account())}"
        drifts = DriftReport(items, found.owned, found.reads, heading, added=found.added)
        self._files["drift.txt"] = drift_text(drifts)
        document = self._redactor.document(drift_document(replace(drifts, items=found.items)))
        self._files["drift.json"] = wording.json_text(document) + "\n"
        self._known = {"counts": {"drifted": len({each.address for each in found.items})} if found.items else {}}
        return self.ended(AccountState.DRIFTED, 2) if found.items else self.ended(AccountState.UNCHANGED)
