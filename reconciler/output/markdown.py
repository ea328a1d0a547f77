"""Writes plans, reports, drift and problems of files as Markdown, for comments of pull requests and for issues.

Totals, approvals and failures come first, the tables are folded, and a text that is too long is cut after a resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from reconciler import __version__
from reconciler.model.plan import Change, Changes, Plan, differing
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.output import change_text, diagnostics, plan_sheet, text, wording
from reconciler.output.drift import CONFLICT, DriftReport, arrow, note_of, where
from reconciler.output.markdown_text import LONGEST, code, folded, head, marker, prose, row, size
from reconciler.output.plan_sheet import SIGNS, PlanSheet
from reconciler.output.plan_view import Block, view_of
from reconciler.output.problems import FileProblems
from reconciler.planner.drift import Drift

#: Length of the longest comment that GitHub accepts.
LIMIT = 65_535
#: Characters left free for tools that add a line of their own.
HEADROOM = 535
#: Resources named before the folded part; the rest is counted.
NAMED = 10

_SIGNS = {key: sign.symbol.replace("-", "−").replace(".", "·") for key, sign in SIGNS.items()}
_TABLE = head("Resource", "Change", "Where", "Effects")


def plan_comment(sheet: PlanSheet, limit: int = LIMIT) -> str:
    """The comment, at most ``limit`` characters (10,000 or more), with a hidden first line that identifies it."""
    front = within(_front(sheet), limit // 2)
    tail = within(_tail(sheet), limit // 8)
    room = limit - HEADROOM - size(front) - size(tail)
    return front + _cut_to(room, _tables(sheet)) + tail


class _Table(NamedTuple):
    """One kind: the words above its table, and its blocks."""

    title: str
    blocks: Sequence[Block]


def _tables(sheet: PlanSheet) -> list[_Table]:
    """One table for each kind; after an apply, open changes come before completed ones."""
    left = diagnostics.unfinished(sheet)
    tables: list[_Table] = []
    for is_open in (True, False):
        changes = _those(sheet.plan.changes, left, is_open=is_open)
        view = view_of(replace(sheet, plan=replace(sheet.plan, changes=changes)))
        for group in view.groups:
            title = f"<b>{group.kind.replace('_', ' ')}</b>: {group.words(done=not is_open)}"
            tables.append(_Table(title, group.blocks))
    return tables


def _those(changes: Sequence[Change], left: frozenset[Address] | None, *, is_open: bool) -> Sequence[Change]:
    """The open changes, or the completed ones. An apply completes adoptions without a change."""
    own = tuple(change for change in differing(changes) if diagnostics.is_open(change, left) is is_open)
    return Changes(own, changes.agreed) if isinstance(changes, Changes) and (left is None) is is_open else own


def within(parts: Iterable[str], room: int) -> str:
    """The first parts that fit into ``room`` characters as a whole."""
    found: list[str] = []
    for part in parts:
        room -= size(part)
        if room < 0:
            break
        found.append(part)
    return "".join(found) if room >= 0 else "".join([*found, "\n…\n\n"])


def _front(sheet: PlanSheet) -> Iterator[str]:
    plan = sheet.plan
    yield marker(sheet.name)
    if not (plan.effective or plan.blocked or sheet.report or sheet.refused):
        yield f"**Plan for {prose(sheet.name)}:** {prose(plan_sheet.quiet(plan))}\n\n"
        return
    if sheet.report:
        yield f"### Apply to {prose(sheet.name)}: {'in' if text.is_incomplete(sheet.report) else ''}complete\n\n"
        yield from _ended(sheet.report, plan)
    else:
        parts = ", ".join(plan_sheet.parts(plan, zeros=False)) or "no changes"
        yield f"### Plan for {prose(sheet.name)}: {prose(parts)}\n\n"
    if sheet.refused:
        yield f"> **Refused:** {prose(sheet.refused)}\n\n"
    if not sheet.report:
        sentences = filter(None, (plan_sheet.people(plan), plan_sheet.calls(sheet), plan_sheet.rest(plan)))
        yield f"{prose(' '.join(sentences))}\n\n"
        yield from _approvals(sheet)
    yield from _named("Blocked", [(change, change.blocked or "") for change in plan.blocked])


def _approvals(sheet: PlanSheet) -> Iterator[str]:
    """The approvals that the plan needs, as options to write."""
    if sheet.approvals:
        yield "**Approval required before apply:**\n\n"
        yield from (f"- `{approval.flag}` – {prose(approval.reason)}\n" for approval in sheet.approvals)
        yield "\n"
    if sheet.protected:
        flag = f"--confirm {sheet.protected}"
        yield f"Environment {code(sheet.protected)} is protected: confirm with {code(flag)}.\n\n"


def _named(title: str, what: list[tuple[Change, str]]) -> Iterator[str]:
    if what:
        yield f"**{title}:**\n\n"
        yield from (f"- {code(change_text.title(change))}: {prose(why)}\n" for change, why in what[:NAMED])
        yield f"- and {len(what) - NAMED:,} more\n\n" if len(what) > NAMED else "\n"


def _ended(report: Report, plan: Plan) -> Iterator[str]:
    """The result of a run: totals, then failed and skipped steps with the reasons."""
    yield f"**{prose(text.result(report, plan))}**\n\n"
    if report.stopped:
        yield f"> **Stopped:** {prose(report.stopped)}\n\n"
    bad = [each for each in report.outcomes if each.status in (Status.FAILED, Status.SKIPPED)]
    bad.sort(key=lambda each: each.status is not Status.FAILED)
    for outcome in bad[:NAMED]:
        yield f"- {code(wording.shown(outcome.step.address))} {prose(diagnostics.ended(outcome))}\n"
    if len(bad) > NAMED:
        yield f"- and {len(bad) - NAMED:,} more\n"
    yield "\n" if bad else ""
    yield from _outcomes(report.outcomes)


def _outcomes(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Values that the server changed."""
    found = [(outcome, path, both) for outcome in outcomes for path, both in outcome.differs.items()]
    for outcome, path, (sent, shown) in found[:NAMED]:
        said = f"was sent as {code(wording.value(sent))}, and is {code(wording.value(shown))}"
        yield f"- {code(wording.shown(outcome.step.address))}: {code(path)} {said}\n"
    yield "\n" if found else ""


