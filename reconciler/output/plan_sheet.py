"""A plan with everything that outputs need, and its sentences: totals, people, calls, approvals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded
from reconciler.model.plan import (
    Action,
    Change,
    Plan,
    count_agreed,
    count_changes,
    differing,
    is_effective,
    without_unchanged,
)
from reconciler.model.report import Report
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address
from reconciler.output import wording
from reconciler.output.change_text import VERBS
from reconciler.output.verbatim import Call
from reconciler.planner.approvals import Approval, affected_count, mailed

#: Number of resources named for equal notes.
NAMED = 3


class Sign(NamedTuple):
    """Sign and names of an action: ``+``, ``create``, ``created``."""

    symbol: str
    verb: str
    done: str


BLOCKED, RENAME, UNCHANGED = "blocked", "rename", "unchanged"
#: In the order of counts and legend.
SIGNS: Mapping[str, Sign] = {
    Action.CREATE.value: Sign("+", "create", "created"),
    RENAME: Sign("~", "rename", "renamed"),
    Action.UPDATE.value: Sign("~", "update", "updated"),
    Action.REPLACE.value: Sign("-/+", "replace", "replaced"),
    Action.DELETE.value: Sign("-", "delete", "deleted"),
    Action.ADOPT.value: Sign("=", "adopt", "adopted"),
    Action.FORGET.value: Sign(".", "forget", "forgotten"),
    Action.NO_CHANGE.value: Sign(">", "move", "moved"),
    UNCHANGED: Sign(" ", "keep", "unchanged"),
    BLOCKED: Sign("!", "blocked", "blocked"),
}


@dataclass(frozen=True)
class PlanSheet:
    """A plan with everything that an output may show; all formats are rendered from it.

    ``heading`` names project, environment and connection. ``writes`` is the number of calls, ``rate_limit`` the calls
    per second (0: unlimited). ``approvals`` are the required ones, ``requests`` the calls by address.
    ``protected`` is the name of an environment that has to be confirmed.

    ``name`` is what the project is called, ``base`` the folder that positions are relative to, seen from that of the
    repository. ``report`` is the result of an apply, ``refused`` why it was not carried out. ``document`` is the
    JSON document.
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
    protected: str = ""


def listed(plan: Plan) -> list[Change]:
    """Effective and blocked changes, without relations that follow a renamed parent."""
    return [
        change
        for change in without_unchanged(plan.changes)
        if (change.blocked or is_effective(change))
        and not (change.action is Action.NO_CHANGE and KINDS[change.address.kind].parents)
    ]


def quiet(plan: Plan) -> str:
    """The sentence of a plan without changes."""
    ways = "".join(f"; {name.replace('_', ' ')} {route}" for name, route in plan.routes.items())
    same = wording.count(unchanged(plan), "resource matches", "resources match")
    return f"No changes. {same} the configuration ({wording.count(plan.reads, 'API call')}{ways})."


def unchanged(plan: Plan) -> int:
    """Number of resources that match the configuration."""
    return sum(number for (_, action), number in count_changes(plan.changes).items() if action is Action.NO_CHANGE)


def notes(plan: Plan) -> Iterator[str]:
    """Notes on unchanged resources, equal ones combined."""
    found: dict[str, list[Address]] = {}
    for change in differing(plan.changes):
        if change.note and not change.blocked and not is_effective(change):
            found.setdefault(wording.printable(change.note), []).append(change.address)
    for note, addresses in found.items():
        names = ", ".join(map(wording.shown, addresses[:NAMED]))
        more = f" and {len(addresses) - NAMED:,} more" if len(addresses) > NAMED else ""
        yield f"{names}{more}: {note}"


def routes(plan: Plan) -> Iterator[str]:
    """One sentence for each kind that was not read completely."""
    for name, route in plan.routes.items():
        yield f"{name.replace('_', ' ').capitalize()}: {route}."


def totals(plan: Plan) -> str:
    """``3 to create, 2 to update, 0 to replace, 0 to delete, 4 to adopt (2 of them updated). 2 tags to assign.``"""
    return ". ".join(filter(None, (", ".join(_own(plan)), ", ".join(relations(plan.effective))))) + "."


def parts(plan: Plan, *, zeros: bool = True) -> list[str]:
    """The same as a list; ``zeros`` decides about actions that nothing has."""
    return [*_own(plan, zeros=zeros), *relations(plan.effective)]


def _own(plan: Plan, *, zeros: bool = True) -> list[str]:
    counts = tallied(plan)
    written = sum(1 for each in differing(plan.effective) if each.action is Action.ADOPT and each.fields)
    found = [f"{counts[each]:,} {verb}" for each, verb in VERBS if counts[each] or (zeros and each in _ALWAYS)]
    if written:
        found = [f"{part} ({written:,} of them updated)" if part.endswith("to adopt") else part for part in found]
    return [*found, f"{len(plan.blocked):,} blocked"] if plan.blocked else found


