"""Renders the checks of `doctor` as styled text, or as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.model.checks import Check, Verdict
from reconciler.output.layout import Line, wrapped
from reconciler.output.wording import count, printable

_STYLES = {Verdict.OK: "green", Verdict.FAILED: "bold red", Verdict.SKIPPED: "dim"}
#: Column at which the text of a check begins.
_TEXT = 26


def check_lines(check: Check, columns: int = 0) -> Iterator[Line]:
    """The result, name and text of a check, and the remedy in the same column if it failed."""
    dim = "dim" if check.verdict is Verdict.SKIPPED else ""
    head: Line = [(f"{check.verdict.value:<8} ", _STYLES[check.verdict]), (f"{check.name:<17}", dim)]
    yield from wrapped([*head, (printable(check.text), dim)], columns, _TEXT)
    if check.remedy:
        yield from wrapped([(" " * _TEXT + "→ ", "bold"), (printable(check.remedy), "bold")], columns, 2)


def verdict_line(checks: Iterable[Check]) -> Line:
    """The number of failed checks."""
    failed = sum(1 for check in checks if check.verdict is Verdict.FAILED)
    return [(f"{count(failed, 'check')} failed.", "bold red")] if failed else [("All checks passed.", "bold green")]


def check_document(checks: Iterable[Check]) -> dict[str, Any]:
    """The document of ``doctor --json``."""
    found = [
        {"name": each.name, "result": each.verdict.value, "text": each.text, "remedy": each.remedy} for each in checks
    ]
    return {
        "format_version": "1.0",
        "ok": all(each["result"] != Verdict.FAILED.value for each in found),
        "checks": found,
    }
