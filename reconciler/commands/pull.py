"""Writes the files that declare a live account into an empty folder, and the ledger that manages it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.apply.ledger_entry import entry_after
from reconciler.commands.init import FILES_SCHEMA, SETTINGS_SCHEMA, schema_text
from reconciler.commands.plan import PlanRequest, decide
from reconciler.commands.project import Invocation, Project, read_state
from reconciler.commands.session import Session
from reconciler.config import files
from reconciler.edit import yaml_writer
from reconciler.edit.export import export, is_inside, pullable
from reconciler.errors import ConfigurationError
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Kind
from reconciler.kinds.dialect import Dialect
from reconciler.ledger import lock_holder
from reconciler.ledger.history import RunInfo
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Change
from reconciler.model.policy import Policy
from reconciler.model.resource import EMPTY, DesiredState, Ledger, Provenance
from reconciler.model.values import Address, Attrs, Ref
from reconciler.planner.clone import OF_PEOPLE
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.documents import ExportedFiles
from reconciler.planner.matched_state import MatchedState
from reconciler.planner.matching import Matcher, identify
from reconciler.refresh.account import Refreshed, touched
from reconciler.refresh.read_strategy import route_all
from reconciler.refresh.reader import Items, Progress, Reading

#: Filter of people → the relation that it uses.
CHOOSING = {"tags": "tagging", "courses": "enrollment"}


@dataclass(frozen=True)
class PullSelection:
    """The kinds to pull (empty: all that can be pulled), and filters that people must match, all of them.

    ``after`` and ``before`` are ISO dates or moments of registration.
    """

    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None
    csv_sources: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds, with the relations that are written inside of them."""
        chosen = [kind for kind in pullable() if not self.kinds or kind.name in self.kinds]
        names = {kind.name for kind in chosen}
        inside = {kind.name for kind in pullable() if is_inside(kind) and kind.sugar and kind.sugar.parent in names}
        return tuple(sorted(names | inside))

    @property
    def is_filtered(self) -> bool:
        """Whether only some people are wanted."""
        return bool(self.tags or self.courses or self.after or self.before)


@dataclass(frozen=True)
class Pulled:
    """The resources that were read, and the files made from them."""

    made: ExportedFiles
    items: Items
    reads: int
    sizes: Mapping[str, int] = field(default_factory=lambda: EMPTY)


