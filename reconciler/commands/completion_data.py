"""A project folder → what could be meant on a command line: addresses, environments, runs. Never asks the network.

Nothing here may disturb somebody who is typing: what cannot be read, or would take long, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.commands import ledgers
from reconciler.commands.project import Invocation, find_root, read_settings, read_state
from reconciler.config import files, storage, yaml_loader
from reconciler.config.positions import MappingNode
from reconciler.config.secrets import ALLOW
from reconciler.config.settings import Settings
from reconciler.errors import ReconcilerError
from reconciler.ledger.history import RunRecord
from reconciler.ledger.store import Store
from reconciler.model.resource import DesiredState

#: Files of more bytes than this together are not read: their ledger knows most of what they hold.
MUCH = 2_000_000
#: Bytes of a ledger's file above which it is not read.
LARGE = 20_000_000


class CompletionSource(dict[str, str]):
    """The environment as it is, with something under every name that a secret or a variable of the files may have."""

    def get(self, name: str, default: Any = None) -> Any:
        """What is set; for a name that is none of ours something, so that the files can be read without secrets."""
        ours = name.startswith(("RECONCILER_", "MATON_")) or name in ("CI", "HOME", "PATH")
        return super().get(name, default) if ours or name in self else "x"


def addresses(place: Invocation, path: Path, *, declared: bool = True) -> set[str]:
    """What the ledger records, and with ``declared`` what the files ask for, as far as either can be read."""
    place = replace(place, environ=CompletionSource({**place.environ, ALLOW: "*"}))
    path = place.cwd / path
    try:
        settings = read_settings(path, place)
    except (ReconcilerError, OSError):
        return set()
    found = set(_recorded(settings, lambda store: [str(entry.address) for entry in store.entries()]))
    if declared:
        found.update(str(address) for state in _states(path, settings, place) for address in state.resources)
    return found


def runs(place: Invocation, path: Path) -> list[tuple[str, str]]:
    """The runs that the ledger remembers, newest first, each with what it was."""
    try:
        settings = read_settings(place.cwd / path, place)
    except (ReconcilerError, OSError):
        return []
    return _recorded(settings, lambda store: [(str(run.id), _about(run)) for run in store.runs()])


def _about(run: RunRecord) -> str:
    return f"{run.info.command}, {run.status or 'broken off'}"


def environments(place: Invocation, path: Path) -> list[str]:
    """The environments of the project's reconciler.yaml, whatever else may be wrong in it."""
    root = find_root(place.cwd / path, place.cwd)
    for name in files.SETTINGS_NAMES:
        try:
            node = yaml_loader.parse(storage.read(root / name), name)
        except (ReconcilerError, OSError):
            continue
        named = node.get("environments") if isinstance(node, MappingNode) else None
        return sorted(named) if isinstance(named, MappingNode) else []
    return []


def _states(path: Path, settings: Settings, place: Invocation) -> Iterator[DesiredState]:
    """The whole project, or where that is broken each file that is not."""
    found: list[Path] = []
    try:
        found = files.discover(path, settings.files, project=settings.root)
        if sum(file.stat().st_size for file in found) <= MUCH:
            yield read_state(path, settings, place)
    except (ReconcilerError, OSError):
        for file in found:
            with suppress(ReconcilerError, OSError):
                yield read_state(file, settings, place)


def _recorded(settings: Settings, read: Callable[[Store], list[Any]]) -> list[Any]:
    """What a ledger in a file of a usual size says; a server is not asked."""
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