def tallied(plan: Plan) -> Mapping[Action, int]:
    """Number of resources by action, without relations that need a call.

    An adopted resource whose values are written also counts as updated.
    """
    counts = Counter({Action.ADOPT: count_agreed(plan.effective).total()})
    for each in differing(plan.effective):
        if each.action in _RECORDED or not KINDS[each.address.kind].parents:
            counts[each.action] += 1
            counts[Action.UPDATE] += each.action is Action.ADOPT and bool(each.fields)
    return counts


_ALWAYS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
#: Actions without calls; relations with these count like all other resources.
_RECORDED = frozenset({Action.ADOPT, Action.FORGET})


def relations(changes: Iterable[Change], *, done: bool = False) -> Iterator[str]:
    """``2 tags to assign``, ``30 enrollments to add``; after an apply ``2 tags assigned``."""
    counts = Counter((each.address.kind, each.action) for each in related(changes))
    for (name, action), number in sorted(counts.items(), key=lambda item: (item[0][0], item[0][1].value)):
        noun, verb, past = relation_words(name, action)
        what = wording.count(number, noun.replace("_", " "), wording.plural(noun))
        yield f"{what} {past}" if done else f"{what} to {verb}"


def related(changes: Iterable[Change]) -> Iterator[Change]:
    """The relations among changes for which something is sent."""
    for each in differing(changes):
        if KINDS[each.address.kind].parents and each.action not in _RECORDED and each.action is not Action.NO_CHANGE:
            yield each


@cache
def relation_words(name: str, action: Action) -> tuple[str, str, str]:
    """Noun, verb and past of a change of a relation: ``tag``, ``assign``, ``assigned``."""
    kind = KINDS[name]
    embedded = isinstance(kind.source, Embedded) and kind.sugar is not None
    noun = kind.sugar.fills if embedded and kind.sugar else name
    if action is Action.CREATE:
        return (noun, "assign", "assigned") if embedded else (noun, "add", "added")
    if action is Action.DELETE:
        return noun, "remove", "removed"
    if kind.approval:
        return noun, kind.approval.allow.value, kind.approval.what.partition(" ")[0]
    return noun, SIGNS[action.value].verb, SIGNS[action.value].done


def rest(plan: Plan) -> str:
    """``0 unchanged, 16 unmanaged (not touched).``, and that it is a partial plan."""
    unmanaged = sum(plan.unmanaged.values())
    least = "at least " if plan.routes else ""
    text = f"{unchanged(plan):,} unchanged" + (
        f", {least}{unmanaged:,} unmanaged (not touched)." if unmanaged else "."
    )
    return text + (" Partial plan: other resources were not considered." if plan.partial else "")


def summary(plan: Plan) -> str:
    """Totals and unchanged resources in one line."""
    return f"{totals(plan)} {rest(plan)}"


def affected(plan: Plan) -> str:
    """``2 affected; up to 2 may receive e-mail``; empty when nobody is."""
    number = affected_count(plan)
    if not number:
        return ""
    least = "at least " if any(change.loss and change.loss.least for change in differing(plan.effective)) else ""
    reached = len(mailed(plan.effective))
    return f"{least}{number:,} affected" + (f"; up to {reached:,} may receive e-mail" if reached else "")


def people(plan: Plan) -> str:
    """``People: 2 affected; up to 2 may receive e-mail.``; empty when nobody is affected."""
    text = affected(plan)
    return f"People: {text}." if text else ""


def calls(sheet: PlanSheet) -> str:
    """``API calls: 5 made to read; 7 to apply, under 1 s at 10 per second.``"""
    seconds = max(0, sheet.writes - 1) / sheet.rate_limit if sheet.rate_limit else 0.0
    time = (
        f", {wording.duration(seconds)} at {wording.rate(sheet.rate_limit)}"
        if sheet.rate_limit and sheet.writes
        else ""
    )
    return f"API calls: {sheet.plan.reads:,} made to read; {sheet.writes:,} to apply{time}."


def protection(sheet: PlanSheet) -> str:
    """The sentence about confirming a protected environment; otherwise empty."""
    name = wording.printable(sheet.protected)
    return f"Environment {name} is protected: confirm with --confirm {name}." if name else ""


def need(approval: Approval) -> str:
    """``Approval required: 1 deletion affects 250 people. To proceed: --allow deletes=1``"""
    return f"Approval required: {approval.reason}. To proceed: {approval.flag}"
