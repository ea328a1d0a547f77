"""Shows long output in a pager, as git does: only on a terminal, and never in CI or with --quiet."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from reconciler.cli.program import Program

#: Options of less: quit if the text fits on one screen, keep colours, do not clear the screen.
LESS = "FRX"


class _Collected(io.StringIO):
    """Collects the text for a stream, and has its properties."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


@contextmanager
def paged(program: Program, *, wanted: bool = True) -> Iterator[None]:
    """Collect what the block writes to standard output, and show it in a pager if it is longer than the screen."""
    command = pager(os.environ) if wanted and not program.no_pager and not program.quiet else []
    stream = sys.stdout
    if not command or not stream.isatty():
        yield
        return
    collected = _Collected(stream)
    sys.stdout = collected
    try:
        yield
    except BaseException:
        command = []
        raise
    finally:
        sys.stdout = stream
        text = collected.getvalue()
        if not (command and _is_long(text) and _show(command, text)):
            stream.write(text)
            stream.flush()


def pager(environ: Mapping[str, str]) -> list[str]:
    """The command of the pager: RECONCILER_PAGER, else PAGER, else less; empty if there is none."""
    if environ.get("CI", "").lower() in ("true", "1") or environ.get("TERM") in ("dumb", "unknown"):
        return []
    named = environ.get("RECONCILER_PAGER", environ.get("PAGER"))
    if named is None:
        return ["less"] if shutil.which("less") else []
    with suppress(ValueError):  # a quote that is not closed
        words = shlex.split(named)
        return [] if words == ["cat"] else words
    return []


def _is_long(text: str) -> bool:
    return text.count("\n") >= shutil.get_terminal_size().lines


def _show(command: list[str], text: str) -> bool:
    """Whether the pager has shown the text. Ctrl-C belongs to the pager while it runs."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own pager
            command, stdin=subprocess.PIPE, env={"LESS": LESS, **os.environ}
        )
        with suppress(BrokenPipeError):  # the pager was left before the end
            process.communicate(text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict"))
        return process.wait() == 0
    except OSError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
