"""The tool that writes: applies a plan of this server after a person has approved that very plan.

It exists only where the server was started with ``--allow-apply``. The client puts the question to the person, so
neither the answer nor an approval can be an argument of the assistant.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.mcpserver import AcceptedElicitation, Elicit, ElicitationResult, Resolve
from mcp.types import CallToolResult
from pydantic import BaseModel, Field

from reconciler.apply.executor import Bounds
from reconciler.commands.apply import Options, carry_out, record_without_steps
from reconciler.commands.plan import Planned
from reconciler.commands.plan_file import check_account, check_base, check_fresh, plan_digest
from reconciler.commands.project import require_resources
from reconciler.config.settings import Settings
from reconciler.errors import ApprovalRequired, ConfigurationError, Declined, Refused
from reconciler.kinds.dialect import Dialect
from reconciler.mcp.calls import Call, Ctx, Running
from reconciler.mcp.listings import Listing, Listings, Misuse
from reconciler.mcp.plans import KeptPlan, Plans, plan_now
from reconciler.mcp.results import ApplyResult, RunRow
from reconciler.mcp.workspace import Opened, Workspace, learn_entries
from reconciler.model.policy import Allow
from reconciler.model.report import Report, Status
from reconciler.output.json_documents import outcome_document
from reconciler.output.plan_sheet import need
from reconciler.planner.approvals import closed

#: Settings that decide what an apply may do; they have to be those that the server was started with.
POLICY = ("connection", "ledger", "dialect", "limits", "prune", "protect", "gateway_url", "max_calls", "max_minutes")

MAX_REPORTED = 20  # steps that failed or were skipped; the rest is counted


class Confirmation(BaseModel):
    """The answer to the confirmation, as a form of one text field."""

    confirm: str = Field(description="Type yes, or the name that the text asks for, to apply this plan.")


class ConfirmationWithApprovals(Confirmation):
    """The same for a plan that needs approvals which were not given when the server started."""

    allow: str = Field(default="", description="Approvals that you give, for example: deletes=3, emails=120")


@dataclass
class Apply:
    """Applies plans under the ``settings`` that the server was started with."""

    workspace: Workspace
    plans: Plans
    listings: Listings
    running: Running
    settings: Settings

    @property
    def word(self) -> str:
        """The word that confirms a plan: ``yes``, or the name of a protected environment."""
        name = self.settings.environment if self.settings.protect else None
        return name or "yes"

    def question(self, plan: KeptPlan) -> Elicit[Confirmation]:
        """The plan as the terminal shows it, and what to type."""
        missing = closed(plan.approvals, self.workspace.allow)
        ask = f'Type "{self.word}" to apply.'
        return Elicit(f"{plan.question} {ask}", ConfirmationWithApprovals if missing else Confirmation)

    def run(self, call: Call, plan_id: str, outcome: Any, can_ask: bool) -> ApplyResult:
        """Checks the answer, claims the plan, and applies it if it would still be the same plan."""
        self.plans.find(plan_id)
        if not can_ask:
            raise Misuse(
                "This client cannot ask a person (no form elicitation), so nothing can be applied through it. "
                "A person can apply the plan file in a terminal: reconciler apply --plan FILE"
            )
        plan = self.plans.find(plan_id, claim=True)
        answered = outcome.data if isinstance(outcome, AcceptedElicitation) else None
        if not isinstance(answered, Confirmation) or answered.confirm.strip() != self.word:
            raise Declined("The person did not confirm the plan. No changes were made.")
        typed = answered.allow if isinstance(answered, ConfirmationWithApprovals) else ""
        allow = {**self.workspace.allow, **parse_approvals(typed)}
        report = self._apply(call, plan, allow)
        return self._result(call, report)

    def _apply(self, call: Call, plan: KeptPlan, allow: Mapping[Allow, int | None]) -> Report:
        project = self.workspace.project(call)
        require_resources(project)
        for name in POLICY:
            if getattr(project.settings, name) != getattr(self.settings, name):
                raise Refused(
                    f"the setting {name} changed since the server started; review it and restart the server"
                )
        session = self.workspace.session(call, project.settings)
        session.api_key  # noqa: B018 - before a ledger is made
        check_account(plan.document, session.account())
        with session.ledger_to_write() as store:
            learn_entries(call, store.entries())
            opened = Opened(project, session, store, self.workspace.allow)
            ledgered = project.settings.ledger != "none"
            check_base(plan.document, store.lineage if ledgered else None, Dialect(project.settings.dialect))
            request = opened.request(plan.request.targets, plan.request.excludes)
            planned = plan_now(call, opened, request)
            check_fresh(plan.document, planned, request, self.workspace.key)
            if not planned.plan.effective:
                record_without_steps(planned, session, store)
                return Report(reads=session.calls.reads)
            return self._carry_out(call, plan, planned, opened, allow)

    def _carry_out(
        self, call: Call, plan: KeptPlan, planned: Planned, opened: Opened, allow: Mapping[Allow, int | None]
    ) -> Report:
        if missing := closed(planned.approvals, allow):
            raise ApprovalRequired("\n".join([*(need(each) for each in missing), "No changes were made."]))
        session = opened.session
        assert opened.store is not None
        options = Options(
            Bounds(session.stop, session.settings.max_calls, session.deadline),
            session.settings.parallel,
            listener=lambda outcome, done, total: call.progress("applied", done),
            digest=plan_digest(plan.document),
        )
        return carry_out(planned, session, opened.store, options)

    def _result(self, call: Call, report: Report) -> ApplyResult:
        report = call.redactor.report(report)
        steps = {status.value: report.count(status) for status in Status}
        good = (Status.DONE, Status.PENDING)
        listed = [outcome_document(each) for each in report.outcomes if each.status not in good or each.message]
        result = ApplyResult(
            run=report.run,
            complete=not report.stopped and all(each.status in good for each in report.outcomes),
            steps=steps,
            calls={"reads": report.reads, "writes": report.writes},
        )
        return self.listings.first(Listing(result, listed, lambda each: _row(report.run, each)), MAX_REPORTED)


def _row(run: int, outcome: dict[str, Any]) -> RunRow:
    return RunRow(run=run, **{name: outcome[name] for name in ("status", "address", "action", "message")})


def parse_approvals(text: str) -> dict[Allow, int | None]:
    """``deletes=3, emails=120`` as a mapping; raises ConfigurationError."""
    found: dict[Allow, int | None] = {}
    for word in filter(None, re.split(r"[,\s]+", text.replace("--allow", " "))):
        name, equals, number = word.partition("=")
        try:
            found[Allow(name)] = int(number) if equals else None
        except ValueError:
            raise ConfigurationError(f"{word} is no approval; write CLASS or CLASS=N, such as deletes=3") from None
    return found


def can_ask(ctx: Ctx) -> bool:
    """Whether the client can put a form before a person."""
    capabilities = ctx.client_capabilities
    asked = capabilities.elicitation if capabilities else None
    return asked is not None and (asked.form is not None or asked.url is None)


def apply_tool(server: Apply) -> Callable[..., Awaitable[CallToolResult]]:
    """The tool as the SDK takes it: ``answered`` is filled by asking the person, never by the assistant."""

    async def ask(plan: str, ctx: Ctx) -> Elicit[Confirmation] | None:
        try:
            return server.question(server.plans.find(plan)) if can_ask(ctx) else None
        except Misuse:
            return None  # the tool itself reports it

    async def apply(
        plan: Annotated[str, Field(description="Id of a plan that this server made.")],
        ctx: Ctx,
        answered: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
    ) -> Annotated[CallToolResult, ApplyResult]:
        """Apply a plan of this server. A person is asked first and sees the plan; an assistant cannot answer."""
        return await server.running.answer(ctx, lambda call: server.run(call, plan, answered, can_ask(ctx)))

    return apply
