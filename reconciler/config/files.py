"""Finds the YAML files of a project, never outside of its folder, and reads files of target patterns."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.config import storage
from reconciler.errors import ConfigurationError, Problem

#: Names of the settings file, which declares no resources.
SETTINGS_NAMES = ("reconciler.yaml", "reconciler.yml")
#: Names of the file that declares a fleet, and no resources either.
FLEET_NAMES = ("fleet.yaml", "fleet.yml")
SUFFIXES = (".yaml", ".yml")
#: Folders that do not belong to the project; compared case-insensitively, as some file systems do.
UNMANAGED = frozenset((".git",))
#: Folders with tokens of a checkout or ledgers, which the files of a project may not read.
PRIVATE = UNMANAGED | {".reconciler"}


def discover(
    path: Path, files: Sequence[str] | None = None, *, project: Path | None = None, cwd: Path | None = None
) -> list[Path]:
    """The files that are read for ``path``, sorted.

    A file stands for itself. A folder stands for every ``*.yaml`` and ``*.yml`` below it but hidden ones and every
    ``reconciler.yaml``, or for those of them that ``files`` names: patterns relative to ``project`` (by default
    ``path``), of which those with a leading ``!`` leave files out. Raises ConfigurationError with all that is
    missing, unreadable, or is outside of the project.
    """
    name = shown_name(path, cwd)
    if not path.exists():
        raise ConfigurationError([Problem(name, "no such file or folder", "check the path")])
    folder = path if path.is_dir() else path.parent
    root = project or folder
    roots = [root] if _spelled_inside(path, root) else [root, folder]
    if not path.is_dir() or not is_inside(path, roots):
        _check([path], roots, cwd)
        return [path]
    found = sorted(_listed(path, root, files) if files else _below(path, root))
    _check(found, roots, cwd)
    unique = list({os.path.realpath(file): file for file in reversed(found)}.values())[::-1]
    if not unique:
        raise ConfigurationError(
            [Problem(name, "no YAML files in this folder", 'run "reconciler init" or pass another folder')]
        )
    return unique


def formattable(path: Path, *, cwd: Path | None = None) -> list[Path]:
    """The file itself, or every ``*.yaml`` and ``*.yml`` below a folder except hidden ones; sorted.

    Raises ConfigurationError with every path that is missing or unreadable.
    """
    if not path.is_dir():
        return discover(path, cwd=cwd)
    found = sorted(_below(path, path, settings=True))
    _check(found, [path], cwd)
    return list({os.path.realpath(file): file for file in reversed(found)}.values())[::-1]


def holds_yaml(folder: Path, project: Path) -> bool:
    """Whether the folder contains a YAML file that may declare resources."""
    return any(True for _ in _below(folder, project))


def read(path: Path, name: str, limit: int = storage.LARGEST) -> bytes:
    """The content of a file; ``name`` is what a message calls it. Raises ConfigurationError."""
    try:
        return storage.read(path, limit)
    except OSError as error:
        hints = {FileNotFoundError: "check the path", PermissionError: "check its permissions"}
        hint = hints.get(type(error), "use a regular text file")
        raise ConfigurationError([Problem(name, f"cannot be read: {_reason(error)}", hint)]) from error


def shown_name(path: Path, cwd: Path | None = None) -> str:
    """A path as the user would type it: relative to ``cwd`` where that is shorter."""
    text = str(path)
    if cwd is None:
        return text
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:  # another drive
        return text
    return relative if len(relative) <= len(text) or not path.is_absolute() else text


def locate(name: str, roots: Sequence[Path]) -> Path:
    """The file with this name in the first of ``roots`` (the project, then further folders) that has it.

    Links are followed; their target must be below one of the roots too. Raises ConfigurationError with one problem
    without a position.
    """
    if "\0" in name or not name.strip():
        raise _outside(name, "is not a valid path")
    inside = [root / name for root in roots if is_inside(root / name, roots)]
    for candidate in inside:
        if candidate.is_file():
            return Path(os.path.realpath(candidate))
    if inside:
        raise ConfigurationError([Problem("", f"no such file: {name}", "paths are relative to the project folder")])
    raise _outside(name, "is outside of the project")


def is_inside(path: Path, roots: Iterable[Path], private: frozenset[str] = PRIVATE) -> bool:
    """Whether a path, links followed, is below one of the roots and not in a private folder of it."""
    real = Path(os.path.realpath(path))
    for root in roots:
        top = Path(os.path.realpath(root))
        if real.is_relative_to(top) and not private.intersection(map(str.casefold, real.relative_to(top).parts)):
            return True
    return False


def _outside(name: str, what: str) -> ConfigurationError:
    hint = "use a file inside the project folder, or list its folder in RECONCILER_FILES"
    return ConfigurationError([Problem("", f"{name[:40]!r} {what}", hint)])


def _below(folder: Path, project: Path, *, settings: bool = False) -> Iterator[Path]:
    """Every YAML file below a folder, including ``reconciler.yaml`` only with ``settings``.

    Linked folders are not walked: a target inside the project is read anyway.
    """
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(top)
        links = [here / name for name in folders if (here / name).is_symlink()]
        yield from (link for link in links if not is_inside(link, [project]))
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith(".") and (settings or _is_resource(here / name)):
                yield here / name


def _spelled_inside(path: Path, root: Path) -> bool:
    """Whether a path is below the root without following links; its links may then not leave the root."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(root.absolute()))


