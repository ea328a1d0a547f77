"""Files → those of them that have edits which no commit holds, where git is there to know."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

#: A repository may name programs in its settings; asking for the state of files must not start them.
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks")


def uncommitted(paths: Iterable[Path], folder: Path) -> list[Path]:
    """The files among ``paths`` with edits that are not committed; none where git, or a repository, is missing."""
    git = shutil.which("git")
    if git is None:
        return []
    return [path for path in paths if _has_edits(git, path, folder)]


def _has_edits(git: str, path: Path, folder: Path) -> bool:
    command = [git, *_QUIET, "-C", str(folder), "status", "--porcelain", "--", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)  # noqa: S603 - arguments are ours
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and bool(done.stdout.strip())
