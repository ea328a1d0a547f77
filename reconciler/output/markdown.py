"""A plan or a report → a comment of a pull request: what matters first, the rest folded, cut where it is too long.

What the account changed, or what is wrong with files → Markdown, for the issue that a scheduled job opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from reconciler.errors import Problem
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Action, Change
from reconciler.model.report import Outcome, Report, Status
from reconciler.output import diagnostics, plan_view, text, wording
from reconciler.output.diagnostics import FileProblems
from reconciler.output.drift import CONFLICT, DriftReport, arrow, note_of, where
from reconciler.output.markdown_text import LONGEST, code, folded, head, marker, prose, row, size
from reconciler.output.plan_view import PlanSheet
from reconciler.planner.drift import Drift

#: GitHub refuses a longer body of a comment.
LIMIT = 65_535
#: So much of it is left to those who add a line of their own.
HEADROOM = 535
#: So many are named before the folded part.
NAMED = 10

_SIGNS = {**wording.SYMBOLS, Action.REPLACE: "−/+", Action.DELETE: "−", Action.FORGET: "·"}
_TABLE = head("", "resource", "what", "why")


def plan_comment(sheet: PlanSheet, limit: int = LIMIT) -> str:
    """The comment, ``limit`` characters at most (10,000 or more); a first line that nobody sees says whose it is."""
    front = within(_front(sheet), limit // 2)
    tail = within(_tail(sheet), limit // 8)
    room = limit - HEADROOM - size(front) - size(tail)
    return front + _cut_to(room, _tables(sheet)) + tail


def _tables(sheet: PlanSheet) -> list[tuple[str, list[Change]]]:
    """Changes of one kind, with the words above them; after an apply first what is still open, then what is done."""
    left = diagnostics.unfinished(sheet)
    listed = plan_view.listed(sheet.plan)
    parts = [
        [change for change in listed if diagnostics.is_open(change, left) is is_open] for is_open in (True, False)
    ]
    tables: list[tuple[str, list[Change]]] = []
    for changes, verbs in zip(parts, (dict(plan_view.VERBS), text.PAST_WORDS), strict=True):
        for kind, group in groupby(changes, key=lambda change: change.address.kind):
            members = list(group)
            tables.append((_kind_words(kind, members, verbs), members))
    return tables


def within(parts: Iterable[str], room: int) -> str:
    """The first parts that fit, whole ones only."""
    found: list[str] = []
    for part in parts:
        room -= size(part)
        if room < 0:
            break
        found.append(part)
    return "".join(found) if room >= 0 else "".join([*found, "\n…\n\n"])


def _front(sheet: PlanSheet) -> Iterator[str]:
    plan, listed = sheet.plan, plan_view.listed(sheet.plan)
    yield marker(sheet.name)
    yield f"### {prose(sheet.heading)}\n\n"
    if sheet.report:
        yield from _ended(sheet.report)
    if sheet.refused:
        yield f"> **Refused:** {prose(sheet.refused)}\n\n"
    if not listed:
        yield f"**{prose(plan_view.quiet(plan))}**\n\n"
        return
    if not sheet.report:
        yield f"**{prose(plan_view.summary(plan))}**\n{prose(plan_view.cost(sheet))}\n\n"
        for approval in sheet.approvals:
            yield f"> **{prose(plan_view.need(approval))}**\n\n"
        yield from _seen(plan.pending)
    yield from _named("Blocked", [(change, change.blocked or "") for change in plan.blocked])


def _seen(changes: Iterable[Change]) -> Iterator[str]:
    """What people notice, counted."""
    counts: dict[str, int] = {}
    for change in changes:
        for effect in change.effects:
            if Consequence.REVERSIBLE not in classes_of([effect]) and Consequence.NEW_ID not in classes_of([effect]):
                counts[effect] = counts.get(effect, 0) + 1
    if counts:
        parts = (f"{prose(effect)}: {number:,}" for effect, number in sorted(counts.items()))
        yield f"> **Consequences:** {' · '.join(parts)}\n\n"


def _named(title: str, what: list[tuple[Change, str]]) -> Iterator[str]:
    if what:
        yield f"**{title}:**\n\n"
        yield from (f"- {code(plan_view.title(change))}: {prose(why)}\n" for change, why in what[:NAMED])
        yield f"- and {len(what) - NAMED:,} more\n\n" if len(what) > NAMED else "\n"


def _ended(report: Report) -> Iterator[str]:
    """How the run went: the sum, then what failed and was skipped, with the reasons."""
    yield f"**{prose(text.result(report))}**\n\n"
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
    """What else there is to say of single steps."""
    found = [(outcome, path, both) for outcome in outcomes for path, both in outcome.differs.items()]
    for outcome, path, (sent, shown) in found[:NAMED]:
        said = f"was sent as {code(wording.value(sent))}, and is {code(wording.value(shown))}"
        yield f"- {code(wording.shown(outcome.step.address))}: {code(path)} {said}\n"
    yield "\n" if found else ""


def _tail(sheet: PlanSheet) -> Iterator[str]:
    """Remarks on what stays, and how it was read."""
    notes = [*plan_view.notes(sheet.plan), *plan_view.routes(sheet.plan)]
    if notes:
        more = [f"and {len(notes) - NAMED:,} more"] if len(notes) > NAMED else []
        lines = "".join(f"- {prose(note)}\n" for note in [*notes[:NAMED], *more])
        yield folded("Notes", lines)


def _cut_to(room: int, tables: list[tuple[str, list[Change]]]) -> str:
    """Folded tables, as far as they fit; whole changes only, and at the end how many are missing."""
    room -= LONGEST  # for the sentence that says so
    parts: list[str] = []
    shown = 0
    for title, members in tables:
        frame = folded(title, _TABLE)
        fitting = _fitting(room - size(frame), members)
        if not fitting:
            break
        parts.append(folded(title, _TABLE + "".join(fitting)))
        room -= size(parts[-1])
        shown += len(fitting)
        if len(fitting) < len(members):
            break
    left = sum(len(members) for _, members in tables) - shown
    if left:
        are = wording.count(left, "change is", "changes are")
        parts.append(f"**{are} not shown here:** the whole plan is in the HTML or JSON output of this run.\n")
    return "".join(parts)


def _fitting(room: int, changes: list[Change]) -> list[str]:
    """The rows of the first changes that fit."""
    found: list[str] = []
    for change in changes:
        rows = "".join(_rows(change))
        room -= size(rows)
        if room < 0:
            break
        found.append(rows)
    return found


def _kind_words(kind: str, changes: list[Change], verbs: Mapping[Action, str]) -> str:
    """``contact: 1 to create, 2 to adopt``; of what is done ``1 created``."""
    counts = {
        verb: sum(1 for change in changes if change.action is action and not change.blocked)
        for action, verb in verbs.items()
        if action is not Action.NO_CHANGE
    }
    counts["blocked"] = sum(1 for change in changes if change.blocked)
    counts["known by another name"] = len(changes) - sum(counts.values())
    parts = [f"{number:,} {verb}" for verb, number in counts.items() if number]
    return f"<b>{kind.replace('_', ' ')}</b>: {', '.join(parts)}"


def _rows(change: Change) -> Iterator[str]:
    """The change, then its fields."""
    sign = "!" if change.blocked else _SIGNS[change.action].strip()
    where = code(plan_view.where(change)) if change.origin else ""
    remarks = prose("; ".join(plan_view.remarks(change)))
    yield row(f"**{sign}**" if sign else "", code(plan_view.title(change)), where, remarks)
    for each in plan_view.rows(change):
        yield row("", code(each.path), code(each.shown), prose(each.cause))


def drift_comment(drifts: DriftReport, limit: int = LIMIT) -> str:
    """Resource by resource and field by field, ``limit`` characters at most (10,000 or more)."""
    front = f"{marker(drifts.name)}### {prose(drifts.heading)}\n\n**{prose(drifts.summary)}**\n\n"
    if not drifts.items:
        return front
    groups = [list(items) for _, items in groupby(drifts.items, key=lambda each: each.address)]
    rows = ["".join(_drift_rows(items)) for items in groups]
    return front + _fitting_table(head("", "resource", "what", "why"), rows, limit - size(front), "resource")


def _drift_rows(items: Sequence[Drift]) -> Iterator[str]:
    first = items[0]
    sign = "−" if first.path is None else "~"
    yield row(f"**{sign}**", code(wording.shown(first.address)), code(where(first)), prose(note_of(first)))
    for each in items:
        if each.path is not None:
            yield row("", code(each.path), code(arrow(each)), CONFLICT if each.conflict else "")


def problems_comment(findings: FileProblems, limit: int = LIMIT) -> str:
    """One row for each problem, ``limit`` characters at most (10,000 or more)."""
    count = len(findings.problems)
    good = f"Valid: {wording.count(findings.resources, 'resource')}."
    summary = wording.count(count, "problem of the files", "problems of the files") if count else good
    front = f"{marker(findings.name)}**{summary}**\n\n"
    if not count:
        return front
    return front + _fitting_table(head("where", "what"), _problems(findings.problems), limit - size(front), "problem")


def _problems(problems: Iterable[Problem]) -> list[str]:
    return [row(code(each.where), prose("; ".join(filter(None, (each.what, each.hint))))) for each in problems]


def _fitting_table(table: str, rows: Sequence[str], room: int, what: str) -> str:
    """The table with as many rows as fit; says how many do not."""
    room -= HEADROOM + LONGEST + size(table)
    parts = [table]
    for number, each in enumerate(rows):
        room -= size(each)
        if room < 0:
            left = wording.count(len(rows) - number, f"{what} is", f"{what}s are")
            return f"{''.join(parts)}\n**{left} not shown here:** the JSON output of this run has all.\n"
        parts.append(each)
    return "".join(parts)