def holds_yaml(path: Path, root: Path) -> bool:
    """Whether there are YAML files already, so that a pull changes these."""
    return path.is_file() or files.holds_yaml(path, root)


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Create the folder; remove it at the end if it is still empty."""
    before = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=before)
    except OSError as error:
        raise ConfigurationError(f"cannot create {folder}: {error.strerror}; nothing was written") from error
    try:
        yield
    finally:
        if not before and not any(folder.iterdir()):
            folder.rmdir()


def read_account(reader: Reader, wanted: PullSelection, dialect: Dialect, progress: Progress | None = None) -> Pulled:
    """Read every wanted collection once, and make documents of it. Raises ConfigurationError for a filter that names
    a missing tag or course."""
    state, ledger = DesiredState(kinds=frozenset(wanted.names) | _filtering(wanted)), Ledger()
    routes = route_all(touched(state, ledger), state, ledger, full=True)
    matcher = Matcher(state, ledger, dialect)
    reading = Reading(reader, state, ledger, matcher.decoder, progress=progress)
    people = [name for name in routes if KINDS[name].person and (wanted.after or wanted.before or wanted.tags)]
    items = reading.roots({name: route for name, route in routes.items() if name not in people})
    for name in people:
        items[name] = _filtered(reading, name, wanted, items)
    found = identify(state, ledger, items, dialect)
    exported = export(found, wanted.names, people=_people(found, wanted), csv_sources=wanted.csv_sources)
    sizes = {} if wanted.is_filtered else {name: len(rows) for name, rows in items.items()}
    return Pulled(exported, items, reader.calls.reads, sizes)


def _filtering(wanted: PullSelection) -> frozenset[str]:
    """The relations that the filters need."""
    return frozenset(relation for name, relation in CHOOSING.items() if getattr(wanted, name))


def _filtered(reading: Reading, name: str, wanted: PullSelection, items: Items) -> list[DecodedItem]:
    """The people that the API selects by time of registration, and by tags, of which it wants all (api.md §3)."""
    source = KINDS[name].source
    assert isinstance(source, Collection)
    filters = {"registeredAfter": wanted.after, "registeredBefore": wanted.before, "tags": _tag_ids(wanted, items)}
    query = {key: value for key, value in filters.items() if value}
    pages = reading.reader.walk(source.path, query)
    return [item for page in pages for item in reading.decoded(KINDS[name], page)]


def _tag_ids(wanted: PullSelection, items: Items) -> str:
    """The ids of the wanted tags; empty if a name has no id or several, which the filter cannot express."""
    if not wanted.tags:
        return ""
    _, tag = _sides(KINDS[CHOOSING["tags"]])
    ids = [[item.remote_id for item in items[tag.name] if item.attrs[tag.key[0]] == name] for name in wanted.tags]
    return ",".join(found[0] for found in ids) if all(len(found) == 1 for found in ids) else ""


def _people(found: MatchedState, wanted: PullSelection) -> frozenset[Address] | None:
    """The contacts that carry every tag and are in every course; None means all contacts."""
    if not wanted.is_filtered:
        return None
    chosen = {address for address in found.live if KINDS[address.kind].person}
    for relation, name in ((by, each) for asked, by in CHOOSING.items() for each in getattr(wanted, asked)):
        role, kind = _sides(KINDS[relation])
        (other,) = (each.name for each in KINDS[relation].parents if each.name != role)
        targets = _called(found, kind.name, name)
        with_it = (live.attrs for live in found.live.values() if live.address.kind == relation)
        pairs = ((_target(attrs, role), _target(attrs, other)) for attrs in with_it)
        chosen &= {who for who, target in pairs if who and target in targets}
    return frozenset(chosen)


def _sides(relation: Kind) -> tuple[str, Kind]:
    """The field that names the person, and the kind of the other side."""
    (role,) = (each.name for each in relation.parents if KINDS[each.ref or ""].person)
    (other,) = (KINDS[each.ref or ""] for each in relation.parents if each.name != role)
    return role, other


def _target(attrs: Attrs, name: str) -> Address | None:
    value = attrs.get(name)
    return value.target if isinstance(value, Ref) else None


def _called(found: MatchedState, kind: str, name: str) -> set[Address]:
    """All live resources of that name. Raises ConfigurationError if there are none."""
    key = KINDS[kind].key[-1]
    of_kind = [live for live in found.live.values() if live.address.kind == kind]
    named = {live.address for live in of_kind if live.attrs.get(key) == name}
    if not named:
        raise ConfigurationError(f'the account has no {kind.replace("_", " ")} named "{name}"; nothing was written')
    return named


# writing


def write(pulled: Pulled, folder: Path, root: Path, connection: str | None = None) -> list[Path]:
    """Write new files, all or none, with settings and schemas unless they exist. Returns their paths."""
    found = pulled.made
    if not found.documents:
        return []
    head = (f"yaml-language-server: $schema={FILES_SCHEMA}",)
    texts = {
        folder / f"{section}.yaml": yaml_writer.document(section, blocks, head).encode()
        for section, blocks in _placed(found, folder, root).items()
    }
    texts |= {folder / csv_source.file: yaml_writer.table(csv_source).encode() for csv_source in found.csv_sources}
    if not (folder / FILES_SCHEMA).exists():
        texts[folder / FILES_SCHEMA] = schema_text("files").encode()
    if root.resolve() == folder.resolve() and not any((folder / name).exists() for name in files.SETTINGS_NAMES):
        texts |= _settings(folder, connection)
    yaml_writer.create(texts, private=True)
    return list(texts)


def _settings(folder: Path, connection: str | None) -> dict[Path, bytes]:
    """The settings of the new project, with the connection that was named, and their schema unless it exists."""
    lines = [f"# yaml-language-server: $schema={SETTINGS_SCHEMA}", "format: 1"]
    if connection:
        lines += [
            "# The Maton connection that this project was pulled from.",
            f"connection: {yaml_writer.scalar(connection)}",
        ]
    texts = {folder / files.SETTINGS_NAMES[0]: ("\n".join(lines) + "\n").encode()}
    if not (folder / SETTINGS_SCHEMA).exists():
        texts[folder / SETTINGS_SCHEMA] = schema_text("settings").encode()
    return texts


def _placed(found: ExportedFiles, folder: Path, root: Path) -> Mapping[str, tuple[Any, ...]]:
    """The document with paths of CSV files relative to the project folder, wherever the YAML file is."""
    below = os.path.relpath(folder, root)
    if below == "." or not found.csv_sources:
        return found.documents
    names = {csv_source.file: (Path(below) / csv_source.file).as_posix() for csv_source in found.csv_sources}
    return {
        section: tuple(replace(block, value=_renamed(block.value, names)) for block in blocks)
        for section, blocks in found.documents.items()
    }


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, dict) or "csv" not in value:
        return value
    csv_source = value["csv"]
    return {
        **value,
        "csv": names[csv_source]
        if isinstance(csv_source, str)
        else {**csv_source, "file": names[csv_source["file"]]},
    }


# owning


def own(pulled: Pulled, workspace: Project, invocation: Invocation, session: Session, store: Store) -> int:
    """Record all resources that the written files declare as created by reconciler; returns their number.

    ``store`` is open and locked. The files are read again, with a placeholder for each secret.
    """
    ledger, settings = store.load(), workspace.settings
    placeholders = {name: pulled.made.values.get(name, "?") for name, _ in pulled.made.secrets}
    state = read_state(workspace.path, settings, replace(invocation, environ={**invocation.environ, **placeholders}))
    dialect, now = Dialect(settings.dialect), time.time()
    found = identify(state, ledger, pulled.items, dialect)
    request = PlanRequest(state, Policy(settings.prune, settings.limits), dialect, session.account())
    changes = decide(request, Refreshed(found, {}, pulled.sizes), ledger, store.digest, now).plan.changes
    mine = [change for change in changes if _is_as_it_is(change)]
    me = lock_holder.here()
    run = store.begin(RunInfo(me.who, me.host, __version__, command="pull", job=me.job))
    entries = [
        entry_after(
            change,
            found.entries.get(change.address),
            change.remote_id,
            change.before,
            digest=store.digest,
            now=now,
            run=run,
            provenance=Provenance.CREATED,
        )
        for change in mine
    ]
    store.write(puts=entries)
    store.measured(pulled.sizes)
    store.finish(run, "done", session.calls.reads, 0)
    return len(entries)


def _is_as_it_is(change: Change) -> bool:
    quiet = change.action is Action.NO_CHANGE or (change.action is Action.ADOPT and not change.fields)
    return quiet and change.remote_id is not None and not change.blocked


def unknown_kinds(names: Iterable[str]) -> list[str]:
    """The names of the kinds that cannot be pulled."""
    known = {kind.name for kind in pullable()}
    return sorted(set(names) - known)


def of_people(names: Iterable[str]) -> bool:
    """Whether one of these kinds, or of all kinds if none is named, has personal data."""
    return bool(OF_PEOPLE & (set(names) or {kind.name for kind in pullable()}))
