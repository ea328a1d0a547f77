"""Results of a command, written in each format of ``--output FORMAT[=FILE]`` to files and standard output."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import click

from reconciler.cli.command_options import OutputOptions, OutputRequest
from reconciler.cli.logs import log
from reconciler.cli.options import start_folder
from reconciler.cli.program import program_of
from reconciler.cli.redaction import Redaction, redaction_of
from reconciler.cli.terminal import json_text, print_text
from reconciler.config import storage
from reconciler.config.storage import refuse_linked_folder
from reconciler.errors import ConfigurationError, Problem
from reconciler.output.diagnostics import FileProblems
from reconciler.output.formats import FORMATS, PROBLEMS, names, rendered
from reconciler.output.json_documents import problems_document


class Result(Protocol):
    """A plan, drift, or problems of files, redacted."""

    @property
    def document(self) -> Mapping[str, Any]: ...


#: Standard output as a stream of events, which a run writes itself.
EVENTS = "--json-events"


@dataclass(frozen=True)
class Outputs:
    """What was asked for: the format on standard output, and the files; ``base`` is our folder in the repository."""

    subject: str
    screen: str
    files: tuple[tuple[str, Path], ...]
    redaction: Redaction
    base: str

    @property
    def claimed(self) -> bool:
        """Whether standard output belongs to a document, and talk has to stay away from it."""
        return self.screen != "text"

    @property
    def wanted(self) -> bool:
        """Whether anything but text on standard output is."""
        return self.claimed or bool(self.files)

    def need(self, part: str) -> bool:
        """Whether one of the formats is made from that part of a sheet; the stream of events ends with a document."""
        forms = {"json" if self.screen == EVENTS else self.screen, *(form for form, _ in self.files)}
        return any(part in FORMATS[form].needs for form in forms)

    def write(self, result: Result, subject: str = "") -> None:
        """All of them, each file whole or not at all; ``result`` is redacted already."""
        subject = subject or self.subject
        able = names(subject)
        texts = [(path, rendered(form, subject, result)) for form, path in self.files if form in able]
        screen = self._screen_text(subject, result) if self.claimed and self.screen in able else ""
        for path, text in texts:
            self._write(path, text)
        if screen:
            print_text(screen, newline=False)

    def _screen_text(self, subject: str, result: Result) -> str:
        """Of a document every sign arrives, whatever standard output can show."""
        if self.screen == "json":
            return json_text(dict(result.document)) + "\n"
        return rendered(self.screen, subject, result)

    def _write(self, path: Path, text: str) -> None:
        mode = storage.PUBLIC if self.redaction.on else storage.PRIVATE
        try:
            storage.write(path, text.encode("utf-8", "backslashreplace"), mode)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error

    @contextmanager
    def problems(self, name: str) -> Iterator[None]:
        """Errors in files and settings are written in the same formats before the command ends."""
        try:
            yield
        except ConfigurationError as error:
            if self.wanted:
                self.write_problems(error, name)
            raise

    def write_problems(self, error: ConfigurationError, name: str) -> None:
        """In every format that can; a plan that could not be made has no page and no counts."""

        shown = tuple(Problem(*map(self.redaction.text, problem)) for problem in error.problems)
        found = FileProblems(shown, self.redaction.text(name), self.base)
        self.write(replace(found, document=problems_document(shown)), PROBLEMS)
        unable = {form for form in (self.screen, *(form for form, _ in self.files)) if form not in names(PROBLEMS)}
        if unable:
            log(f"Not written, as there is no plan: {', '.join(sorted(unable))}.")

    def write_valid(self, name: str, found: Mapping[str, Any]) -> None:
        """The files are valid: ``resources`` counts them by kind."""

        document = self.redaction.document({**problems_document(()), **found})
        total = sum(found["resources"].values())
        self.write(FileProblems((), self.redaction.text(name), self.base, total, document))


def outputs_of(ctx: click.Context, options: OutputOptions, subject: str) -> Outputs:
    """What this command line asks for; raises before anything is read where it cannot be had."""
    wishes = [*options.wishes, *([OutputRequest("json")] if options.as_json else [])]
    screen = _screen([wish.form for wish in wishes if not wish.file], program_of(ctx).events is not None)
    folder = start_folder(ctx)
    files = [(wish.form, _place(folder, wish)) for wish in wishes if wish.file]
    taken: dict[Path, str] = {}
    if options.out:
        taken[Path(os.path.normpath(folder / options.out))] = "--out"
    for form, path in files:
        if path in taken:
            raise click.UsageError(f"{taken[path]} and --output {form} both go to {path}")
        taken[path] = f"--output {form}"
    return Outputs(subject, screen, tuple(files), redaction_of(ctx), _base(folder))


def _screen(asked: list[str], events: bool) -> str:
    """What standard output is for; raises a usage error when more than one thing wants it."""
    screens = list(dict.fromkeys([*asked, *([EVENTS] if events else [])]))
    if len(screens) > 1:
        what = " and ".join(screens)
        raise click.UsageError(f"{what} both want standard output; give one a file: --output {screens[0]}=FILE")
    return screens[0] if screens else "text"


def name_of(ctx: click.Context, path: Path) -> str:
    """What a project is called whose files cannot be read."""
    return str(program_of(ctx).environment or (start_folder(ctx) / path).resolve().name)


def _place(folder: Path, wish: OutputRequest) -> Path:
    """Where the file goes; raises ConfigurationError where none can be."""
    path = Path(os.path.normpath(folder / wish.file))
    what = f"--output {wish.form}={wish.file}"
    if path.is_dir() or wish.file.endswith("/"):
        raise ConfigurationError(f"{what}: that is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{what}: that is no ordinary file; leave the file away for standard output")
    if path.suffix.lower() in (".yaml", ".yml"):
        raise ConfigurationError(f"{what}: that would be read as a file of the project; give it another ending")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{what}: there is no folder {path.parent}; make it first")
    try:
        refuse_linked_folder(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be written: {error.strerror}") from error
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigurationError(f"{what} cannot be written: it is read-only")
    return path


def _base(folder: Path) -> str:
    """The folder as the repository around it names it; positions in files are relative to it."""
    for root in (folder, *folder.parents):
        if (root / ".git").exists():
            return folder.relative_to(root).as_posix().removeprefix(".")
    return ""
