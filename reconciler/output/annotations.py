"""Writes findings as workflow commands, which GitHub shows at the lines that they concern."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.output import diagnostics, wording
from reconciler.output.diagnostics import Diagnostic, Examined, Level

#: Annotations of one level that GitHub shows in a step; it drops further ones without a message.
MAX_ANNOTATIONS = 10

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def workflow_commands(result: Examined) -> str:
    """The annotations of a plan, a run, drift or problems of files; empty if there is nothing to report."""
    return "".join(f"{line}\n" for line in _lines(diagnostics.of(result), result.base))


def _lines(found: list[Diagnostic], base: str) -> Iterator[str]:
    for level, command in _COMMANDS.items():
        hit = [each for each in found if each.rule.level is level]
        shown = hit if len(hit) <= MAX_ANNOTATIONS else hit[: MAX_ANNOTATIONS - 1]
        yield from (_command(command, each, base) for each in shown)
        if len(hit) > len(shown):
            more = wording.count(len(hit) - len(shown), "more of this level is", "more of this level are")
            yield f"::{command} title=reconciler::{more} not shown here; the other outputs of this run have all."


def _command(command: str, found: Diagnostic, base: str) -> str:
    """``::error file=site.yaml,line=4,col=3,title=…::…``"""
    title = f"reconciler: {found.rule.id}"
    place = ""
    if found.origin:
        file = _property(diagnostics.below(base, found.origin))
        place = f"file={file},line={found.origin.line},col={max(1, found.origin.column)},"
    return f"::{command} {place}title={_property(title)}::{_message(found.message)}"


def _message(text: str) -> str:
    """Escape the characters that would end a command; the escape character comes first."""
    return wording.printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property, which colons and commas would end, too."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")
