"""Writes the result of a command to files and standard output, as each ``--output FORMAT[=FILE]`` requests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.logs import log
from reconciler.cli.options import OutputOptions, OutputRequest, start_folder
from reconciler.cli.program import program_of
from reconciler.cli.redaction import Redaction, redaction_of
from reconciler.cli.terminal import json_text, print_text
from reconciler.config import storage
from reconciler.config.storage import refuse_linked_folder
from reconciler.errors import ConfigurationError, Problem
from reconciler.output.formats import FORMATS, PROBLEMS, Documented, names, rendered
from reconciler.output.problems import FileProblems, problems_document

#: Standard output as a stream of events, which the run writes itself.
EVENTS = "--json-events"


@dataclass(frozen=True)
class Outputs:
    """The requested format of standard output, and the files; ``base`` is the folder within its repository."""

    subject: str
    screen: str
    files: tuple[tuple[str, Path], ...]
    redaction: Redaction
    base: str

    @property
    def claimed(self) -> bool:
        """Whether standard output is a document, and messages go elsewhere."""
        return self.screen != "text"

    @property
    def wanted(self) -> bool:
        """Whether a format other than text on standard output is requested."""
        return self.claimed or bool(self.files)

    def need(self, part: str) -> bool:
        """Whether a requested format needs that part of a sheet; the stream of events ends with a document."""
        forms = {"json" if self.screen == EVENTS else self.screen, *(form for form, _ in self.files)}
        return any(part in FORMATS[form].needs for form in forms)

    def write(self, result: Documented, subject: str = "") -> None:
        """Write the redacted ``result`` in all requested formats; files are replaced atomically."""
        subject = subject or self.subject
        able = names(subject)
        texts = [(path, rendered(form, subject, result)) for form, path in self.files if form in able]
        screen = self._screen_text(subject, result) if self.claimed and self.screen in able else ""
        for path, text in texts:
            write_text(path, text, redacted=self.redaction.redacts)
        if screen:
            print_text(screen, newline=False)

    def _screen_text(self, subject: str, result: Documented) -> str:
        """The text of standard output; documents keep characters that it cannot encode."""
        if self.screen == "json":
            return json_text(dict(result.document)) + "\n"
        return rendered(self.screen, subject, result)

    @contextmanager
    def problems(self, name: str) -> Iterator[None]:
        """Write errors of the block about files and settings in the requested formats, and raise them again."""
        try:
            yield
        except ConfigurationError as error:
            if self.wanted:
                self.write_problems(error, name)
            raise

    def write_problems(self, error: ConfigurationError, name: str) -> None:
        """Write the problems in every format that supports them, and log the others."""

        shown = tuple(Problem(*map(self.redaction.text, problem)) for problem in error.problems)
        found = FileProblems(shown, self.redaction.text(name), self.base)
        self.write(replace(found, document=problems_document(shown)), PROBLEMS)
        unable = {form for form in (self.screen, *(form for form, _ in self.files)) if form not in names(PROBLEMS)}
        if unable:
            log(f"Not written, because there is no plan: {', '.join(sorted(unable))}.")

    def write_valid(self, name: str, found: Mapping[str, Any]) -> None:
        """Write that the files are valid; ``found`` has the number of resources by kind."""

        document = self.redaction.document({**problems_document(()), **found})
        total = sum(found["resources"].values())
        self.write(FileProblems((), self.redaction.text(name), self.base, total, document))


def write_text(path: Path, text: str, *, redacted: bool) -> None:
    """Replace a file atomically, for its owner only unless ``redacted``; raises ConfigurationError if that fails."""
    mode = storage.PUBLIC if redacted else storage.PRIVATE
    try:
        storage.write(path, text.encode("utf-8", "backslashreplace"), mode)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def outputs_of(ctx: click.Context, options: OutputOptions, subject: str) -> Outputs:
    """The outputs that this command line requests; raises before anything is read if one cannot be written."""
    requested = [*options.requested, *([OutputRequest("json")] if options.as_json else [])]
    screen = _screen([request.form for request in requested if not request.file], program_of(ctx).events is not None)
    folder = start_folder(ctx)
    files = [(request.form, _place(folder, request)) for request in requested if request.file]
    taken: dict[Path, str] = {}
    if options.out:
        taken[Path(os.path.normpath(folder / options.out))] = "--out"
    for form, path in files:
        if path in taken:
            raise click.UsageError(f"{taken[path]} and --output {form} have the same file: {path}")
        taken[path] = f"--output {form}"
    return Outputs(subject, screen, tuple(files), redaction_of(ctx), _base(folder))


def _screen(asked: list[str], events: bool) -> str:
    """Format of standard output; raises a usage error if there is more than one."""
    screens = list(dict.fromkeys([*asked, *([EVENTS] if events else [])]))
    if len(screens) > 1:
        what = " and ".join(screens)
        raise click.UsageError(f"{what} cannot share standard output; use a file: --output {screens[0]}=FILE")
    return screens[0] if screens else "text"


def name_of(ctx: click.Context, path: Path) -> str:
    """Name of a project whose files may not be readable."""
    return str(program_of(ctx).environment or (start_folder(ctx) / path).resolve().name)


def _place(folder: Path, request: OutputRequest) -> Path:
    """Path of the file; raises ConfigurationError if it cannot be written."""
    path = Path(os.path.normpath(folder / request.file))
    what = f"--output {request.form}={request.file}"
    if path.is_dir() or request.file.endswith("/"):
        raise ConfigurationError(f"{what}: this is a folder; use the name of a file")
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{what}: not a regular file; omit =FILE for standard output")
    if path.suffix.lower() in (".yaml", ".yml"):
        raise ConfigurationError(f"{what}: this would be read as a file of the project; use another extension")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{what}: folder {path.parent} does not exist; create it first")
    try:
        refuse_linked_folder(path)
        handle, temporary = storage.create_beside(path)
        os.close(handle)
        temporary.unlink()
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be written: {error.strerror}") from error
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigurationError(f"{what} cannot be written: it is read-only")
    return path


def _base(folder: Path) -> str:
    """Path of the folder within its Git repository, which positions in files start with."""
    for root in (folder, *folder.parents):
        if (root / ".git").exists():
            return folder.relative_to(root).as_posix().removeprefix(".")
    return ""
