"""``plan``, ``apply`` or ``drift`` → exit code, files, annotations, the summary of the job and the text to tell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from saved import BY_HAND
from tool import emptied, reconciler, secrets_masked
from workflow import Failed, cut, error, fenced, notice, output, run_url, summary, temp, told

#: What a comment or an issue holds at most, in UTF-16 units: a little below what GitHub takes (65,536).
LONGEST = 65_400
#: What is shown of a log at most.
LONGEST_LOG = 30_000

#: Exit code → what to make of a run that did not go as planned.
ENDS = {
    1: "failed",
    3: "refused",
    4: "stopped before the end",
    130: "was interrupted",
}


def run() -> int:
    """Run the command; its failures are this step's."""
    secrets_masked()
    command = told("COMMAND")
    try:
        arguments = shlex.split(told("ARGUMENTS"))
    except ValueError as fault:
        raise Failed(f"`arguments` cannot be read: {fault}") from None
    return {"plan": _plan, "apply": _apply, "drift": _drift}[command](arguments)


def _plan(arguments: Sequence[str]) -> int:
    kept, own = emptied("reconciler-plan"), emptied("reconciler-out")
    outputs = {"markdown": "plan.md", "html": "plan.html", "json": "plan.report.json", "sarif": "plan.sarif"}
    code, said = reconciler(
        "--redact", "plan", told("PROJECT"), "--out", str(kept / "plan.json"), "--detailed-exitcode",
        *_outputs({way: kept / file for way, file in outputs.items()} | {"github": own / "annotations"}), *arguments,
    )  # fmt: skip
    output("exit-code", str(code))
    output("changes", str(code == 2).lower())
    _annotate(own / "annotations")
    shown = _text(kept / "plan.md")
    if code not in (0, 2):
        return _failed("plan", code, shown or _log(said))
    output("plan", str(kept))
    about = f"Plan of {told('ARTIFACT').rpartition('-')[2][:7]} · [run]({run_url()}) · artefact `{told('ARTIFACT')}`"
    _tell(shown or _log(said), about)
    return 0


def _apply(arguments: Sequence[str]) -> int:
    own = emptied("reconciler-out")
    code, said = reconciler(
        "--redact", "apply", told("PROJECT"), "--plan", str(temp("reconciler-saved/plan.json")), "--yes",
        *_confirmed(), *_outputs({"markdown": own / "report.md", "github": own / "annotations"}), *arguments,
    )  # fmt: skip
    output("exit-code", str(code))
    output("changes", str(code in (0, 4)).lower())
    _annotate(own / "annotations")
    shown = _text(own / "report.md") or _log(said)
    if code == 0:
        summary(shown)
        return 0
    return _failed("apply", code, shown, hint=_hint(code))


def _confirmed() -> list[str]:
    """The workflow names the environment, and people approved its plan: that confirms one with ``protect: true``."""
    name = told("ENVIRONMENT") or told("RECONCILER_ENVIRONMENT")
    return ["--confirm", name] if name else []


def _drift(arguments: Sequence[str]) -> int:
    own = emptied("reconciler-out")
    code, said = reconciler(
        "--redact", "drift", told("PROJECT"),
        *_outputs({"markdown": own / "drift.md", "github": own / "annotations"}), *arguments,
    )  # fmt: skip
    output("exit-code", str(code))
    output("changes", str(code == 2).lower())
    _annotate(own / "annotations")
    if code not in (0, 2):
        return _failed("drift", code, _text(own / "drift.md") or _log(said))
    _tell(_text(own / "drift.md") or _log(said), f"Seen by [this run]({run_url()})")
    return 0


def _outputs(files: dict[str, Path]) -> list[str]:
    return [part for way, file in files.items() for part in ("--output", f"{way}={file}")]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _annotate(file: Path) -> None:
    """Hand on the annotations that the tool has written; nothing else of its words is a command to the runner."""
    for line in _text(file).splitlines():
        if line.startswith(("::notice ", "::warning ", "::error ")):
            print(line, flush=True)


def _hint(code: int) -> str:
    if code == 3:
        return (
            f"Nothing is planned anew behind anybody's back. If the plan is stale: {BY_HAND[0].lower()}{BY_HAND[1:]}."
        )
    if code in (4, 130):
        return "What was done is recorded. Run this job again: it makes the rest of the same plan."
    return ""


def _log(said: str) -> str:
    return fenced(cut(said, LONGEST_LOG))


def _failed(command: str, code: int, shown: str, *, hint: str = "") -> int:
    """Say how it ended, where it is read; the exit code is the step's."""
    told_as = ENDS.get(code, f"ended with exit code {code}")
    error(f"{command} {told_as} (exit code {code}). {hint}".strip())
    body = f"### reconciler: {command} {told_as}\n\n{hint}\n\n{shown}"
    if command == "plan":
        _tell(body, f"[Run]({run_url()})")
    else:
        summary(body)
    return code


def _tell(text: str, about: str) -> None:
    """The summary of the job, and a file for the step that speaks with GitHub."""
    summary(f"{text.rstrip()}\n\n{about}")
    file = temp("reconciler-out/body.md")
    wide = sum(char > "\uffff" for char in text)
    shown = cut(text, LONGEST - len(about) - len(told("NAME")) - 100 - wide)
    file.write_text(f"{shown.rstrip()}\n\n---\n{about}\n", encoding="utf-8")
    output("body", str(file))
    if shown != text:
        notice("The plan is too long for a comment, which shows its beginning; the artefact has all of it.")
