"""A plan or a report → lines of styled text, for terminals and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.plan import Action, Change
from reconciler.model.report import Outcome, Report, Status
from reconciler.output import plan_view, wording
from reconciler.output.plan_view import FieldRow, PlanSheet

#: Pieces of one line: (text, style); styles are those of rich.
Line = list[tuple[str, str]]

STYLES = {
    Action.CREATE: "green",
    Action.ADOPT: "cyan",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
    Action.FORGET: "dim",
    Action.NO_CHANGE: "",
}

_WIDEST = 58


def plan_lines(sheet: PlanSheet, *, hidden_fields: bool = False, columns: int = 0) -> Iterator[Line]:
    """The whole plan; on a quiet day one line. ``columns`` is how wide a terminal is, if it is one."""
    plan, listed = sheet.plan, plan_view.listed(sheet.plan)
    notes: list[Line] = [[("    ", ""), (note, "dim")] for note in plan_view.notes(plan)]
    if not listed:
        yield from notes
        yield [(plan_view.quiet(plan), "bold")]
        return
    yield [(sheet.heading, "dim")]
    yield []
    width = min(max(_WIDEST, columns // 2), max(wording.cells(plan_view.title(change)) for change in listed) + 2)
    for change in listed:
        yield from _change(change, width, hidden_fields)
    yield from notes
    yield []
    yield [(plan_view.summary(plan), "bold")]
    yield [(plan_view.cost(sheet), "")]
    for route in plan_view.routes(plan):
        yield [(route, "dim")]
    for approval in sheet.approvals:
        yield [(plan_view.need(approval), "bold red")]


def _change(change: Change, width: int, hidden_fields: bool) -> Iterator[Line]:
    symbol, style = wording.SYMBOLS[change.action], STYLES[change.action]
    if change.blocked:
        symbol, style = "!", "dim"
    remarks = "; ".join(plan_view.remarks(change))
    head: Line = [(f"{symbol:>3} ", style), (wording.padded(plan_view.title(change), width), style)]
    yield [*head, (f"  {plan_view.where(change)}", "dim"), (f"  {remarks}" if remarks else "", "dim")]
    if not hidden_fields:
        for row in plan_view.rows(change):
            yield _field_line(row, width)


def _field_line(row: FieldRow, width: int) -> Line:
    path, shown = wording.padded(row.path, 14), wording.padded(row.shown, max(1, width - 16))
    return [(f"        {path} ", ""), (shown, ""), (f"  {row.cause}", "dim")]


def call_lines(requests: Iterable[tuple[str, str, object]]) -> Iterator[Line]:
    """Every request in order: method, path, body."""
    for number, (method, path, body) in enumerate(requests, 1):
        tail = "" if body is None else f"  {_json(body)}"
        head: Line = [(f"{number:>5}  ", "dim"), (f"{method:<6} ", "bold")]
        yield [*head, (wording.printable(path), ""), (wording.printable(tail), "dim")]


def _json(body: object) -> str:
    import json

    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def outcome_line(outcome: Outcome, done: int, total: int) -> Line:
    """One step as it ends."""
    style = {Status.DONE: "green", Status.PENDING: "cyan", Status.FAILED: "red"}.get(outcome.status, "yellow")
    word = PAST_WORDS[outcome.action] if outcome.status is Status.DONE else outcome.status.value.replace("_", " ")
    message = f"  {wording.printable(outcome.message)}" if outcome.message else ""
    head: Line = [(f"{done:>6}/{total}  ", "dim"), (f"{word:<10}", style)]
    return [*head, (wording.shown(outcome.step.address), ""), (message, "dim")]


PAST_WORDS = {
    Action.CREATE: "created",
    Action.ADOPT: "adopted",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
    Action.NO_CHANGE: "unchanged",
}


def report_lines(report: Report, *, forgotten: int = 0) -> Iterator[Line]:
    """How a run ended: what failed and why, what was not done, what the server made of our values."""
    for outcome in report.outcomes:
        if outcome.status in (Status.FAILED, Status.SKIPPED):
            text = f"{wording.shown(outcome.step.address)}: {wording.printable(outcome.message)}"
            yield [(f"  {outcome.status.value}: ", "red"), (text, "")]
    for outcome in report.outcomes:
        for path, (sent, shown) in outcome.differs.items():
            text = f"{path} was sent as {wording.value(sent)}, and is {wording.value(shown)}"
            yield [("  note: ", "cyan"), (f"{wording.shown(outcome.step.address)}: {text}", "")]
    if report.stopped:
        yield [(f"Stopped: {report.stopped}.", "bold yellow")]
    yield [(result(report, forgotten), "bold")]


def result(report: Report, forgotten: int = 0) -> str:
    """How many steps ended how, and the calls that it took."""
    counts: Mapping[Status, int] = {status: report.count(status) for status in Status}
    parts = [f"{counts[status]:,} {word}" for status, word in _ENDS if counts[status]]
    if forgotten:
        parts.append(f"{forgotten:,} settled in the ledger")
    calls = f"{wording.count(report.reads, 'call')} read, {wording.count(report.writes, 'call')} wrote"
    return f"Run {report.run}: {', '.join(parts) or 'nothing to do'}. {calls}."


_ENDS = (
    (Status.DONE, "done"),
    (Status.PENDING, "accepted and not shown yet"),
    (Status.FAILED, "failed"),
    (Status.SKIPPED, "skipped"),
    (Status.NOT_RUN, "not run"),
)
