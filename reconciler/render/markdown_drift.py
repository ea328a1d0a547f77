"""What the account changed, or what is wrong with files → Markdown, for the issue that a scheduled job opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reconciler.engine.drift import Drift
from reconciler.errors import Problem
from reconciler.render import words
from reconciler.render.attention import Findings
from reconciler.render.drifted import CONFLICT, Drifts, arrow, note_of, where
from reconciler.render.markdown import HEADROOM, LIMIT
from reconciler.render.markdown_text import LONGEST, code, head, marker, prose, row, size


def drift_comment(drifts: Drifts, limit: int = LIMIT) -> str:
    """Resource by resource and field by field, ``limit`` characters at most (10,000 or more)."""
    front = f"{marker(drifts.name)}### {prose(drifts.heading)}\n\n**{prose(drifts.summary)}**\n\n"
    if not drifts.items:
        return front
    groups = [list(items) for _, items in groupby(drifts.items, key=lambda each: each.address)]
    rows = ["".join(_rows(items)) for items in groups]
    return front + _fitting(head("", "resource", "what", "why"), rows, limit - size(front), "resource")


def _rows(items: Sequence[Drift]) -> Iterator[str]:
    first = items[0]
    sign = "−" if first.path is None else "~"
    yield row(f"**{sign}**", code(words.shown(first.address)), code(where(first)), prose(note_of(first)))
    for each in items:
        if each.path is not None:
            yield row("", code(each.path), code(arrow(each)), CONFLICT if each.conflict else "")


def problems_comment(findings: Findings, limit: int = LIMIT) -> str:
    """One row for each problem, ``limit`` characters at most (10,000 or more)."""
    count = len(findings.problems)
    good = f"Valid: {words.count(findings.resources, 'resource')}."
    summary = words.count(count, "problem of the files", "problems of the files") if count else good
    front = f"{marker(findings.name)}**{summary}**\n\n"
    if not count:
        return front
    return front + _fitting(head("where", "what"), _problems(findings.problems), limit - size(front), "problem")


def _problems(problems: Iterable[Problem]) -> list[str]:
    return [row(code(each.where), prose("; ".join(filter(None, (each.what, each.hint))))) for each in problems]


def _fitting(table: str, rows: Sequence[str], room: int, what: str) -> str:
    """The table with as many rows as fit; says how many do not."""
    room -= HEADROOM + LONGEST + size(table)
    parts = [table]
    for number, each in enumerate(rows):
        room -= size(each)
        if room < 0:
            left = words.count(len(rows) - number, f"{what} is", f"{what}s are")
            return f"{''.join(parts)}\n**{left} not shown here:** the JSON output of this run has all.\n"
        parts.append(each)
    return "".join(parts)
