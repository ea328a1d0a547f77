"""Candidates for shell completion: addresses, environments and runs of a project, without network access.

Whatever cannot be read, or would take long, is omitted without a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from reconciler.commands import help as help_pages
from reconciler.commands import ledgers
from reconciler.commands.project import Invocation, find_root, read_settings, read_state
from reconciler.config import files, storage, yaml_loader
from reconciler.config.positions import MappingNode
from reconciler.config.secrets import ALLOW, COMMANDS
from reconciler.config.settings import Settings
from reconciler.edit.export import pullable
from reconciler.errors import ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.ledger.store import Store
from reconciler.model.resource import DesiredState

#: Files larger than this in total are not read; their ledger knows most addresses.
MUCH = 2_000_000
#: A ledger file with more bytes is not read.
LARGE = 20_000_000


class CompletionSource(dict[str, str]):
    """The environment, with a placeholder for every variable that the files may use."""

    def get(self, name: str, default: Any = None) -> Any:
        """The variable, or a placeholder if it is not a setting, so that files can be read without secrets."""
        ours = name.startswith(("RECONCILER_", "MATON_")) or name in ("CI", "HOME", "PATH")
        return super().get(name, default) if ours or name in self else "x"


#: A word, and what it means; empty where it speaks for itself.
Word = tuple[str, str]


def make_invocation(
    directory: str, environment: str | None, environ: Mapping[str, str], ledger: str | None
) -> Invocation:
    """The folder, files and environment of the command line to complete."""
    flags = {"ledger": ledger} if ledger else {}
    environment = environment or environ.get("RECONCILER_ENVIRONMENT") or None
    return Invocation((Path.cwd() / directory).resolve(), dict(environ), flags, environment)


def addresses(invocation: Invocation, path: str, *, declared: bool = True) -> list[Word]:
    """Resources that the ledger records, and with ``declared`` those of the files, as far as either can be read."""
    return [(name, "") for name in sorted(_addresses(invocation, Path(path), declared=declared))]


def _addresses(invocation: Invocation, path: Path, *, declared: bool) -> set[str]:
    environ = CompletionSource({**invocation.environ, ALLOW: "*", COMMANDS: ""})
    invocation = replace(invocation, environ=environ, skip_commands=True)
    path = invocation.cwd / path
    try:
        settings = read_settings(path, invocation)
    except (ReconcilerError, OSError):
        return set()
    found = set(_recorded(settings, lambda store: [str(entry.address) for entry in store.entries()]))
    if declared:
        found.update(str(address) for state in _states(path, settings, invocation) for address in state.resources)
    return found


def runs(invocation: Invocation, path: str) -> list[Word]:
    """The runs in the ledger, newest first, each with a description."""
    try:
        settings = read_settings(invocation.cwd / path, invocation)
    except (ReconcilerError, OSError):
        return []
    return _recorded(
        settings,
        lambda store: [(str(run.id), f"{run.info.command}, {run.status or 'broken off'}") for run in store.runs()],
    )


def environments(invocation: Invocation, path: str) -> list[Word]:
    """The environments in reconciler.yaml, even if other parts of it are invalid."""
    root = find_root(invocation.cwd / path, invocation.cwd)
    for name in files.SETTINGS_NAMES:
        try:
            node = yaml_loader.parse(storage.read(root / name), name)
        except (ReconcilerError, OSError):
            continue
        named = node.get("environments") if isinstance(node, MappingNode) else None
        return [(name, "") for name in sorted(named)] if isinstance(named, MappingNode) else []
    return []


#: What can be completed → its words.
SUBJECTS: Mapping[str, Callable[[Invocation, str], Iterable[Word]]] = {
    "addresses": addresses,
    "recorded": partial(addresses, declared=False),
    "environments": environments,
    "runs": runs,
    "kinds": lambda invocation, path: [(section, kind.doc) for section, kind in SECTIONS.items()],
    "pulled": lambda invocation, path: [(name, "") for name in sorted(kind.name for kind in pullable())],
    "topics": lambda invocation, path: [(name, "") for name in help_pages.names()],
}


def _states(path: Path, settings: Settings, invocation: Invocation) -> Iterator[DesiredState]:
    """The desired state of the project or, if it is invalid, of each valid file."""
    found: list[Path] = []
    try:
        found = files.discover(path, settings.files, project=settings.root)
        if sum(file.stat().st_size for file in found) <= MUCH:
            yield read_state(path, settings, invocation)
    except (ReconcilerError, OSError):
        for file in found:
            with suppress(ReconcilerError, OSError):
                yield read_state(file, settings, invocation)


def _recorded(settings: Settings, read: Callable[[Store], list[Any]]) -> list[Any]:
    """The ledger, if it is a file of moderate size; a server is not asked."""
    _, found, name = settings.ledger.partition("sqlite:///")
    try:
        if not found or Path(name).stat().st_size > LARGE:
            return []
        store = ledgers.peek(settings)
        if store is None:
            return []
        with store:
            return read(store)
    except (ReconcilerError, OSError):
        return []
