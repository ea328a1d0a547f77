"""A folder, a file or a list of patterns → the YAML files to read, none of them outside of the project.

A file of patterns, one a line → the patterns and where each stands.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.config import storage
from reconciler.errors import ConfigurationError, Problem

#: The settings; at the root of the project they are no resources.
SETTINGS_NAMES = ("reconciler.yaml", "reconciler.yml")
SUFFIXES = (".yaml", ".yml")
#: Folders that are not the project's own; names are compared without regard to case, as some disks do.
UNMANAGED = frozenset((".git",))
#: Folders that hold what is not for the files of a project to read: tokens of a checkout, ledgers.
PRIVATE = UNMANAGED | {".reconciler"}


def discover(
    path: Path, files: Sequence[str] | None = None, *, project: Path | None = None, cwd: Path | None = None
) -> list[Path]:
    """The files that are read for ``path``, sorted.

    A file stands for itself. A folder stands for every ``*.yaml`` and ``*.yml`` below it but hidden ones and every
    ``reconciler.yaml``, or for those of them that ``files`` names: patterns relative to ``project`` (by default
    ``path``), of which those with a leading ``!`` leave files out. Raises ConfigurationError with all that is
    missing, unreadable, or leads out of the project.
    """
    name = shown_name(path, cwd)
    if not path.exists():
        raise ConfigurationError([Problem(name, "there is no such file or folder", "check the path")])
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
    """The file itself, or every ``*.yaml`` and ``*.yml`` below a folder but hidden ones, settings included; sorted.

    Raises ConfigurationError with all that is missing or unreadable.
    """
    if not path.is_dir():
        return discover(path, cwd=cwd)
    found = sorted(_below(path, path, settings=True))
    _check(found, [path], cwd)
    return list({os.path.realpath(file): file for file in reversed(found)}.values())[::-1]


def holds_yaml(folder: Path, project: Path) -> bool:
    """Whether anything below the folder is a file of resources."""
    return any(True for _ in _below(folder, project))


def read(path: Path, name: str, limit: int = storage.LARGEST) -> bytes:
    """The content of a file; ``name`` is what a message calls it. Raises ConfigurationError."""
    try:
        return storage.read(path, limit)
    except OSError as error:
        hints = {FileNotFoundError: "check the path", PermissionError: "check its rights"}
        hint = hints.get(type(error), "name an ordinary text file")
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
    """The file that a YAML file names, below the first of ``roots`` (the project, then further folders) that has it.

    Links are followed, and where they lead has to be below one of the roots too. Raises ConfigurationError whose
    one problem carries no position.
    """
    if "\0" in name or not name.strip():
        raise _outside(name, "is no path")
    inside = [root / name for root in roots if is_inside(root / name, roots)]
    for candidate in inside:
        if candidate.is_file():
            return Path(os.path.realpath(candidate))
    if inside:
        raise ConfigurationError([Problem("", f"there is no file {name}", "check the path, relative to the project")])
    raise _outside(name, "leads out of the project")


def is_inside(path: Path, roots: Iterable[Path], private: frozenset[str] = PRIVATE) -> bool:
    """Whether a path, links followed, is below one of the roots and not in a private folder of it."""
    real = Path(os.path.realpath(path))
    for root in roots:
        top = Path(os.path.realpath(root))
        if real.is_relative_to(top) and not private.intersection(map(str.casefold, real.relative_to(top).parts)):
            return True
    return False


def _outside(name: str, what: str) -> ConfigurationError:
    hint = "name a file below the project folder, or let RECONCILER_FILES name its folder"
    return ConfigurationError([Problem("", f"{name[:40]!r} {what}", hint)])


def _below(folder: Path, project: Path, *, settings: bool = False) -> Iterator[Path]:
    """Every YAML file below a folder, the settings of projects only where ``settings`` asks for them.

    Linked folders are not walked, for inside the project they are read anyway.
    """
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(top)
        links = [here / name for name in folders if (here / name).is_symlink()]
        yield from (link for link in links if not is_inside(link, [project]))
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith(".") and (settings or name not in SETTINGS_NAMES):
                yield here / name


def _spelled_inside(path: Path, root: Path) -> bool:
    """Whether a path is below the root by its spelling, links not followed: then it may not lead out of it."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(root.absolute()))


def _listed(folder: Path, project: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """What the patterns name and leave out, as far as it is below ``folder``."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    problems: list[Problem] = []
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    dropped = {file for pattern in unwanted for file in _match(project, pattern, problems)}
    chosen: dict[Path, None] = dict.fromkeys(() if wanted else _below(folder, project))
    for pattern in wanted:
        matched = _match(project, pattern, problems)
        if not matched:
            problems.append(Problem("files", f"no file is named by {pattern}", "check the pattern, or remove it"))
        chosen.update(dict.fromkeys(matched))
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    whole = folder.samefile(project)
    return (file for file in chosen if file not in dropped and (whole or _spelled_inside(file, folder)))


def _match(project: Path, pattern: str, problems: list[Problem]) -> list[Path]:
    """The YAML files that one pattern names; a folder stands for all in it."""
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        problems.append(Problem("files", f"{pattern} leads out of the project", "name files below its folder"))
        return []
    if not Path(pattern).parts:
        return list(_below(project, project))
    try:
        odd = any("**" in part and part != "**" for part in Path(pattern).parts)  # not every Python refuses it
        found = [] if odd else sorted(project.glob(pattern))
    except (ValueError, NotImplementedError):
        odd = True
    if odd:
        problems.append(Problem("files", f"{pattern} is no pattern", "write e.g. people/*.yaml"))
        return []
    leaves = [leaf for path in found for leaf in (_below(path, project) if path.is_dir() else [path])]
    hidden = any(part.startswith(".") for part in Path(pattern).parts)
    return [leaf for leaf in leaves if _is_resource(leaf) and (hidden or not _is_hidden(leaf, project))]


def _is_resource(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and path.name not in SETTINGS_NAMES


def _is_hidden(path: Path, project: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(project).parts)


def _check(files: Iterable[Path], roots: Sequence[Path], cwd: Path | None) -> None:
    """Every file is a readable, ordinary one and does not lead out of the roots."""
    problems = []
    for file in files:
        name = shown_name(file, cwd)
        if not is_inside(file, roots):
            problems.append(Problem(name, "leads out of the project folder", "put the file itself there"))
        elif fault := _fault(file):
            problems.append(Problem(name, fault, "repair it, or leave it out with `files:`"))
    if problems:
        raise ConfigurationError(problems)


def _fault(file: Path) -> str:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        return f"cannot be read: {_reason(error)}"
    if not stat.S_ISREG(mode):
        return "is not an ordinary file"
    return "" if os.access(file, os.R_OK) else "cannot be read: permission denied"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def read_targets(path: Path, name: str) -> dict[str, str]:
    """Position by pattern; raises ConfigurationError for a file that cannot be read, or names nothing."""
    try:
        text = read(path, name).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError([Problem(name, "is not UTF-8", "save it as UTF-8")]) from None
    return parse_targets(text.splitlines(), name)


def parse_targets(lines: Iterable[str], name: str) -> dict[str, str]:
    """Blank lines and those that begin with ``#`` say nothing. An empty choice is no choice of everything."""
    patterns: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            patterns.setdefault(pattern, f"{name}:{number}")
    if not patterns:
        raise ConfigurationError([Problem(name, "names nothing", "write one address or pattern a line")])
    return patterns
