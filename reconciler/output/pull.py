"""Renders the files that a pull wrote or would change as styled text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.output import wording
from reconciler.output.json_documents import FORMAT_VERSION
from reconciler.output.layout import Line
from reconciler.planner.documents import ExportedFiles

#: Omitted resources that are named; the rest is counted.
MAX_LISTED = 20


def pulled_lines(
    made: ExportedFiles, written: Sequence[str], owned: int | None, reads: int, following: str
) -> Iterator[Line]:
    """The files, the environment variables to set, what was left out, totals, and the next command."""
    if not written:
        text = f"Nothing to write: the account has no resources of these kinds ({wording.count(reads, 'API call')})."
        yield [(text, "bold")]
        return
    yield from ([("  + ", "green"), (wording.printable(name), "")] for name in written)
    yield []
    if made.secrets:
        yield [("Secrets are not written to files. Set these environment variables before the next plan:", "")]
        yield from ([(f"  {name}", ""), (f"  {wording.shown(address)}", "dim")] for name, address in made.secrets)
        if any(name.endswith("_SECRET") for name, _ in made.secrets):
            yield [
                ("The secret of a webhook is sent only after its `lifecycle: {ignore: [secret]}` is removed;", "dim")
            ]
            yield [("until then any value will do.", "dim")]
        yield []
    if made.left_out:
        yield [("Left out:", "")]
        for address, why in made.left_out[:MAX_LISTED]:
            yield [(f"  {wording.shown(address)}", ""), (f"  {wording.printable(why)}", "dim")]
        if len(made.left_out) > MAX_LISTED:
            yield [(f"  and {len(made.left_out) - MAX_LISTED:,} more", "dim")]
        yield []
    mine = "" if owned is None else f" {wording.count(owned, 'resource is', 'resources are')} recorded as created."
    text = f"Wrote {wording.count(made.declared, 'resource')} ({wording.count(reads, 'API call')}).{mine}"
    yield [(text, "bold")]
    yield [(f"Next: {following}", "bold")]


def pulled_document(made: ExportedFiles, written: Sequence[str], owned: int | None, reads: int) -> dict[str, Any]:
    """The document of ``pull --json`` for a new folder."""
    return {
        "format_version": FORMAT_VERSION,
        "written": list(written),
        "resources": made.declared,
        "calls": {"reads": reads, "writes": 0},
        "owned": owned,
        "secrets": [{"variable": name, "address": str(address)} for name, address in made.secrets],
        "left_out": [{"address": str(address), "why": why} for address, why in made.left_out],
    }


@dataclass(frozen=True)
class PatchSummary:
    """A patch of the files and the drift that it accepts.

    ``names`` are the changed files, ``offered`` is all drift that can be accepted (address, change, position),
    ``hard`` the drift that cannot (address, reason, position), ``difference`` the lines of a unified difference.
    """

    names: tuple[str, ...] = ()
    offered: tuple[tuple[str, str, str], ...] = ()
    hard: tuple[tuple[str, str, str], ...] = ()
    difference: tuple[str, ...] = ()


_STYLES = {"+": "green", "-": "red", "@": "dim"}


def patch_lines(patch: PatchSummary, *, chosen: bool) -> Iterator[Line]:
    """The difference, if something was chosen, else the drift that can be accepted; then what is merged by hand."""
    lines = list(patch.difference)
    yield from ([(wording.printable(line), _STYLES.get(line[:1], ""))] for line in lines)
    if not chosen:
        for address, what, where in patch.offered:
            head: Line = [("  ~ ", "yellow"), (wording.printable(address), "")]
            yield [*head, (f"  {wording.printable(what)}", ""), (f"  {where}", "dim")]
    if patch.hard:
        yield []
        yield [("Must be merged by hand:", "")]
        for address, why, where in patch.hard:
            yield [
                (f"  {wording.printable(address)}", ""),
                (f"  {wording.printable(why)}", "dim"),
                (f"  {where}", "dim"),
            ]
    if not lines and not patch.offered and not patch.hard:
        yield [("No drift: the files match the account.", "bold")]
    elif not chosen and patch.offered:
        yield []
        yield [("Accept it into the files with --accept ADDRESS or --all.", "bold")]
    elif chosen and not lines:
        yield [("None of these changes can be written automatically.", "bold")]


def patch_document(patch: PatchSummary) -> dict[str, Any]:
    """The document of ``pull --json`` for an existing folder: the drift, and the patch of the accepted part."""
    return {
        "format_version": FORMAT_VERSION,
        "written": list(patch.names),
        "offered": [_row(row, "change") for row in patch.offered],
        "by_hand": [_row(row, "why") for row in patch.hard],
        "difference": list(patch.difference),
    }


def _row(row: tuple[str, str, str], second: str) -> dict[str, str]:
    return dict(zip(("address", second, "where"), row, strict=True))
