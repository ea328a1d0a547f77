"""Derives the changes to the files that accept drift: one for each difference of a plan.

cause                                        accepted
──────────────────────────────────────────────────────────────────────────────────────────────
DRIFTED, BOTH                                always
MISSING relation                             always: removed from its list
unmanaged relation in an authoritative list  always: added to the list
EDITED, resource not managed (adoption)      always
EDITED, RELEASED, resource managed           only if its address is named: the files changed, not the account
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.field import Field, FieldShape
from reconciler.model.plan import Action, Cause, Change, FieldChange
from reconciler.model.resource import Desired
from reconciler.model.values import Address, Origin, Ref, Secret, Value, unescape
from reconciler.planner.documents import fits, may_hold_secret
from reconciler.planner.matched_state import MatchedState

#: Why a resource that is gone from the account is not removed automatically.
GONE = "gone from the account; remove it from the files, or apply creates it again"


class AcceptAction(Enum):
    """The kind of edit: set a field, remove the item, or add to a list."""

    SET = "set"
    REMOVE = "remove"
    ADD = "add"


@dataclass(frozen=True)
class AcceptedChange:
    """One difference. ``origin`` is the position of the block or list item, ``ways`` are the paths of keys that may
    lead from there to the value. ``declared``: the files set it now. ``short``: the item itself may be the value.
    ``hard`` is the reason why it has to be done by hand."""

    address: Address
    origin: Origin
    what: str
    act: AcceptAction = AcceptAction.SET
    ways: tuple[tuple[str, ...], ...] = ()
    value: Value = None
    declared: bool = True
    short: bool = False
    hard: str = ""


def accept_changes(
    changes: Iterable[Change], found: MatchedState, patterns: Sequence[str], *, everything: bool
) -> tuple[list[AcceptedChange], list[AcceptedChange]]:
    """The chosen differences, and all that are offered. Raises ConfigurationError for a pattern without a match."""
    offered: list[AcceptedChange] = []
    chosen: list[AcceptedChange] = []
    used: set[str] = set()
    referred = _referred(found.desired)
    for change in changes:
        named = {pattern for pattern in patterns if _means(pattern, change.address)}
        used |= named
        for accepted, drifted in _of(change, found, referred):
            if drifted or named:
                offered.append(accepted)
            if named or (drifted and everything):
                chosen.append(accepted)
    if unused := [pattern for pattern in patterns if pattern not in used]:
        raise ConfigurationError(f"{', '.join(unused)}: nothing of that address is in the files; nothing was written")
    return chosen, offered


def _means(pattern: str, address: Address) -> bool:
    return pattern in (str(address), address.kind) or fnmatchcase(str(address), pattern)


def _referred(desired: Mapping[Address, Desired]) -> frozenset[Address]:
    """The resources that the files refer to."""
    return frozenset(target for each in desired.values() for target in KINDS[each.address.kind].refers_to(each.attrs))


def _of(change: Change, found: MatchedState, referred: frozenset[Address]) -> Iterator[tuple[AcceptedChange, bool]]:
    """Every difference of one resource, and whether the account changed."""
    desired, kind = found.desired.get(change.address), KINDS[change.address.kind]
    if desired is None:
        if change.action is Action.DELETE and change.address not in found.entries:
            yield _joined(change, kind, found), True
        return
    if change.action is Action.CREATE:
        if change.cause is Cause.MISSING:
            lost = any(target not in found.live for target in kind.refers_to(desired.attrs))
            hard = "" if kind.parents and not lost else GONE
            yield AcceptedChange(change.address, desired.origin, "gone", AcceptAction.REMOVE, hard=hard), True
        return
    for each in change.fields:
        moved = each.cause in (Cause.DRIFTED, Cause.BOTH) or change.address not in found.entries
        yield _field(each, desired, found, referred), moved


def _joined(change: Change, kind: Kind, found: MatchedState) -> AcceptedChange:
    """An undeclared relation that would be removed because its list is authoritative."""
    sugar, attrs = kind.sugar, found.live[change.address].attrs
    owners = (each for each in kind.parents if sugar and each.ref == sugar.parent)
    owner = next((value.target for each in owners if isinstance(value := attrs.get(each.name), Ref)), None)
    parent = found.desired.get(owner) if owner else None
    other = attrs.get(sugar.fills) if sugar else None
    if parent is None or sugar is None or not isinstance(other, Ref) or other.target.key.startswith("#"):
        hard = "it was added to an authoritative list; add it to the files, or apply removes it"
        return AcceptedChange(change.address, change.origin or Origin("", 0, 0), "added", AcceptAction.ADD, hard=hard)
    name = unescape(other.target.key)
    return AcceptedChange(change.address, parent.origin, "added", AcceptAction.ADD, ((sugar.key,),), name)


def _field(each: FieldChange, desired: Desired, found: MatchedState, referred: frozenset[Address]) -> AcceptedChange:
    kind = KINDS[desired.address.kind]
    spec, live = kind.field(each.path), found.live[desired.address].attrs.get(each.path)
    secret = isinstance(desired.attrs.get(each.path), Secret) or may_hold_secret(spec, live)
    hidden = each.sensitive or spec.write_only or secret
    hard = ""
    if hidden:
        hard = f"its {each.path} may hold a secret, or is never shown; set the variable that it is read from"
    elif each.path in kind.key and desired.address in referred:
        hard = f"its {each.path} is how other blocks name it; change it there too"
    elif isinstance(live, Ref) or not fits(spec, live):
        hard = f"its {each.path} cannot be written in a file"
    what = each.path if hidden else f"{each.path}: {_shown(each.after)} → {_shown(live)}"
    return AcceptedChange(
        desired.address,
        desired.origin,
        what,
        ways=_ways(kind, spec, each.path),
        value=live,
        declared=each.path in desired.attrs,
        short=kind.short and each.path == kind.key[0],
        hard=hard,
    )


def _ways(kind: Kind, spec: Field, name: str) -> tuple[tuple[str, ...], ...]:
    """The paths to a field: ``fields.company`` is below ``fields``; a field with its own slugs may be there, too."""
    head, dot, slug = name.partition(".")
    if dot:
        return ((head, slug),)
    maps = (each.name for each in kind.fields if each.shape is FieldShape.ENTRIES)
    return ((name,), *((each, other) for each in maps for other in spec.slugs))


def _shown(value: Value) -> str:
    if isinstance(value, frozenset):
        return "[" + ", ".join(sorted(map(str, value))) + "]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int):
        return str(value)
    return f'"{value}"'
