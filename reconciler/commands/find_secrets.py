"""Files and folders → the secrets that seem to be written into them, as findings with positions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from reconciler.config.files import read, shown_name
from reconciler.config.leaks import ALLOWED, leaks
from reconciler.errors import ConfigurationError, Problem

#: What a project is written in: files, settings, CSV sources, and the lists of --target-file.
SUFFIXES = (".yaml", ".yml", ".csv", ".tsv", ".txt", ".json")
#: Folders that are not the project's own text.
_UNMANAGED = frozenset((".git", ".reconciler", ".venv", "venv", "node_modules", "__pycache__"))
#: The most that is looked at of one file, in bytes.
LARGEST = 64 * 1024 * 1024

HINT = "name it with {env: NAME} or {file: PATH} and change it at its source"


class SecretScan(NamedTuple):
    """How many files were looked at, and what was found in them."""

    files: int
    problems: tuple[Problem, ...]


def look(paths: Iterable[Path], cwd: Path) -> SecretScan:
    """Look through files, and what is below folders. Raises ConfigurationError for what is not there or unreadable.

    A file that is named is looked at whatever it is called; below a folder those that a project is written in are,
    and hidden ones as well.
    """
    files = list(dict.fromkeys(file for path in paths for file in _files(path, cwd)))
    return SecretScan(len(files), tuple(problem for file in files for problem in _found(file, cwd)))


def _files(path: Path, cwd: Path) -> Iterator[Path]:
    if not path.exists():
        raise ConfigurationError(
            [Problem(shown_name(path, cwd), "there is no such file or folder", "check the path")]
        )
    if not path.is_dir():
        yield path
        return
    for top, folders, names in os.walk(path):
        folders[:] = sorted(set(folders) - _UNMANAGED)
        yield from (Path(top) / name for name in sorted(names) if _is_ours(Path(top) / name))


def _is_ours(file: Path) -> bool:
    """Whether it is a file of that kind; what a link leads to is looked at where it is."""
    return file.suffix.lower() in SUFFIXES and file.is_file() and not file.is_symlink()


def _found(file: Path, cwd: Path) -> Iterator[Problem]:
    name = shown_name(file, cwd)
    if file.is_symlink():
        raise ConfigurationError([Problem(name, "is a symbolic link", "name the file that it points to")])
    content = read(file, name, LARGEST)
    for leak in leaks(content.decode("utf-8-sig", "replace")):
        what = f"this looks like {leak.what}"
        yield Problem(f"{name}:{leak.line}:{leak.column}", what, f"{HINT}, or say so: # {ALLOWED}")
