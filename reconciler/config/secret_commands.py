"""Finds and runs the programs that print secrets, without a shell."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Time limit of a command, in seconds.
SECONDS = 30.0


def find(name: str, environ: Mapping[str, str]) -> str | None:
    """The path of the program. Relative names and relative folders of PATH could lead into the project: left out."""
    folders = [each for each in environ.get("PATH", "").split(os.pathsep) if Path(each).is_absolute()]
    is_usable = Path(name).is_absolute() or Path(name).name == name
    return shutil.which(name, path=os.pathsep.join(folders)) if is_usable else None


def run(words: Sequence[str], environ: Mapping[str, str], folder: Path, limit: int) -> tuple[bytes, int | None]:
    """Output, at most one byte more than ``limit``, and exit code; None after the time limit."""
    process = subprocess.Popen(  # noqa: S603 - allowed by the environment
        words,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=dict(environ),
        process_group=0 if os.name == "posix" else None,
    )
    stream, printed, is_late = process.stdout, bytearray(), False

    def read() -> None:
        while stream and len(printed) <= limit and (part := stream.read(limit + 1 - len(printed))):
            printed.extend(part)

    reader = threading.Thread(target=read, daemon=True)  # daemon: what the program started may keep the pipe open
    try:
        reader.start()
        reader.join(SECONDS)
        is_late = reader.is_alive()
        code = None if is_late else 0 if len(printed) > limit else process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        is_late, code = True, None
    finally:
        if is_late or process.poll() is None:
            _kill(process)
    reader.join(1)
    if stream and not reader.is_alive():
        stream.close()
    return bytes(printed), code


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it started."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
