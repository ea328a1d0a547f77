"""Plans that this server made: kept by their ids for `show` and `apply`, and written as plan files."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from reconciler.commands import plan_document
from reconciler.commands.plan import Planned, PlanRequest, make_plan
from reconciler.commands.plan_file import to_document
from reconciler.commands.saved_plan import saved
from reconciler.commands.sheets import sheet_of
from reconciler.commands.show import SavedPlan
from reconciler.config import storage
from reconciler.mcp.calls import Call
from reconciler.mcp.listings import Misuse
from reconciler.mcp.results import ChangeRow, PlanResult
from reconciler.mcp.workspace import Opened, Workspace, learn_account
from reconciler.model.plan import Plan
from reconciler.output import json_documents
from reconciler.output.confirmation import question
from reconciler.output.plain_text import plan_text
from reconciler.output.plan_sheet import listed
from reconciler.output.wording import connection_name
from reconciler.planner.approvals import Approval

#: Plans that can still be shown and applied; older ones are forgotten.
KEPT = 8
#: Lines of the plan in the question to the person: the first ones, and the last ones with totals and approvals.
FIRST_LINES, LAST_LINES = 45, 15


@dataclass(frozen=True)
class KeptPlan:
    """A plan as it was shown. ``document`` is compared with the plan that is made when it is applied."""

    id: str
    result: PlanResult
    changes: list[dict[str, Any]]
    document: dict[str, Any]
    request: PlanRequest
    approvals: tuple[Approval, ...]
    question: str


class Plans:
    """Plans that can be applied, each at most once: the first call that claims a plan removes it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptPlan] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, plan: KeptPlan) -> None:
        """Remember the plan, and forget the oldest ones."""
        with self._lock:
            self._kept[plan.id] = plan
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def find(self, plan_id: str, *, claim: bool = False) -> KeptPlan:
        """The plan, which is removed. Raises Misuse for an unknown id and for one that was claimed before."""
        with self._lock:
            found = self._kept.pop(plan_id, None) if claim else self._kept.get(plan_id)
        if found is None:
            raise Misuse("This server has no open plan of that id (applied, declined or forgotten). Plan again.")
        return found


def plan_now(call: Call, opened: Opened, request: PlanRequest) -> Planned:
    """The plan of the request; from now on personal values of the account are redacted in messages of the call."""
    with opened.session.reader() as reader:
        store = opened.store if opened.session.settings.ledger != "none" else None
        planned = make_plan(request, reader, store, progress=call.progress)
    learn_account(call, planned.found)
    return planned


def keep_plan(call: Call, workspace: Workspace, opened: Opened, request: PlanRequest) -> KeptPlan:
    """The plan of the request with all that is needed to show it, to ask about it and to apply it."""
    planned = plan_now(call, opened, request)
    session, plan_id = opened.session, secrets.token_hex(6)
    result = plan_result(planned, plan_id)
    return KeptPlan(
        plan_id,
        result.model_copy(update={"file": _save(call, opened, planned, request, plan_id)}),
        shown_changes(call, planned.plan),
        to_document(planned, request, workspace.key, session.settings.environment, session.has_ledger()),
        request,
        planned.approvals,
        _question(call, opened, planned),
    )


def plan_result(planned: Planned | SavedPlan, plan_id: str, checked: bool = True) -> PlanResult:
    """The numbers of a plan."""
    plan = planned.plan
    document = json_documents.plan_document(plan, {})
    return PlanResult(
        plan=plan_id,
        checked=checked,
        partial=plan.partial,
        summary=document["summary"],
        people=document["people"],
        calls={"reads": plan.reads, "writes": len(planned.graph.order)},
        unmanaged=document["unmanaged"],
        approvals={each.allow.value: each.count for each in planned.approvals},
    )


def shown_changes(call: Call, plan: Plan) -> list[dict[str, Any]]:
    """The changes that do something or are blocked, as `plan --json` prints them."""
    few = replace(plan, changes=tuple(listed(plan)))
    changes: list[dict[str, Any]] = call.shown(json_documents.plan_document(few, {})["changes"])
    return changes


def change_row(change: dict[str, Any], *, detailed: bool) -> ChangeRow:
    """The row of a change."""
    origin = change["origin"]
    return ChangeRow(
        address=change["address"],
        action=change["action"],
        cause=change["cause"],
        blocked=change["blocked"],
        where="{file}:{line}:{column}".format(**origin) if origin else "",
        fields=len(change["fields"]),
        **({"changes": change["fields"], "effects": change["effects"], "note": change["note"]} if detailed else {}),
    )


def _save(call: Call, opened: Opened, planned: Planned, request: PlanRequest, plan_id: str) -> str | None:
    """Writes the plan file; None where a redacted one could not be signed with a key that stays."""
    session = opened.session
    redacts = call.redactor.redacts
    if (redacts or session.settings.ci) and not session.has_key():
        return None
    document, key = saved(planned, request, session, opened.store, redacts=redacts)
    folder = session.settings.root / ".reconciler"
    try:
        storage.make_private_folder(folder)
    except OSError:
        return None
    plan_document.write(folder / f"plan-{plan_id}.json", document, key.sign if key else None)
    return f".reconciler/plan-{plan_id}.json"


def _question(call: Call, opened: Opened, planned: Planned) -> str:
    """The text that a terminal would show before the confirmation: the plan, its approvals, and the question."""
    settings = opened.session.settings
    name = settings.environment or settings.root.name
    connection = connection_name(planned.plan.base.account)
    sheet = sheet_of(planned, call.redactor, settings, f"{name}, connection {connection}", planned.approvals)
    lines = plan_text(sheet).splitlines()
    left_out = len(lines) - FIRST_LINES - LAST_LINES
    if left_out > 0:
        lines[FIRST_LINES:-LAST_LINES] = [f"… {left_out} more lines"]
    return "\n".join([*lines, "", question(sheet.plan, connection, name)])