def _listed(folder: Path, project: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """The files below ``folder`` that the patterns include and do not exclude."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    problems: list[Problem] = []
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    dropped = {file for pattern in unwanted for file in _match(project, pattern, problems)}
    chosen: dict[Path, None] = dict.fromkeys(() if wanted else _below(folder, project))
    for pattern in wanted:
        matched = _match(project, pattern, problems)
        if not matched:
            problems.append(Problem("files", f"no file matches {pattern}", "check the pattern, or remove it"))
        chosen.update(dict.fromkeys(matched))
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    whole = folder.samefile(project)
    return (file for file in chosen if file not in dropped and (whole or _spelled_inside(file, folder)))


def _match(project: Path, pattern: str, problems: list[Problem]) -> list[Path]:
    """The YAML files that one pattern names; a folder stands for all in it."""
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        problems.append(Problem("files", f"{pattern} is outside of the project", "name files below its folder"))
        return []
    if not Path(pattern).parts:
        return list(_below(project, project))
    try:
        odd = any("**" in part and part != "**" for part in Path(pattern).parts)  # not every Python refuses it
        found = [] if odd else sorted(project.glob(pattern))
    except (ValueError, NotImplementedError):
        odd = True
    if odd:
        problems.append(Problem("files", f"invalid pattern {pattern}", "use a pattern such as people/*.yaml"))
        return []
    leaves = [leaf for path in found for leaf in (_below(path, project) if path.is_dir() else [path])]
    hidden = any(part.startswith(".") for part in Path(pattern).parts)
    return [leaf for leaf in leaves if _is_resource(leaf) and (hidden or not _is_hidden(leaf, project))]


def _is_resource(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and path.name not in (*SETTINGS_NAMES, *FLEET_NAMES)


def _is_hidden(path: Path, project: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(project).parts)


def _check(files: Iterable[Path], roots: Sequence[Path], cwd: Path | None) -> None:
    """Raise ConfigurationError unless every file is regular, readable and inside of the roots."""
    problems = []
    for file in files:
        name = shown_name(file, cwd)
        if not is_inside(file, roots):
            problems.append(
                Problem(name, "is outside of the project folder", "copy the file into the project folder")
            )
        elif fault := _fault(file):
            problems.append(Problem(name, fault, "fix it, or exclude it with `files:`"))
    if problems:
        raise ConfigurationError(problems)


def _fault(file: Path) -> str:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        return f"cannot be read: {_reason(error)}"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    return "" if os.access(file, os.R_OK) else "cannot be read: permission denied"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def read_targets(path: Path, name: str) -> dict[str, str]:
    """Position by pattern; raises ConfigurationError for a file that cannot be read or contains no pattern."""
    try:
        text = read(path, name).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(name, "is not UTF-8", "save it as UTF-8")]) from None
    return parse_targets(text.splitlines(), name)


def parse_targets(lines: Iterable[str], name: str) -> dict[str, str]:
    """Position by pattern, without blank lines and ``#`` comments. An empty file must not mean everything."""
    patterns: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            patterns.setdefault(pattern, f"{name}:{number}")
    if not patterns:
        raise ConfigurationError([Problem(name, "contains no address", "write one address or pattern per line")])
    return patterns
