"""A plan or a report → lines of styled text, for terminals and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.engine.consequences import is_rename
from reconciler.engine.diff import leaves
from reconciler.engine.graph import sends
from reconciler.engine.guard import Gate, people
from reconciler.kinds import KINDS
from reconciler.kinds.effects import MAILING
from reconciler.model.plan import Action, Cause, Change, FieldChange, Plan, is_effective
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Value
from reconciler.render import words

#: Pieces of one line: (text, style); styles are those of rich.
Line = list[tuple[str, str]]

STYLES = {
    Action.CREATE: "green", Action.ADOPT: "cyan", Action.UPDATE: "yellow", Action.REPLACE: "magenta",
    Action.DELETE: "red", Action.FORGET: "dim", Action.NOOP: "",
}  # fmt: skip

_WIDEST = 58


def plan_lines(
    plan: Plan, *, heading: str, writes: int, pace: float, needed: Sequence[Gate] = (), hidden_fields: bool = False
) -> Iterator[Line]:
    """The whole plan; on a quiet day one line. ``writes`` is the number of calls that it takes."""
    listed = [change for change in plan.changes if _is_listed(change)]
    if not listed:
        yield from _notes(plan)
        yield [(_quiet(plan), "bold")]
        return
    yield [(heading, "dim")]
    yield []
    width = min(_WIDEST, max(len(_title(change)) for change in listed) + 2)
    for change in listed:
        yield from _change(change, width, hidden_fields)
    yield from _notes(plan)
    yield []
    yield [(_summary(plan), "bold")]
    yield [(_cost(plan, writes, pace), "")]
    yield from _routes(plan)
    yield from gate_lines(needed)


def _is_listed(change: Change) -> bool:
    """A relation that only follows its renamed parent goes without saying."""
    if change.action is Action.NOOP and KINDS[change.address.kind].parents:
        return False
    return change.withheld is not None or is_effective(change)


def _quiet(plan: Plan) -> str:
    same = sum(1 for change in plan.changes if change.action is Action.NOOP)
    ways = "".join(f"; {name.replace('_', ' ')} {route}" for name, route in plan.routes.items())
    return f"No changes. {words.count(same, 'resource is', 'resources are')} as the files say ({_reads(plan)}{ways})."


def _reads(plan: Plan) -> str:
    return words.count(plan.reads, "call")


def _title(change: Change) -> str:
    """``tag/Gold → VIP`` for a rename, else the address."""
    kind = KINDS[change.address.kind]
    if kind.renameable:
        for each in change.fields:
            if each.path in kind.key and each.before is not None:
                return f"{kind.name}/{words.clean(str(each.before))} → {words.clean(str(each.after))}"
    return words.shown(change.address)


def _change(change: Change, width: int, hidden_fields: bool) -> Iterator[Line]:
    symbol, style = words.SYMBOLS[change.action], STYLES[change.action]
    if change.withheld:
        symbol, style = "!", "dim"
    where = str(change.origin) if change.origin and _is_of_files(change) else ""
    remarks = "; ".join(_remarks(change))
    line: Line = [(f"{symbol:>3} ", style), (f"{_title(change):<{width}}", style), (f"  {where}", "dim")]
    yield [*line, (f"  {remarks}" if remarks else "", "dim")]
    if change.action is not Action.FORGET and not hidden_fields:
        for each in change.fields:
            if not _is_in_title(change, each):
                yield from _field(each, width)


def _is_of_files(change: Change) -> bool:
    """Whether the position says where the files ask for it; what left them has only the one where it stood."""
    return change.action not in (Action.DELETE, Action.FORGET) or change.cause is Cause.NOT_IN_SET


def _is_in_title(change: Change, field: FieldChange) -> bool:
    kind = KINDS[change.address.kind]
    return kind.renameable and field.path in kind.key


def _remarks(change: Change) -> Iterator[str]:
    if change.withheld:
        yield f"withheld: {change.withheld}"
    if change.cause is Cause.MISSING:
        yield "missing from the account"
    if is_rename(change):
        yield "renamed" + "".join(f", {_CAUSES[cause]}" for cause in _moved_by_others(change))
    elif change.moved_from:
        yield f"known as {words.shown(change.moved_from)} before"
    if change.note:
        yield words.clean(change.note)
    yield from change.effects


def _moved_by_others(change: Change) -> Iterator[Cause]:
    """Why a name is another one, where that is not the files alone."""
    for each in change.fields:
        if _is_in_title(change, each) and each.cause in (Cause.DRIFTED, Cause.BOTH):
            yield each.cause


def _field(change: FieldChange, width: int) -> Iterator[Line]:
    cause = "; ".join(filter(None, (_CAUSES.get(change.cause, change.cause.value), words.clean(change.note))))
    if change.sensitive:
        shown = "not shown" if change.cause is Cause.NEW else "changed, not shown"
        yield _field_line(change.path, shown, cause, width)
        return
    for path, before, after in leaves(change) if isinstance(change.before, frozenset) else [_sides(change)]:
        yield _field_line(path, _arrow(change, before, after), cause, width)


def _sides(change: FieldChange) -> tuple[str, Value, Value]:
    return change.path, change.before, change.after


def _arrow(change: FieldChange, before: Value, after: Value) -> str:
    if isinstance(change.before, frozenset):
        return f"- {words.clean(str(before))}" if after is None else f"+ {words.clean(str(after))}"
    if change.cause is Cause.NEW:
        return words.value(after)
    return f"{words.value(before)} → {words.value(after)}"


def _field_line(path: str, shown: str, cause: str, width: int) -> Line:
    return [(f"        {words.clean(path):<14} ", ""), (f"{shown:<{max(1, width - 16)}}", ""), (f"  {cause}", "dim")]


_CAUSES = {
    Cause.NEW: "",
    Cause.DRIFTED: "drifted: changed in the account since the last apply",
    Cause.BOTH: "both the files and the account changed; the files win",
    Cause.RELEASED: "released: no longer in the files, back to its default",
}


def _notes(plan: Plan) -> Iterator[Line]:
    for change in plan.changes:
        if change.note and not change.withheld and not is_effective(change):
            yield [("    ", ""), (f"{words.shown(change.address)}: {words.clean(change.note)}", "dim")]


def _routes(plan: Plan) -> Iterator[Line]:
    for name, route in plan.routes.items():
        yield [(f"{name.replace('_', ' ').capitalize()}: {route}.", "dim")]


def _summary(plan: Plan) -> str:
    counts = {action: sum(1 for c in plan.pending if c.action is action) for action in Action}
    verbs = [
        (Action.CREATE, "to create"), (Action.UPDATE, "to update"), (Action.REPLACE, "to replace"),
        (Action.DELETE, "to delete"), (Action.ADOPT, "to adopt"), (Action.FORGET, "to forget"),
    ]  # fmt: skip
    parts = [f"{counts[action]:,} {verb}" for action, verb in verbs if counts[action]]
    if plan.withheld:
        parts = parts or ["Nothing to do"]
        parts.append(f"{len(plan.withheld):,} withheld")
    same = sum(1 for change in plan.changes if change.action is Action.NOOP)
    foreign = sum(plan.foreign.values())
    text = (", ".join(parts) or "Nothing to do") + f". {same:,} as they should be"
    least = "at least " if plan.routes else ""
    text += f", {least}{foreign:,} foreign and untouched." if foreign else "."
    return text + (" A partial plan: the rest was not looked at." if plan.partial else "")


def _cost(plan: Plan, writes: int, pace: float) -> str:
    seconds = max(0, writes - 1) / pace if pace else 0.0
    when = f", {words.duration(seconds)} at {pace:g} a second" if pace and writes else ""
    text = f"{words.count(plan.reads, 'call')} read this; {words.count(writes, 'call')} will write{when}."
    touched = people(change for change in plan.pending if sends(change))
    mailed = people(c for c in plan.pending if MAILING.intersection(c.effects))
    if touched:
        text += f" {words.count(len(touched), 'person', 'people')} touched, {len(mailed):,} may be e-mailed."
    return text


def gate_lines(needed: Iterable[Gate]) -> Iterator[Line]:
    """What has to be said before this may be applied."""
    for gate in needed:
        yield [(f"Needs {gate.flag}: {gate.reason}.", "bold red")]


def call_lines(requests: Iterable[tuple[str, str, object]]) -> Iterator[Line]:
    """Every request in order: method, path, body."""
    for number, (method, path, body) in enumerate(requests, 1):
        tail = "" if body is None else f"  {_json(body)}"
        head: Line = [(f"{number:>5}  ", "dim"), (f"{method:<6} ", "bold")]
        yield [*head, (words.clean(path), ""), (words.clean(tail), "dim")]


def _json(body: object) -> str:
    import json

    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def outcome_line(outcome: Outcome, done: int, total: int) -> Line:
    """One step as it ends."""
    style = {Status.DONE: "green", Status.PENDING: "cyan", Status.FAILED: "red"}.get(outcome.status, "yellow")
    word = PAST_WORDS[outcome.action] if outcome.status is Status.DONE else outcome.status.value.replace("_", " ")
    message = f"  {words.clean(outcome.message)}" if outcome.message else ""
    head: Line = [(f"{done:>6}/{total}  ", "dim"), (f"{word:<10}", style)]
    return [*head, (words.shown(outcome.step.address), ""), (message, "dim")]


PAST_WORDS = {
    Action.CREATE: "created", Action.ADOPT: "adopted", Action.UPDATE: "updated", Action.REPLACE: "replaced",
    Action.DELETE: "deleted", Action.FORGET: "forgotten", Action.NOOP: "unchanged",
}  # fmt: skip


def report_lines(report: Report, *, forgotten: int = 0) -> Iterator[Line]:
    """How a run ended: what failed and why, what was not done, what the server made of our values."""
    for outcome in report.outcomes:
        if outcome.status in (Status.FAILED, Status.SKIPPED):
            text = f"{words.shown(outcome.step.address)}: {words.clean(outcome.message)}"
            yield [(f"  {outcome.status.value}: ", "red"), (text, "")]
    for outcome in report.outcomes:
        for path, (sent, shown) in outcome.differs.items():
            text = f"{path} was sent as {words.value(sent)}, and is {words.value(shown)}"
            yield [("  note: ", "cyan"), (f"{words.shown(outcome.step.address)}: {text}", "")]
    if report.stopped:
        yield [(f"Stopped: {report.stopped}.", "bold yellow")]
    yield [(_result(report, forgotten), "bold")]


def _result(report: Report, forgotten: int) -> str:
    counts: Mapping[Status, int] = {status: report.count(status) for status in Status}
    parts = [f"{counts[status]:,} {word}" for status, word in _ENDS if counts[status]]
    if forgotten:
        parts.append(f"{forgotten:,} settled in the ledger")
    calls = f"{words.count(report.reads, 'call')} read, {words.count(report.writes, 'call')} wrote"
    return f"Run {report.run}: {', '.join(parts) or 'nothing to do'}. {calls}."


_ENDS = (
    (Status.DONE, "done"), (Status.PENDING, "accepted and not shown yet"), (Status.FAILED, "failed"),
    (Status.SKIPPED, "skipped"), (Status.NOT_RUN, "not run"),
)  # fmt: skip