def _tail(sheet: PlanSheet) -> Iterator[str]:
    """Remarks on what is unchanged, how it was read, the tool, and the command that applies the plan."""
    version = f"reconciler {__version__}"
    notes = [*plan_sheet.notes(sheet.plan), *plan_sheet.routes(sheet.plan)]
    if notes:
        more = [f"and {len(notes) - NAMED:,} more"] if len(notes) > NAMED else []
        lines = "".join(f"- {prose(note)}\n" for note in [*notes[:NAMED], *more])
        yield folded("Notes", lines)
    if sheet.plan.effective and not sheet.report:
        flags = [*(approval.flag for approval in sheet.approvals)]
        flags += [f"--confirm {sheet.protected}"] if sheet.protected else []
        yield f"{version} · to apply: {code(' '.join(['reconciler apply', *flags]))}\n"
    else:
        yield f"{version}\n"


def _cut_to(room: int, tables: list[_Table]) -> str:
    """Folded tables, as far as they fit; whole blocks only, and at the end how many changes are missing."""
    room -= LONGEST  # for the sentence that says so
    parts: list[str] = []
    shown = 0
    for title, blocks in tables:
        frame = folded(title, _TABLE)
        fitting = _fitting(room - size(frame), blocks)
        if blocks and not fitting:
            break
        parts.append(folded(title, _TABLE + "".join(fitting)) if blocks else f"{title}\n\n")
        room -= size(parts[-1])
        shown += sum(map(_changes, blocks[: len(fitting)]))
        if len(fitting) < len(blocks):
            break
    left = sum(_changes(block) for _, blocks in tables for block in blocks) - shown
    if left:
        are = wording.count(left, "change is", "changes are")
        parts.append(f"**{are} not shown here:** the whole plan is in the HTML or JSON output of this run.\n")
    return "".join(parts)


