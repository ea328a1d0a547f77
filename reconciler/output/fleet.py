"""Renders the report of a fleet as text, JSON, Markdown and HTML: one line for each account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from jinja2 import Environment, StrictUndefined

from reconciler.model.fleet import AccountResult, AccountState, FleetApproval, FleetReport, approvals_of
from reconciler.model.policy import Allow
from reconciler.output import wording
from reconciler.output.html import asset
from reconciler.output.json_documents import FORMAT_VERSION
from reconciler.output.layout import Line, padded, width_of
from reconciler.output.markdown import HEADROOM, LIMIT
from reconciler.output.markdown_text import code, head, marker, prose, size
from reconciler.output.markdown_text import row as table_row
from reconciler.output.plain_text import text_of
from reconciler.output.plan_sheet import SIGNS
from reconciler.planner.approvals import flag

#: Changes that have a word of their own in the table, in this order.
_COUNTS = ("create", "adopt", "update", "replace", "delete", "forget", "drifted", "blocked")
_PAST = {key: sign.done for key, sign in SIGNS.items()}
_STYLES = {
    AccountState.UNCHANGED: "",
    AccountState.CHANGES: "yellow",
    AccountState.DRIFTED: "yellow",
    AccountState.APPLIED: "green",
    AccountState.NOT_RUN: "dim",
}
_HEAD = ("account", "state", "changes", "calls", "people", "seconds", "error")
#: Accounts named in a sentence; the rest is counted.
MAX_NAMED = 10
_ERROR_WIDTH = 100


def fleet_lines(report: FleetReport) -> Iterator[Line]:
    """The table and the totals. Unchanged accounts have no row."""
    shown = [result for result in report.results if is_listed(result)]
    rows = [_HEAD, *(_row(result) for result in shown)]
    widths = [max(width_of(row[index]) for row in rows) for index in range(len(_HEAD) - 1)]
    if shown:
        for row, result in zip(rows, [None, *shown], strict=True):
            style = "dim" if result is None else _STYLES.get(result.state, "red")
            yield [*_cells(row, widths, style), (_cut(row[-1]), style)]
        yield []
    for text in totals(report):
        yield [(text, "bold")]
    for approval in _open_approvals(report):
        yield [(need(approval), "yellow")]
    if report.folder:
        yield [(f"Plans and logs of each account: {report.folder}", "bold")]


def _cut(text: str) -> str:
    return text if len(text) <= _ERROR_WIDTH else f"{text[: _ERROR_WIDTH - 1]}…"


def _cells(row: tuple[str, ...], widths: list[int], style: str) -> Line:
    return [(f"{padded(text, width)}  ", style) for text, width in zip(row, widths, strict=False)]


def is_listed(result: AccountResult) -> bool:
    """Whether an account has a line of its own."""
    return result.state is not AccountState.UNCHANGED or bool(result.counts)


def _row(result: AccountResult) -> tuple[str, ...]:
    done = result.state is AccountState.APPLIED
    words = {name: _PAST.get(name, name) if done else _word(name) for name in _COUNTS}
    counts = ", ".join(f"{result.counts[name]:,} {words[name]}" for name in _COUNTS if result.counts.get(name))
    calls = f"{result.reads + result.writes:,}"
    return (
        wording.printable(result.name),
        result.state.value,
        counts,
        calls,
        f"{result.people:,}" if result.people else "",
        f"{result.seconds:.1f}",
        wording.printable(result.error),
    )


def _word(name: str) -> str:
    return name if name in ("drifted", "blocked") else f"to {name}"


def totals(report: FleetReport) -> Iterator[str]:
    """Accounts by state, changes, calls and time."""
    states = [f"{report.count(state):,} {state.value}" for state in AccountState if report.count(state)]
    yield f"{wording.count(len(report.results), 'account')}: {', '.join(states)}."
    changes = [f"{report.total(name):,} {_word(name)}" for name in _COUNTS if report.total(name)]
    if changes:
        yield f"{'Drift' if report.command == 'drift' else 'Changes'}: {', '.join(changes)}."
    reads, writes = (sum(getattr(each, name) for each in report.results) for name in ("reads", "writes"))
    keys = wording.count(report.lanes, "key")
    yield f"{reads:,} reads and {writes:,} writes in {report.seconds:.1f} s with {keys}."
    if report.stopped:
        yield f"Stopped: {report.stopped}."


def _open_approvals(report: FleetReport) -> list[FleetApproval]:
    """The approvals that an apply of this plan needs."""
    return approvals_of(report.results) if report.command == "plan" else []


def need(approval: FleetApproval) -> str:
    """``Approval required: deletes in 2 accounts (a 11, b 3). To proceed: --allow deletes=14``"""
    return f"Approval required: {_shares(approval)}. To proceed: {_flag(approval)}"


def _flag(approval: FleetApproval) -> str:
    return flag(Allow(approval.allow), approval.number)


def _shares(approval: FleetApproval) -> str:
    """The number of each account."""
    named = ", ".join(f"{name} {number:,}" for name, number in approval.accounts[:MAX_NAMED])
    rest = len(approval.accounts) - MAX_NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return f"{approval.allow} in {wording.count(len(approval.accounts), 'account')} ({named}{more})"


def fleet_document(report: FleetReport) -> dict[str, Any]:
    """The document that ``--json`` prints."""
    return {
        "format_version": FORMAT_VERSION,
        "command": report.command,
        "fleet": report.name,
        "seconds": round(report.seconds, 3),
        "stopped": report.stopped or None,
        "summary": {state.value.replace(" ", "_"): report.count(state) for state in AccountState},
        "accounts": [_account(result) for result in report.results],
    }


def _account(result: AccountResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "state": result.state.value.replace(" ", "_"),
        "exit_code": result.exit_code,
        "counts": dict(result.counts),
        "calls": {"reads": result.reads, "writes": result.writes},
        "people": result.people,
        "seconds": result.seconds,
        "wave": result.wave or None,
        "error": result.error or None,
        "needs": [{"allow": each.allow, "count": each.number, "reason": each.reason} for each in result.needs],
    }


def fleet_text(report: FleetReport) -> str:
    """The table without colours."""
    return text_of(fleet_lines(report))


def fleet_comment(report: FleetReport) -> str:
    """One comment of a pull request: totals, approvals, and the table, failures first, as far as it fits."""
    front = f"{marker(report.name)}### Fleet {code(report.name)}: {report.command}\n\n"
    front += "".join(f"{prose(each)}\n\n" for each in totals(report))
    front += "".join(_needed(report))
    shown = [result for result in report.results if is_listed(result)]
    rows = list(_table_rows(sorted(shown, key=lambda result: not result.state.is_failure)))
    if not rows:
        return front
    room = LIMIT - 2 * HEADROOM - size(front)
    fitting = [row for row, end in zip(rows, accumulate(map(size, rows)), strict=True) if end <= room]
    left = len(rows) - len(fitting)
    more = f"\nAnd {wording.count(left, 'more account')}.\n" if left else ""
    return front + head(*(each.capitalize() for each in _HEAD)) + "".join(fitting) + more


def _needed(report: FleetReport) -> Iterator[str]:
    """Approvals and confirmations that the apply of this plan needs."""
    approvals = _open_approvals(report)
    if approvals:
        yield "**Approval required before apply:**\n\n"
        yield from (f"- `{_flag(each)}` – {prose(_shares(each))}\n" for each in approvals)
        yield "\n"
    for name in sorted({result.protected for result in report.results} - {""}):
        yield f"Environment {code(name)} is protected: confirm with {code(f'--confirm {name}')}.\n\n"


def _table_rows(results: Iterable[AccountResult]) -> Iterator[str]:
    for result in results:
        name, *cells = _row(result)
        yield table_row(code(name), *map(prose, cells))


def fleet_page(report: FleetReport) -> str:
    """One HTML page with the table."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(asset("fleet.html.j2"))
    rows = [(result, _row(result)) for result in report.results]
    return template.render(report=report, head=_HEAD, rows=rows, totals=list(totals(report)))
