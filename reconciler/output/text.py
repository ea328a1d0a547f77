"""Renders a plan or a report as lines of styled text, for terminals and logs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.plan import Action, Change, Plan, differing
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.output import plan_sheet, wording
from reconciler.output.change_text import VERBS
from reconciler.output.layout import Line, padded, width_of, wrapped
from reconciler.output.plan_sheet import SIGNS, PlanSheet
from reconciler.output.plan_view import Block, PlanView, ViewRow, place, view_of

STYLES = {
    "create": "green",
    "rename": "yellow",
    "update": "yellow",
    "replace": "magenta",
    "delete": "red",
    "adopt": "cyan",
    "forget": "dim",
    "no_change": "dim",
    "unchanged": "dim",
    "blocked": "red",
}

#: Width of a text without a terminal, and the largest width used on a terminal.
COLUMNS, WIDEST = 80, 120
#: Columns at which titles and their details begin, and the width of the names of fields.
_TITLE, _INSIDE, _PATH = 4, 6, 16
#: Below this width, notes have no column of their own.
_NARROW = 60


def plan_lines(
    sheet: PlanSheet, *, titles_only: bool = False, columns: int = 0, detail: bool = False
) -> Iterator[Line]:
    """The whole plan; one line if nothing changes. ``columns``: width of the terminal, 0 if there is none.

    ``titles_only``: omit fields and relations. ``detail``: each change on its own, with adopted and unchanged ones.
    """
    view = view_of(sheet, grouped=not detail, adopted=detail)
    layout = PlanLayout(columns)
    if view.is_empty:
        yield from layout.notes(view)
        yield [(plan_sheet.quiet(sheet.plan), "bold")]
        return
    yield from wrapped([(view.title, "bold")], columns)
    if view.signs:
        yield []
        yield from wrapped(layout.legend(view), columns)
    for group in view.groups:
        yield []
        yield from wrapped([(group.kind, "bold"), (f"  {group.words()}", "")], columns)
        for block in group.blocks:
            yield from layout.block(block, titles_only)
    yield []
    yield from layout.notes(view)
    yield from _ending(sheet, columns)


def _ending(sheet: PlanSheet, columns: int) -> Iterator[Line]:
    """Totals, people, calls, approvals."""
    plan = sheet.plan
    yield from wrapped([(f"Plan: {plan_sheet.totals(plan)}", "bold")], columns, 6)
    yield from wrapped([(f"      {plan_sheet.rest(plan)}", "")], columns, 0)
    for sentence in filter(None, (plan_sheet.people(plan), plan_sheet.calls(sheet))):
        yield from wrapped([(sentence, "")], columns, 6)
    for route in plan_sheet.routes(plan):
        yield from wrapped([(route, "dim")], columns, 6)
    if sheet.approvals:
        yield []
        yield [("Approval required before apply:", "bold")]
    for approval in sheet.approvals:
        line: Line = [(f"  {padded(approval.flag, 20)}", "bold"), (f"  {wording.printable(approval.reason)}", "")]
        yield from wrapped(line, columns, 22)
    if protection := plan_sheet.protection(sheet):
        yield from wrapped([(protection, "bold")], columns, 6)


@dataclass(frozen=True)
class PlanLayout:
    """Columns of a plan: titles on the left, causes and effects in the middle, positions on the right.

    What does not fit is set on an indented line of its own; ``columns`` 0 means that lines may have any length.
    """

    columns: int

    @property
    def right(self) -> int:
        """The column at which positions end."""
        return min(self.columns or COLUMNS, WIDEST) - 2

    @property
    def middle(self) -> int:
        """The column at which causes and effects begin."""
        return 2 * self.right // 3 + 1

    def legend(self, view: PlanView) -> Line:
        """``+ create   ~ update``."""
        parts = [(SIGNS[sign].symbol, SIGNS[sign].verb, STYLES[sign]) for sign in view.signs]
        return [("  ", ""), *(piece for sign, verb, style in parts for piece in ((sign, style), (f" {verb}   ", "")))]

    def notes(self, view: PlanView) -> Iterator[Line]:
        """Remarks on unchanged resources, and a blank line."""
        for note in view.notes:
            yield from self._inside(note, indent=2)
        if view.notes:
            yield []

    def block(self, block: Block, titles_only: bool) -> Iterator[Line]:
        """The title, then remarks, fields and relations, then the names of equal ones."""
        yield from self._head(block)
        if titles_only:
            return
        longest = max((width_of(row.path) for row in block.rows if width_of(row.path) <= self.right // 3), default=0)
        width = max(min(_PATH, self.right // 3), longest + 2)
        for row in block.rows:
            yield from self._row(row, width)
        if block.names:
            more = f" and {block.unnamed:,} more (-v lists all)" if block.unnamed else ""
            yield from self._inside(", ".join(block.names) + more)

    def _head(self, block: Block) -> Iterator[Line]:
        line: Line = [(f"{SIGNS[block.sign].symbol:>3} ", STYLES[block.sign]), (block.title, "")]
        used = _TITLE + width_of(block.title)
        place, remarks = (block.where, list(block.remarks)) if block.where else self._reasons(block, used)
        notes = "; ".join(filter(None, (block.word, *block.effects)))
        room = self.right - width_of(place) - 2
        at = max(used + 2, self.middle)
        if notes and at + width_of(notes) <= room:
            line.append((" " * (at - used) + notes, ""))
            used, notes = at + width_of(notes), ""
        if place and used + 2 + width_of(place) <= self.right:
            line.append((" " * (self.right - width_of(place) - used) + place, "dim"))
            place = ""
        yield from self._fitting(line, _TITLE)
        if notes:
            yield from self._aside(notes)
        if place:
            yield from self._inside(place, "dim")
        for remark in remarks:
            yield from self._inside(remark)

    def _reasons(self, block: Block, used: int) -> tuple[str, list[str]]:
        """Remarks beside the block, in place of a missing position, and remarks below it. A loss has its own line."""
        found, rest = "", list(block.remarks)
        loss = block.members[0].change.loss
        while len(rest) > bool(loss and loss.people):
            longer = f"{found}, {rest[0]}" if found else rest[0]
            if used + 2 + width_of(longer) > self.right:
                break
            found = longer
            del rest[0]
        return found, rest

    def _row(self, row: ViewRow, width: int) -> Iterator[Line]:
        start = _INSIDE + width
        if width_of(row.path) + 2 > width:
            start = max(self.middle, _INSIDE + width_of(row.path) + 2)
        if start + min(width_of(row.shown), 8) > self.right:
            yield from self._inside(row.path)
            yield from self._valued("", row, _INSIDE + 2)
        else:
            yield from self._valued(" " * _INSIDE + row.path, row, start)

    def _valued(self, left: str, row: ViewRow, start: int) -> Iterator[Line]:
        """The value from ``start`` on; the note in the middle, else behind the value, else below it."""
        used = start + width_of(row.shown)
        at = max(used + 2, self.middle)
        first, rest = padded(left, start) + row.shown, row.note
        if rest and at + width_of(rest) <= self.right:
            first, rest = first + " " * (at - used) + rest, ""
        yield from self._fitting([(first, "")], start)
        if rest:
            yield from self._aside(rest, _INSIDE + 2) if start < self.middle else self._inside(rest, indent=start)

    def failure(self, outcome: Outcome, change: Change | None) -> Iterator[Line]:
        """A step that failed or was skipped: its resource and position, and the reason below."""
        position = f"{change.origin}: " if change else ""
        head: Line = [(f"  {outcome.status.value:<9}", "red"), (wording.shown(outcome.step.address), "")]
        reason = wording.printable(outcome.message.removeprefix(position))
        short = 13 + width_of(head[1][0]) + width_of(reason) <= self.right and outcome.status is Status.SKIPPED
        yield from self._fitting([*head, (f"  {reason if short else place([change]) if change else ''}", "dim")], 11)
        if reason and not short:
            yield from self._inside(reason, indent=11)

    def _aside(self, note: str, indent: int = _INSIDE) -> Iterator[Line]:
        """A note on a line of its own: in the middle, where it fits."""
        fits = self.right >= _NARROW and self.middle + width_of(note) <= self.right
        yield from self._inside(note, indent=self.middle if fits else indent)

    def _inside(self, text: str, style: str = "", indent: int = _INSIDE) -> Iterator[Line]:
        yield from self._fitting([(" " * indent, ""), (text, style)], indent)

    def _fitting(self, line: Line, indent: int) -> Iterator[Line]:
        """The text wrapped to the width of the terminal; further lines begin at ``indent``."""
        margin = len(text := "".join(piece for piece, _ in line)) - len(text.lstrip(" "))
        yield from wrapped(line, self.columns and self.right, indent - margin)


def call_lines(requests: Iterable[tuple[str, str, object]]) -> Iterator[Line]:
    """Every request in order: method, path, body."""
    for number, (method, path, body) in enumerate(requests, 1):
        tail = "" if body is None else f"  {json.dumps(body, ensure_ascii=False, sort_keys=True)}"
        head: Line = [(f"{number:>5}  ", "dim"), (f"{method:<6} ", "bold")]
        yield [*head, (wording.printable(path), ""), (wording.printable(tail), "dim")]


def outcome_line(outcome: Outcome) -> Line:
    """One line for a completed step."""
    style = {Status.DONE: "green", Status.PENDING: "cyan", Status.FAILED: "red"}.get(outcome.status, "yellow")
    message = f"  {wording.printable(outcome.message)}" if outcome.message else ""
    head: Line = [(f"  {_ended(outcome):<9} ", style), (wording.shown(outcome.step.address), "")]
    return [*head, (message, "dim")]


def _ended(outcome: Outcome) -> str:
    if outcome.status is not Status.DONE:
        return wording.spaced(outcome.status.value)
    written = Action.UPDATE if outcome.action is Action.ADOPT else outcome.action
    return SIGNS[written.value].done


#: Failed or skipped steps that are listed; the rest is counted.
MAX_LISTED = 20


def report_lines(report: Report, plan: Plan, *, seconds: float | None = None, columns: int = 0) -> Iterator[Line]:
    """The result of a run: totals, failed steps with reasons, skipped steps, and values that the server changed."""
    layout = PlanLayout(columns)
    bad = [each for each in report.outcomes if each.status in (Status.FAILED, Status.SKIPPED)]
    style = "bold yellow" if bad or report.stopped else "bold"
    yield from wrapped([(result(report, plan, seconds), style)], columns)
    if report.stopped:
        yield [(f"Stopped: {report.stopped}.", "bold yellow")]
    changes = {each.address: each for each in differing(plan.effective)} if bad else {}
    for status in (Status.FAILED, Status.SKIPPED):
        found = [each for each in bad if each.status is status]
        for outcome in found[:MAX_LISTED]:
            yield from layout.failure(outcome, changes.get(outcome.step.address))
        if len(found) > MAX_LISTED:
            yield [(f"  and {len(found) - MAX_LISTED:,} more {status.value}", "")]
    for outcome in report.outcomes:
        for path, (sent, shown) in outcome.differs.items():
            text = f"{path} was sent as {wording.value(sent)}, and is {wording.value(shown)}"
            yield [("  note     ", "cyan"), (f"{wording.shown(outcome.step.address)}: {text}", "")]


def result(report: Report, plan: Plan, seconds: float | None = None) -> str:
    """``Run 4 complete: 3 created, 2 updated, 4 adopted, 2 tags assigned (5 calls to read, 7 to apply, 0.9 s).``"""
    time = "" if seconds is None else f", {seconds:,.1f} s"
    calls = f"({wording.count(report.reads, 'call')} to read, {report.writes:,} to apply{time})"
    ends = _worst_status(report)
    bad = Counter(status for status in ends.values() if status in _UNFINISHED)
    if bad or report.stopped:
        parts = [f"{len(ends) - bad.total():,} of {len(ends):,} done"]
        parts += [f"{bad[status]:,} {status.value.replace('_', ' ')}" for status in _UNFINISHED if bad[status]]
        return f"Run {report.run} incomplete: {', '.join(parts)} {calls}. Run it again to continue."
    return f"Run {report.run} complete: {', '.join(_done(plan, ends)) or 'no changes'} {calls}."


def is_incomplete(report: Report) -> bool:
    """Whether a run stopped early, or a step of it is not done."""
    return bool(report.stopped) or any(each.status in _UNFINISHED for each in report.outcomes)


#: Worst first.
_UNFINISHED = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN)


def _worst_status(report: Report) -> dict[Address, Status]:
    """The worst status of the steps of each resource."""
    order = (*_UNFINISHED, Status.PENDING, Status.DONE)
    ends: dict[Address, Status] = {}
    for outcome in report.outcomes:
        before = ends.get(outcome.step.address, Status.DONE)
        ends[outcome.step.address] = min(before, outcome.status, key=order.index)
    return ends


def _done(plan: Plan, ends: Mapping[Address, Status]) -> Iterator[str]:
    """``3 created``, ``2 updated``; then ``1 accepted and not shown yet`` for pending writes."""
    counts = Counter(plan_sheet.tallied(plan))
    yield from (f"{counts[action]:,} {SIGNS[action.value].done}" for action, _ in VERBS if counts[action])
    yield from plan_sheet.relations(plan.effective, done=True)
    waiting = sum(1 for status in ends.values() if status is Status.PENDING)
    if waiting:
        yield f"{waiting:,} accepted and not shown yet"
