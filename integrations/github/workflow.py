"""What a step is told by the runner, and how it tells the runner something: environment, files, commands."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: A step may add so many bytes to the summary; a little below what GitHub takes (1 MiB).
LARGEST_SUMMARY = 1_000_000


class Failed(Exception):
    """The step ends here with ``code`` (1: failure, 3: refused), having said so."""

    def __init__(self, message: str, *, code: int = 1, title: str = "reconciler failed") -> None:
        super().__init__(message)
        self.code, self.title = code, title


def told(name: str) -> str:
    """A variable of the step; empty when there is none."""
    return os.environ.get(name, "").strip()


def temp(name: str) -> Path:
    """A place that lives as long as the job."""
    return Path(told("RUNNER_TEMP") or ".") / name


def event() -> dict[str, Any]:
    """What set off the workflow."""
    try:
        found = json.loads(Path(told("GITHUB_EVENT_PATH")).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def run_url() -> str:
    """The page of this run."""
    return f"{told('GITHUB_SERVER_URL')}/{told('GITHUB_REPOSITORY')}/actions/runs/{told('GITHUB_RUN_ID')}"


def output(name: str, value: str) -> None:
    """Hand ``value`` on to later steps; whatever it holds, it cannot begin another output."""
    limit = f"limit-{secrets.token_hex(16)}"
    _append("GITHUB_OUTPUT", f"{name}<<{limit}\n{value}\n{limit}\n")


def summary(text: str) -> None:
    """Add to the summary of the job; what is too long is cut."""
    data = text.encode("utf-8", "replace")
    if len(data) > LARGEST_SUMMARY:
        text = cut(data[:LARGEST_SUMMARY].decode("utf-8", "ignore"), LARGEST_SUMMARY // 4 * 3)
    _append("GITHUB_STEP_SUMMARY", text.rstrip("\n") + "\n\n")


def _append(variable: str, text: str) -> None:
    path = told(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)


def notice(message: str) -> None:
    """An annotation that is no alarm."""
    _command("notice", message)


def warning(message: str) -> None:
    """An annotation of something that did not work and is not needed."""
    _command("warning", message)


def error(message: str) -> None:
    """An annotation of why the job fails."""
    _command("error", message)


def mask(value: str) -> None:
    """Let the runner show stars in place of ``value``, line by line."""
    for line in value.splitlines():
        if len(line) > 3:
            print(f"::add-mask::{_escaped(line)}", flush=True)


def _command(name: str, message: str) -> None:
    print(f"::{name} title=reconciler::{_escaped(message)}", flush=True)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


@contextmanager
def quoted() -> Iterator[None]:
    """What is printed here is text: no line of it is a command to the runner, whatever an account may hold."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        sys.stdout.flush()
        print(f"\n::{token}::", flush=True)


def fenced(text: str) -> str:
    """``text`` as a block of code that it cannot end."""
    longest = max((len(run) for run in _runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}\n"


def _runs(text: str) -> Iterator[str]:
    run = ""
    for char in text:
        run = run + char if char == "`" else ""
        if run:
            yield run


def cut(text: str, most: int) -> str:
    """Markdown of at most ``most`` signs: whole lines, what is open closed again, and a word about the rest."""
    if len(text) <= most:
        return text
    kept = text[: most - 200].rpartition("\n")[0]
    end = "".join(f"\n{mark}" for mark in _open_marks(kept))
    return f"{kept}{end}\n\n*Cut here: the rest is too long to be shown.*\n"


def _open_marks(text: str) -> list[str]:
    fence = ""
    depth = 0
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("```"):
            ticks = bare[: len(bare) - len(bare.lstrip("`"))]
            if not fence:
                fence = ticks
            elif bare == ticks and len(ticks) >= len(fence):
                fence = ""
        elif not fence:
            depth += bare.count("<details") - bare.count("</details>")
    return [*([fence] if fence else []), *["</details>"] * max(0, depth)]
