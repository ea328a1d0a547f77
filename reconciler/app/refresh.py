"""What the files and the ledger touch → the raw items of those collections, with the fewest calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reconciler.engine.calls import fill, lookup_for
from reconciler.engine.identify import Identified, identify
from reconciler.errors import GatewayError, NotFound, Refused
from reconciler.gateway.client import Reader
from reconciler.kinds import KINDS
from reconciler.kinds.base import Collection, Embedded, Kind, Shape
from reconciler.kinds.dialect import Dialect
from reconciler.model.resource import DesiredState, Entry, EntryState, Ledger
from reconciler.model.values import Attrs, Ref

Items = dict[str, list[dict[str, Any]]]
#: Called with a kind's name and how many of it were read so far.
Progress = Callable[[str, int], None]

#: Owned ones of a kind from which on "none of them is there" is not believed (DESIGN §9).
SUSPICIOUS = 10


def touched(state: DesiredState, ledger: Ledger) -> frozenset[str]:
    """The kinds whose collections have to be read: what is named, and what that refers to."""
    names = set(state.kinds) | {address.kind for address in ledger.entries}
    used = _attribute_names(state, ledger)
    waiting = list(names)
    while waiting:
        kind = KINDS[waiting.pop()]
        parent = [kind.source.parent] if isinstance(kind.source, Embedded) else []
        refs = [f.ref for f in kind.fields if f.ref and _is_used(f.shape, f.name, used.get(kind.name, frozenset()))]
        new = {*parent, *refs} - names
        names |= new
        waiting += new
    return frozenset(names)


def _attribute_names(state: DesiredState, ledger: Ledger) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for address, desired in state.resources.items():
        used.setdefault(address.kind, set()).update(desired.attrs)
    for address, entry in ledger.entries.items():
        used.setdefault(address.kind, set()).update(entry.applied)
    return used


def _is_used(shape: Shape, name: str, used: Iterable[str]) -> bool:
    """A reference of the key always counts; names of contact fields only where some resource has one."""
    if shape is Shape.ENTRIES:
        return any(each.startswith(name + ".") for each in used)
    return name in used if shape in (Shape.TEXT, Shape.REFS) else True


def read(reader: Reader, names: frozenset[str], progress: Progress | None = None) -> Items:
    """Every collection that holds these kinds, walked side by side; ``hasMore`` false costs no extra call."""
    kinds = [KINDS[name] for name in sorted(names) if isinstance(KINDS[name].source, Collection)]
    if len(kinds) == 1:
        return {kinds[0].name: _walk(reader, kinds[0], progress)}
    with ThreadPoolExecutor(max_workers=max(1, len(kinds)), thread_name_prefix="read") as pool:
        walks = {kind.name: pool.submit(_walk, reader, kind, progress) for kind in kinds}
        return {name: walk.result() for name, walk in walks.items()}


def _walk(reader: Reader, kind: Kind, progress: Progress | None) -> list[dict[str, Any]]:
    source = kind.source
    assert isinstance(source, Collection)
    items: list[dict[str, Any]] = []
    for page in reader.walk(source.path) if source.paged else [reader.whole(source.path)]:
        _check_shape(kind, page)
        items += page
        if progress:
            progress(kind.name, len(items))
    return items


def _check_shape(kind: Kind, page: list[dict[str, Any]]) -> None:
    """An item without its id or key is not the answer that was asked for; nothing is planned from it."""
    for item in page:
        if item.get(kind.remote_id) is None or any(not item.get(n) for n in kind.key if _is_text(kind, n)):
            raise GatewayError(f"the list of {kind.name}s holds an item without its {kind.remote_id} or name")


def _is_text(kind: Kind, name: str) -> bool:
    return kind.field(name).shape is Shape.TEXT


def refresh(
    reader: Reader, state: DesiredState, ledger: Ledger, dialect: Dialect, *,
    allow_missing: bool = False, progress: Progress | None = None,
) -> Identified:  # fmt: skip
    """The three sides under one set of names.

    An owned one that a walk did not show is looked at once before it counts as gone. Raises Refused when ten or
    more owned of a kind are all gone and nobody said that this is meant.
    """
    items = read(reader, touched(state, ledger), progress)
    found = identify(state, ledger, items, dialect)
    gone = [entry for address, entry in found.entries.items() if address not in found.live]
    if not gone:
        return found
    if not allow_missing:
        _refuse_empty(found, gone)
    if _look_again(reader, found, gone, items):
        found = identify(state, ledger, items, dialect)
    return found


def _refuse_empty(found: Identified, gone: Iterable[Entry]) -> None:
    lost: dict[str, int] = {}
    for entry in gone:
        if entry.state is EntryState.SETTLED:
            lost[entry.address.kind] = lost.get(entry.address.kind, 0) + 1
    owned: dict[str, int] = {}
    for address in found.entries:
        owned[address.kind] = owned.get(address.kind, 0) + 1
    for kind, count in lost.items():
        if count >= SUSPICIOUS and count == owned[kind]:
            raise Refused(
                f"none of the {count} {kind}s that the ledger knows is in this account: is it the right one? "
                "If they really are gone, say so with --allow missing"
            )


def _look_again(reader: Reader, found: Identified, gone: Iterable[Entry], items: Items) -> bool:
    """Whether a single look found one that the walk missed; it joins the items of its kind."""
    seen = False
    for entry in gone:
        kind = KINDS[entry.address.kind]
        if entry.remote_id is None or isinstance(kind.source, Embedded) or not _parents_live(entry.applied, found):
            continue
        known = {str(item[kind.remote_id]) for item in items.get(kind.name, ())}
        fresh = [item for item in _look(reader, kind, entry, found) if str(item[kind.remote_id]) not in known]
        items.setdefault(kind.name, []).extend(fresh)
        seen = seen or bool(fresh)
    return seen


def _parents_live(applied: Attrs, found: Identified) -> bool:
    return all(value.target in found.live for value in applied.values() if isinstance(value, Ref))


def _look(reader: Reader, kind: Kind, entry: Entry, found: Identified) -> list[dict[str, Any]]:
    if kind.show:
        path = "".join(str(part) for part in fill(kind.show.path, {"id": entry.remote_id}))
        try:
            return [reader.get(path)]
        except NotFound:
            return []
    lookup = lookup_for(kind, entry.applied, found.ids)
    if lookup is None or not lookup.query:
        return []  # read whole a moment ago
    return [item for page in reader.walk(lookup.path, lookup.query) for item in page]
