"""The impact of a change on other resources and people: values lost, assignments kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from reconciler.kinds import KINDS, SLUGS
from reconciler.kinds.base import Embedded
from reconciler.kinds.field import FieldShape
from reconciler.model.plan import Action, Cause, Change, Changes, Loss, differing
from reconciler.model.resource import LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Ref, Value
from reconciler.planner.matched_state import DERIVED, MatchedState

#: The contacts that lose something by each deletion, and their remote ids.
AffectedContacts = Mapping[Address, Mapping[Address, str]]

#: What contacts carry → the relation that assigns it: tag → tagging.
ASSIGNED_BY = {kind.parents[end].ref: kind for name, (_, end) in DERIVED.items() if (kind := KINDS[name]).create}


class Cascade(NamedTuple):
    """A relation or value of a managed resource that the deletion of another one removes.

    FORGET: it is deleted too, and ``before`` is its state. UPDATE: it loses the values in ``before``.
    """

    address: Address
    action: Action
    remote_id: str | None
    before: Attrs
    provenance: Provenance


def cascades_of(changes: Iterable[Change], entries: Mapping[Address, LedgerEntry]) -> dict[Address, list[Cascade]]:
    """By the address of each deletion: what managed resources lose by it, recorded in the history for an undo."""
    planned = list(differing(changes))
    gone = [each for each in planned if each.action is Action.DELETE and not each.blocked]
    deleted = {name: each.address for each in gone for name in (each.address, each.moved_from) if name}
    cascades: dict[Address, list[Cascade]] = {}
    if not deleted:
        return cascades
    by_old_address = {each.moved_from or each.address: each for each in planned}
    for entry in entries.values():
        change = by_old_address.get(entry.address)
        if change is None or change.action is not Action.DELETE:
            for target, each in _cascades_from(entry, change, deleted):
                cascades.setdefault(deleted[target], []).append(each)
    return cascades


def _cascades_from(
    entry: LedgerEntry, change: Change | None, deleted: Mapping[Address, Address]
) -> Iterator[tuple[Address, Cascade]]:
    kind, address = KINDS[entry.address.kind], change.address if change else entry.address
    if change is None or change.cause is Cause.GONE_WITH:
        ends = (entry.applied.get(name) for name in kind.dies_with)
        for target in [end.target for end in ends if isinstance(end, Ref) and end.target in deleted]:
            whole = Cascade(address, Action.FORGET, entry.remote_id, entry.applied, entry.provenance)
            yield target, whole
    live = change.before if change else entry.applied
    values: dict[Address, dict[str, Value]] = {}
    for name in entry.applied:
        for target in kind.refers_to({name: None}) if "." in name else ():
            if target in deleted and live.get(name) is not None:
                values.setdefault(target, {})[name] = live[name]
    for target, lost in values.items():
        yield target, Cascade(address, Action.UPDATE, entry.remote_id, lost, entry.provenance)


def with_counts(
    changes: Mapping[Address, Change], found: MatchedState, incomplete: Set[str] = frozenset()
) -> dict[Address, Change]:
    """The changes, with the number of contacts that keep a renamed tag or field.

    ``incomplete`` are the kinds that were not read completely; their counts are lower bounds.
    """
    counted = dict(changes)
    telling = [change for change in changes.values() if change.action is Action.DELETE or is_rename(change)]
    bearers = bearers_of(live_relations(found), {change.address for change in telling}) if telling else {}
    for change in telling:
        around: Set[Address] = bearers.get(change.address, frozenset())
        cascades = tuple(sorted(each for each in around if each.kind in _SHOWN_WITH[change.address.kind]))
        if is_rename(change) and around:
            note = f"{least(change.address, incomplete)}{len(around):,} {_words(around, 'keep')} it"
            counted[change.address] = _noted(change, note)
        elif cascades:
            counted[change.address] = replace(change, cascades=cascades)
    return counted


def takes_from_people(changes: Iterable[Change]) -> list[Change]:
    """The deletions by which contacts lose something: tags, and contact fields with their values."""
    gone = (change for change in differing(changes) if change.action is Action.DELETE and not change.blocked)
    return [change for change in gone if change.address.kind in _TAKEN_FROM_PEOPLE]


def affected_by(deletions: Iterable[Change], found: MatchedState) -> AffectedContacts:
    """The contacts that lose something by each deletion, as far as contacts were read."""
    deletions = list(deletions)
    bearers = bearers_of(live_relations(found), {each.address for each in deletions})
    people = {
        change.address: _bearing(change.address, found)
        if change.address.kind == SLUGS.name
        else {each for each in bearers.get(change.address, ()) if KINDS[each.kind].person}
        for change in deletions
    }
    return {name: {each: found.live.id_of(each) or "" for each in those} for name, those in people.items()}


def tagged_contacts(affected: AffectedContacts) -> dict[Address, tuple[str, ...]]:
    """The remote ids of the contacts that lose each deleted tag, kept in the history for an undo."""
    return {name: tuple(sorted(people.values())) for name, people in affected.items() if name.kind in ASSIGNED_BY}


def with_losses(
    changes: Sequence[Change], affected: AffectedContacts, managed: Set[Address], *, incomplete: bool
) -> Sequence[Change]:
    """The changes, with the number of contacts that lose something. ``incomplete``: not all contacts were read."""
    if isinstance(changes, Changes):
        return Changes(tuple(with_losses(changes.own, affected, managed, incomplete=incomplete)), changes.agreed)
    return tuple(
        _losing(change, Loss(len(people), len(people.keys() - managed), incomplete))
        if (people := affected.get(change.address)) is not None
        else change
        for change in changes
    )


def _losing(change: Change, loss: Loss) -> Change:
    lost = "value" if change.address.kind == SLUGS.name else ""
    what = f"its {lost}" if lost and loss.people == 1 else f"their {lost}s" if lost else "it"
    some = "contact loses" if loss.people == 1 else "contacts lose"
    note = f"{'at least ' if loss.least else ''}{loss.people:,} {some} {what}"
    which = f"{loss.unmanaged:,} of them unmanaged"
    if loss.unmanaged == loss.people:
        which = "unmanaged" if loss.people == 1 else "all unmanaged"
    others = f" ({which})" if loss.unmanaged else ""
    return replace(_noted(change, note + others) if loss.people else change, loss=loss)


def growth(planned: int, now: int) -> str:
    """A message if more people lose something than the plan shows; empty otherwise."""
    some = "contact loses" if now == 1 else "contacts lose"
    return f"{now:,} {some} it, {planned:,} when it was planned" if now > planned else ""


def _noted(change: Change, note: str) -> Change:
    return replace(change, note="; ".join(filter(None, (change.note, note))))


def is_rename(change: Change) -> bool:
    """Whether the natural key changes while the resource keeps its id."""
    kind = KINDS[change.address.kind]
    named = change.action in (Action.UPDATE, Action.ADOPT) and kind.renameable
    return named and any(each.path in kind.key for each in change.fields)


def least(address: Address, incomplete: Set[str]) -> str:
    """``"at least "`` before a number if not everything was read."""
    return "at least " if _COUNTED_IN[address.kind] & incomplete else ""


def values_lost(number: int) -> str:
    """``1 value is lost``, ``1,204 values are lost``."""
    return "1 value is lost" if number == 1 else f"{number:,} values are lost"


def _words(bearers: Set[Address], verb: str) -> str:
    kinds = {address.kind for address in bearers}
    noun = kinds.pop() if len(kinds) == 1 else "other"
    return f"{noun} {verb}s" if len(bearers) == 1 else f"{noun}s {verb}"


def values_of(contact_field: Address, found: MatchedState) -> int:
    """Number of contacts with a value of the field, as far as contacts were read."""
    return len(_bearing(contact_field, found))


def _bearing(contact_field: Address, found: MatchedState) -> Set[Address]:
    return {at for at, each in found.live.items() if has_value(at.kind, each.attrs, contact_field)}


def has_value(kind: str, attrs: Attrs, contact_field: Address) -> bool:
    """Whether the attributes contain a value of the contact field."""
    return any(at == kind and attrs.get(f"{name}.{contact_field.key}") is not None for at, name in _ENTRIES)


#: (kind, field) of every map of values by slug.
_ENTRIES = [(kind.name, f.name) for kind in KINDS.values() for f in kind.fields if f.shape is FieldShape.ENTRIES]


def _counted_in(name: str) -> Set[str]:
    """The collections that show relations to, or values of, resources of a kind."""
    ends = [kind for kind in KINDS.values() if any(kind.field(end).ref == name for end in kind.dies_with)]
    shown = {kind.source.parent if isinstance(kind.source, Embedded) else kind.name for kind in ends}
    return shown | {kind for kind, _ in _ENTRIES if name == SLUGS.name}


_COUNTED_IN = {name: _counted_in(name) for name in KINDS}
_TAKEN_FROM_PEOPLE = frozenset(
    name
    for name, shown in _COUNTED_IN.items()
    if not KINDS[name].person and any(KINDS[each].person for each in shown)
)


def _shown_with(name: str) -> Set[str]:
    """The kinds related to this one inside its own items, e.g. the tags of a contact."""
    within = [kind for kind in KINDS.values() if isinstance(kind.source, Embedded) and kind.source.parent == name]
    return {each.ref for kind in within for each in kind.parents if each.ref and each.ref != name}


_SHOWN_WITH = {name: _shown_with(name) for name in KINDS}


def live_relations(found: MatchedState) -> Iterator[tuple[str, Attrs]]:
    """Kind and attributes of everything live that has parents."""
    for kind in KINDS.values():
        if kind.dies_with:
            yield from ((kind.name, live.attrs) for live in found.live.kept.of(kind.name).values())
            desired = found.desired.of(kind.name)
            yield from ((kind.name, desired[key].attrs) for key in found.agreed(kind.name))


def bearers_of(relations: Iterable[tuple[str, Attrs]], wanted: Set[Address]) -> dict[Address, set[Address]]:
    """The resources related to each of ``wanted``, such as the contacts of a tag; by kind and attributes."""
    bearers: dict[Address, set[Address]] = {}
    for kind, attrs in relations:
        targets = [ref.target for name in KINDS[kind].dies_with if isinstance(ref := attrs.get(name), Ref)]
        for target in targets:
            if target in wanted:
                bearers.setdefault(target, set()).update(other for other in targets if other != target)
    return bearers
