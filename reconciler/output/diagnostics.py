"""Collects the findings of a plan, of drift or of file problems, most severe first, with rule and position."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import NamedTuple

from reconciler.errors import Problem
from reconciler.kinds import KINDS
from reconciler.kinds.effects import MAILING, Consequence, classes_of
from reconciler.model.plan import Action, Cause, Change, differing
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Status
from reconciler.model.values import Address, Origin
from reconciler.output import change_text, plan_sheet, wording
from reconciler.output.drift import DriftReport, resource_words
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems
from reconciler.planner.approvals import REMOVING, Approval


class Level(Enum):
    """The severity of a finding."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Rule(NamedTuple):
    """A rule of findings: its permanent id, meaning, severity and remedy."""

    id: str
    about: str
    level: Level
    help: str


WRONG = Rule(
    "configuration",
    "The files or settings cannot be used as they are.",
    Level.ERROR,
    "Correct the file at the given place. `reconciler validate` checks it offline.",
)
FAILED = Rule(
    "failed",
    "A step of the run failed.",
    Level.ERROR,
    "Read the reason, remove its cause and apply again: what was done is not repeated.",
)
GATE = Rule(
    "needs-allowance",
    "The plan is refused until this class of changes is approved (--allow).",
    Level.ERROR,
    "Check the changes behind it, then approve them with the option that the message names.",
)
UNDONE = Rule(
    "not-done",
    "A step of the run was skipped or not reached.",
    Level.WARNING,
    "Apply again once the cause is gone; the plan then holds what is left.",
)
BLOCKED = Rule(
    "blocked",
    "Policy holds this change back.",
    Level.WARNING,
    "Change the setting that the message names, or remove the declaration.",
)
CONFLICT = Rule(
    "conflict",
    "Both the files and the account changed this.",
    Level.WARNING,
    "Decide which side is right: apply writes the files, `reconciler pull --accept` takes the account.",
)
DRIFT = Rule(
    "drift",
    "The account changed what the files declare.",
    Level.WARNING,
    "Apply to restore what the files declare, or take the change into the files with `reconciler pull --accept`.",
)
DELETE = Rule(
    "delete",
    "Something is removed from the account.",
    Level.WARNING,
    "Check that the resource is not needed any more; `lifecycle: {prevent_destroy: true}` keeps it.",
)
IRREVERSIBLE = Rule(
    "irreversible",
    "This change cannot be reverted completely.",
    Level.WARNING,
    "Check it before you apply: `reconciler undo` cannot restore all of it.",
)
NOTE = Rule(
    "note",
    "Worth knowing.",
    Level.NOTE,
    "Nothing has to be done.",
)

#: In the order in which one of several is chosen for a change.
RULES = (WRONG, FAILED, GATE, UNDONE, BLOCKED, CONFLICT, DRIFT, DELETE, IRREVERSIBLE, NOTE)

_FOR_GOOD = frozenset({Consequence.IRREVERSIBLE, Consequence.CASCADES})


@dataclass(frozen=True)
class Diagnostic:
    """One finding. ``subject`` is an address, or empty; ``origin`` a position in a file, or None."""

    rule: Rule
    message: str
    subject: str = ""
    origin: Origin | None = None


def position(origin: Origin | None) -> Origin | None:
    """A position in a file; None for the origin of an undo or a clone."""
    return origin if origin and origin.line > 0 else None


def below(base: str, origin: Origin) -> str:
    """The path of the file within the repository."""
    return posixpath.normpath(posixpath.join(base, origin.file.replace("\\", "/")))


#: What is examined for findings.
Examined = PlanSheet | DriftReport | FileProblems


def of(result: Examined) -> list[Diagnostic]:
    """The findings of a plan, a run, drift or problems of files, most severe first."""
    if isinstance(result, FileProblems):
        return [_problem(problem) for problem in result.problems]
    found = _drift(result) if isinstance(result, DriftReport) else _plan(result)
    return sorted(found, key=lambda each: RULES.index(each.rule))


def _plan(sheet: PlanSheet) -> Iterator[Diagnostic]:
    yield from _approvals(sheet)
    yield from _changes(sheet)
    yield from _outcomes(sheet)


def unfinished(sheet: PlanSheet) -> frozenset[Address] | None:
    """The addresses that an apply failed, skipped or did not reach; None before an apply."""
    if sheet.report is None:
        return None
    return frozenset(outcome.step.address for outcome in sheet.report.outcomes if outcome.status in BAD)


def is_open(change: Change, unfinished: frozenset[Address] | None) -> bool:
    """Whether a change is still to be made; ``unfinished`` is what an apply left over, None before one."""
    return unfinished is None or bool(change.blocked) or change.address in unfinished


