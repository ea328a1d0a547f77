"""Checks → lines of styled text, or one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.model.checks import Check, Verdict
from reconciler.output.layout import Line
from reconciler.output.wording import count, printable

_MARKS = {Verdict.OK: ("✓", "green"), Verdict.FAILED: ("✗", "bold red"), Verdict.SKIPPED: ("–", "dim")}


def check_lines(check: Check) -> Iterator[Line]:
    """One line, and the remedy below it where it failed."""
    mark, style = _MARKS[check.verdict]
    dim = "dim" if check.verdict is Verdict.SKIPPED else ""
    yield [(f" {mark} ", style), (f"{check.name:<15} ", dim), (printable(check.text), dim)]
    if check.remedy:
        yield [(" " * 19 + "→ ", "bold"), (printable(check.remedy), "bold")]


def verdict_line(checks: Iterable[Check]) -> Line:
    """How many failed."""
    failed = sum(1 for check in checks if check.verdict is Verdict.FAILED)
    return [(f"{count(failed, 'check')} failed.", "bold red")] if failed else [("All is well.", "bold green")]


def check_document(checks: Iterable[Check]) -> dict[str, Any]:
    """The same for machines."""
    found = [
        {"name": each.name, "result": each.verdict.value, "text": each.text, "remedy": each.remedy} for each in checks
    ]
    return {
        "format_version": "1.0",
        "ok": all(each["result"] != Verdict.FAILED.value for each in found),
        "checks": found,
    }
