"""The tools that only read: each is a function over reconciler.commands whose docstring an assistant reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from reconciler.commands.doctor import examine, unreadable_settings
from reconciler.commands.drift import find_drift
from reconciler.commands.explain import explain_one
from reconciler.commands.init import schema_of
from reconciler.commands.plan import read_for_plan
from reconciler.commands.show import open_plan
from reconciler.commands.undo import find_run
from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SECTIONS
from reconciler.mcp.calls import Call
from reconciler.mcp.listings import Listing, Misuse, clipped
from reconciler.mcp.plans import Plans, change_row, keep_plan, plan_result, shown_changes
from reconciler.mcp.results import (
    CheckRow,
    DoctorResult,
    DriftResult,
    DriftRow,
    ExplainResult,
    HistoryResult,
    ListResult,
    PlanResult,
    ProblemRow,
    ResourceRow,
    RunRow,
    SchemaResult,
    Untrusted,
    ValidationResult,
)
from reconciler.mcp.workspace import Opened, Workspace, learn_account
from reconciler.model.resource import Desired, DesiredState, Ledger, LedgerEntry, Live
from reconciler.model.serialization import attrs_to_json
from reconciler.output.doctor import check_document
from reconciler.output.drift import DriftReport, drift_document, redacted_drift
from reconciler.output.explanation import explanation_document
from reconciler.output.history import history_document, outcomes_document

Patterns = Annotated[
    list[str], Field(description="Addresses such as tag/VIP, with * and ?, or kinds.", max_length=100)
]
Match = Annotated[str, Field(description="Addresses, with * and ?.")]
_KINDS = Field(description=f"One of {', '.join(KINDS)}.")
Side = Annotated[
    Literal["desired", "ledger", "live"],
    Field(description="desired: declared in the files; ledger: managed; live: present in the account."),
]


@dataclass
class Tools:
    """The read-only tools of one server."""

    workspace: Workspace
    plans: Plans

    def validate(self, call: Call) -> Listing[ValidationResult]:
        """Check the YAML and CSV files offline. Reports every error with its place."""
        warnings: list[Problem] = []
        errors: tuple[Problem, ...] = ()
        counts: dict[str, int] = {}
        try:
            counts = dict(
                Counter(each.kind for each in self.workspace.project(call, warnings.append).state.resources)
            )
        except ConfigurationError as error:
            errors = error.problems
        found = [*(("error", each) for each in errors), *(("warning", each) for each in warnings)]
        result = ValidationResult(valid=not errors, resources=counts)
        return Listing(result, found, lambda each: _problem(call, *each))

    def plan(self, call: Call, targets: Patterns = [], excludes: Patterns = []) -> Listing[PlanResult]:  # noqa: B006
        """Read the account and compute what an apply would change. Changes nothing; keeps the plan under an id."""
        with self.workspace.opened(call, declares=True) as opened:
            named = (self.workspace.addresses(call, opened, each) for each in (targets, excludes))
            kept = keep_plan(call, self.workspace, opened, opened.request(*named))
        self.plans.keep(kept)
        return Listing(kept.result, kept.changes, lambda each: change_row(each, detailed=False))

    def show(
        self,
        call: Call,
        plan: Annotated[str, Field(description="Id of a plan, or path of a plan file below the project folder.")],
        match: Match = "*",
    ) -> Listing[PlanResult]:
        """Show the changes of a plan with their fields, values before and after, and effects."""
        if plan.endswith(".json"):
            result, changes = self._saved(call, plan)
        else:
            kept = self.plans.find(plan)
            result, changes = kept.result, kept.changes
        chosen = [each for each in changes if fnmatchcase(each["address"], match)]
        return Listing(result, chosen, lambda each: change_row(each, detailed=True))

    def _saved(self, call: Call, file: str) -> tuple[PlanResult, list[dict[str, Any]]]:
        settings = self.workspace.settings(call)
        saved = open_plan(_below(settings.root.resolve(), file), settings)
        call.learn((c.address, attrs) for c in saved.plan.changes for attrs in (c.attrs, c.before))
        return plan_result(saved, "", saved.checked), shown_changes(call, saved.plan)

    def explain(
        self, call: Call, address: Annotated[str, Field(description="Address such as contact/ann@example.com.")]
    ) -> ExplainResult:
        """Explain one resource: where it is declared, what each side has, what would be done and by which rule."""
        with self.workspace.opened(call) as opened, opened.session.reader() as reader:
            named = self.workspace.addresses(call, opened, [address])
            if len(named) != 1:
                raise Misuse("The pattern matches several resources. Explain one address.")
            found = explain_one(named[0], opened.request(), reader, opened.store, call.progress)
        learn_account(call, found.found)
        explanation = found.explanation
        document = call.shown(explanation_document(explanation, found.requests, found.reads))
        return ExplainResult(
            action=document["action"],
            cause=document["cause"],
            declared=explanation.desired is not None,
            managed=explanation.entry is not None,
            live=explanation.live is not None,
            untrusted=Untrusted(rows=[clipped(document)]),
        )

    def drift(self, call: Call) -> Listing[DriftResult]:
        """Report what was changed in the account outside of reconciler since the last apply."""
        with self.workspace.opened(call) as opened, opened.session.reader() as reader:
            if opened.store is None:
                raise Misuse("Drift needs a ledger, and this project uses none.")
            found = find_drift(opened.request(), reader, opened.store, call.progress)
        if found.found is not None:
            learn_account(call, found.found)
        items = redacted_drift(found.items, call.redactor)
        document = drift_document(DriftReport(items, found.owned, found.reads, added=found.added))
        result = DriftResult(summary=document["summary"], calls=document["calls"])
        return Listing(result, document["drift"], lambda each: _row(DriftRow, each))

    def history(
        self, call: Call, run: Annotated[int | None, Field(description="Show its steps.", ge=1, lt=2**31)] = None
    ) -> Listing[HistoryResult]:
        """List the recorded runs, newest first, or what one of them changed."""
        with self.workspace.ledger(call) as store:
            if run is None:
                document = history_document(store.runs(), store.run_totals())
                return Listing(HistoryResult(), document["runs"], lambda each: _row(RunRow, call.shown(each)))
            record, past = find_run(store, run), store.outcomes(run)
        sides = ((each.address, attrs) for each in past for attrs in (each.before, each.after))
        call.learn((address, attrs) for address, attrs in sides if attrs)
        document = outcomes_document(record, call.redactor.past(past))
        return Listing(HistoryResult(), document["outcomes"], lambda each: _row(RunRow, {**each, "run": run}))

    def list_resources(
        self, call: Call, side: Side, kind: Annotated[str | None, _KINDS] = None, match: Match = "*"
    ) -> Listing[ListResult]:
        """List resources as the files declare them, as the ledger records them, or as the account has them.

        A list of the account needs a kind.
        """
        if kind not in (None, *KINDS) or (side == "live" and kind is None):
            raise Misuse(f"Name a kind: {', '.join(KINDS)}.")
        with self.workspace.opened(call) as opened:
            found = _side(call, opened, side, kind)
        named = [(call.address(each.address), each) for each in found if kind in (None, each.address.kind)]
        chosen = [(name, each) for name, each in named if fnmatchcase(name, match) or str(each.address) == match]
        if side == "live":
            self.workspace.seen.update((name, str(each.address)) for name, each in chosen)
        result = ListResult(kinds=dict(Counter(each.address.kind for _, each in chosen)))
        chosen.sort(key=lambda pair: pair[0])
        return Listing(result, chosen, lambda pair: _resource(call, *pair))

    def schema(self, call: Call, kind: Annotated[str, _KINDS]) -> SchemaResult:
        """JSON Schema of one kind: the keys that an item of its section in the YAML files may have."""
        section = next((name for name, each in SECTIONS.items() if each.name == kind), None)
        if section is None:
            raise Misuse(f"Files declare these kinds: {', '.join(each.name for each in SECTIONS.values())}.")
        definitions = schema_of("files")["definitions"]
        used = {name: definitions[name] for name in ("secret", "lifecycle", "target")}
        return SchemaResult(section=section, item={**definitions[kind], "definitions": used})

    def doctor(self, call: Call) -> Listing[DoctorResult]:
        """Check API key, connection, account, clock, ledger, folder and files."""
        try:
            settings = self.workspace.settings(call)
            document = check_document(examine(self.workspace.path, settings, self.workspace.invocation))
        except ConfigurationError as error:
            document = check_document(unreadable_settings(error))
        return Listing(
            DoctorResult(ok=document["ok"]), document["checks"], lambda each: _row(CheckRow, call.shown(each))
        )


def _below(root: Path, file: str) -> Path:
    """The file of that name; raises Misuse where it is outside of the folder, links followed."""
    with suppress(OSError, RuntimeError, ValueError):
        path = (root / file).resolve()
        if path.is_relative_to(root):
            return path
    raise Misuse("Plan files are read from the project folder only.")


def _problem(call: Call, severity: Literal["error", "warning"], problem: Problem) -> ProblemRow:
    where, what, hint = map(call.text, problem)
    return ProblemRow(severity=severity, where=where, what=what, hint=hint)


def _row(kind: type[BaseModel], document: dict[str, Any]) -> BaseModel:
    """A row of a document that may have more keys."""
    return kind(**{name: document[name] for name in kind.model_fields if name in document})


def _side(call: Call, opened: Opened, side: str, kind: str | None) -> Iterable[Desired | LedgerEntry | Live]:
    if side == "desired":
        return opened.project.state.resources.values()
    if side == "ledger":
        return opened.store.entries() if opened.store else ()
    wanted = DesiredState(kinds=frozenset({str(kind)}))
    request = replace(opened.request(), state=wanted, refresh="full")
    with opened.session.reader() as reader:
        found = read_for_plan(request, reader, Ledger(), call.progress).found
    learn_account(call, found)
    return found.live.values()


def _resource(call: Call, name: str, each: Desired | LedgerEntry | Live) -> ResourceRow:
    """A resource of any side; the ledger's values are those that were written last."""
    if isinstance(each, Desired):
        return ResourceRow(address=name, values=call.shown(attrs_to_json(each.attrs)), where=str(each.origin))
    attrs = each.applied if isinstance(each, LedgerEntry) else each.attrs
    state = f"{each.provenance.value}, {each.state.value}" if isinstance(each, LedgerEntry) else None
    return ResourceRow(address=name, values=call.shown(attrs_to_json(attrs)), id=each.remote_id, state=state)
