"""A plan → the sentences and rows that every rendering of it shares: what is listed, what a line says, the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change, FieldChange, Plan, count_quiet, decided, is_effective
from reconciler.model.report import Report
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address, Value
from reconciler.output import wording
from reconciler.planner.approvals import Approval, affected_count, mailed
from reconciler.planner.diff import leaves
from reconciler.planner.impact import is_rename

#: One request as it is shown: method, path, body with references open.
Call = tuple[str, str, Any]

#: Outputs that can wrap a value cut it here only.
_WHOLE = 4_000

VERBS = (
    (Action.CREATE, "to create"),
    (Action.UPDATE, "to update"),
    (Action.REPLACE, "to replace"),
    (Action.DELETE, "to delete"),
    (Action.ADOPT, "to adopt"),
    (Action.FORGET, "to forget"),
)


@dataclass(frozen=True)
class PlanSheet:
    """One plan with all that may be said of it; every output is made from one.

    ``heading`` names environment, account and ledger. ``writes`` is the number of calls,
    ``rate_limit`` the calls per second (0: unlimited).
    ``approvals`` are those that are needed, ``requests`` the calls by address.

    ``name`` is what the project is called, ``base`` the folder that positions are relative to, seen from that of the
    repository. ``report`` is what came of the plan where it was carried out, ``refused`` why it was not.
    ``document`` is the same for machines.
    """

    plan: Plan
    heading: str
    writes: int
    rate_limit: float
    approvals: tuple[Approval, ...] = ()
    requests: Mapping[Address, tuple[Call, ...]] = field(default_factory=lambda: EMPTY)
    name: str = ""
    base: str = ""
    report: Report | None = None
    refused: str = ""
    document: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


class FieldRow(NamedTuple):
    """One field of a change as it is shown: its path, what becomes of it, and why."""

    path: str
    shown: str
    cause: str


class FieldValues(NamedTuple):
    """The same with both sides apart and whole: None is a side that there is none of.

    ``hidden`` stands in place of both where neither may be shown.
    """

    path: str
    before: str | None
    after: str | None
    cause: str
    hidden: str = ""


def listed(plan: Plan) -> list[Change]:
    """The changes that are worth a line: what does something and what is blocked."""
    return [change for change in decided(plan.changes) if _is_listed(change)]


def _is_listed(change: Change) -> bool:
    """A relation that only follows its renamed parent goes without saying."""
    if change.action is Action.NO_CHANGE and KINDS[change.address.kind].parents:
        return False
    return change.blocked is not None or is_effective(change)


def quiet(plan: Plan) -> str:
    """The one sentence of a plan without changes."""
    same = _same(plan)
    ways = "".join(f"; {name.replace('_', ' ')} {route}" for name, route in plan.routes.items())
    return (
        f"No changes. {wording.count(same, 'resource is', 'resources are')} as the files say ({_reads(plan)}{ways})."
    )


def _same(plan: Plan) -> int:
    """How many are as they should be."""
    return count_quiet(plan.changes) + sum(1 for change in decided(plan.changes) if change.action is Action.NO_CHANGE)


def _reads(plan: Plan) -> str:
    return wording.count(plan.reads, "call")


def title(change: Change) -> str:
    """``tag/Gold → VIP`` for a rename, else the address."""
    kind = KINDS[change.address.kind]
    if kind.renameable:
        for each in change.fields:
            if each.path in kind.key and each.before is not None:
                return f"{kind.name}/{wording.printable(str(each.before))} → {wording.printable(str(each.after))}"
    return wording.shown(change.address)


def where(change: Change) -> str:
    """``site.yaml:4:3`` for what the files ask for, else nothing."""
    return str(change.origin) if change.origin and _is_of_files(change) else ""


def _is_of_files(change: Change) -> bool:
    """Whether the position says where the files ask for it; what left them has only the one where it stood."""
    return change.action not in (Action.DELETE, Action.FORGET) or change.cause is Cause.NOT_IN_SET


def _is_in_title(change: Change, field: FieldChange) -> bool:
    kind = KINDS[change.address.kind]
    return kind.renameable and field.path in kind.key


def remarks(change: Change) -> Iterator[str]:
    """What is to be said of a change beside its fields, effects included."""
    if change.blocked:
        yield f"blocked: {change.blocked}"
    if change.cause is Cause.MISSING:
        yield "missing from the account"
    if is_rename(change):
        yield "renamed" + "".join(f", {_CAUSES[cause]}" for cause in _moved_by_others(change))
    elif change.moved_from:
        yield f"known as {wording.shown(change.moved_from)} before"
    if change.note:
        yield wording.printable(change.note)
    yield from change.effects


def _moved_by_others(change: Change) -> Iterator[Cause]:
    """Why a name is another one, where that is not the files alone."""
    for each in change.fields:
        if _is_in_title(change, each) and each.cause in (Cause.DRIFTED, Cause.BOTH):
            yield each.cause


def rows(change: Change) -> Iterator[FieldRow]:
    """The fields of a change, a set as one row for each item that comes or goes; a rename stands in the title."""
    if change.action is Action.FORGET:
        return
    for each in change.fields:
        if not _is_in_title(change, each):
            yield from _field_rows(each)


def _field_rows(change: FieldChange) -> Iterator[FieldRow]:
    cause = "; ".join(filter(None, (_CAUSES.get(change.cause, change.cause.value), wording.printable(change.note))))
    if change.sensitive:
        shown = "not shown" if change.cause is Cause.NEW else "changed, not shown"
        yield FieldRow(wording.printable(change.path), shown, cause)
        return
    for path, before, after in leaves(change) if isinstance(change.before, frozenset) else [_sides(change)]:
        yield FieldRow(wording.printable(path), _arrow(change, before, after), cause)


def sides(change: Change) -> Iterator[FieldValues]:
    """What :func:`rows` says, for outputs that set the two sides apart."""
    if change.action is Action.FORGET:
        return
    for each in change.fields:
        if not _is_in_title(change, each):
            yield from _field_sides(each)


def _field_sides(change: FieldChange) -> Iterator[FieldValues]:
    if change.sensitive:
        yield from (FieldValues(row.path, None, None, row.cause, row.shown) for row in _field_rows(change))
        return
    is_set = isinstance(change.before, frozenset)
    found = leaves(change) if is_set else [_sides(change)]
    for (path, before, after), row in zip(found, _field_rows(change), strict=True):
        if is_set:
            both = [None if side is None else wording.printable(str(side)) for side in (before, after)]
        else:
            both = [None if change.cause is Cause.NEW else wording.value(before, _WHOLE), _after(change, _WHOLE)]
        yield FieldValues(wording.printable(path), both[0], both[1], row.cause)


def _sides(change: FieldChange) -> tuple[str, Value, Value]:
    return change.path, change.before, change.after


def _arrow(change: FieldChange, before: Value, after: Value) -> str:
    if isinstance(change.before, frozenset):
        return f"- {wording.printable(str(before))}" if after is None else f"+ {wording.printable(str(after))}"
    if change.cause is Cause.NEW:
        return wording.value(after)
    return f"{wording.value(before)} → {_after(change)}"


def _after(change: FieldChange, longest: int = wording.LONGEST) -> str:
    """The new value; that there is none any more is said as what happens to the old one."""
    return "(cleared)" if change.after is None and change.before is not None else wording.value(change.after, longest)


_CAUSES = {
    Cause.NEW: "",
    Cause.DRIFTED: "drifted: changed in the account since the last apply",
    Cause.BOTH: "both the files and the account changed; the files win",
    Cause.RELEASED: "released: no longer in the files, back to its default",
}


def notes(plan: Plan) -> Iterator[str]:
    """Remarks on what needs no change."""
    for change in decided(plan.changes):
        if change.note and not change.blocked and not is_effective(change):
            yield f"{wording.shown(change.address)}: {wording.printable(change.note)}"


def routes(plan: Plan) -> Iterator[str]:
    """How the kinds were read that were not read whole, a sentence each."""
    for name, route in plan.routes.items():
        yield f"{name.replace('_', ' ').capitalize()}: {route}."


def summary(plan: Plan) -> str:
    """The counts, as one line."""
    counts = {action: sum(1 for c in plan.pending if c.action is action) for action in Action}
    parts = [f"{counts[action]:,} {verb}" for action, verb in VERBS if counts[action]]
    if plan.blocked:
        parts = parts or ["Nothing to do"]
        parts.append(f"{len(plan.blocked):,} blocked")
    same = _same(plan)
    unmanaged = sum(plan.unmanaged.values())
    text = (", ".join(parts) or "Nothing to do") + f". {same:,} as they should be"
    least = "at least " if plan.routes else ""
    text += f", {least}{unmanaged:,} unmanaged and untouched." if unmanaged else "."
    return text + (" A partial plan: the rest was not looked at." if plan.partial else "")


def cost(sheet: PlanSheet) -> str:
    """What reading took, what writing will take, and how many people it concerns."""
    plan, writes, rate_limit = sheet.plan, sheet.writes, sheet.rate_limit
    seconds = max(0, writes - 1) / rate_limit if rate_limit else 0.0
    when = f", {wording.duration(seconds)} at {wording.rate(rate_limit)}" if rate_limit and writes else ""
    text = f"{wording.count(plan.reads, 'call')} read this; {wording.count(writes, 'call')} will write{when}."
    touched = affected(plan)
    return f"{text} {touched}." if touched else text


def affected(plan: Plan) -> str:
    """``252 people touched, 2 may be e-mailed``; empty when nobody is."""
    count = affected_count(plan)
    if not count:
        return ""
    least = "at least " if any(change.loss and change.loss.least for change in plan.pending) else ""
    reached = len(mailed(plan.pending))
    return f"{least}{wording.count(count, 'person', 'people')} touched, {reached:,} may be e-mailed"


def need(approval: Approval) -> str:
    """``Approval required: 1 deletion affects 250 people. To proceed: --allow deletes=1``"""
    return f"Approval required: {approval.reason}. To proceed: {approval.flag}"
