"""What a change carries along in the account, counted from what is live: values that go, assignments that stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace

from reconciler.engine.identify import Identified
from reconciler.engine.quiet import relations_of
from reconciler.kinds import KINDS, SLUGS
from reconciler.kinds.base import Embedded
from reconciler.kinds.fields import Shape
from reconciler.model.plan import Action, Change
from reconciler.model.values import Address, Attrs, Ref


def with_counts(
    changes: Mapping[Address, Change], found: Identified, partly: Set[str] = frozenset()
) -> dict[Address, Change]:
    """The same changes; renames say how many keep the thing, deletions how many lose it.

    ``partly`` are the kinds of which not all were read: what is counted there is what there is at least.
    """
    counted = dict(changes)
    telling = [change for change in changes.values() if change.action is Action.DELETE or is_rename(change)]
    bearers = bearers_of(live_relations(found)) if telling else {}
    for change in telling:
        around: Set[Address] = bearers.get(change.address, frozenset())
        note = _note(change, found, around)
        if note:
            note = "; ".join(filter(None, (change.note, least(change.address, partly) + note)))
        along = tuple(sorted(each for each in around if each.kind in _SHOWN_WITH[change.address.kind]))
        if note or along:
            counted[change.address] = replace(
                change, note=note or change.note, along=along if change.action is Action.DELETE else ()
            )
    return counted


def is_rename(change: Change) -> bool:
    """Whether the natural key of something that stays the same thing changes."""
    kind = KINDS[change.address.kind]
    named = change.action in (Action.UPDATE, Action.ADOPT) and kind.renameable
    return named and any(each.path in kind.key for each in change.fields)


def _note(change: Change, found: Identified, bearers: Set[Address]) -> str:
    if change.address.kind == SLUGS.name:
        lost = values_of(change.address, found)
        return values_lost(lost) if lost else ""
    if not bearers or KINDS[change.address.kind].person:
        return ""
    verb = "keep" if is_rename(change) else "lose"
    return f"{len(bearers):,} {_words(bearers, verb)} it"


def least(address: Address, partly: Set[str]) -> str:
    """What stands before a number of those that have something to do with it, where not all of them were read."""
    return "at least " if _COUNTED_IN[address.kind] & partly else ""


def values_lost(number: int) -> str:
    """``1 value is lost``, ``1,204 values are lost``."""
    return "1 value is lost" if number == 1 else f"{number:,} values are lost"


def _words(bearers: Set[Address], verb: str) -> str:
    kinds = {address.kind for address in bearers}
    noun = kinds.pop() if len(kinds) == 1 else "other"
    return f"{noun} {verb}s" if len(bearers) == 1 else f"{noun}s {verb}"


def values_of(contact_field: Address, found: Identified) -> int:
    """How many live values a contact field has, as far as contacts were read."""
    name_in = {kind: f"{name}.{contact_field.key}" for kind, name in _ENTRIES}
    return sum(1 for at, each in found.live.items() if each.attrs.get(name_in.get(at.kind, "")) is not None)


#: (kind, field) of every map of values by slug.
_ENTRIES = [(kind.name, f.name) for kind in KINDS.values() for f in kind.fields if f.shape is Shape.ENTRIES]


def _counted_in(name: str) -> Set[str]:
    """The collections that show what is in relation to one of a kind, or has a value of it."""
    ends = [kind for kind in KINDS.values() if any(kind.field(end).ref == name for end in kind.dies_with)]
    shown = {kind.source.parent if isinstance(kind.source, Embedded) else kind.name for kind in ends}
    return shown | {kind for kind, _ in _ENTRIES if name == SLUGS.name}


_COUNTED_IN = {name: _counted_in(name) for name in KINDS}


def _shown_with(name: str) -> Set[str]:
    """The kinds to which one of this kind is related by what its own item shows: the tags of a contact."""
    within = [kind for kind in KINDS.values() if isinstance(kind.source, Embedded) and kind.source.parent == name]
    return {each.ref for kind in within for each in kind.parents if each.ref and each.ref != name}


_SHOWN_WITH = {name: _shown_with(name) for name in KINDS}


def live_relations(found: Identified) -> Iterator[tuple[str, Attrs]]:
    """Kind and attributes of everything that is live; the rest of it does no harm where only relations count."""
    yield from ((live.address.kind, live.attrs) for live in found.live.values())
    yield from relations_of(found.settled)


def bearers_of(relations: Iterable[tuple[str, Attrs]]) -> dict[Address, set[Address]]:
    """Everything → what is in relation to it, e.g. a tag → its contacts; (kind, attributes) in, inverted once."""
    bearers: dict[Address, set[Address]] = {}
    for kind, attrs in relations:
        targets = [ref.target for name in KINDS[kind].dies_with if isinstance(ref := attrs.get(name), Ref)]
        for target in targets:
            bearers.setdefault(target, set()).update(other for other in targets if other != target)
    return bearers