def _changes(block: Block) -> int:
    return sum(1 + len(member.relations) for member in block.members)


def _fitting(room: int, blocks: Iterable[Block]) -> list[str]:
    """The rows of the first blocks that fit."""
    found: list[str] = []
    for block in blocks:
        rows = "".join(_rows(block))
        room -= size(rows)
        if room < 0:
            break
        found.append(rows)
    return found


def _rows(block: Block) -> Iterator[str]:
    """The rows of a block: the resource, or number and names of equal ones, then fields and relations."""
    several = len(block.members) > 1
    sign = _SIGNS[block.sign].strip()
    what = prose(block.title) if several else code(block.title)
    change = ", ".join(dict.fromkeys(filter(None, (SIGNS[block.sign].verb, block.word))))
    effects = prose("; ".join([*block.remarks, *block.effects]))
    yield row(f"**{sign}** {what}" if sign else what, change, code(block.where), effects)
    for each in block.rows:
        yield row(code(each.path), code(each.shown), "", prose(each.note))
    if block.names:
        more = f" and {block.unnamed:,} more" if block.unnamed else ""
        yield row(", ".join(map(code, block.names)) + more, "", "", "")


def drift_comment(drifts: DriftReport, limit: int = LIMIT) -> str:
    """Resource by resource and field by field, ``limit`` characters at most (10,000 or more)."""
    front = f"{marker(drifts.name)}### {prose(drifts.title)}\n\n**{prose(drifts.summary)}**\n\n"
    if drifts.additions:
        front += f"{prose(drifts.additions)}\n\n"
    if not drifts.items:
        return front
    groups = [list(items) for _, items in groupby(drifts.items, key=lambda each: each.address)]
    rows = ["".join(_drift_rows(items)) for items in groups]
    return front + _fitting_table(
        head("Resource", "Change", "Where", "Effects"), rows, limit - size(front), "resource"
    )


def _drift_rows(items: Sequence[Drift]) -> Iterator[str]:
    first = items[0]
    sign = "−" if first.path is None else "~"
    change = "deleted" if first.path is None else "changed"
    yield row(f"**{sign}** {code(wording.shown(first.address))}", change, code(where(first)), prose(note_of(first)))
    for each in items:
        if each.path is not None:
            yield row(code(each.path), code(arrow(each)), "", CONFLICT if each.conflict else "")


def problems_comment(findings: FileProblems, limit: int = LIMIT) -> str:
    """One row for each problem, ``limit`` characters at most (10,000 or more)."""
    count = len(findings.problems)
    good = f"Valid: {wording.count(findings.resources, 'resource')}."
    summary = wording.count(count, "problem of the files", "problems of the files") if count else good
    front = f"{marker(findings.name)}**{summary}**\n\n"
    if not count:
        return front
    rows = [row(code(e.where), prose("; ".join(filter(None, (e.what, e.hint))))) for e in findings.problems]
    return front + _fitting_table(head("Where", "Problem"), rows, limit - size(front), "problem")


def _fitting_table(table: str, rows: Sequence[str], room: int, what: str) -> str:
    """The table with as many rows as fit, and the number of rows left out."""
    room -= HEADROOM + LONGEST + size(table)
    parts = [table]
    for number, each in enumerate(rows):
        room -= size(each)
        if room < 0:
            left = wording.count(len(rows) - number, f"{what} is", f"{what}s are")
            return f"{''.join(parts)}\n**{left} not shown here:** the JSON output of this run has all.\n"
        parts.append(each)
    return "".join(parts)
