"""Renders runs, their outcomes and what an undo cannot restore as styled text and as JSON documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.kinds.effects import ACCESS_LAPSES, AUTOMATIONS, EVENTS_LOST, MAIL, TAGS_TAKEN, VALUES_LOST
from reconciler.model.plan import Action
from reconciler.model.report import PastOutcome, Status
from reconciler.model.resource import EMPTY
from reconciler.model.serialization import to_json
from reconciler.model.values import Address, Value
from reconciler.output import wording
from reconciler.output.layout import Line, padded, width_of
from reconciler.output.plan_sheet import SIGNS
from reconciler.planner.inverse import Unrestorable, grouped, written

FORMAT_VERSION = "1.0"
#: Contacts of which the ledger did not know the assignment or the value.
OTHERS = "contacts that are not managed here, or that got it outside of reconciler"
#: Effects of writes, as things that have happened; each is written after the names.
_HAPPENED = {
    AUTOMATIONS: ": automations were started",
    MAIL: ": mails may have been sent",
    EVENTS_LOST: ": events in between were lost",
    ACCESS_LAPSES: ": access lapsed for a moment",
    TAGS_TAKEN: f" on {OTHERS}",
    VALUES_LOST: f": its values on {OTHERS}",
}

#: Addresses that one line names before it counts the rest.
NAMED = 5


def moment(seconds: float | None) -> str:
    """``2026-11-21 16:02:15 UTC``, or a dash."""
    if seconds is None:
        return "–"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def ended(status: str | None) -> str:
    """The result of a run in one word; ``begun`` if it was killed or is still running."""
    return status or "begun"


def run_lines(runs: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """A table of runs, newest last; each run as :func:`run_document` has it, newest first."""
    rows = [_run_cells(run) for run in reversed(runs)]
    widths = [max(width_of(cell) for cell in column) for column in zip(_HEAD, *rows, strict=True)]
    yield [(_table_row(_HEAD, widths), "dim")]
    for run, cells in zip(reversed(runs), rows, strict=True):
        yield [(_table_row(cells, widths), "" if run["status"] == "done" else "yellow")]
        if run["job"]:
            yield [(" " * (widths[0] + 2) + wording.printable(run["job"]), "dim")]


_HEAD = ("run", "started", "command", "result", "changes", "by")


def _run_cells(run: Mapping[str, Any]) -> tuple[str, ...]:
    started = re.sub(r":\d\d UTC", " UTC", moment_of(run["started"]))
    who = wording.printable(f"{run['who']} on {run['host']}")
    changes = ", ".join(f"{number:,} {wording.spaced(word)}" for word, number in run["changes"].items())
    return f"{run['run']:>3}", started, wording.printable(run["command"]), run["status"], changes or "none", who


def _table_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(padded(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def run_details(run: Mapping[str, Any]) -> Iterator[Line]:
    """One run in a few lines: the row of its table, the version and the number of API calls."""
    yield from run_lines([run])
    calls = f"{wording.count(run['calls']['reads'], 'call')} to read, {run['calls']['writes']:,} to apply"
    yield [(f"     reconciler {wording.printable(run['tool'])}, {calls}", "dim")]


def moment_of(text: str | None) -> str:
    """The time of a document in the form of :func:`moment`."""
    return "–" if text is None else text.replace("T", " ").replace("+00:00", " UTC")


def run_document(run: Any, totals: Mapping[tuple[Action, Status], int] = EMPTY) -> dict[str, Any]:
    """One run, with ``totals`` of its resources by action and status; times are ISO 8601 in UTC."""
    changes: Counter[str] = Counter()
    for (action, status), number in totals.items():
        changes[_ending(action, status)] += number
    return {
        "run": run.id,
        "command": run.info.command,
        "who": run.info.who,
        "host": run.info.host,
        "tool": run.info.tool,
        "plan": run.info.plan,
        "job": run.info.job,
        "status": ended(run.status),
        "started": iso(run.started),
        "finished": iso(run.finished),
        "calls": {"reads": run.reads, "writes": run.writes},
        "changes": dict(sorted(changes.items())),
    }


def _ending(action: Action, status: Status) -> str:
    """``created``, ``failed``, ``not_run``."""
    done = Action.UPDATE if action is Action.ADOPT else action
    return SIGNS[done.value].done if status is Status.DONE else status.value


def history_document(
    runs: Iterable[Any], totals: Mapping[int, Mapping[tuple[Action, Status], int]]
) -> dict[str, Any]:
    """The document of ``history --json``, newest first."""
    return {"format_version": FORMAT_VERSION, "runs": [run_document(run, totals.get(run.id, EMPTY)) for run in runs]}


def outcomes_document(run: Any, past: Sequence[PastOutcome]) -> dict[str, Any]:
    """The document of ``history RUN --json``, without secrets."""
    document = run_document(run, Counter((each.action, each.status) for each in past))
    return {"format_version": FORMAT_VERSION, **document, "outcomes": [_outcome(each) for each in past]}


def resource_document(address: Address, past: Iterable[PastOutcome], runs: Mapping[int, Any]) -> dict[str, Any]:
    """The document of ``history ADDRESS --json``: the outcomes of one resource, each with its run."""
    outcomes = [{**run_document(runs[each.run]), **_outcome(each)} for each in past]
    for outcome in outcomes:
        del outcome["changes"], outcome["calls"]
    return {"format_version": FORMAT_VERSION, "address": str(address), "outcomes": outcomes}


def resource_lines(past: Iterable[PastOutcome], runs: Mapping[int, Any]) -> Iterator[Line]:
    """The changes of one resource by run, oldest first, with each field before and after."""
    for each in past:
        run = runs[each.run]
        who = wording.printable(f"{run.info.command}, {run.info.who} on {run.info.host}")
        yield [(f"run {each.run}  {moment(run.started)}  ", "bold"), (who, "dim")]
        yield from outcome_lines([each])


def _outcome(past: PastOutcome) -> dict[str, Any]:
    fields = _fields(past)
    return {
        "address": str(past.address),
        "verb": past.verb,
        "action": past.action.value,
        "status": past.status.value,
        "remote_id": past.remote_id,
        "message": past.message,
        **({} if past.tagged is None else {"contacts": len(past.tagged)}),
        "fields": [{"path": p, "before": to_json(b), "after": to_json(a)} for p, (b, a) in fields.items()],
    }


def _fields(past: PastOutcome) -> dict[str, tuple[Value, Value]]:
    if past.action is Action.CREATE and past.before:  # it existed, and nothing was written
        return {name: (value, value) for name, value in past.before.items() if value is not None}
    return written(past) if past.status in (Status.DONE, Status.PENDING) else {}


def outcome_lines(past: Sequence[PastOutcome]) -> Iterator[Line]:
    """The steps of a run with each field before and after."""
    for each in past:
        good = each.status in (Status.DONE, Status.PENDING)
        word = wording.spaced(_ending(each.action, each.status))
        message = f"  {wording.printable(each.message)}" if each.message else ""
        head: Line = [("    ", ""), (f"{word:<10} ", "green" if good else "red")]
        yield [*head, (wording.shown(each.address), ""), (message, "dim")]
        if each.tagged:
            contacts = "1 contact" if len(each.tagged) == 1 else f"{len(each.tagged):,} contacts"
            yield [(f"        lost by {contacts}; undo assigns it again", "")]
        for path, (before, after) in _fields(each).items():
            yield [(f"        {wording.printable(path):<14} {_arrow(each.action, before, after)}", "")]


def _arrow(action: Action, before: Value, after: Value) -> str:
    if action is Action.CREATE:
        return wording.value(after)
    return f"{wording.value(before)} → {wording.value(after)}"


def lost_lines(run: int, lost: Sequence[Unrestorable]) -> Iterator[Line]:
    """The resources that an undo cannot restore, grouped, and a reminder that the files still contain the change."""
    if lost:
        yield [(f"Undo of run {run} is incomplete. It cannot restore:", "bold")]
    for what, addresses in grouped(lost).items():
        names = ", ".join(wording.shown(each) for each in addresses[:NAMED])
        more = f" and {len(addresses) - NAMED:,} more" if len(addresses) > NAMED else ""
        yield [(f"  {names}{more}", ""), (wording.printable(_HAPPENED.get(what, f": {what}")), "yellow")]
    text = "Your files still contain the change. Revert them too, or the next apply will redo it."
    yield [(text, "bold yellow")]
    yield []


def lost_document(lost: Iterable[Unrestorable]) -> list[dict[str, str]]:
    """The JSON of the resources that an undo cannot restore."""
    return [{"address": str(each.address), "what": each.what} for each in lost]
