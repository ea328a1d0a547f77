"""Formats the YAML files below the given paths; all of them are written, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.commands.init import schema_of
from reconciler.config import files, yaml_loader
from reconciler.edit import yaml_writer
from reconciler.edit.fmt import Formatted, formatted
from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds.canonical_order import Order, of_schema

#: Number of passes at most: a changed line may move a comment, which only the next pass sees.
PASSES = 3


@dataclass(frozen=True)
class FormattedFile:
    """One file: its ``name`` as the user would type it, its content, and its formatted content.

    ``note``: what was left as it was, and why.
    """

    path: Path
    name: str
    before: bytes
    after: bytes
    note: str

    @property
    def differs(self) -> bool:
        """Whether formatting changes it."""
        return self.before != self.after


def format_files(paths: Sequence[Path], cwd: Path) -> list[FormattedFile]:
    """Format every given YAML file, and every project file in given folders, settings included.

    Raises ConfigurationError with all problems of all files; nothing is written here.
    """
    problems: list[Problem] = []
    papers: dict[Path, FormattedFile] = {}
    tables = _Tables()
    for path in paths:
        for file in files.formattable(cwd / path, cwd=cwd):
            if file in papers:
                continue
            name = files.shown_name(file, cwd)
            try:
                content = files.read(file, name)
                made = tables.format(content, name, is_settings=file.name in files.SETTINGS_NAMES)
            except ConfigurationError as error:
                problems += error.problems
                continue
            if made.known or not (cwd / path).is_dir():
                papers[file] = FormattedFile(file, name, content, made.text.encode(), made.note)
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    return list(papers.values())


def format_stream(content: bytes, name: str = "stdin") -> FormattedFile:
    """Format a file without a path; its keys show whether it has settings or resources. Raises ConfigurationError."""
    made = _Tables().format(content, name, is_settings=None)
    return FormattedFile(Path(name), name, content, made.text.encode(), made.note)


def write(papers: Iterable[FormattedFile]) -> None:
    """Replace the files that differ, all or none."""
    changed = [paper for paper in papers if paper.differs]
    if changed:
        yaml_writer.replace({each.path: each.after for each in changed}, {each.path: each.before for each in changed})


class _Tables:
    """Formats files; the order of the keys of settings and of resources is made once."""

    def __init__(self) -> None:
        self.resources = of_schema(schema_of("files"))
        self.settings = of_schema(schema_of("settings"))

    def format(self, content: bytes, name: str, *, is_settings: bool | None) -> Formatted:
        """One file, formatted until formatting changes nothing; a file that never gets there is left alone.

        A file without a comment needs one pass.
        """
        before, made = content, self._once(content, name, is_settings)
        for _ in range(PASSES):
            if made.text.encode() == before or "#" not in made.text:
                return made
            before, made = made.text.encode(), self._once(made.text.encode(), name, is_settings)
        return made._replace(
            text=content.decode("utf-8", "replace"), note="left as it is: formatting has no fixed point"
        )

    def _once(self, content: bytes, name: str, is_settings: bool | None) -> Formatted:
        """One pass over a file of settings or of resources; None: resources, unless only settings have its keys."""
        with yaml_loader.collector_paused():
            if is_settings:
                return self._settings(content, name)
            made = formatted(content, name, self.resources)
            if is_settings is None and not made.known and (other := self._settings(content, name)).known:
                return other
            return made

    def _settings(self, content: bytes, name: str) -> Formatted:
        order: Order = self.settings
        return formatted(content, name, order, blank_lines=False)
