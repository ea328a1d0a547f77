"""Accepts drift: changes the YAML files so that they declare the live values."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.commands.plan import PlanRequest, make_plan
from reconciler.commands.project import Invocation, Project, read_state
from reconciler.config import configuration, files, yaml_loader
from reconciler.config.settings import Settings
from reconciler.edit import yaml_writer
from reconciler.edit.accept import AcceptedChange, accept_changes
from reconciler.edit.splice import splice
from reconciler.errors import ConfigurationError, Problem, Refused
from reconciler.gateway.client import Reader
from reconciler.ledger.store import Store
from reconciler.output.pull import PatchSummary
from reconciler.planner.matched_state import MatchedState
from reconciler.refresh.reader import Progress


@dataclass(frozen=True)
class DriftAcceptance:
    """A project with the bytes of its files, by file name as in positions, and their paths."""

    workspace: Project
    invocation: Invocation
    contents: Mapping[str, bytes]
    paths: Mapping[str, Path]


@dataclass(frozen=True)
class Selection:
    """The drift to accept: addresses with globs, or all of it."""

    patterns: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class PreparedPatch:
    """``texts`` holds new contents by path, ``before`` the old ones; ``found`` is the account as read."""

    texts: Mapping[Path, bytes]
    before: Mapping[Path, bytes]
    summary: PatchSummary
    found: MatchedState


def prepare(path: Path, settings: Settings, invocation: Invocation) -> DriftAcceptance:
    """Read the project and the bytes of its files. Raises ConfigurationError if a file does not parse."""
    found = files.discover(path, settings.files, project=settings.root, cwd=invocation.cwd)
    paths = {files.shown_name(each, invocation.cwd): each for each in found}
    contents = {name: files.read(each, name) for name, each in paths.items()}
    return DriftAcceptance(
        Project(path, settings, read_state(path, settings, invocation)), invocation, contents, paths
    )


def find(
    taking: DriftAcceptance,
    request: PlanRequest,
    reader: Reader,
    store: Store | None,
    chosen: Selection,
    progress: Progress | None = None,
) -> PreparedPatch:
    """The drift, and the patch that accepts the selected part of it. Writes nothing."""
    planned = make_plan(request, reader, store, progress=progress)
    wanted, offered = accept_changes(
        planned.plan.changes, planned.found, chosen.patterns, everything=chosen.everything
    )
    texts, hard = _new_texts(taking, [each for each in wanted if not each.hard])
    shown = wanted if chosen.patterns or chosen.everything else offered
    hard = [(each, each.hard) for each in shown if each.hard] + hard
    changed = {name: text for name, text in texts.items() if text != taking.contents[name]}
    names = tuple(sorted(changed))
    summary = PatchSummary(
        names,
        tuple((str(each.address), each.what, str(each.origin)) for each in offered if not each.hard),
        tuple((str(each.address), why, str(each.origin)) for each, why in hard),
        tuple(line for name in names for line in _difference(name, taking.contents[name], changed[name])),
    )
    return PreparedPatch(
        {taking.paths[name]: text for name, text in changed.items()},
        {taking.paths[name]: taking.contents[name] for name in changed},
        summary,
        planned.found,
    )


def _new_texts(
    taking: DriftAcceptance, wanted: list[AcceptedChange]
) -> tuple[dict[str, bytes], list[tuple[AcceptedChange, str]]]:
    """The new content of each file to change, and the drift that has to be merged by hand."""
    by_file: dict[str, list[AcceptedChange]] = {}
    for each in wanted:
        by_file.setdefault(each.origin.file, []).append(each)
    texts: dict[str, bytes] = {}
    hard: list[tuple[AcceptedChange, str]] = []
    for name, some in by_file.items():
        if name not in taking.contents:
            hard += [(each, "it is set in a CSV file") for each in some]
            continue
        mark, encoding, text = _decoded(taking.contents[name])
        spliced = splice(text, some)
        hard += spliced.hard
        texts[name] = mark + spliced.text.encode(encoding)
        _check(name, texts[name], taking)
    return texts, hard


def _decoded(content: bytes) -> tuple[bytes, str, str]:
    """Byte order mark, encoding and text of a file."""
    marks = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    mark = next((mark for mark in marks if content.startswith(mark)), b"")
    encoding = marks.get(mark, "utf-8")
    return mark, encoding, content[len(mark) :].decode(encoding)


def _check(name: str, content: bytes, taking: DriftAcceptance) -> None:
    """Raise unless the changed files are valid, so that nothing is written otherwise."""
    settings = taking.workspace.settings
    rules = configuration.LoadOptions(
        configuration.files_schema(), settings.vars, taking.invocation.environ, settings.defaults
    )
    try:
        findings, _ = configuration.check(yaml_loader.parse(content, name), name, rules)
        problems = [Problem(str(each.origin), each.what, each.hint) for each in findings]
    except ConfigurationError as error:
        problems = list(error.problems)
    if problems:
        what = f"{name} would be invalid after this change, so nothing was written: {problems[0]}"
        raise Refused(f"{what}; accept fewer changes with --accept, and edit this one by hand")


def _difference(name: str, before: bytes, after: bytes) -> Iterator[str]:
    """The unified diff of both texts."""
    old, new = (_decoded(content)[2].splitlines() for content in (before, after))
    return difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="")


def put(patch: PreparedPatch) -> None:
    """Write all files or none. Raises Refused if a file changed after it was read."""
    yaml_writer.replace(patch.texts, patch.before)