def _approvals(sheet: PlanSheet) -> Iterator[Diagnostic]:
    for approval in sheet.approvals:
        places = (_place(change) for change in differing(sheet.plan.effective) if _is_behind(approval, change))
        yield Diagnostic(GATE, plan_sheet.need(approval), "", next(filter(None, places), None))


def _is_behind(approval: Approval, change: Change) -> bool:
    """Whether the approval concerns the change."""
    kind = KINDS[change.address.kind]
    if approval.allow is Allow.EMAILS:
        return bool(MAILING.intersection(change.effects))
    if approval.allow is Allow.DELETES:
        return change.action in REMOVING
    if approval.allow is Allow.UPDATES:
        return change.action is Action.UPDATE or (change.action is Action.ADOPT and bool(change.fields))
    if approval.allow is Allow.CONTACTS:
        return change.action is Action.DELETE and kind.person
    if approval.allow is Allow.RECREATE:
        return change.action is Action.CREATE and kind.person and change.cause is Cause.MISSING
    if approval.allow is Allow.TAKEOVER:
        return change.cause is Cause.TAKEOVER
    return kind.approval is not None and kind.approval.allow is approval.allow


def _changes(sheet: PlanSheet) -> Iterator[Diagnostic]:
    left = unfinished(sheet)
    for change in differing(sheet.plan.changes):
        rule = _rule(change)
        if rule and (rule is NOTE or is_open(change, left)):
            message = "; ".join([f"{_what(change)}{change_text.title(change)}", *change_text.remarks(change)])
            yield Diagnostic(rule, message, wording.shown(change.address), _place(change))


def _place(change: Change) -> Origin | None:
    """The position that declares it; for a removed block only the file, since its line has other content now."""
    origin = position(change.origin)
    return origin if origin is None or change_text.where(change) else Origin(origin.file, 1, 1)


def _what(change: Change) -> str:
    """``to delete: ``; empty for notes."""
    verb = dict(change_text.VERBS).get(change.action)
    return f"{verb}: " if verb and not change.blocked else ""


def _rule(change: Change) -> Rule | None:
    """The most severe rule that a change matches; None for most changes."""
    causes = {change.cause, *(each.cause for each in change.fields)}
    if change.blocked:
        return BLOCKED
    if Cause.BOTH in causes:
        return CONFLICT
    if causes & {Cause.DRIFTED, Cause.MISSING}:
        return DRIFT
    if change.action in REMOVING:
        return DELETE
    if _FOR_GOOD.intersection(classes_of(change.effects)):
        return IRREVERSIBLE
    return NOTE if change.note and position(change.origin) else None


def _outcomes(sheet: PlanSheet) -> Iterator[Diagnostic]:
    origins = {change.address: change.origin for change in differing(sheet.plan.changes)}
    for outcome in sheet.report.outcomes if sheet.report else ():
        rule = BAD.get(outcome.status)
        if rule:
            subject = wording.shown(outcome.step.address)
            yield Diagnostic(
                rule, f"{subject}: {ended(outcome)}", subject, position(origins.get(outcome.step.address))
            )


#: The ends of a step that need attention.
BAD = {Status.FAILED: FAILED, Status.SKIPPED: UNDONE, Status.NOT_RUN: UNDONE}


def ended(outcome: Outcome) -> str:
    """``failed: the reason``, ``not run``."""
    status = outcome.status.value.replace("_", " ")
    return f"{status}: {wording.printable(outcome.message)}" if outcome.message else status


def _drift(drifts: DriftReport) -> Iterator[Diagnostic]:
    """One finding for each drifted resource."""
    for address, items in groupby(drifts.items, key=lambda each: each.address):
        fields = list(items)
        rule = CONFLICT if any(each.conflict for each in fields) else DRIFT
        message = "; ".join([wording.shown(address), *resource_words(fields)])
        yield Diagnostic(rule, message, wording.shown(address), position(fields[0].origin))


_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?")


def _problem(problem: Problem) -> Diagnostic:
    """The finding of one problem, at its ``file:line:column`` if it has one."""
    text = "; ".join(wording.printable(each) for each in (problem.what, problem.hint) if each)
    place = _PLACE.fullmatch(problem.where)
    if place:
        origin = Origin(place["file"], int(place["line"]), int(place["column"] or 1))
        return Diagnostic(WRONG, text, "", position(origin))
    where = f"{wording.printable(problem.where)}: " if problem.where else ""
    return Diagnostic(WRONG, f"{where}{text}")
